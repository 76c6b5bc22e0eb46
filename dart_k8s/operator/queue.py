"""The work queue: each key once, one worker per key, later if asked for, and with a growing pause after failures."""

import heapq
import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition

from .keys import Key

__all__ = ["BackOff", "Queue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """Pauses that double, drawn from the upper half of each ("equal jitter"): keys that failed together part."""

    first: float
    most: float

    def pause(self, failures: int, draw: Callable[[], float] = random.random) -> float:
        """Seconds after so many failures in a row."""
        whole = min(self.most, self.first * 2.0 ** min(max(failures, 1) - 1, 30))
        return whole * (0.5 + draw() / 2)


RETRIES = BackOff(first=0.2, most=300.0)
"""Of a key whose reconciling failed: quick at first, for a lost reply; five minutes for what needs a person."""


class Queue:
    """See the module. A key that is added while it is worked on is worked on again. Safe for many threads."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        retries: BackOff = RETRIES,
        waited: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        """`waited`: told of each key how long it stood in the queue after it was due."""
        self._clock, self._draw, self._retries, self._waited = clock, draw, retries, waited
        self._due: dict[Key, float] = {}
        """Keys that wait, and when each is due; entries of the heap that disagree are void."""
        self._heap: list[tuple[float, int, Key]] = []
        self._count = itertools.count()
        self._working: dict[Key, float | None] = {}
        """Keys that are worked on, and when to work on each again."""
        self._failures: dict[Key, int] = {}
        self._rests: dict[Key, float] = {}
        """Keys that are not given out before a time."""
        self._changed = Condition()
        self._closed = False

    def add(self, key: Key, after: float = 0.0) -> None:
        """Work on a key in so many seconds at the latest."""
        with self._changed:
            self._add(key, self._clock() + max(0.0, after))

    def retry(self, key: Key, at_least: float = 0.0) -> float:
        """Work on a key again after its back-off, or what the server asked for; the pause in seconds."""
        with self._changed:
            self._failures[key] = self._failures.get(key, 0) + 1
            pause = max(at_least, self._retries.pause(self._failures[key], self._draw))
            self._add(key, self._clock() + pause)
        return pause

    def succeeded(self, key: Key) -> None:
        """The key's next failure is its first again."""
        with self._changed:
            self._failures.pop(key, None)

    def take(self) -> Key | None:
        """A key that is due and nobody works on; None if there is none now, or the queue is closed."""
        with self._changed:
            return self._take()

    def get(self, timeout: float) -> Key | None:
        """The same, waiting for so many seconds at most."""
        ends = self._clock() + timeout
        with self._changed:
            while not self._closed:
                key = self._take()
                now = self._clock()
                if key is not None or now >= ends:
                    return key
                due = self._first()
                self._changed.wait(max(0.0, min(ends, due if due is not None else ends) - now))
        return None

    def done(self, key: Key, rest: float = 0.0) -> None:
        """The worker is through with a key that it took, and nobody takes it again for so many seconds."""
        with self._changed:
            again = self._working.pop(key)
            if rest > 0.0:
                self._rests[key] = self._clock() + rest
            if again is not None:
                self._add(key, again)

    def begin(self) -> None:
        """Workers begin: what is due already is due from now on, since nobody was there to be late."""
        with self._changed:
            now = self._clock()
            for key, due in self._due.items():
                if due < now:
                    self._due[key] = now
                    heapq.heappush(self._heap, (now, next(self._count), key))

    def next_due(self) -> float | None:
        """When the first key is due, by the clock; None: none waits."""
        with self._changed:
            return self._first()

    def depth(self) -> int:
        """Keys that are due."""
        with self._changed:
            now = self._clock()
            return sum(due <= now for due in self._due.values())

    def working(self) -> int:
        """Keys that are worked on."""
        with self._changed:
            return len(self._working)

    def close(self) -> None:
        """Give out no more keys."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _add(self, key: Key, due: float) -> None:
        if key in self._working:
            again = self._working[key]
            self._working[key] = due if again is None else min(again, due)
            return
        due = max(due, self._rests.get(key, due))
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            heapq.heappush(self._heap, (due, next(self._count), key))
            self._changed.notify()

    def _first(self) -> float | None:
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _take(self) -> Key | None:
        due, now = self._first(), self._clock()
        if self._closed or due is None or due > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._due[key]
        self._rests.pop(key, None)
        self._working[key] = None
        self._waited(now - due)
        return key
