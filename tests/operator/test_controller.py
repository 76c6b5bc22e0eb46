"""The controller on a cluster in memory, with the real decisions."""

import pytest

from dart_k8s.edges.cluster import MemoryCluster, Resource
from dart_k8s.edges.cluster.resources import CONFIG_MAPS, EVENTS, JOBS, SYNTHESES
from dart_k8s.errors import ClusterUnavailable, ObjectRefused
from dart_k8s.names import Stage
from dart_k8s.operator.controller import PROGRESS_SECONDS
from dart_k8s.operator.keys import Key
from dart_k8s.operator.measures import QUEUE_DEPTH
from dart_k8s.reconcile import Progress

from .running import Running, synthesis

SAMPLING = Progress(prepared=True, queries=10, open=10, wanted=40, unclaimed_shards=9, live_claims=2, changed=True)


def sampling() -> Running:
    """A Synthesis whose samplers are at work."""
    here = Running()
    here.submit()
    here.answers = SAMPLING
    here.job_ends(Stage.PREPARE)
    here.settle(5)
    here.pod(
        Stage.SAMPLER, phase="Running", conditions=[{"type": "Ready", "status": "True"}],
        containerStatuses=[{"name": "dart", "started": True, "state": {"running": {}}}],
    )  # fmt: skip
    here.settle(5)
    return here


def test_a_new_synthesis_gets_its_declaration_and_a_prepare_job():
    here = Running()
    here.submit()
    assert here.jobs() == ["s-prepare-1"] and here.phase() == "Preparing"
    assert here.get(CONFIG_MAPS, "s-declaration")["data"]["declaration.yaml"]
    assert here.get(JOBS, "s-prepare-1")["metadata"]["ownerReferences"][0]["uid"] == here.get()["metadata"]["uid"]


def test_it_samples_once_it_is_prepared_and_folds_while_samplers_work():
    here = sampling()
    assert here.jobs() == ["s-prepare-1", "s-sampler-1"] and here.phase() == "Sampling"
    before = len(here.orders)
    here.settle(60)
    assert len(here.orders) > before
    order = here.orders[-1]
    assert order.output == "s3://bucket/runs/s" and order.samplers == 2
    assert order.declaration["spec"] == here.get()["spec"] and order.declaration["metadata"]["name"] == "s"


def test_at_rest_nothing_is_written_and_nothing_is_folded():
    here = Running()
    here.submit(synthesis(output={"uri": "s3://elsewhere/s"}))
    here.settle(10)
    assert here.phase() == "Waiting" and here.condition("Ready")["reason"] == "OutputNotAllowed"
    requests, folds = dict(here.cluster.requests), len(here.orders)
    here.settle(3600)
    writes = {
        key: count - requests.get(key, 0)
        for key, count in here.cluster.requests.items()
        if key[0] not in {"watch", "list"} and count != requests.get(key, 0)
    }
    assert writes == {} and len(here.orders) == folds


def test_a_restarted_operator_that_finds_all_done_writes_nothing():
    here = sampling()
    here.restarted()
    before = dict(here.cluster.requests)
    here.settle(1)
    changed = {key for key, count in here.cluster.requests.items() if count != before.get(key, 0)}
    assert {key for key in changed if key[0] not in {"list", "watch"} and key[1] != "Synthesis"} == set()


@pytest.mark.parametrize("output", ["s3://bucket/s", "s3://elsewhere/s"], ids=["with actions", "the status alone"])
def test_what_a_user_changed_while_the_status_was_written_is_acted_on(output: str):
    here = Running()
    user = MemoryCluster(now=here.cluster.now, manager="user")
    user.contents = here.cluster.contents

    def meanwhile(verb: str, resource: Resource, namespace: str, name: str) -> None:
        if verb == "patch" and resource is SYNTHESES and here.phase() == "":
            here.cluster.before = None
            user.patch(SYNTHESES, namespace, name, {"spec": {"suspend": True}})

    here.cluster.before = meanwhile
    here.submit(synthesis(output={"uri": output}))
    here.settle(2)
    assert here.phase() == "Suspended"


def test_what_was_deleted_is_not_deleted_again_before_the_watch_has_told():
    here = sampling()
    asked: list[str] = []
    here.cluster.before = lambda verb, resource, namespace, name: asked.append(name) if verb == "delete" else None
    here.cluster.contents.kind(JOBS).objects["a", "s-sampler-1"]["metadata"]["finalizers"] = ["a/test"]
    here.cluster.patch(SYNTHESES, "a", "s", {"spec": {"suspend": True}})
    here.runtime.reflectors[0].step()
    here.cluster.lag = 1000
    for _ in range(3):
        here.runtime.queue.add(Key("a", "s"))
        here.runtime.settle()
    assert asked == ["s-sampler-1"]


def test_progress_alone_is_written_at_most_every_half_minute():
    here = sampling()
    here.settle(PROGRESS_SECONDS)
    before = here.cluster.requests["patch", "Synthesis", "a", "s"]
    for step in range(60):
        here.answers = Progress(prepared=True, queries=10, open=10, wanted=40, trials=step, live_claims=2)
        here.settle(2)
    written = here.cluster.requests["patch", "Synthesis", "a", "s"] - before
    assert 1 <= written <= 120 / PROGRESS_SECONDS + 1
    assert here.get()["status"]["progress"]["trials"] > 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_creation_whose_reply_is_lost_makes_one_job(when):
    here = Running()
    failing = ["create"]

    def fail(verb: str, resource: Resource, namespace: str, name: str) -> None:
        if resource is JOBS and verb in failing:
            failing.remove(verb)
            raise ClusterUnavailable("Cannot create: played.")

    setattr(here.cluster, when, fail)
    here.submit()
    here.settle(5)
    assert here.jobs() == ["s-prepare-1"] and not failing
    assert here.cluster.requests["create", "Job", "a", "s-prepare-1"] == 1


def test_a_refused_job_is_tried_again_more_and_more_slowly_and_the_status_says_why():
    here = Running()
    refused = []

    def admit(resource: Resource, old: object, new: object) -> None:
        if resource is JOBS:
            refused.append(here.time)
            raise ObjectRefused("Cannot create Job: exceeded quota: gpus")

    here.cluster.admit = admit
    here.submit()
    here.settle(600)
    assert 5 < len(refused) < 40
    assert "exceeded quota" in str(here.get()["status"]["conditions"])
    here.cluster.admit = None
    here.settle(301)
    assert here.jobs() == ["s-prepare-1"] and "exceeded quota" not in str(here.get()["status"]["conditions"])


def test_a_job_of_somebody_else_under_our_name_is_not_taken_over():
    here = Running()
    here.cluster.create(JOBS, "a", {"metadata": {"name": "s-prepare-1"}, "spec": {}})
    here.submit()
    here.settle(5)
    assert "ownerReferences" not in here.get(JOBS, "s-prepare-1")["metadata"]
    assert "belongs to something else" in str(here.get()["status"]["conditions"])


def test_who_no_longer_leads_writes_nothing():
    here = Running()
    here.leads = False
    here.submit()
    here.settle(5)
    assert here.jobs() == [] and "status" not in here.get()
    assert not [key for key in here.cluster.requests if key[0] in {"patch", "delete"}]


def test_a_deleted_synthesis_gives_the_planners_role_back_and_its_series_vanish():
    here = sampling()
    here.settle(10)
    assert b'dart_synthesis_queries{namespace="a",name="s"} 10' in here.metrics.render()[0]
    here.cluster.delete(SYNTHESES, "a", "s")
    here.cluster.collect()
    here.settle(5)
    assert here.forgotten == ["s3://bucket/runs/s"]
    assert b'name="s"' not in here.metrics.render()[0]
    assert here.jobs() == []


def test_a_synthesis_made_anew_under_the_same_name_inherits_nothing():
    here = sampling()
    old = here.get()["metadata"]["uid"]
    here.cluster.delete(SYNTHESES, "a", "s")
    here.cluster.create(SYNTHESES, "a", synthesis())
    here.settle(1)
    here.cluster.collect()
    here.answers = Progress(prepared=False)
    here.settle(30)
    assert here.get()["metadata"]["uid"] != old
    assert {here.get(JOBS, name)["metadata"]["ownerReferences"][0]["uid"] for name in here.jobs()} == {
        here.get()["metadata"]["uid"]
    }


def test_events_are_written_for_what_is_new_once():
    here = Running()
    here.submit(synthesis(output={"uri": "s3://elsewhere/s"}))
    here.settle(100)
    here.restarted()
    here.settle(100)
    events = here.cluster.list(EVENTS, "a").items
    assert events and all(event["involvedObject"]["uid"] == here.get()["metadata"]["uid"] for event in events)
    assert {event["count"] for event in events} == {1}
    assert len({(event["reason"], event["message"]) for event in events}) == len(events)


def test_a_fault_in_a_decision_stops_one_synthesis_and_no_other():
    here = Running()
    broken = synthesis("broken")
    broken["spec"]["output"] = None
    here.cluster.create(SYNTHESES, "a", broken)
    here.submit()
    here.settle(60)
    assert here.jobs() == ["s-prepare-1"]


def test_watches_that_lose_events_change_nothing_once_the_list_is_made_anew():
    here = Running()
    here.submit()
    here.cluster.keeps = lambda change: change.type == "BOOKMARK"
    here.answers = SAMPLING
    here.job_ends(Stage.PREPARE)
    assert here.jobs() == ["s-prepare-1"]
    here.cluster.keeps = lambda change: True
    here.cluster.expire()
    here.settle(5)
    assert here.jobs() == ["s-prepare-1", "s-sampler-1"]


def test_who_stands_by_has_no_backlog():
    here = Running()
    here.runtime.queue.add(Key("a", "s"))
    here.leads = False
    here.runtime.measure()
    assert here.metrics.value(QUEUE_DEPTH) == 0
    here.leads = True
    here.runtime.measure()
    assert here.metrics.value(QUEUE_DEPTH) == 1
