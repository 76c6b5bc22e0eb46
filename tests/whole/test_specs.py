"""Specs drawn from the CRD's schema, carried out: what is taken leads to its children or to a reason, and a change that
is taken back leaves no trace."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from kubernetes import client

from dart_k8s.names import GENERATION, GROUP, NUMBER, STAGE, SYNTHESIS, Stage
from dart_k8s.operator.keys import Key
from dart_k8s.reconcile import ApplyDeclaration, ApplyVerifiers, CreateJob
from dart_k8s.render import objects
from tests.api.drawn import BASES, specs
from tests.operator.real import SAMPLING, synthesis

if TYPE_CHECKING:
    from .standing import Standing

DRAWN = int(os.environ.get("DART_SPECS", "60"))
"""About half of them are valid."""
AT_ONCE = 20
NO_REASONS = ("", "InternalError", "Pending")


def draw(count: int) -> list[dict[str, Any]]:
    """So many specs of a Synthesis; different ones each time, printed by a test that fails."""
    found: list[dict[str, Any]] = []

    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(specs("Synthesis"))
    def collect(spec: dict[str, Any]) -> None:
        found.append(json.loads(json.dumps(spec)))

    collect()
    return found[:count]


def submit(here: Standing, name: str, spec: Mapping[str, Any]) -> str:
    """Why it was refused; empty: it was taken."""
    document = {"apiVersion": "dart-k8s.io/v1alpha1", "kind": "Synthesis", "metadata": {"name": name}, "spec": spec}
    path = f"/apis/dart-k8s.io/v1alpha1/namespaces/{here.namespace}/syntheses"
    try:
        here.plane.call("POST", path, document, fieldValidation="Strict")
    except client.ApiException as error:
        if error.status not in (400, 422):
            raise
        return str(json.loads(error.body)["message"])
    return ""


def children(here: Standing, name: str) -> dict[str, dict[str, Any]]:
    """Of a Synthesis, by kind and name."""
    found = {}
    for path, kind in (
        ("/apis/batch/v1", "jobs"), ("/apis/apps/v1", "deployments"), ("/api/v1", "services"),
        ("/apis/networking.k8s.io/v1", "networkpolicies"), ("/api/v1", "configmaps"),
    ):  # fmt: skip
        where = f"{path}/namespaces/{here.namespace}/{kind}"
        for item in here.plane.call("GET", where, labelSelector=f"{SYNTHESIS}={name}")["items"]:
            found[f"{kind}/{item['metadata']['name']}"] = item
    return found


def holds(wanted: Any, found: Any) -> bool:
    """Whether an object has all that was asked for, besides what the API server filled in. Empty is absent."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            value in ({}, [], None, "", False) or holds(value, found.get(key)) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(holds, wanted, found))
    return bool(wanted == found) or str(wanted) == str(found)


def settled(here: Standing, name: str) -> str:
    """How far it came: a phase with a Job, or a reason why not; empty as long as it is on its way."""
    item = here.get(name)
    status = item.get("status") or {}
    if status.get("observedGeneration") != item["metadata"]["generation"]:
        return ""
    conditions = {one["type"]: one for one in status["conditions"]}
    if status["phase"] in ("Waiting", "Failed"):
        kind = "Failed" if status["phase"] == "Failed" else "Ready"
        assert conditions[kind]["reason"] not in NO_REASONS and conditions[kind]["message"], (name, status)
        return f"{status['phase']}: {conditions[kind]['reason']}"
    if status["phase"] == "Suspended":
        return "Suspended"
    jobs = [key for key in children(here, name) if key.startswith("jobs/")]
    wanted = item["spec"].get("samplers", {}).get("replicas", 1)
    if any("-sampler-" in job for job in jobs) or (status["phase"] == "Sampling" and not wanted):
        return "Sampling"
    prepared = conditions["Prepared"]
    if status["phase"] == "Preparing" and prepared["reason"] not in ("Pending", "Preparing", ""):
        return f"Preparing: {prepared['reason']}"
    said = conditions["Progressing"]
    return f"{status['phase']}: {said['reason']}" if said["reason"] == "PodRefused" else ""


def check_children(here: Standing, name: str, spec: Mapping[str, Any]) -> None:
    """The children are what the pure rooms make of the Synthesis as it is."""
    runtime = here.operator.process.runtime
    facts = runtime.controller.gather(Key(here.namespace, name))
    assert facts is not None
    there = children(here, name)
    actions: list[ApplyDeclaration | ApplyVerifiers | CreateJob] = [ApplyDeclaration()]
    for key, item in there.items():
        labels = item["metadata"]["labels"]
        if key.startswith("jobs/"):
            count = item["spec"]["parallelism"]
            actions.append(CreateJob(stage=Stage(labels[STAGE]), number=int(labels[NUMBER]), parallelism=count))
        if key.startswith("deployments/"):
            actions.append(ApplyVerifiers(replicas=item["spec"]["replicas"]))
    for action in actions:
        for wanted in objects(action, facts, runtime.settings):
            kind = {"NetworkPolicy": "networkpolicies"}.get(wanted["kind"], wanted["kind"].lower() + "s")
            found = there[f"{kind}/{wanted['metadata']['name']}"]
            notes = wanted["metadata"]["annotations"]
            if GENERATION in notes:
                notes = {**notes, GENERATION: found["metadata"]["annotations"][GENERATION]}
            about = {**wanted["metadata"], "annotations": notes}
            # Items of a list do not say what they are.
            asked = {key: value for key, value in wanted.items() if key not in ("apiVersion", "kind")}
            assert holds({**asked, "metadata": about}, found), (spec, wanted, found)


def test_what_the_schema_takes_leads_to_children_or_to_a_reason(here: Standing) -> None:
    refused = ended = 0
    drawn = draw(DRAWN)
    for first in range(0, len(drawn), AT_ONCE):
        taken: dict[str, dict[str, Any]] = {}
        for number, spec in enumerate(drawn[first : first + AT_ONCE], first):
            name = f"drawn-{number}"
            if spec["output"]["uri"].startswith("s3://bucket"):
                spec["output"]["uri"] = f"s3://bucket/runs/{name}"
            here.folded.say(name, SAMPLING)
            if words := submit(here, name, spec):
                assert "spec" in words and len(words) > 30, (spec, words)
                refused += 1
            else:
                taken[name] = spec
        for name, spec in taken.items():
            how = here.plane.eventually(lambda name=name: settled(here, name), f"{name} to settle: {spec}")  # type: ignore[misc]
            if how == "Sampling":
                check_children(here, name, spec)
            print(name, how)
            ended += 1
        for name in taken:
            path = f"/apis/dart-k8s.io/v1alpha1/namespaces/{here.namespace}/syntheses/{name}"
            here.plane.call("DELETE", path)
    faults = [facts for event, facts in here.operator.told if event == "fault"]
    assert not faults, faults
    print(f"{refused} refused, {ended} carried out")
    assert ended and refused


CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"strategy": {"target": 9}}, {"strategy": {"target": 4}}),
    ({"budget": {"maxTrialsPerQuery": 100}}, {"budget": None}),
    ({"samplers": {"replicas": 4}}, {"samplers": {"replicas": 2}}),
    ({"verifiers": {"replicas": 3}}, {"verifiers": None}),
    ({"verifiers": {"nodeSelector": {"disk": "fast"}}}, {"verifiers": None}),
    ({"verifiers": {"processes": 3, "memoryMib": 2048}}, {"verifiers": None}),
    ({"verification": {"maxPending": 50}}, {"verification": None}),
    ({"flush": {"seconds": 5}}, {"flush": None}),
    ({"claims": {"ttlSeconds": 200}}, {"claims": None}),
    ({"curation": {"deduplicate": "none"}}, {"curation": None}),
    ({"ttlSecondsAfterFinished": 900}, {"ttlSecondsAfterFinished": None}),
    ({"deletionPolicy": "Delete"}, {"deletionPolicy": "Retain"}),
]
"""(there, and back again)"""


def shape(here: Standing, name: str) -> dict[str, Any]:
    """The children without what only numbers their versions."""
    found = {}
    for key, item in children(here, name).items():
        about = item["metadata"]
        ours = {name: text for name, text in (about.get("annotations") or {}).items() if name.startswith(GROUP)}
        found[key] = [about["uid"], about["labels"], ours, item.get("spec"), item.get("data")]
    finalizers = here.get(name)["metadata"].get("finalizers")
    return {**found, "finalizers": finalizers}


def test_a_change_that_is_taken_back_leaves_no_trace(here: Standing) -> None:
    here.folded.say("changed", SAMPLING)
    here.plane.apply(synthesis("changed", samplers={"replicas": 2}), here.namespace)
    here.running("changed-sampler-1", 2)

    def seen() -> bool:
        item = here.get("changed")
        return bool(item["status"]["observedGeneration"] == item["metadata"]["generation"])

    def rests() -> dict[str, Any] | None:
        """The shape, once it is the same twice with the last change seen and the queue empty."""
        if not seen() or here.operator.process.runtime.queue.working():
            return None
        before = shape(here, "changed")
        return before if "deployments/changed-verifier" in before and before == shape(here, "changed") else None

    start = here.plane.eventually(rests, "it to rest")
    for there, back in CHANGES:
        before = here.get("changed")["metadata"]["generation"]
        here.change("changed", **there)
        here.plane.eventually(seen, f"{there} to be seen")
        here.change("changed", **back)
        assert here.get("changed")["metadata"]["generation"] == before + 2, there
        try:
            here.plane.eventually(lambda: rests() == start, f"{back} to undo {there}", 20.0)  # type: ignore[misc]
        except BaseException:
            print(there, differing(start, shape(here, "changed")))
            raise


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Where two shapes differ."""
    return {key: (one.get(key), other.get(key)) for key in {*one, *other} if one.get(key) != other.get(key)}


@pytest.mark.parametrize("kind", ["Synthesis"])
def test_the_least_spec_of_a_kind_is_carried_out(here: Standing, kind: str) -> None:
    spec = {**BASES[kind], "output": {"uri": "s3://bucket/runs/least"}}
    here.folded.say("least", SAMPLING)
    assert submit(here, "least", spec) == ""
    here.plane.eventually(lambda: settled(here, "least") == "Sampling", "it to be sampled")
    check_children(here, "least", spec)


def test_a_misspelt_pod_setting_is_named_and_never_left_out(here: Standing) -> None:
    spec = {**BASES["Synthesis"], "output": {"uri": "s3://bucket/runs/misspelt"}}
    assert submit(here, "misspelt", {**spec, "prepare": {"tolerations": [{"kye": "gpu"}]}}) == ""
    here.plane.eventually(lambda: settled(here, "misspelt") == "Preparing: PodRefused", "it to be refused")
    assert "kye" in here.status("misspelt")["message"]
