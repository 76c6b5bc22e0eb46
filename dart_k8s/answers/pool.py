"""Killable children for the part of verification that has no bound of its own, and the doors through which to ask.

The one module of this package that is not pure. A pool starts nothing before the first question that needs a child;
most responses never do. Every child can be killed at any moment: a question whose child died is asked once more, then
it is undecided, and the pool is whole again.
"""

import asyncio
import atexit
import contextlib
import json
import os
import queue
import select
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dart_k8s.answers import codec
from dart_k8s.answers.decide import Question, decide
from dart_k8s.answers.tree import Node
from dart_k8s.answers.verdict import Policy, Verdict
from dart_k8s.errors import VerifierError

DEADLINE_SECONDS = 0.6
"""Wall-clock time of children for one check. Honest sums and integrals need a tenth of it; no check takes over a
second."""
MEMORY_BYTES = 400 << 20
"""Address space of a child; loaded SymPy alone has about 150 MiB."""
_START_SECONDS = 60.0
_GRACE_SECONDS = 2.0
_ATTEMPTS = 2
_MOST_QUESTIONS = 8
"""Questions that one check may ask before it is undecided."""
_REMEMBERED = 4096
"""Questions whose answers a pool remembers: models give the same wrong sum again and again."""
_INLINE_CHARACTERS = 20_000
"""Longer responses are read in a thread, so that the event loop of an async caller does not wait for them."""
_DEFAULT_POLICY = Policy()
_ONCE = "failed once"


_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from dart_k8s.answers.keeper import main; main(sys.argv[2:])"
)
"""What a child runs. Isolated mode, with the parent's import path: it starts the same package wherever that lies."""


class _Lost(Exception):
    """The child's keeper is gone or does not answer."""


class _Keeper:
    """The parent's end of one keeper process."""

    def __init__(self, memory: int) -> None:
        paths = json.dumps([str(Path(entry).resolve()) for entry in sys.path])
        # No environment: a child has no use for credentials or settings of this process.
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, paths, str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"},
            bufsize=0,
        )
        self.buffer = b""
        self._receive(_START_SECONDS)

    def _receive(self, seconds: float) -> dict[str, Any]:
        if self.process.stdout is None:
            raise _Lost
        end = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            poll = select.poll()  # select() fails on descriptors above 1023, which a server has
            poll.register(self.process.stdout, select.POLLIN | select.POLLHUP)
            if left <= 0 or not poll.poll(left * 1000):
                raise _Lost
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                raise _Lost
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def ask(self, question: Question, deadline: float) -> dict[str, Any]:
        """The keeper's reply. Raises _Lost."""
        if self.process.stdin is None:
            raise _Lost
        message = {"left": codec.encode(question.left), "right": codec.encode(question.right), "deadline": deadline}
        data = json.dumps(message).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self.process.stdin.fileno(), data) :]
        except OSError:
            raise _Lost from None
        return self._receive(deadline + _GRACE_SECONDS)

    def kill(self) -> None:
        """End the process and its worker, and leave no zombie."""
        with contextlib.suppress(OSError):
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()


class Pool:
    """Verification with up to `processes` children.

    Usable from threads and from coroutines, started lazily, closed by `close`, by `with`, or at exit. `deadline` is
    in seconds of wall-clock that children may take for one check, `memory` in bytes of address space per child.
    """

    def __init__(self, processes: int = 1, deadline: float = DEADLINE_SECONDS, memory: int = MEMORY_BYTES) -> None:
        if processes < 1 or deadline <= 0:
            raise VerifierError(
                f"A pool of {processes} processes with a deadline of {deadline} s can't verify.",
                remedy="Both must be above 0.",
            )
        self.processes = processes
        self.deadline = deadline
        self.memory = memory
        self.kills = 0
        """Children that were killed or died so far."""
        self._slots: queue.LifoQueue[_Keeper | None] = queue.LifoQueue()
        self._keepers: set[_Keeper] = set()
        self._known: OrderedDict[tuple[Node, Node], bool | str] = OrderedDict()
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._closed = False
        for _ in range(processes):
            self._slots.put(None)
        _open.add(self)

    def check(
        self, response: str, reference: str, query: str | None = None, *, policy: Policy = _DEFAULT_POLICY
    ) -> Verdict:
        """The verdict on one response. Blocks while a child works; safe to call from many threads."""
        facts: dict[tuple[Node, Node], bool] = {}
        clock = _Clock(self.deadline)
        reason = f"it asked more than {_MOST_QUESTIONS} questions"
        for _ in range(_MOST_QUESTIONS):
            outcome = decide(response, reference, query, policy=policy, facts=facts)
            if isinstance(outcome, Verdict):
                return outcome
            settled = self._remembered(outcome, clock)
            if isinstance(settled, str):
                reason = settled
                break
            facts[(outcome.left, outcome.right)] = settled
        found = decide(response, reference, query, policy=policy, facts=_Everything())
        answer = found.answer if isinstance(found, Verdict) else None
        return Verdict(
            verdict="undecided", answer=answer, tier="limit", reason=f"Computer algebra did not settle it: {reason}."
        )

    async def verify(
        self, response: str, reference: str, query: str | None = None, *, policy: Policy = _DEFAULT_POLICY
    ) -> Verdict:
        """The verdict on one response, without blocking the event loop: what is not decided at once goes to a
        thread."""
        if len(response) <= _INLINE_CHARACTERS:
            outcome = decide(response, reference, query, policy=policy)
            if isinstance(outcome, Verdict):
                return outcome
        return await asyncio.get_running_loop().run_in_executor(
            self._executor(), lambda: self.check(response, reference, query, policy=policy)
        )

    def warm_up(self) -> None:
        """Start all children now: a server does this before it says that it is ready, a batch has no need to."""
        keepers = [self._slots.get() for _ in range(self.processes)]
        for keeper in keepers:
            self._slots.put(keeper or self._start())

    def map(self, items: Iterable[tuple[str, str, str | None]], *, policy: Policy = _DEFAULT_POLICY) -> list[Verdict]:
        """Verdicts on (response, reference, query), in order. Children work side by side; the cheap tiers run in this
        process."""
        return list(self._executor().map(lambda item: self.check(*item, policy=policy), items))

    def _executor(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._closed:
                raise VerifierError("The pool is closed.", remedy="Make a new one.")
            if self._threads is None:
                self._threads = ThreadPoolExecutor(max_workers=self.processes, thread_name_prefix="answers")
            return self._threads

    def _remembered(self, question: Question, clock: "_Clock") -> bool | str:
        """What is known of a question, else what a child says. A child that ran out of time is asked once more: the
        machine may have been busy."""
        key = (question.left, question.right)
        with self._lock:
            known = self._known.get(key)
        if known is not None and known != _ONCE:
            return known
        settled = self._settle(question, clock)
        if isinstance(settled, bool) or settled in ("deadline", "memory", "depth"):
            with self._lock:
                self._known[key] = settled if isinstance(settled, bool) or known == _ONCE else _ONCE
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return settled

    def _settle(self, question: Question, clock: "_Clock") -> bool | str:
        """What a child says, or why none could."""
        reason = ""
        for _ in range(_ATTEMPTS):
            reply = self._ask(question, clock)
            if "equal" in reply:
                return bool(reply["equal"])
            reason = str(reply.get("failed", "no reply"))
            if reply.get("alive"):
                # It worked to an end and found nothing: the same again would find the same.
                return False
            if reason in ("deadline", "memory", "depth"):
                return reason
        return f"the child {reason} {_ATTEMPTS} times"

    def _ask(self, question: Question, clock: "_Clock") -> dict[str, Any]:
        if self._closed:
            raise VerifierError("The pool is closed.", remedy="Make a new one.")
        keeper = self._slots.get()
        try:
            if keeper is None:
                keeper = self._start()
            # Waiting for a child or its start does not count: only what it computes.
            with clock:
                reply = keeper.ask(question, clock.left)
            if not reply.get("alive"):
                self.kills += 1
            return reply
        except _Lost:
            self.kills += 1
            if keeper is not None:
                self._drop(keeper)
                keeper = None
            return {"alive": False, "failed": "died"}
        finally:
            self._slots.put(keeper)

    def _start(self) -> _Keeper:
        keeper = _Keeper(self.memory)
        with self._lock:
            self._keepers.add(keeper)
        return keeper

    def _drop(self, keeper: _Keeper) -> None:
        with self._lock:
            self._keepers.discard(keeper)
        keeper.kill()

    def close(self) -> None:
        """End all children. A check that runs in another thread ends undecided."""
        with self._lock:
            self._closed = True
            keepers, self._keepers = list(self._keepers), set()
            threads, self._threads = self._threads, None
        for keeper in keepers:
            keeper.kill()
        if threads:
            threads.shutdown(wait=False)
        _open.discard(self)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Clock:
    """What is left of a check's time with children, in seconds; runs inside `with`."""

    def __init__(self, seconds: float) -> None:
        self._spent = 0.0
        self._seconds = seconds
        self._began = 0.0

    @property
    def left(self) -> float:
        return max(self._seconds - self._spent, 0.01)

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._spent += time.monotonic() - self._began


class _Everything(dict[tuple[Node, Node], bool]):
    """Facts that deny everything, to learn the answer of a check that stays undecided."""

    def get(self, key: object, default: Any = None) -> Any:
        return False

    def __bool__(self) -> bool:
        return True


_open: set[Pool] = set()
_default: Pool | None = None
_default_lock = threading.Lock()


def default() -> Pool:
    """The pool of this process behind `check`: one child, started when it is first needed."""
    global _default
    with _default_lock:
        if _default is None or _default._closed:
            _default = Pool()
        return _default


def _forget() -> None:
    """After a fork: the children belong to the parent, and so do locks that other threads held."""
    global _default, _default_lock
    for pool in _open:
        for keeper in pool._keepers:
            for stream in (keeper.process.stdin, keeper.process.stdout):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()
            keeper.process.returncode = 0  # not this process's child: never wait for it
    _open.clear()
    _default = None
    _default_lock = threading.Lock()


@atexit.register
def _close_all() -> None:
    for pool in list(_open):
        pool.close()


os.register_at_fork(after_in_child=_forget)
