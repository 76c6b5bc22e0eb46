"""What a sampler did with its engine: slots in use, time held and generating, trials a second."""

import asyncio
from collections import deque
from dataclasses import dataclass

from dart_k8s.edges.engine.base import EngineCounters
from dart_k8s.ledger.segments import Waste

RATE_SECONDS = 60.0
"""Window of the rate of trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a sampler is at, for metrics."""

    running: int
    """Trials in the engine."""
    claims: int
    """Shards held."""
    unsettled: int
    """Responses that wait for their verdict or for the store."""
    verifying: int
    held_seconds: float
    generating_seconds: float


class Meter:
    """Sums since the last segment. Times are the event loop's, in seconds."""

    def __init__(self, counters: EngineCounters, slots: int) -> None:
        self._counters = counters
        self._slots = slots
        self.running = 0
        """Trials in the engine."""
        self._busy = 0.0
        self._changed = 0.0
        self._began = 0.0
        self._last = (0.0, 0.0, counters.aborted, counters.wasted_tokens)
        self._recent: deque[float] = deque()

    def begin(self) -> None:
        """Start the clock."""
        now = asyncio.get_running_loop().time()
        self._changed = self._began = now
        self._last = (now, 0.0, self._counters.aborted, self._counters.wasted_tokens)

    def use(self, change: int) -> None:
        """A trial enters (1) or leaves (-1) the engine."""
        now = asyncio.get_running_loop().time()
        self._busy += self.running * (now - self._changed)
        self._changed = now
        self.running += change

    def finished(self, when: float) -> None:
        """A trial finished."""
        self._recent.append(when)

    def waste(self) -> Waste:
        """What happened since the last segment, for the totals."""
        self.use(0)
        now = asyncio.get_running_loop().time()
        then, busy, aborted, wasted = self._last
        self._last = (now, self._busy, self._counters.aborted, self._counters.wasted_tokens)
        return Waste(
            aborted=self._counters.aborted - aborted,
            wasted_tokens=self._counters.wasted_tokens - wasted,
            held_seconds=now - then,
            busy_slot_seconds=self._busy - busy,
            generating_seconds=(self._busy - busy) / max(1, self._slots),
            rate=self._rate(now),
        )

    def standing(self, *, claims: int, unsettled: int, verifying: int) -> Standing:
        """What the sampler is at."""
        self.use(0)
        return Standing(
            running=self.running,
            claims=claims,
            unsettled=unsettled,
            verifying=verifying,
            held_seconds=self._changed - self._began,
            generating_seconds=self._busy / max(1, self._slots),
        )

    def _rate(self, now: float) -> float:
        """Trials a second, lately."""
        while self._recent and now - self._recent[0] >= RATE_SECONDS:
            self._recent.popleft()
        return len(self._recent) / max(1.0, now - self._recent[0]) if self._recent else 0.0

    def facts(self) -> dict[str, object]:
        """For whoever watches."""
        counters = self._counters
        return {
            "tokens": counters.tokens,
            "running": self.running,
            "slots": self._slots,
            "retries": counters.retries,
            "trouble": counters.trouble,
        }
