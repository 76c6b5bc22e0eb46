"""The claim protocol between processes that share nothing but a store, in simulated time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from dart_k8s.edges.clock import run_virtual
from dart_k8s.edges.store import MemoryStore
from dart_k8s.errors import AccessDenied, StoreUnavailable
from dart_k8s.ledger import claims as documents
from dart_k8s.ledger.claims import Hold
from dart_k8s.workers.access import Access
from dart_k8s.workers.claiming import Claims, HeldClaim

KEY = "state/claims/p/0"
PREFIX = "state/claims/p/"


def member(store: MemoryStore, name: str, **options: float) -> Claims:
    """A process with a heartbeat of 15 s and a time to live of 90 s."""
    return Claims(Access(store, direct=True, **options), name)  # type: ignore[arg-type]


def virtual(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test in simulated time."""

    def run() -> None:
        run_virtual(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def taken(claims: Claims) -> HeldClaim:
    """Look, and take the claim."""
    await claims.survey(PREFIX)
    held = await claims.take(KEY, "p/0")
    assert held is not None
    return held


async def watch(claims: Claims, seconds: float, every: float = 5.0) -> None:
    """Look at the claims for a while."""
    for _ in range(round(seconds / every)):
        await asyncio.sleep(every)
        await claims.survey(PREFIX)
        await claims.read(KEY)


def stored(store: MemoryStore) -> documents.Claim:
    """The claim as it lies in the store."""
    return documents.decode(store.get(KEY).data, key=KEY)


@virtual
async def test_only_one_of_many_takes_a_claim() -> None:
    store = MemoryStore()
    everybody = [member(store, str(n)) for n in range(5)]
    for one in everybody:
        await one.survey(PREFIX)
    assert sum([await one.take(KEY, "p/0") is not None for one in everybody]) == 1


@virtual
async def test_a_claim_that_is_renewed_is_never_taken_over() -> None:
    store = MemoryStore()
    owner, other = member(store, "a"), member(store, "b")
    held = await taken(owner)
    for _ in range(30):
        await watch(other, 15.0)
        assert not other.expired(KEY) and await other.take(KEY, "p/0") is None
        await owner.renew(held)
    assert not held.lost


@virtual
async def test_a_silent_claim_is_taken_over_after_its_time_to_live_and_its_holder_notices() -> None:
    store = MemoryStore()
    owner, other = member(store, "a"), member(store, "b")
    held = await taken(owner)
    await watch(other, 90.0)
    assert await other.take(KEY, "p/0") is None
    await watch(other, 5.0)
    assert await other.take(KEY, "p/0") is not None
    await owner.renew(held)
    assert held.lost
    assert [a.hold for a in stored(store).attempts] == [Hold.LOST, Hold.LIVE]
    await owner.close(held, Hold.DONE, 3)
    assert stored(store).current.hold is Hold.LIVE


@virtual
async def test_two_observers_take_an_expired_claim_over_once() -> None:
    store = MemoryStore()
    await taken(member(store, "a"))
    others = [member(store, "b"), member(store, "c")]
    await asyncio.gather(*(watch(other, 95.0) for other in others))
    assert sum([await other.take(KEY, "p/0") is not None for other in others]) == 1


@virtual
async def test_an_observer_that_slept_looks_for_a_while_before_it_takes_over() -> None:
    """It has not seen the holder renew because it did not look, or because nobody could reach the store."""
    store = MemoryStore()
    owner, other = member(store, "a"), member(store, "b")
    held = await taken(owner)
    await watch(other, 10.0)
    await asyncio.sleep(500.0)
    await other.survey(PREFIX)
    assert not other.expired(KEY)
    await owner.renew(held)
    await watch(other, 60.0)
    assert not other.expired(KEY)


@virtual
async def test_an_observer_that_looks_seldom_still_notices_that_a_holder_is_gone() -> None:
    store = MemoryStore()
    await taken(member(store, "a"))
    other = member(store, "b")
    await watch(other, 240.0, every=60.0)
    assert other.expired(KEY)


@virtual
async def test_a_released_claim_may_be_taken_at_once_and_a_done_one_never() -> None:
    store = MemoryStore()
    owner, other = member(store, "a"), member(store, "b")
    await owner.close(await taken(owner), Hold.RELEASED, 2)
    again = await taken(other)
    assert again.claim.attempt == 1
    await other.close(again, Hold.DONE, 5)
    await watch(owner, 300.0)
    assert await owner.take(KEY, "p/0") is None
    assert [a.segments for a in stored(store).attempts] == [2, 5]


@virtual
async def test_a_claim_set_aside_is_never_taken_again() -> None:
    store = MemoryStore()
    await taken(member(store, "a"))
    other = member(store, "b")
    await watch(other, 95.0)
    await other.set_aside(KEY)
    await watch(other, 300.0)
    assert await other.take(KEY, "p/0") is None
    assert stored(store).current.hold is Hold.ASIDE


@virtual
async def test_a_claim_that_could_not_be_renewed_for_half_its_time_to_live_starts_nothing() -> None:
    claims = member(MemoryStore(), "a")
    held = await taken(claims)
    await asyncio.sleep(44.0)
    assert claims.valid(held)
    await asyncio.sleep(2.0)
    assert not claims.valid(held)
    await claims.renew(held)
    assert claims.valid(held)


@virtual
async def test_a_renewal_after_the_last_word_does_not_bring_the_claim_back() -> None:
    store = MemoryStore()
    claims = member(store, "a")
    held = await taken(claims)
    await asyncio.gather(claims.close(held, Hold.DONE, 1), claims.renew(held))
    await claims.renew(held)
    assert stored(store).current.hold is Hold.DONE
    assert not held.lost


@virtual
async def test_a_renewal_whose_reply_was_lost_is_our_own() -> None:
    store = MemoryStore()
    claims = member(store, "a", patience=0.0)
    held = await taken(claims)
    lost = iter([True])

    def lose(operation: str, key: str) -> None:
        if operation == "put" and next(lost, False):
            raise StoreUnavailable("The reply was lost.")

    store.after = lose
    with pytest.raises(StoreUnavailable):
        await claims.renew(held)
    await claims.close(held, Hold.RELEASED, 4)
    assert not held.lost
    assert (stored(store).current.hold, stored(store).current.segments) == (Hold.RELEASED, 4)


@virtual
async def test_a_claim_that_vanished_is_lost() -> None:
    store = MemoryStore()
    claims = member(store, "a")
    held = await taken(claims)
    store.delete(KEY)
    await claims.renew(held)
    assert held.lost
    assert store.head(KEY) is None


# Access


def failing(times: int, error: Exception) -> Callable[[], str]:
    """A call that fails so often and then works."""
    left = iter([error] * times)

    def call() -> str:
        if (fails := next(left, None)) is not None:
            raise fails
        return "there"

    return call


@virtual
async def test_an_outage_is_waited_out_and_told_once() -> None:
    events: list[str] = []
    access = Access(MemoryStore(), direct=True, tell=lambda event, **facts: events.append(event))
    assert await access.call(failing(6, StoreUnavailable("out"))) == "there"
    assert events == ["store-unavailable", "store-back"]
    assert asyncio.get_running_loop().time() > 15.0


@virtual
async def test_patience_ends() -> None:
    access = Access(MemoryStore(), direct=True, patience=60.0)
    with pytest.raises(StoreUnavailable):
        await access.call(failing(10_000, StoreUnavailable("out")))
    assert 30.0 < asyncio.get_running_loop().time() <= 60.0


@virtual
async def test_what_waiting_does_not_mend_is_raised_at_once() -> None:
    access = Access(MemoryStore(), direct=True)
    with pytest.raises(AccessDenied):
        await access.call(failing(1, AccessDenied("no")))
    assert asyncio.get_running_loop().time() == 0.0


async def test_requests_run_beside_the_event_loop() -> None:
    access = Access(MemoryStore())
    try:
        assert await access.call(failing(0, StoreUnavailable("out"))) == "there"
    finally:
        access.close()
