"""The store from asyncio: calls run on threads, and an outage is waited out instead of losing what is in memory."""

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from dart_k8s.edges.store import Store
from dart_k8s.errors import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")

FIRST_WAIT = 0.5
"""Seconds before the first repetition; doubles up to `LONGEST_WAIT`."""
LONGEST_WAIT = 15.0


class Tell(Protocol):
    """Where a worker says what happens: an event's name and its facts."""

    def __call__(self, event: str, **facts: object) -> None:
        """Say it."""


def silent(event: str, **facts: object) -> None:
    """Say nothing."""


class Access:
    """Calls a store's methods without blocking the event loop.

    `patience` are the seconds for which StoreUnavailable is waited out; every other error goes to the caller at once.
    With `direct` the call runs in the loop itself: for stores in memory, and for simulated time. `executor` are threads
    that are shared with others, and outlive this.
    """

    def __init__(
        self,
        store: Store,
        *,
        patience: float = 900.0,
        tell: Tell = silent,
        direct: bool = False,
        threads: int = 16,
        executor: Executor | None = None,
    ) -> None:
        self.store = store
        self._patience = patience
        self._tell = tell
        self.waiting = 0
        """Calls that wait for the store to be available again."""
        self._shared = executor is not None
        self._executor = executor or (None if direct else ThreadPoolExecutor(threads, "store"))

    async def call(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`what(*args)`, repeated while the store is unavailable; StoreUnavailable once patience is used up."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._patience
        wait = FIRST_WAIT
        troubled = False
        try:
            while True:
                try:
                    if self._executor is None:
                        result = what(*args, **kwargs)
                    else:
                        result = await loop.run_in_executor(self._executor, partial(what, *args, **kwargs))
                    if troubled:
                        self._tell("store-back", store=self.store.uri)
                    return result
                except StoreUnavailable as error:
                    pause = wait * random.uniform(0.7, 1.3)
                    if loop.time() + pause > give_up:
                        raise
                    if not troubled:
                        self.waiting += 1
                        self._tell("store-unavailable", store=self.store.uri, error=str(error))
                    troubled = True
                    await asyncio.sleep(pause)
                    wait = min(LONGEST_WAIT, wait * 2)
        finally:
            self.waiting -= troubled

    def close(self) -> None:
        """Let the threads go."""
        if self._executor is not None and not self._shared:
            self._executor.shutdown(wait=False, cancel_futures=True)
