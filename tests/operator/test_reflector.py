"""Reflectors and caches: whatever is dropped, cut or forgotten, the cache ends like the cluster."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.edges.cluster import MemoryCluster, Resource
from dart_k8s.edges.cluster.resources import JOBS
from dart_k8s.errors import ClusterUnavailable, Forbidden
from dart_k8s.names import MANAGED_BY, OPERATOR, STAGE, SYNTHESIS
from dart_k8s.operator.cache import Cache
from dart_k8s.operator.keys import Key
from dart_k8s.operator.reflector import Reflector
from dart_k8s.operator.trimming import job_fact, key_of


def job(name: str, synthesis: str = "s", parallelism: int = 1, **labels: str) -> dict[str, Any]:
    own = {MANAGED_BY: OPERATOR, SYNTHESIS: synthesis, STAGE: "sampler", **labels}
    return {"metadata": {"name": name, "labels": own}, "spec": {"parallelism": parallelism}}


OURS = Key("a", "s")


class Watching:
    """A cluster in memory and a reflector of its Jobs."""

    def __init__(self, namespace: str | None = None) -> None:
        self.cluster = MemoryCluster(now=lambda: 1_000_000.0)
        self.changed: list[Key] = []
        self.told: list[str] = []
        self.time = 0.0
        self.cache = Cache(job_fact, key_of)
        self.reflector = Reflector(
            cluster=self.cluster,
            resource=JOBS,
            namespace=namespace,
            cache=self.cache,
            changed=self.changed.append,
            labels=f"{MANAGED_BY}={OPERATOR}",
            clock=lambda: self.time,
            draw=lambda: 1.0,
            tell=lambda event, **facts: self.told.append(event),
        )

    def names(self, key: Key = OURS) -> list[str]:
        return [fact.name for fact in self.cache.facts(key)]


def test_a_list_and_then_a_watch_fill_the_cache_and_say_what_changed():
    here = Watching()
    here.cluster.create(JOBS, "a", job("one"))
    assert not here.reflector.synced
    here.reflector.step()
    assert here.reflector.synced and here.names() == ["one"] and here.changed == [Key("a", "s")]
    here.cluster.create(JOBS, "a", job("two"))
    here.cluster.create(JOBS, "b", job("other", "t"))
    here.cluster.delete(JOBS, "a", "one")
    here.reflector.step()
    assert here.names() == ["two"] and here.names(Key("b", "t")) == ["other"]


def test_objects_that_are_not_ours_are_not_kept():
    here = Watching()
    foreign = job("foreign")
    foreign["metadata"]["labels"][MANAGED_BY] = "helm"
    here.cluster.create(JOBS, "a", foreign)
    here.reflector.step()
    assert len(here.cache) == 0


def test_a_change_that_changes_no_fact_wakes_nobody():
    here = Watching()
    here.cluster.create(JOBS, "a", job("one"))
    here.reflector.step()
    here.changed.clear()
    here.cluster.patch(JOBS, "a", "one", {"metadata": {"annotations": {"note": "nothing to us"}}})
    here.reflector.step()
    assert here.changed == []
    here.cluster.patch(JOBS, "a", "one", {"spec": {"parallelism": 4}})
    here.reflector.step()
    assert here.changed == [Key("a", "s")] and here.cache.facts(Key("a", "s"))[0].parallelism == 4


def test_what_is_too_old_is_listed_anew_and_deletions_that_nobody_saw_are_found():
    here = Watching()
    for name in ("one", "two"):
        here.cluster.create(JOBS, "a", job(name))
    here.reflector.step()
    here.cluster.delete(JOBS, "a", "one")
    here.cluster.create(JOBS, "a", job("three"))
    here.cluster.expire()
    assert here.reflector.step() > 0
    here.changed.clear()
    here.reflector.step()
    assert here.names() == ["three", "two"] and set(here.changed) == {Key("a", "s")}
    assert here.told == ["list-again"]


@pytest.mark.parametrize("error", [ClusterUnavailable("no answer"), Forbidden("not allowed")])
def test_failures_are_followed_by_longer_and_longer_pauses_never_by_a_hot_loop(error):
    here = Watching()

    def fail(verb: str, resource: Resource, namespace: str, name: str) -> None:
        raise error

    here.cluster.before = fail
    pauses = [here.reflector.step() for _ in range(9)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert here.told == ["watch-failed"] * 9
    here.cluster.before = None
    here.reflector.step()
    assert here.reflector.synced and here.reflector.failures == 0


def test_what_the_server_asks_to_wait_is_waited():
    here = Watching()

    def fail(verb: str, resource: Resource, namespace: str, name: str) -> None:
        raise ClusterUnavailable("too many requests", retry_after=12.0)

    here.cluster.before = fail
    assert here.reflector.step() == 12.0


def test_the_age_of_a_watch_grows_while_nothing_is_heard_and_the_beat_goes_on():
    here = Watching()
    here.reflector.step()

    def fail(verb: str, resource: Resource, namespace: str, name: str) -> None:
        raise ClusterUnavailable("no answer")

    here.cluster.before = fail
    for _ in range(3):
        here.time += 50
        here.reflector.step()
    assert here.time - here.reflector.heard == 150 and here.time - here.reflector.beat == 0


def test_the_answer_to_a_write_is_known_before_the_watch_tells_it_and_never_outlives_the_object():
    here = Watching()
    here.reflector.step()
    made = here.cluster.create(JOBS, "a", job("one"))
    here.cache.put(made)
    assert here.names() == ["one"]
    here.cluster.delete(JOBS, "a", "one")
    here.reflector.step()
    assert here.names() == []
    # A slow worker that puts its answer only now must not bring the dead back.
    here.cache.put(made)
    assert here.names() == []


def test_an_older_version_never_replaces_a_newer_one():
    here = Watching()
    here.reflector.step()
    made = here.cluster.create(JOBS, "a", job("one"))
    newer = here.cluster.patch(JOBS, "a", "one", {"spec": {"parallelism": 5}})
    here.cache.put(newer)
    here.cache.put(made)
    assert here.cache.facts(Key("a", "s"))[0].parallelism == 5


def test_a_watch_that_was_silent_is_begun_again_at_once_if_the_server_answers():
    here = Watching()
    here.reflector.step()

    def silence(verb: str, resource: Resource, namespace: str, name: str) -> None:
        if verb == "watch":
            here.time += 75
            raise ClusterUnavailable("silent for 75 s")

    here.cluster.before = silence
    for _ in range(5):
        assert here.reflector.step() <= 1.0
    assert here.told == ["watch-again"] * 5
    assert here.time - here.reflector.heard == 0 and here.reflector.failures == 0


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "delete", "scale", "step", "expire", "lose", "lag", "own"]),
        st.integers(0, 3),
    ),
    max_size=40,
)


@given(STEPS)
def test_a_cache_ends_like_the_cluster_whatever_happened_on_the_way(steps):
    here = Watching()
    lost = [False]

    def unreliable(verb: str, resource: Resource, namespace: str, name: str) -> None:
        if lost[0] and verb in {"list", "watch"}:
            raise ClusterUnavailable("played")

    here.cluster.before = unreliable
    answers: list[dict[str, Any]] = []
    for what, number in steps:
        name = f"job-{number}"
        there = {item["metadata"]["name"] for item in _all(here.cluster)}
        if what == "create" and name not in there:
            answers.append(here.cluster.create(JOBS, "a", job(name)))
        elif what == "delete" and name in there:
            here.cluster.delete(JOBS, "a", name)
        elif what == "scale" and name in there:
            answers.append(here.cluster.patch(JOBS, "a", name, {"spec": {"parallelism": number}}))
        elif what == "own" and answers:
            here.cache.put(answers[number % len(answers)])
        elif what == "step":
            here.reflector.step()
        elif what == "expire":
            here.cluster.expire()
        elif what == "lose":
            lost[0] = number % 2 == 0
        elif what == "lag":
            here.cluster.lag = number
    lost[0], here.cluster.lag = False, 0
    for _ in range(4):
        here.reflector.step()
    expected = sorted((item["metadata"]["name"], item["spec"]["parallelism"]) for item in _all(here.cluster))
    assert [(fact.name, fact.parallelism) for fact in here.cache.facts(Key("a", "s"))] == expected


def _all(cluster: MemoryCluster) -> list[dict[str, Any]]:
    lag, cluster.lag = cluster.lag, 0
    before, cluster.before = cluster.before, None
    items = cluster.list(JOBS, None).items
    cluster.lag, cluster.before = lag, before
    return items
