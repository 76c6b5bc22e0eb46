"""The entry point of a sampler process, the same in a pod and on one machine: `python -m dart_k8s.workers.main`.

Exit codes are a contract (errors.py): 0 only after reading that the state is closed; 64 bad configuration; 74 the
store; 75 stopped on request, SIGTERM included; anything else is a failure that whoever started it judges. What happens
is said on standard output, one JSON object a line.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dart_k8s.edges.engine.base import Engine
from dart_k8s.edges.store import open_store
from dart_k8s.errors import EXIT_CLOSED, EXIT_STOPPED, DartError
from dart_k8s.ledger.keys import RUN

from . import record
from .orphan import die_with_parent
from .sample import Sampler
from .sampling import facts_of, make_engine, sampler_of


def say(event: str, **facts: object) -> None:
    """One JSON line on standard output."""
    with suppress(BrokenPipeError):
        print(json.dumps({"event": event, **facts}, default=str), flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sampler over one output or several in turn, with one engine start; the exit code."""
    parser = argparse.ArgumentParser(prog="sampler", description=__doc__)
    parser.add_argument("--output", action="append", required=True, help="output URI; several share one engine start")
    parser.add_argument("--cache", type=Path, required=True, help="folder for models")
    parser.add_argument("--log", type=Path, help="file for the engine's own log")
    parser.add_argument("--offline", action="store_true", help="never ask a hub")
    parser.add_argument("--with-parent", action="store_true", help="stop when the parent process is gone")
    options = parser.parse_args(arguments)
    if options.with_parent:
        die_with_parent()
    try:
        return asyncio.run(_work(options))
    except DartError as error:
        say("error", message=error.message, remedy=error.remedy, kind=type(error).__name__)
        return error.exit_code


async def _work(options: argparse.Namespace) -> int:
    stopping = asyncio.Event()
    current: list[Sampler] = []

    def stop() -> None:
        stopping.set()
        for sampler in current:
            sampler.stop()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    engine: Engine | None = None
    try:
        for uri in options.output:
            if not await _prepared(uri, stopping):
                return EXIT_STOPPED
            if engine is None:
                engine = await _start(uri, options)
            code = await _sample(uri, engine, current, stopping)
            if code != EXIT_CLOSED:
                return code
        return EXIT_CLOSED
    finally:
        if engine is not None:
            await engine.close()


async def _prepared(uri: str, stopping: asyncio.Event) -> bool:
    """Wait until the output is prepared; False if told to stop meanwhile."""
    store = open_store(uri)
    while not stopping.is_set():
        if await asyncio.to_thread(store.head, RUN) is not None:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await stopping.wait()
    return False


async def _start(uri: str, options: argparse.Namespace) -> Engine:
    run = await asyncio.to_thread(record.need, open_store(uri))
    synthesis = run.synthesis
    engine = make_engine(synthesis, run, cache=options.cache, offline=options.offline, log=options.log)
    say("loading", engine=synthesis.spec.engine.kind)
    say("engine", **facts_of(await engine.start()))
    return engine


async def _sample(uri: str, engine: Engine, current: list[Sampler], stopping: asyncio.Event) -> int:
    store = open_store(uri)
    run = await asyncio.to_thread(record.need, store)
    async with sampler_of(store, run.synthesis, run, engine, say) as sampler:
        current[:] = [sampler]
        if stopping.is_set():
            return EXIT_STOPPED
        code = await sampler.run()
        say("left", output=uri, code=code, **store.requests())
        return code


if __name__ == "__main__":
    _code = main()
    sys.stdout.flush()
    # Not sys.exit: threads of native libraries may outlive the interpreter and abort it, and the exit code is a
    # contract.
    os._exit(_code)
