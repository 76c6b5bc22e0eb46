"""Who folds: killable child processes that speak JSON lines, or a function in this process, for simulations."""

import itertools
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from dart_k8s.reconcile.facts import Failure, Found
from dart_k8s.reconcile.progress import Progress

from .folding import Order

__all__ = ["FOLDING", "Children", "DirectFolder", "failure_of"]

FOLDING = (sys.executable, "-m", "dart_k8s.workers.folding")
AT_ONCE = 8
"""Folds that a child has at a time: they wait for the store most of the time."""

Told = Progress | Found | Failure
Ended = Callable[[Told], None]
Tell = Callable[..., None]


class DirectFolder:
    """Folds at once, by a function that raises nothing but returns a Failure."""

    def __init__(self, fold: Callable[[Order], Told], forget: Callable[[str], None] = lambda uri: None):
        self._fold, self._forget = fold, forget

    def start(self, order: Order, ended: Ended) -> bool:
        """See `Folder`."""
        ended(self._fold(order))
        return True

    def forget(self, output: str, ended: Callable[[], None]) -> None:
        """See `Folder`."""
        self._forget(output)
        ended()


@dataclass(slots=True, eq=False)
class _Child:
    process: subprocess.Popen[bytes]
    waiting: dict[int, tuple[float, str, Ended]] = field(default_factory=dict)
    """Request -> when it has to be answered, its output, and whom to tell."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Of writing."""


class Children:
    """A bounded pool of child processes. An output stays with its child, which keeps its state in memory.

    A child that does not answer in time is killed; it loses nothing, all that it knows is in the store. What it had
    under way ends as a failure, and is ordered again. Children start when they are first needed.
    """

    def __init__(
        self,
        *,
        lease: str,
        most: int = 2,
        memory_mib: int = 2048,
        deadline: float = 300.0,
        command: Sequence[str] = FOLDING,
        tell: Tell = lambda event, **facts: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lease`: the operator's, as namespace/name; planners of one Lease take the role over from each other."""
        self._lease, self._deadline, self._tell, self._clock = lease, deadline, tell, clock
        self._command = [*command, "--memory", str(memory_mib)]
        self._slots: list[_Child | None] = [None] * most
        self._of: dict[str, int] = {}
        """Output -> slot."""
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._stopping = False

    def start(self, order: Order, ended: Ended) -> bool:
        """See `Folder`."""
        request: dict[str, Any]
        if order.read:
            request = {"read": order.output, "key": order.read}
        else:
            request = {
                "output": order.output,
                "declaration": order.declaration,
                "samplers": order.samplers,
                "lease": self._lease,
                "cause": order.cause,
            }
        with self._lock:
            if self._stopping:
                return False
            slot = self._of.get(order.output)
            if slot is None:
                load = [sum(one == number for one in self._of.values()) for number in range(len(self._slots))]
                slot = load.index(min(load))
            child = self._slots[slot]
            if child is None or child.process.poll() is not None:
                child = self._slots[slot] = self._spawn(slot)
            if len(child.waiting) >= AT_ONCE:
                return False
            number = next(self._numbers)
            self._of[order.output] = slot
            child.waiting[number] = (self._clock() + self._deadline, order.output, ended)
        self._send(child, {"id": number, **request})
        return True

    def forget(self, output: str, ended: Callable[[], None]) -> None:
        """See `Folder`."""
        with self._lock:
            slot, number = self._of.pop(output, None), next(self._numbers)
            child = self._slots[slot] if slot is not None else None
            if child is not None:
                child.waiting[number] = (self._clock() + self._deadline, output, lambda told: ended())
        if child is None:
            ended()
        else:
            self._send(child, {"id": number, "forget": output})

    def kill_late(self) -> None:
        """Kill children that have a request past its deadline. To be called every second or so."""
        now = self._clock()
        with self._lock:
            children = [child for child in self._slots if child is not None]
        for child in children:
            late = [output for due, output, _ in list(child.waiting.values()) if due <= now]
            if late:
                self._tell("fold-late", outputs=late, seconds=self._deadline, pid=child.process.pid)
                child.process.kill()

    def pids(self) -> list[int]:
        """Of the children that live."""
        with self._lock:
            return [child.process.pid for child in self._slots if child and child.process.poll() is None]

    def stop(self, seconds: float = 15.0) -> None:
        """Have roles given back and end the children; those that take longer are killed."""
        with self._lock:
            self._stopping = True
            children = [child for child in self._slots if child is not None]
        for child in children:
            with suppress(OSError, ValueError), child.lock:
                if child.process.stdin:
                    child.process.stdin.close()
        ends = time.monotonic() + seconds
        for child in children:
            try:
                child.process.wait(max(0.1, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._tell("fold-child-killed", pid=child.process.pid, why="did not end in time")
                child.process.kill()
                child.process.wait()

    def _spawn(self, slot: int) -> _Child:
        # In a session of its own: Ctrl-C in a terminal is for the operator, which then ends its children.
        process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        child = _Child(process)
        self._tell("fold-child-started", pid=process.pid, slot=slot)
        threading.Thread(target=self._read, args=(slot, child), name=f"folds-{slot}", daemon=True).start()
        return child

    def _send(self, child: _Child, request: dict[str, Any]) -> None:
        # A child that is gone is found out by its reader.
        with suppress(OSError, ValueError), child.lock:
            if child.process.stdin:
                child.process.stdin.write(json.dumps(request).encode() + b"\n")
                child.process.stdin.flush()

    def _read(self, slot: int, child: _Child) -> None:
        for line in child.process.stdout or ():
            try:
                answer = json.loads(line)
                number = answer["id"]
            except (ValueError, KeyError, TypeError):
                self._tell("fold-unreadable", pid=child.process.pid, line=line[:200].decode(errors="replace"))
                continue
            with self._lock:
                found = child.waiting.pop(number, None) if isinstance(number, int) else None
            if found:
                found[2](_told(answer))
        code = child.process.wait()
        with self._lock:
            left, child.waiting = list(child.waiting.values()), {}
            if self._slots[slot] is child:
                self._slots[slot] = None
                # The next child has nothing in memory: outputs may go where there is room.
                self._of = {uri: other for uri, other in self._of.items() if other != slot}
            stopping = self._stopping
        if code and not stopping:
            self._tell("fold-child-ended", pid=child.process.pid, code=code, under_way=len(left))
        for _, output, ended in left:
            ended(_lost(output, code))


def _told(answer: dict[str, Any]) -> Told:
    try:
        if "forgotten" in answer:
            return Progress(prepared=False)
        if "object" in answer:
            return Found(key=str(answer["key"]), object=answer["object"])
        if "progress" in answer:
            return Progress.from_json(answer["progress"])
        return failure_of(answer["error"])
    except (KeyError, TypeError) as error:
        return failure_of({"kind": "Unreadable", "message": f"Cannot read what a fold said: {error!r}"})


def failure_of(error: dict[str, Any]) -> Failure:
    """A fold's error as a fact."""
    fault = error.get("fault", "cluster")
    return Failure(
        what="fold",
        reason=str(error["kind"]),
        message=str(error["message"])[:1000],
        remedy=str(error.get("remedy", ""))[:1000],
        fault=cast(Literal["user", "cluster", "store"], fault if fault in {"user", "cluster", "store"} else "cluster"),
    )


def _lost(output: str, code: int) -> Failure:
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return failure_of(
        {
            "kind": "FoldChildDied",
            "message": f"The process that folded {output} ended ({how}).",
            "remedy": "It is tried again. If this stays so, raise folding.memoryMiB of the operator.",
        }
    )
