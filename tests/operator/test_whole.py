"""The operator on a real API server, with the real Job controller and pods that pretend to run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dart_k8s.names import STAGE, Stage
from dart_k8s.operator.applying import Applier
from dart_k8s.operator.keys import Key
from dart_k8s.reconcile import Announcement, CreateJob
from dart_k8s.render import objects

from .real import CLOSED, RECORD, SAMPLING, Folded, InProcess, evaluation, install, rules, settings, synthesis, training

if TYPE_CHECKING:
    from tests.cluster.plane import ControlPlane

API = "/apis/dart-k8s.io/v1alpha1/namespaces"


@pytest.fixture
def folded(tmp_path: Path) -> Folded:
    return Folded(tmp_path)


@pytest.fixture
def installed(plane: ControlPlane, namespace: str) -> Iterator[ControlPlane]:
    """The CRDs, the operator's rights, and pods that end well by themselves, samplers apart."""
    from tests.cluster import pods

    install(plane, namespace)
    ends = {pods.EXIT_CODE: "0", pods.RUNS_FOR: "100ms"}
    with (
        pods.directed(plane, namespace, ends, {STAGE: "prepare"}),
        pods.directed(plane, namespace, ends, {STAGE: "curate"}),
        pods.directed(plane, namespace, ends, {STAGE: "cleanup"}),
        pods.directed(plane, namespace, ends, {STAGE: "trainer"}),
        pods.directed(plane, namespace, ends, {STAGE: "score"}),
        pods.directed(plane, namespace, {pods.ON_SIGTERM: "75"}, {STAGE: "sampler"}),
    ):
        yield plane


def get(plane: ControlPlane, namespace: str, name: str = "s") -> dict[str, Any]:
    return plane.call("GET", f"{API}/{namespace}/syntheses/{name}")


def phase(plane: ControlPlane, namespace: str, name: str = "s") -> str:
    return str(get(plane, namespace, name).get("status", {}).get("phase", ""))


def jobs(plane: ControlPlane, namespace: str) -> dict[str, Any]:
    found = plane.call("GET", f"/apis/batch/v1/namespaces/{namespace}/jobs")["items"]
    return {one["metadata"]["name"]: one for one in found}


def reach(plane: ControlPlane, namespace: str, wanted: str, name: str = "s") -> None:
    plane.eventually(lambda: phase(plane, namespace, name) == wanted, f"phase {wanted} of {name}")


def used(here: InProcess) -> set[tuple[str, str, str]]:
    """(group, resource, verb) of every request that was sent."""
    found = set()
    for sent in here.sent:
        resource = sent.resource.plural + (f"/{sent.subresource}" if sent.subresource else "")
        found.add((sent.resource.group, resource, sent.verb))
        # Server-side apply of what is not there creates it, which takes that right too.
        if sent.verb == "patch" and sent.code == "201":
            found.add((sent.resource.group, resource, "create"))
    return found


def test_every_kind_runs_to_its_end_with_exactly_the_rights_of_the_manifest(
    installed: ControlPlane, namespace: str, folded: Folded
) -> None:
    plane = installed
    kubeconfig = plane.kubeconfig_of("dart-operator", namespace)
    with InProcess(settings(kubeconfig, namespace, folded)) as here:
        plane.apply(synthesis(ttlSecondsAfterFinished=1, deletionPolicy="Delete"), namespace)
        reach(plane, namespace, "Preparing")
        folded.say("s", SAMPLING)
        reach(plane, namespace, "Sampling")
        plane.eventually(lambda: jobs(plane, namespace)["s-sampler-1"]["status"].get("ready") == 2, "two samplers")
        path = f"{API}/{namespace}/syntheses/s"
        plane.call("PATCH", path, {"spec": {"samplers": {"replicas": 1}}}, content="application/merge-patch+json")
        plane.eventually(lambda: jobs(plane, namespace)["s-sampler-1"]["spec"]["parallelism"] == 1, "one sampler")
        again(here, namespace)
        folded.say("s", CLOSED)
        reach(plane, namespace, "Curating")
        folded.write("e", "state/evaluation.json", RECORD)
        for name in ("greedy", "trials"):
            folded.say(f"e/passes/{name}", CLOSED)
        both = {"ttlSecondsAfterFinished": 1, "deletionPolicy": "Delete"}
        plane.apply([training(**both), evaluation(**both)], namespace)
        for plural in ("syntheses", "trainings", "evaluations"):
            gone = f"{API}/{namespace}/{plural}"
            plane.eventually(lambda gone=gone: plane.call("GET", gone)["items"] == [], f"the {plural} to be gone")
    assert not here.exits and "fault" not in here.events()
    refused = {(sent.verb, sent.resource.plural, sent.code) for sent in here.sent if sent.code in {"401", "403"}}
    assert refused == set()
    granted = {
        (group, resource, verb)
        for rule in rules()
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    asked = {one for one in used(here) if one[1] != "leases"}
    assert asked <= granted
    assert granted - asked == set()
    assert {one[2] for one in used(here) if one[1] == "leases"} == {"get", "create", "update"}


def again(here: InProcess, namespace: str) -> None:
    """Create and announce once more what is there, as a new leader does that has not seen it yet."""
    runtime = here.process.runtime
    facts = runtime.controller.gather(Key(namespace, "s"))
    assert facts is not None
    action = CreateJob(stage=Stage.SAMPLER, number=1, parallelism=2)
    applier = Applier(cluster=runtime.cluster, wrote=lambda item: None)
    applier.apply(action, facts.object, objects(action, facts, runtime.settings))
    for _ in range(2):
        said = Announcement(kind="Normal", reason="Sampling", message="said twice")
        assert runtime.controller.announcer.announce(facts.object, said)
