"""One checker: a process that reads responses line by line, and writes verdicts.

    in    [id, response, reference, query or null, {policy}, algebra]
    out   {"ready": pid}                        once, at the start
          [id, verdict, answer, tier, reason, kills]
          [id]                                  it needs computer algebra, and is to be asked again with `algebra` true
          {"failed": id}                        the checker itself broke on it

What is decided in bounded time is decided one after the other; beside it a thread hands those with `algebra` to a pool
of one killable child. `kills` counts that pool's children that were killed or died. The process ends with its input. It
is started without environment, and reads and writes nothing but the two pipes.
"""

import contextlib
import json
import os
import resource
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from dart_k8s.answers import Policy, Verdict
from dart_k8s.answers.decide import decide
from dart_k8s.answers.pool import Pool

READ = 1 << 18
"""Bytes of one read from the pipe."""
HOLD_SECONDS = 0.005
"""For how long replies are held back, to be written together, while more questions wait."""


class Checker:
    """The two pipes and the pool behind them."""

    def __init__(self, source: int, target: int, pool: Pool) -> None:
        self._source, self._target, self._pool = source, target, pool
        self._lock = threading.Lock()
        self._held: list[bytes] = []
        self._wrote = 0.0
        self._slow = ThreadPoolExecutor(max_workers=pool.processes, thread_name_prefix="algebra")

    def serve(self) -> None:
        """Answer until the input ends."""
        rest: list[bytes] = []
        while data := os.read(self._source, READ):
            *lines, tail = data.split(b"\n")
            if not lines:
                rest.append(tail)
                continue
            lines[0] = b"".join([*rest, lines[0]])
            rest = [tail]
            for line in lines:
                self._take(json.loads(line))
                if time.monotonic() - self._wrote > HOLD_SECONDS:
                    self._flush()
            self._flush()

    def _take(self, question: list[Any]) -> None:
        number, response, reference, query, fields, algebra = question
        try:
            policy = _policy(json.dumps(fields, sort_keys=True))
            if algebra:
                self._slow.submit(self._algebra, number, response, reference, query, policy)
                return
            outcome = decide(response, reference, query, policy=policy)
        except Exception:
            self._failed(number)
            return
        self._say(self._line(number, outcome) if isinstance(outcome, Verdict) else _dump([number]))

    def _algebra(self, number: int, response: str, reference: str, query: str | None, policy: Policy) -> None:
        try:
            self._say(self._line(number, self._pool.check(response, reference, query, policy=policy)))
        except Exception:
            self._failed(number)
        self._flush()

    def _line(self, number: int, found: Verdict) -> bytes:
        return _dump([number, found.verdict, found.answer, found.tier, found.reason, self._pool.kills])

    def _failed(self, number: int) -> None:
        self._say(_dump({"failed": number}))

    def _say(self, line: bytes) -> None:
        with self._lock:
            self._held.append(line)

    def _flush(self) -> None:
        with self._lock:
            data, self._held = b"".join(self._held), []
            self._wrote = time.monotonic()
            while data:
                data = data[os.write(self._target, data) :]


@lru_cache(maxsize=256)
def _policy(fields: str) -> Policy:
    return Policy(**json.loads(fields))


def _dump(data: object) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode() + b"\n"


def main(deadline: float, memory: int, child_memory: int) -> None:
    """Serve on the standard pipes. `deadline` in seconds; `memory` of this process, `child_memory` of the pool's child
    in bytes of address space."""
    source, target = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setswitchinterval(0.001)
    pool = Pool(processes=1, deadline=deadline, memory=child_memory)
    pool.warm_up()
    checker = Checker(source, target, pool)
    os.write(target, _dump({"ready": os.getpid()}))
    with contextlib.suppress(BrokenPipeError):
        checker.serve()
    pool.close()
    # Threads may still wait for computer algebra that nobody wants any more.
    os._exit(0)
