"""Leader election on a cluster in memory, with clocks that a test moves."""

import pytest

from dart_k8s.edges.cluster import MemoryCluster, Resource
from dart_k8s.edges.cluster.resources import LEASES
from dart_k8s.errors import ClusterUnavailable
from dart_k8s.operator.lease import Elector, LeaseTimes


class Candidates:
    """Some electors on one cluster; each has a clock of its own, which need not agree with others'."""

    def __init__(self, count: int = 2) -> None:
        self.cluster = MemoryCluster(now=lambda: 1_800_000_000.0)
        self.clocks = [1000.0 * number for number in range(count)]
        self.told: list[str] = []
        self.electors = [self._elector(number) for number in range(count)]

    def _elector(self, number: int) -> Elector:
        return Elector(
            cluster=self.cluster,
            namespace="dart",
            name="operator",
            identity=f"pod-{number}",
            clock=lambda: self.clocks[number],
            # Wall clocks are far apart: nothing may come of that.
            now=lambda: 1_800_000_000.0 + 5000.0 * number + self.clocks[number],
            draw=lambda: 0.5,
            tell=lambda event, **facts: self.told.append(event),
        )

    def wait(self, seconds: float) -> None:
        self.clocks = [at + seconds for at in self.clocks]

    def step(self, *numbers: int, seconds: float = 2.0) -> None:
        for number in numbers:
            self.electors[number].step()
        self.wait(seconds)

    @property
    def leaders(self) -> list[int]:
        return [number for number, one in enumerate(self.electors) if one.leads]

    def spec(self) -> dict[str, object]:
        return dict(self.cluster.get(LEASES, "dart", "operator")["spec"])


def test_the_first_takes_the_lease_and_keeps_it():
    here = Candidates()
    for _ in range(60):
        here.step(0, 1)
        assert here.leaders == [0]
    assert here.spec()["holderIdentity"] == "pod-0" and here.spec()["leaseTransitions"] == 0
    assert here.spec()["leaseDurationSeconds"] == 15


def test_a_renewal_takes_one_request():
    here, sent = Candidates(), []
    here.step(0)
    here.cluster.before = lambda verb, resource, namespace, name: sent.append(verb)
    for _ in range(3):
        here.step(0)
    assert sent == ["update"] * 3


def test_a_leader_whose_lease_was_changed_or_deleted_by_a_person_leads_on():
    here = Candidates()
    here.step(0)
    here.cluster.patch(LEASES, "dart", "operator", {"metadata": {"labels": {"team": "a"}}})
    here.step(0)
    assert here.leaders == [0]
    here.cluster.delete(LEASES, "dart", "operator")
    here.step(0)
    assert here.leaders == [0] and here.spec()["holderIdentity"] == "pod-0"


def test_who_comes_later_waits_for_the_whole_validity_by_its_own_clock():
    here = Candidates()
    here.step(0)
    waited = 0.0
    while here.leaders != [1]:
        here.step(1)
        waited += 2.0
        assert waited < 30
    assert 15.0 <= waited <= 19.0
    assert here.spec()["leaseTransitions"] == 1 and here.electors[1].transitions == 1


def test_a_released_lease_is_taken_at_the_next_try():
    here = Candidates()
    here.step(0, 1)
    here.electors[0].release()
    assert here.leaders == []
    here.step(1)
    assert here.leaders == [1] and here.spec()["leaseTransitions"] == 1


def test_a_leader_that_cannot_renew_has_lost_before_anybody_else_may_lead():
    here = Candidates()
    here.step(0, 1)
    first = here.electors[0]

    def cut(verb: str, resource: Resource, namespace: str, name: str) -> None:
        raise ClusterUnavailable("no answer")

    here.cluster.before = cut
    while not first.lost:
        assert here.leaders == [0]
        here.step(0)
    here.cluster.before = None
    here.step(1)
    assert here.leaders == []
    for _ in range(10):
        here.step(1)
    assert here.leaders == [1] and first.lost


def test_a_paused_leader_knows_at_once_that_it_may_not_write():
    here = Candidates()
    here.step(0, 1)
    here.clocks[0] += 60
    assert not here.electors[0].leads and here.electors[0].lost


def test_a_leader_that_another_took_the_lease_from_has_lost():
    here = Candidates()
    here.step(0, 1)
    found = here.cluster.get(LEASES, "dart", "operator")
    here.cluster.patch(LEASES, "dart", "operator", {"spec": {**found["spec"], "holderIdentity": "pod-9"}})
    here.step(0)
    assert here.electors[0].lost and not here.electors[0].leads


def test_of_two_that_try_at_once_one_leads():
    here = Candidates(8)
    here.step(*range(8))
    assert len(here.leaders) == 1
    here.electors[here.leaders[0]].release()
    here.step(*range(8))
    assert len(here.leaders) == 1


@pytest.mark.parametrize("verb", ["create", "update"])
def test_a_renewal_whose_reply_is_lost_is_found_at_the_next_try(verb):
    here = Candidates(1)
    if verb == "update":
        here.step(0)
    lost = [True]

    def reply(did: str, resource: Resource, namespace: str, name: str) -> None:
        if did == verb and lost[0]:
            lost[0] = False
            raise ClusterUnavailable("the reply is lost")

    here.cluster.after = reply
    here.step(0)
    here.step(0)
    assert here.leaders == [0] and not lost[0]


@pytest.mark.parametrize(("duration", "renew", "retry"), [(15, 15, 2), (15, 10, 10), (1, 2, 3), (15, 10, 0)])
def test_times_that_would_let_two_lead_are_refused(duration, renew, retry):
    with pytest.raises(ValueError, match="must hold"):
        LeaseTimes(duration=duration, renew=renew, retry=retry)
