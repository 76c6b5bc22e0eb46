"""The store from asyncio: an outage is waited out, and shows."""

import asyncio

import pytest

from dart_k8s.edges.clock.virtual import run_virtual
from dart_k8s.edges.store import MemoryStore
from dart_k8s.errors import StoreUnavailable
from dart_k8s.workers.access import Access


class Away(MemoryStore):
    """Unavailable for so many requests."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def head(self, key: str):
        self.times -= 1
        if self.times >= 0:
            raise StoreUnavailable("It is away.")
        return super().head(key)


def test_calls_that_wait_for_the_store_are_counted_until_it_answers():
    async def main() -> None:
        access = Access(Away(5), direct=True)
        calls = [asyncio.create_task(access.call(access.store.head, "key")) for _ in range(2)]
        await asyncio.sleep(0.1)
        assert access.waiting == 2
        await asyncio.gather(*calls)
        assert access.waiting == 0

    run_virtual(main())


def test_a_call_that_gave_up_or_was_called_off_waits_no_more():
    async def main() -> None:
        access = Access(Away(1000), patience=2.0, direct=True)
        with pytest.raises(StoreUnavailable):
            await access.call(access.store.head, "key")
        called_off = asyncio.create_task(access.call(access.store.head, "key"))
        await asyncio.sleep(0.1)
        assert access.waiting == 1
        called_off.cancel()
        await asyncio.gather(called_off, return_exceptions=True)
        assert access.waiting == 0

    run_virtual(main())
