"""A bounded queue in front of an endpoint: who finds it full is told when to come back, and has cost nothing."""

import asyncio
import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Full", "Gate"]

RETRY_MOST = 30
"""Seconds: a longer wait is never asked for, since the estimate behind it is rough."""
REMEMBERED = 64
"""Finished requests that the pace is taken from."""


class Full(Exception):
    """No room. `retry_after` in whole seconds, `what` is full in words."""

    def __init__(self, what: str, retry_after: int) -> None:
        super().__init__(what)
        self.what, self.retry_after = what, retry_after


class Gate:
    """Counts what is in hand: requests, their bytes, their items. One event loop."""

    def __init__(self, *, items: int, size: int) -> None:
        """Room for so many `items` and so many bytes (`size`) of bodies. A request larger than all of it is let into an
        empty gate: other limits bound single requests."""
        self.capacity, self.size = items, size
        self.requests = 0
        """In hand now."""
        self.items = 0
        self.bytes = 0
        self._done: deque[tuple[float, int]] = deque(maxlen=REMEMBERED)

    @contextmanager
    def body(self, size: int) -> Iterator[None]:
        """Room for a body that is about to be read, until its request is answered. Raises Full."""
        if self.requests and self.bytes + size > self.size:
            raise Full(f"{self.bytes} of {self.size} bytes are in hand", self.wait())
        self.requests += 1
        self.bytes += size
        try:
            yield
        finally:
            self.requests -= 1
            self.bytes -= size

    @contextmanager
    def work(self, items: int) -> Iterator[None]:
        """Room for its items, until it is answered. Raises Full."""
        if self.items and self.items + items > self.capacity:
            raise Full(f"{self.items} of {self.capacity} places in the queue are taken", self.wait())
        self.items += items
        try:
            yield
        finally:
            self.items -= items
            self._done.append((asyncio.get_running_loop().time(), items))

    def wait(self) -> int:
        """Seconds until about half of the queue will be done, by the pace of the last requests; at least 1."""
        if len(self._done) < 2:
            return 1
        span = asyncio.get_running_loop().time() - self._done[0][0]
        items = sum(count for _, count in self._done)
        return max(1, min(RETRY_MOST, math.ceil(self.items / 2 * span / items)))
