"""The folding child: `python -m dart_k8s.workers.folding`. Requests come as JSON lines on standard input.

    {"id": 1, "output": URI, "declaration": {...}, "samplers": 4, "lease": "NAMESPACE/NAME", "cause": "..."}
        -> {"id": 1, "progress": {...}}                      see reconcile/progress.py; at most 4 KiB
        -> {"id": 1, "error": {"kind", "message", "remedy", "fault": "user" | "store" | "cluster"}}
    {"id": 3, "read": URI, "key": "state/progress.json"}
        -> {"id": 3, "key": ..., "object": {...} | null}     an object of an output, as JSON; null: it is not there
    {"id": 2, "forget": URI}
        -> {"id": 2, "forgotten": URI}                       the planner's role is given back

Answers go to standard output in the order in which they are ready; what happens besides is said on standard error, one
JSON object a line. Requests for different outputs are worked on side by side, those for one in their order. At the end
of the input, and at SIGTERM, what is under way is finished and all roles are given back. Killed at any moment it loses
nothing: all that it knows is in the store.
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dart_k8s.errors import EXIT_CLOSED, EXIT_STOPPED

from .folds import Folds

LONGEST_LINE = 4 << 20
"""Bytes of a request: etcd holds no larger declaration."""


def say(event: str, **facts: object) -> None:
    """One JSON line on standard error."""
    with suppress(BrokenPipeError):
        print(json.dumps({"event": event, **facts}, default=str), file=sys.stderr, flush=True)


def answer(fields: Mapping[str, Any]) -> None:
    """One JSON line on standard output."""
    with suppress(BrokenPipeError):
        print(json.dumps(fields), flush=True)


def main() -> int:
    """Fold until the input ends (0) or SIGTERM comes (75)."""
    parser = argparse.ArgumentParser(prog="folding", description=__doc__)
    parser.add_argument("--outputs", type=int, default=64, help="outputs kept in memory between folds")
    parser.add_argument("--queries", type=int, default=2_000_000, help="queries of them in all")
    parser.add_argument("--memory", type=int, help="MiB that this process may have; more fails the fold")
    options = parser.parse_args()
    folds = Folds(answer=answer, tell=say, most_outputs=options.outputs, most_queries=options.queries)
    if options.memory is not None:
        limit_memory(options.memory << 20)
    return asyncio.run(serve(folds))


def limit_memory(most: int) -> None:
    """Let this process have at most so many bytes in memory, as far as the system can see to it.

    The kernel limits what is reserved, and libraries reserve a GiB that they never use: that much comes on top.
    """
    unused = 0
    with suppress(OSError, KeyError):
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
        parts = [line.partition(":") for line in lines if line.endswith("kB")]
        sizes = {name: int(rest.split()[0]) << 10 for name, _, rest in parts}
        unused = max(0, sizes["VmData"] - sizes["RssAnon"])
    resource.setrlimit(resource.RLIMIT_DATA, (most + unused, most + unused))


async def serve(folds: Folds) -> int:
    """Serve the process's standard input."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    lines = asyncio.StreamReader(limit=LONGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    stop = asyncio.create_task(stopping.wait(), name="stop")
    under_way: set[asyncio.Task[None]] = set()
    while True:
        reading = asyncio.create_task(lines.readline(), name="read")
        await asyncio.wait({reading, stop}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.is_set():
            reading.cancel()
            break
        line = reading.result()
        if not line:
            break
        task = asyncio.create_task(folds.serve(line), name="fold")
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way, return_exceptions=True)
    await folds.close()
    stop.cancel()
    return EXIT_STOPPED if stopping.is_set() else EXIT_CLOSED


if __name__ == "__main__":
    _code = main()
    sys.stdout.flush()
    # Not sys.exit: threads that wait for a store may outlive the interpreter, and the exit code is a contract.
    os._exit(_code)
