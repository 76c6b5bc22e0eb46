"""What every executor promises, whatever stands behind it.

A request carries all blocks that a response has so far, and asks for the last one. An executor that still holds the
response's session runs only that; any other runs the earlier ones again first, so it makes no difference which executor
a request reaches. Nothing a block does is an error of the executor: it comes back as text, as a notebook shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

__all__ = [
    "BLOCK_BYTES",
    "Block",
    "BlockLimits",
    "Counters",
    "Execution",
    "Executor",
    "Outcome",
    "Standing",
    "shortened",
]

BLOCK_BYTES = 32 << 10
"""Longest block, in UTF-8. A response of 2,048 tokens has a quarter of it."""

Outcome = Literal["done", "error", "timeout", "memory", "output", "died", "refused"]
"""done: ran to its end. error: an exception ended it. timeout, output: stopped at that limit. memory: ended by a
MemoryError. died: its process ended (a crash, os._exit, the kernel). refused: too long to be run at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockLimits:
    """What a block may use, where a request asks for less than its executor allows."""

    seconds: float
    """Wall-clock time of one block."""
    memory: int
    """Bytes of address space of its session, on top of the libraries."""
    head_bytes: int
    tail_bytes: int
    """Of what it prints, in UTF-8: what is kept from the start and from the end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A request: run the last block of a session, after those before it."""

    session: str
    """Name of the response that the blocks belong to; unique among all that this executor serves."""
    blocks: tuple[str, ...]
    """All blocks since the session last started anew (`Execution.restarted`), the one to run last. At least one."""
    limits: BlockLimits | None = None
    """None: what the executor allows. It never allows more, whatever is asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """What came of a block."""

    text: str
    """What it printed, the value of a trailing expression, the end of a traceback, or why it was stopped; bounded."""
    outcome: Outcome
    seconds: float = 0.0
    """Wall-clock time of the block and of those run again."""
    replayed: int = 0
    """Blocks that were run again because the session was not held."""
    restarted: bool = False
    """The session is lost with all that its blocks defined, as when a notebook's kernel starts anew: the next request
    leaves out the blocks up to this one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What confines blocks here, found out by trying at start."""

    layers: Mapping[str, str]
    """Mechanism -> what of it is in force; empty text: not available here."""
    promises: Mapping[str, bool]
    """Promise -> whether an attempt to break it failed, as it should."""
    missing: tuple[str, ...] = ()
    """Promises of the minimum that do not hold."""


@dataclass(kw_only=True, slots=True)
class Counters:
    """Running sums since the start."""

    executions: dict[str, int] = field(default_factory=dict)
    """By outcome."""
    seconds: float = 0.0
    """Wall-clock time of all executions."""
    kills: int = 0
    """Sessions killed at a limit, or because their caller went away."""
    sessions: int = 0
    """Sessions held now."""
    started: int = 0
    replays: int = 0
    """Requests for which earlier blocks had to be run again."""
    replayed: int = 0
    """Blocks that were run again."""
    evicted: int = 0
    """Sessions that made room for others."""


class Executor(Protocol):
    """Runs blocks."""

    counters: Counters

    async def start(self) -> Standing:
        """Get ready and try the confinement. ExecutionError if it is below the minimum, or can't be had here."""
        ...

    async def execute(self, block: Block) -> Execution:
        """Run a block; cancelling the task kills its session.

        Raises ExecutionError if the executor itself is out of order, never for anything a block does.
        """
        ...

    async def close(self) -> None:
        """End all sessions. Closing twice is fine."""
        ...


def shortened(head: str, tail: str, left_out: int) -> str:
    """Both ends of a text of which `left_out` characters or bytes in the middle are not shown."""
    return f"{head}\n... {left_out} left out ...\n{tail}" if left_out else head + tail
