"""One pod's errand: what it does now, whether it was told to stop, and how it ends."""

import asyncio
import json
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dart_k8s.api import Declaration, Synthesis, load_only
from dart_k8s.errors import EXIT_FAILED, EXIT_STOPPED, DartError, SpecError
from dart_k8s.reconcile.findings import Doing, finding
from dart_k8s.workers.access import Tell
from dart_k8s.workers.termination import write

LEAVE_SECONDS = 18.0
"""From SIGTERM to the end, whatever still hangs: the pod is promised to be gone within 20 s, and the kubelet kills it
after 30. What was written is safe, and claims that were not given back expire."""


@dataclass(slots=True, kw_only=True)
class Errand:
    """See the module."""

    document: Declaration
    tell: Tell
    doing: Doing = Doing.STARTING
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    leave_seconds: float = LEAVE_SECONDS
    """See `LEAVE_SECONDS`; a Training has its own grace, for a checkpoint."""

    @property
    def synthesis(self) -> Synthesis:
        """The document of an errand that only a Synthesis has. SpecError for another one."""
        if not isinstance(self.document, Synthesis):
            raise SpecError(
                f"The declaration is of a {self.document.kind}.", remedy="A Synthesis is wanted for this errand."
            )
        return self.document

    def listen(self) -> None:
        """Be told to stop by SIGTERM: `stopping` is set, and the process is gone in time. In the event loop."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        loop.add_signal_handler(signal.SIGINT, self._stop)

    def _stop(self) -> None:
        if not self.stopping.is_set():
            self.tell("stopping", doing=self.doing.value)
            self.stopping.set()
            leave = threading.Timer(self.leave_seconds, os._exit, [EXIT_STOPPED])
            leave.daemon = True
            leave.start()


def say(event: str, **facts: object) -> None:
    """One JSON line on standard output."""
    with suppress(BrokenPipeError):
        print(json.dumps({"event": event, **facts}, default=str), flush=True)


def read_declaration(path: Path) -> Declaration:
    """The only declaration of a file. SpecError if it can't be read."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise SpecError(
            f"Cannot read the declaration {path}: {error}.", remedy="It is mounted from a ConfigMap: is that there?"
        ) from error
    return load_only(text, str(path))


def carry_out(errand: Errand, work: Callable[[Errand], Awaitable[int]]) -> int:
    """Do the work; the exit code. What went wrong is said, also in the termination message."""
    try:
        return asyncio.run(_listening(errand, work))
    except Exception as error:
        return ended(error, errand.doing, errand.tell)


async def _listening(errand: Errand, work: Callable[[Errand], Awaitable[int]]) -> int:
    errand.listen()
    return await work(errand)


def ended(error: BaseException, doing: Doing, tell: Tell) -> int:
    """Say with what error the errand ended; the exit code."""
    code = error.exit_code if isinstance(error, DartError) else EXIT_FAILED
    found = finding(error, doing)
    facts = {"message": found.message, "remedy": found.remedy, "kind": found.kind}
    tell("stopped" if code == EXIT_STOPPED else "error", finding=found.reason, doing=doing.value, **facts)
    if code != EXIT_STOPPED:
        write(found)
    return code


__all__ = ["Errand", "carry_out", "ended", "read_declaration", "say"]
