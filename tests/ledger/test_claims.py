"""The claim document: every transition, and what an observer reads from it."""

from collections.abc import Callable

import pytest

from dart_k8s.ledger import claims
from dart_k8s.ledger.claims import Claim, Hold


def live() -> Claim:
    """Just taken."""
    return claims.take("p/s", None, holder="a", nonce="1")


Change = Callable[[Claim], Claim]
TAKE: Change = lambda c: claims.take("p/s", c, holder="b", nonce="2")  # noqa: E731
LOSE: Change = lambda c: claims.take("p/s", c, holder="b", nonce="2", failed=True)  # noqa: E731
DONE: Change = lambda c: claims.close(c, Hold.DONE, 3)  # noqa: E731
RELEASE: Change = lambda c: claims.close(c, Hold.RELEASED, 2)  # noqa: E731

# changes -> holds of the attempts, free, failures
TRANSITIONS: list[tuple[str, list[Change], list[str], bool, int]] = [
    ("taken", [], ["live"], False, 0),
    ("renewed", [claims.renew], ["live"], False, 0),
    ("done", [claims.renew, DONE], ["done"], False, 0),
    ("released", [RELEASE], ["released"], True, 0),
    ("released, then taken", [RELEASE, TAKE], ["released", "live"], False, 0),
    ("lost after results", [TAKE], ["lost", "live"], False, 0),
    ("lost without a result", [LOSE], ["lost", "live"], False, 1),
    ("lost twice", [LOSE, LOSE], ["lost", "lost", "live"], False, 2),
    ("lost twice, then done", [LOSE, LOSE, DONE], ["lost", "lost", "done"], False, 2),
    ("set aside", [LOSE, LOSE, claims.set_aside], ["lost", "lost", "set-aside"], False, 3),
]


@pytest.mark.parametrize(
    ("changes", "holds", "free", "failures"), [t[1:] for t in TRANSITIONS], ids=[t[0] for t in TRANSITIONS]
)
def test_a_claim_goes_from_hold_to_hold(changes: list[Change], holds: list[str], free: bool, failures: int) -> None:
    claim = live()
    for change in changes:
        claim = change(claim)
    assert [a.hold.value for a in claim.attempts] == holds
    assert claim.free is free
    assert claim.failures == failures
    assert claim.attempt == len(holds) - 1


@pytest.mark.parametrize("change", [claims.renew, DONE, RELEASE, TAKE, claims.set_aside])
def test_every_change_of_a_claim_changes_its_bytes(change: Change) -> None:
    assert claims.encode(change(live())) != claims.encode(live())


def test_the_last_word_says_how_many_segments_there_are() -> None:
    assert [a.segments for a in TAKE(RELEASE(live())).attempts] == [2, None]


def test_two_holders_never_write_the_same_bytes() -> None:
    one = claims.take("p/s", None, holder="a", nonce="1")
    other = claims.take("p/s", None, holder="a", nonce="2")
    assert claims.encode(one) != claims.encode(other)


def test_a_take_over_leaves_the_earlier_attempts_as_they_were() -> None:
    before = RELEASE(live())
    assert TAKE(before).attempts[:1] == before.attempts
