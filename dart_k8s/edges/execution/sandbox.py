"""The real executor: a zygote, sessions forked from it, and the rules between.

What runs where: this process reads and judges; the zygote forks and kills; a session computes and is believed nothing.
Each session has three pipes to this process. A session that has answered is stopped (SIGSTOP) until its next block, so
what a block leaves running in its process does not run. Whoever overruns a limit, breaks the framing of its messages or
whose caller goes away is killed, and the next request starts anew by running the earlier blocks again.
"""

import asyncio
import contextlib
import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from dart_k8s.edges.execution.base import BLOCK_BYTES, Block, Counters, Execution, Outcome, Standing
from dart_k8s.edges.execution.limits import DEFAULT_LIMITS, Limits
from dart_k8s.edges.execution.pipes import Pipes, Stop
from dart_k8s.edges.execution.probing import try_out
from dart_k8s.edges.execution.spawning import Zygote
from dart_k8s.errors import ExecutionError

__all__ = ["Sandbox"]

REASONS: dict[Outcome, str] = {
    "timeout": "TimeoutError: stopped after {seconds:g} s",
    "output": "OSError: stopped, it printed more than {output} bytes",
    "died": "SystemExit: the interpreter ended ({why})",
    "refused": "ValueError: a block of {size} bytes is too long; {most} are allowed",
}
"""What a model reads in the place of a traceback."""
RESTARTED = "The interpreter starts anew: what earlier blocks defined is gone."
ENDING_SECONDS = 1.0
"""For the zygote to say how a process ended that has closed its pipe."""


@dataclass(slots=True)
class _Session:
    number: int
    pipes: Pipes
    memory: int
    """Bytes that it was given on top of the libraries."""
    done: list[bytes] = field(default_factory=list)
    """Digests of the blocks that ran in it."""
    process: int = 0
    """As this process knows it, once it is forked."""
    why: str = "killed"
    """How its process ended."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Sandbox:
    """Blocks in confined children of this machine. Use from one event loop.

    `unconfined` lets it start below the minimum. `without` leaves layers out (namespaces, landlock, seccomp, user), for
    tests of the others. `scratch` is a folder on a small file system of its own for places without namespaces.
    """

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        *,
        unconfined: bool = False,
        without: Sequence[str] = (),
        scratch: str = "",
    ) -> None:
        self.limits = limits
        self.counters = Counters()
        self._unconfined = unconfined
        self._without = tuple(without)
        self._scratch = scratch
        self._zygote: Zygote | None = None
        self._starting = asyncio.Lock()
        self._free = asyncio.Semaphore(limits.processes)
        self._numbers = count(1)
        self._held: OrderedDict[str, _Session] = OrderedDict()
        """Sessions that wait for their next block, the least recently used first."""
        self._alive: dict[int, _Session] = {}
        self._base = 0
        """Bytes of memory of the zygote, which sessions share until they change it."""
        self._closed = False

    async def start(self) -> Standing:
        """See `Executor`."""
        zygote = await self._ready()
        standing = await try_out(self, zygote.layers, memory=2 * self.limits.memory)
        if standing.missing and not self._unconfined:
            await self.close()
            raise ExecutionError(
                f"Cannot run code of a model here: {', '.join(standing.missing)} can't be kept from it.",
                remedy="It needs Linux with seccomp and Landlock (5.13 or newer), or a place that allows namespaces. "
                "On a machine that has nothing to lose, spec.execution.unconfined: true runs it all the same.",
            )
        return standing

    async def execute(self, block: Block) -> Execution:
        """See `Executor`."""
        if not block.blocks:
            raise ExecutionError(f"Session '{block.session}' was asked to run no block.")
        size = max(len(code.encode("utf-8", "surrogatepass")) for code in block.blocks)
        if size > BLOCK_BYTES:
            return self._count(self._told("refused", "", size=size), 0.0)
        async with self._free:
            began = asyncio.get_running_loop().time()
            # No block can end the zygote. Whatever did has ended this block too, so it has another turn.
            try:
                execution = await self._attempt(block)
                again = execution.outcome == "died" and self._lost()
            except ExecutionError:
                if self._closed or not self._lost():
                    raise
                again = True
            if again:
                execution = await self._attempt(block)
            return self._count(execution, asyncio.get_running_loop().time() - began)

    async def close(self) -> None:
        """See `Executor`."""
        self._closed = True
        for session in list(self._alive.values()):
            self._kill(session)
        self._held.clear()
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            await zygote.close()

    # Blocks

    async def _attempt(self, block: Block) -> Execution:
        limits = self.limits.within(block.limits)
        session = await self._take(block, limits)
        replayed = len(block.blocks) - 1 - len(session.done)
        try:
            execution = await self._run_all(session, block, limits)
        finally:
            # A session that is not in order by now, or whose caller has gone, is of no more use.
            if len(session.done) < len(block.blocks):
                self._kill(session)
        if not execution.restarted:
            self._hold(block.session, session)
        return replace(execution, replayed=replayed)

    async def _run_all(self, session: _Session, block: Block, limits: Limits) -> Execution:
        loop = asyncio.get_running_loop()
        end = loop.time() + limits.replay_seconds
        last = len(block.blocks) - 1
        for number in range(len(session.done), last):
            left = end - loop.time()
            execution = await self._run(session, number, block.blocks[number], min(limits.seconds, left), limits)
            if execution.restarted:
                return replace(execution, text=f"Running the earlier blocks again: {execution.text}")
        return await self._run(session, last, block.blocks[last], limits.seconds, limits)

    async def _run(self, session: _Session, number: int, code: str, seconds: float, limits: Limits) -> Execution:
        """One block in a session. It is lost afterwards if the block overran a limit."""
        stop, text = await session.pipes.ask(number, code, max(0.01, seconds), limits)
        if stop in (Stop.DONE, Stop.ERROR, Stop.INTERRUPTED):
            session.done.append(digest(code))
            if stop is Stop.INTERRUPTED:
                return self._told("timeout", text, seconds=seconds)
            if stop is Stop.DONE:
                return Execution(text=text, outcome="done")
            last_line = text.rstrip().rpartition("\n")[2]
            return Execution(text=text, outcome="memory" if last_line.startswith("MemoryError") else "error")
        if stop is Stop.FLOOD:
            told = self._told("output", text, output=limits.output_bytes)
        elif stop is Stop.LATE:
            told = self._told("timeout", text, seconds=seconds)
        elif stop is Stop.BROKEN:
            told = self._told("died", text, why="it wrote where it must not")
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ENDING_SECONDS):
                    await session.ended.wait()
            told = self._told("died", text, why=session.why)
        return replace(told, text=f"{told.text}\n{RESTARTED}", restarted=True)

    def _told(self, outcome: Outcome, text: str, **facts: object) -> Execution:
        reason = REASONS[outcome].format(**{"most": BLOCK_BYTES, **facts})
        return Execution(text=f"{text.rstrip()}\n{reason}".lstrip("\n"), outcome=outcome)

    def _count(self, execution: Execution, seconds: float) -> Execution:
        counters = self.counters
        counters.executions[execution.outcome] = counters.executions.get(execution.outcome, 0) + 1
        counters.seconds += seconds
        counters.replayed += execution.replayed
        counters.replays += execution.replayed > 0
        return replace(execution, seconds=seconds)

    # Sessions

    async def _take(self, block: Block, limits: Limits) -> _Session:
        """The session of this response if it is held and stands where the request says, else a new one."""
        zygote = await self._ready()
        earlier = [digest(code) for code in block.blocks[:-1]]
        session = self._held.pop(block.session, None)
        if session is not None and session.done == earlier and session.memory == limits.memory:
            zygote.tell("go", session.number)
            return session
        if session is not None:
            self._kill(session)
        return await self._fresh(block.session, limits)

    async def _fresh(self, name: str, limits: Limits) -> _Session:
        zygote = await self._ready()
        while len(self._alive) >= self.limits.sessions and self._held:
            _, oldest = self._held.popitem(last=False)
            self.counters.evicted += 1
            self._kill(oldest)
        session = _Session(next(self._numbers), Pipes(), limits.memory)
        self._alive[session.number] = session
        # The same response has the same random numbers wherever it is replayed.
        seed = int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big")
        try:
            zygote.fork(session.number, seed, limits.memory, session.pipes.theirs)
        finally:
            session.pipes.forked()
        self.counters.started += 1
        self.counters.sessions = len(self._alive)
        try:
            trouble = await session.pipes.started(self.limits)
        except BaseException:
            self._kill(session)
            raise
        if trouble:
            self._kill(session)
            raise ExecutionError(f"A session for code of a model could not be started: {trouble}.")
        return session

    def _hold(self, name: str, session: _Session) -> None:
        if session.number not in self._alive or self._zygote is None:
            return
        if anonymous(session.process) - self._base > self.limits.held_bytes:
            self.counters.evicted += 1
            self._kill(session)
            return
        self._zygote.tell("stop", session.number)
        rival = self._held.pop(name, None)
        if rival is not None:
            self._kill(rival)
        self._held[name] = session

    def _kill(self, session: _Session) -> None:
        """Be done with a session, whether its process is still there or not."""
        session.pipes.close()
        if self._alive.pop(session.number, None) is None:
            return
        self.counters.kills += 1
        self.counters.sessions = len(self._alive)
        if self._zygote is not None:
            self._zygote.tell("kill", session.number)

    def _forked(self, number: int, process: int) -> None:
        """The zygote has forked a session."""
        if number in self._alive:
            self._alive[number].process = process

    def _ended(self, number: int, why: str) -> None:
        """The zygote has reaped a session's process."""
        session = self._alive.pop(number, None)
        if session is None:
            return
        session.why = why
        session.ended.set()
        self.counters.sessions = len(self._alive)
        for name, held in list(self._held.items()):
            if held is session:
                del self._held[name]
                session.pipes.close()

    # The zygote

    def _lost(self) -> bool:
        return self._zygote is None or self._zygote.ended()

    async def _ready(self) -> Zygote:
        async with self._starting:
            if self._closed:
                raise ExecutionError("The sandbox is closed.", remedy="Make a new one.")
            if self._zygote is None or self._lost():
                for session in list(self._alive.values()):
                    self._ended(session.number, "the zygote ended")
                if self._zygote is not None:
                    await self._zygote.close()
                self._zygote = await Zygote.start(
                    self.limits,
                    without=self._without,
                    scratch=self._scratch,
                    ended=self._ended,
                    forked=self._forked,
                )
                self._base = anonymous(self._zygote.process.pid)
            return self._zygote


def anonymous(process: int) -> int:
    """Bytes of a process's memory that no file backs, what it shares with its parent included; 0 if nobody tells."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{process}/statm").read_text().split()
        return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")
    return 0


def digest(code: str) -> bytes:
    """What a block is recognised by."""
    return hashlib.blake2b(code.encode("utf-8", "surrogatepass"), digest_size=16).digest()
