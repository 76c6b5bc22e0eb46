"""Checkers: one process a core that gives verdicts, each with a killable child of its own for computer algebra.

Any of these processes may be killed at any moment. What a dead one had not answered is asked again of another; what it
was just working at is a suspect, and undecided when its checker died twice. A checker that works at one response for
too long is killed from here, so a response is bounded in time whatever the code that reads it does.

    Checkers    the fleet: the queue, who is asked what; one event loop
    _Child      one checker process: what it was asked and has not answered yet
    Question    one response on its way; its future has the verdict
"""

import asyncio
import contextlib
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dart_k8s.answers import Verdict
from dart_k8s.answers.pool import DEADLINE_SECONDS, MEMORY_BYTES
from dart_k8s.errors import VerifierError

ATTEMPTS = 2
"""Checkers that one response may take down before it is undecided."""
PROGRAM = "dart_k8s.workers.checking.checker"
CHECK_SECONDS = 5.0
"""Longest work at one response without computer algebra; honest ones take milliseconds."""
ALGEBRA_DEADLINES = 20
"""Deadlines of computer algebra after which its checker itself is killed. The checker's own pool is through after about
one: this is for one that is not."""
START_SECONDS = 60.0
CHECKER_BYTES = 2 << 30
"""Address space of a checker: no honest response needs a tenth of it."""
MOST_ASKED = 32
"""Questions that one checker has at a time: enough that it never waits for the next."""
MOST_CHARACTERS = 1 << 20
"""Characters of these questions together, but always one question."""
RESTART_SECONDS = 0.2
"""First wait before a checker that died is started again; it doubles to a few seconds while they die at once."""
RESTART_MOST = 5.0
WORDS_KEPT = 2000
"""Characters kept of what a checker says on standard error, for the log."""

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from importlib import import_module; import_module(sys.argv[3]).main(*json.loads(sys.argv[2]))"
)
"""What a checker runs. Isolated mode, with this process's import path: the same package wherever that lies."""

Tell = Callable[..., None]


def _silent(event: str, **facts: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened to processes so far."""

    checkers: int
    """Checkers that died or were killed."""
    children: int
    """Their children that were killed, at a deadline or otherwise."""


@dataclass(slots=True, eq=False)
class Question:
    """One response on its way to its verdict."""

    response: str
    reference: str
    query: str | None
    policy: Mapping[str, Any]
    answered: "asyncio.Future[Verdict]"
    deaths: int = 0

    @property
    def characters(self) -> int:
        return len(self.response) + len(self.reference) + len(self.query or "")


@dataclass(slots=True, eq=False)
class _Child:
    process: asyncio.subprocess.Process
    asked: dict[int, Question] = field(default_factory=dict)
    """In the order sent; the first one is being worked at."""
    characters: int = 0
    since: float = 0.0
    """The loop's time since when it works at the first one, at the earliest."""
    algebra: tuple[int, Question] | None = None
    """What its child works at."""
    algebra_since: float = 0.0
    kills: int = 0

    def open(self) -> list[Question]:
        return [*self.asked.values(), *([self.algebra[1]] if self.algebra else [])]

    def room(self, question: Question) -> bool:
        few = len(self.asked) < MOST_ASKED and self.characters + question.characters <= MOST_CHARACTERS
        return not self.asked or few

    def send(self, number: int, question: Question, *, algebra: bool) -> None:
        asked = [number, question.response, question.reference, question.query, dict(question.policy), algebra]
        if self.process.stdin is not None:
            self.process.stdin.write(json.dumps(asked, separators=(",", ":")).encode() + b"\n")


class Checkers:
    """Use `start`, then `check` from any number of coroutines of one event loop, then `close`."""

    def __init__(
        self,
        *,
        processes: int,
        deadline: float = DEADLINE_SECONDS,
        memory: int = MEMORY_BYTES,
        check_seconds: float = CHECK_SECONDS,
        attempts: int = ATTEMPTS,
        program: str = PROGRAM,
        tell: Tell = _silent,
    ) -> None:
        """`deadline` (seconds) and `memory` (bytes) bound one question to computer algebra; `check_seconds` bounds the
        work at a response outside of it, which may take down `attempts` checkers. `program` is the module that a
        checker runs."""
        if processes < 1:
            raise VerifierError(f"{processes} checkers can't verify.", remedy="At least one is needed.")
        self.processes = processes
        self.tell = tell
        self._arguments = [deadline, CHECKER_BYTES, memory]
        self._algebra_seconds = ALGEBRA_DEADLINES * deadline
        self._check_seconds = check_seconds
        self._attempts, self._program = attempts, program
        self._waiting: deque[Question] = deque()
        self._algebra: deque[Question] = deque()
        self._children: set[_Child] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._number = 0
        self._dead = 0
        self._killed = 0
        self._closed = False
        self._ready = asyncio.Event()
        self._last_words = ""

    @property
    def alive(self) -> int:
        """Checkers that take questions now."""
        return len(self._children)

    @property
    def counts(self) -> Counts:
        """Deaths so far."""
        return Counts(checkers=self._dead, children=self._killed + sum(child.kills for child in self._children))

    async def start(self) -> None:
        """Start all checkers and wait until every one is warm. VerifierError if none comes up."""
        self._tasks = [asyncio.create_task(self._keep(), name=f"checker-{n}") for n in range(self.processes)]
        self._tasks.append(asyncio.create_task(self._watch(), name="checkers-watch"))
        try:
            async with asyncio.timeout(START_SECONDS):
                while len(self._children) < self.processes:
                    self._ready.clear()
                    await self._ready.wait()
        except TimeoutError:
            if not self._children:
                await self.close()
                raise VerifierError(
                    f"No checker came up within {START_SECONDS:g} s. Last words: {self._last_words or 'none'}",
                    remedy="Try `python -c 'import dart_k8s.answers'` in the same environment.",
                ) from None

    async def check(
        self, items: Iterable[tuple[str, str, str | None]], policy: Mapping[str, Any] | None = None
    ) -> list[Verdict]:
        """Verdicts on (response, reference, query), in order. `policy` has fields of `answers.Policy`.

        Never raises on any text. VerifierError after `close`. Cancelled, it takes back what was not begun with.
        """
        if self._closed:
            raise VerifierError("The checkers are closed.", remedy="Start new ones.")
        loop = asyncio.get_running_loop()
        questions = [
            Question(response, reference, query, policy or {}, loop.create_future())
            for response, reference, query in items
        ]
        self._waiting.extend(questions)
        self._hand_out()
        try:
            return [await question.answered for question in questions]
        finally:
            for question in questions:
                if not question.answered.cancel() and not question.answered.cancelled():
                    question.answered.exception()  # of those that nobody has looked at

    async def close(self) -> None:
        """End all processes. What is not answered raises VerifierError."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for question in (*self._waiting, *self._algebra):
            _fail(question, "The checkers were closed.")
        self._waiting.clear()
        self._algebra.clear()

    # Questions

    def _hand_out(self) -> None:
        """Give what waits to the checkers with the fewest open questions, and to children that are free."""
        now = asyncio.get_running_loop().time()
        while (question := _next(self._waiting)) and self._children:
            child = min(self._children, key=lambda one: len(one.asked))
            if not child.room(question):
                break
            self._waiting.popleft()
            if not child.asked:
                child.since = now
            self._number += 1
            child.asked[self._number] = question
            child.characters += question.characters
            child.send(self._number, question, algebra=False)
        free = [child for child in self._children if child.algebra is None] if self._algebra else []
        while free and (question := _next(self._algebra)):
            self._algebra.popleft()
            child = free.pop()
            self._number += 1
            child.algebra, child.algebra_since = (self._number, question), now
            child.send(self._number, question, algebra=True)

    def _heard(self, child: _Child, line: bytes) -> None:
        said = json.loads(line)
        number = int(said["failed"] if isinstance(said, dict) else said[0])
        if child.algebra is not None and child.algebra[0] == number:
            question, child.algebra = child.algebra[1], None
        else:
            question = child.asked.pop(number)
            child.characters -= question.characters
            child.since = asyncio.get_running_loop().time()
        if isinstance(said, dict):
            self._suspect(question)
        elif len(said) == 1:
            self._algebra.append(question)
        else:
            _, verdict, answer, tier, reason, child.kills = said
            if not question.answered.done():
                question.answered.set_result(Verdict(verdict=verdict, answer=answer, tier=tier, reason=reason))

    def _suspect(self, question: Question) -> None:
        question.deaths += 1
        if question.deaths < self._attempts:
            self._waiting.appendleft(question)
        elif not question.answered.done():
            reason = f"The verifier's process ended {question.deaths} times while it worked at this response."
            question.answered.set_result(Verdict(verdict="undecided", answer=None, tier="limit", reason=reason))

    # Processes

    async def _keep(self) -> None:
        """Keep one checker alive."""
        wait = RESTART_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self._live()
            self._dead += 1
            wait = RESTART_SECONDS if loop.time() - began > RESTART_MOST else min(RESTART_MOST, 2 * wait)
            await asyncio.sleep(wait)

    async def _live(self) -> None:
        """One checker's life, from its start to its end."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-c",
            _START,
            json.dumps([str(Path(entry).resolve()) for entry in sys.path]),
            json.dumps(self._arguments),
            self._program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # No environment: a checker has no use for credentials or settings of this process.
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            limit=64 << 20,
        )
        child = _Child(process)
        words = asyncio.create_task(self._words(process))
        try:
            if process.stdout is None:
                return
            async with asyncio.timeout(START_SECONDS):
                if not await process.stdout.readline():
                    return
            self._children.add(child)
            self._ready.set()
            self._hand_out()
            while line := await process.stdout.readline():
                self._heard(child, line)
                self._hand_out()
        except (TimeoutError, ValueError, LookupError, OSError):
            pass  # It said nothing, or nonsense: its end is dealt with below.
        finally:
            self._children.discard(child)
            self._killed += child.kills
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()
            # The cancelled task has read all there was.
            words.cancel()
            await asyncio.gather(words, return_exceptions=True)
            if self._closed:
                for question in child.open():
                    _fail(question, "The checkers were closed.")
            else:
                self.tell("checker-ended", pid=process.pid, code=process.returncode, words=self._last_words)
                self._take_back(child)

    def _take_back(self, child: _Child) -> None:
        """Ask a dead checker's questions again: first what it had not come to, then the suspects."""
        asked = list(child.asked.values())
        self._waiting.extendleft(reversed(asked[1:]))
        for suspect in (*asked[:1], *([child.algebra[1]] if child.algebra else [])):
            self._suspect(suspect)
        self._hand_out()

    async def _watch(self) -> None:
        """Kill checkers that work at one response for too long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(0.5, self._check_seconds / 4))
            for child in list(self._children):
                reading = loop.time() - child.since if child.asked else 0.0
                algebra = loop.time() - child.algebra_since if child.algebra else 0.0
                if reading > self._check_seconds or algebra > self._algebra_seconds:
                    self.tell("checker-killed", pid=child.process.pid, seconds=round(max(reading, algebra), 1))
                    with contextlib.suppress(ProcessLookupError):
                        child.process.kill()

    async def _words(self, process: asyncio.subprocess.Process) -> None:
        kept = ""
        if process.stderr is None:
            return
        while data := await process.stderr.read(4096):
            kept = (kept + data.decode("utf-8", "replace"))[-WORDS_KEPT:]
            self._last_words = kept


def _next(queue: deque[Question]) -> Question | None:
    """The first one that somebody still waits for; it stays there."""
    while queue and queue[0].answered.done():
        queue.popleft()
    return queue[0] if queue else None


def _fail(question: Question, words: str) -> None:
    if not question.answered.done():
        question.answered.set_exception(VerifierError(words))
