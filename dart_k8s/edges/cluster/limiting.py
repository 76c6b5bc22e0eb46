"""A client's own limit of requests, so that one operator never takes the API server from others: a token bucket."""

import time
from collections.abc import Callable
from threading import Lock

__all__ = ["Limiter"]


class Limiter:
    """At most `burst` requests at once and `qps` a second after that; callers wait their turn, from any thread."""

    def __init__(
        self,
        qps: float,
        burst: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`qps` of 0 or less: no limit."""
        self._qps, self._burst = qps, max(1, burst)
        self._clock, self._sleep = clock, sleep
        self._lock = Lock()
        self._free_at = clock() - self._burst / qps if qps > 0 else 0.0
        """When the bucket would have been full of debt: each request moves it on by 1/qps seconds."""

    def wait(self) -> float:
        """Take a token, in order of arrival; the seconds that it took."""
        if self._qps <= 0:
            return 0.0
        with self._lock:
            now = self._clock()
            # An idle client saves up no more than a burst.
            self._free_at = max(self._free_at, now - self._burst / self._qps) + 1 / self._qps
            pause = self._free_at - now
        if pause > 0:
            self._sleep(pause)
            return pause
        return 0.0
