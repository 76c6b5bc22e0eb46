"""Trainings and Evaluations on a real API server: the real Job controller, pods that pretend to run, and a folding
child that says what a test wrote down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from dart_k8s.names import STAGE, TRAINING

from .real import CLOSED, RECORD, SAMPLING, Folded, InProcess, evaluation, install, settings, synthesis, training

if TYPE_CHECKING:
    from kubernetes.client import V1Pod

    from tests.cluster.plane import ControlPlane

API = "/apis/dart-k8s.io/v1alpha1/namespaces"
MERGE = "application/merge-patch+json"
PROGRESS = {"version": 1, "phase": "training", "step": 3, "steps": 12, "loss": 1.5, "checkpoint": 2, "rows": 100}
SCORES = {
    "version": 1,
    "benchmarks": [
        {
            "name": "gsm8k", "items": 7, "strict": {"value": 0.5, "low": 0.3, "high": 0.7},
            "lenient": {"value": 0.625, "low": 0.4, "high": 0.8}, "passAt1": {"value": 0.55, "low": 0.4, "high": 0.7},
            "majority": {"k": 4, "value": 0.75, "low": 0.5, "high": 0.9},
        }
    ],
    "average": None,
}  # fmt: skip


class Here(NamedTuple):
    """An operator at work."""

    plane: ControlPlane
    namespace: str
    folded: Folded
    operator: InProcess

    def get(self, plural: str, name: str) -> dict[str, Any]:
        return self.plane.call("GET", f"{API}/{self.namespace}/{plural}/{name}")

    def status(self, plural: str, name: str) -> dict[str, Any]:
        return dict(self.get(plural, name).get("status", {}))

    def change(self, plural: str, name: str, **spec: Any) -> None:
        self.plane.call("PATCH", f"{API}/{self.namespace}/{plural}/{name}", {"spec": spec}, content=MERGE)

    def reach(self, plural: str, name: str, phase: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            now = self.status(plural, name)
            return now if now.get("phase") == phase else None

        return self.plane.eventually(look, f"{plural}/{name} to be {phase}")

    def jobs(self) -> dict[str, Any]:
        found = self.plane.call("GET", f"/apis/batch/v1/namespaces/{self.namespace}/jobs")["items"]
        return {one["metadata"]["name"]: one for one in found}

    def trainers(self, name: str, number: int, count: int = 2) -> list[V1Pod]:
        """The running pods of a group, by node."""
        chosen = f"batch.kubernetes.io/job-name={name}-trainer-{number}"

        def look() -> list[V1Pod]:
            listed = self.plane.core.list_namespaced_pod(self.namespace, label_selector=chosen).items
            found = [p for p in listed if p.status.phase == "Running" and not p.metadata.deletion_timestamp]
            found.sort(key=lambda pod: pod.metadata.labels["batch.kubernetes.io/job-completion-index"])
            return found if len(found) == count else []

        return self.plane.eventually(look, f"{count} trainers of {name}, number {number}")

    def finish(self, pods: list[V1Pod], code: int, **more: str) -> None:
        from tests.cluster.pods import finish

        for pod in pods:
            finish(self.plane, self.namespace, pod.metadata.name, code, **more)


@pytest.fixture
def here(plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Here]:
    """Pods end well by themselves, but for samplers and trainers."""
    from tests.cluster import pods

    install(plane, namespace)
    ends = {pods.EXIT_CODE: "0", pods.RUNS_FOR: "100ms"}
    folded = Folded(tmp_path)
    kubeconfig = plane.kubeconfig_of("dart-operator", namespace)
    with (
        pods.directed(plane, namespace, ends, {STAGE: "prepare"}),
        pods.directed(plane, namespace, ends, {STAGE: "curate"}),
        pods.directed(plane, namespace, ends, {STAGE: "score"}),
        pods.directed(plane, namespace, {pods.ON_SIGTERM: "75"}, {STAGE: "trainer"}),
        InProcess(settings(kubeconfig, namespace, folded)) as operator,
    ):
        yield Here(plane, namespace, folded, operator)
    assert not operator.exits and "fault" not in operator.events()
    assert not {(sent.verb, sent.resource.plural) for sent in operator.sent if sent.code in {"401", "403", "422"}}


def test_a_training_on_two_nodes_trains_as_one_group_and_ends_complete(here: Here) -> None:
    here.plane.apply(training(deletionPolicy="Retain"), here.namespace)
    first, second = here.trainers("t", 1)
    spec = first.spec
    assert (spec.hostname, spec.subdomain) == (
        "t-trainer-1-0",
        "t-trainers",
    ) and second.spec.hostname == "t-trainer-1-1"
    env = {one.name: one.value for one in spec.containers[0].env}
    assert env["DART_RENDEZVOUS"] == f"t-trainer-1-0.t-trainers.{here.namespace}.svc.cluster.local"
    assert (env["DART_NODES"], env["DART_ATTEMPT"], env["DART_RENDEZVOUS_PORT"]) == ("2", "1", "29500")
    service = here.plane.core.read_namespaced_service("t-trainers", here.namespace)
    assert service.spec.cluster_ip == "None" and service.spec.publish_not_ready_addresses
    assert service.metadata.creation_timestamp <= first.metadata.creation_timestamp
    here.folded.write("t", "state/progress.json", PROGRESS)
    shown = here.plane.eventually(
        lambda: (now := here.status("trainings", "t")).get("progress", {}).get("step") == 3 and now, "the step"
    )
    assert (shown["progress"]["summary"], shown["checkpoint"]) == ("25%", {"step": 2})
    assert shown["trainers"]["ready"] == 2 and f"{TRAINING}=t" in shown["trainers"]["selector"]
    here.folded.write("t", "state/progress.json", {**PROGRESS, "phase": "complete", "step": 12})
    here.finish([first, second], 0)
    ended = here.reach("trainings", "t", "Complete")
    assert ended["output"] == "s3://bucket/runs/t"
    here.plane.eventually(lambda: list(here.jobs()) == ["t-trainer-1"], "the prepare Job to be gone")
    done = here.plane.eventually(
        lambda: (now := here.status("trainings", "t"))["progress"]["fraction"] == 1.0 and now, "the last numbers"
    )
    assert "restarts" not in done


def test_a_group_that_loses_a_node_is_followed_by_another_one_and_faults_are_told_apart(here: Here) -> None:
    here.plane.apply(training(trainers={"maxRestarts": 1}), here.namespace)
    first = here.trainers("t", 1)
    here.finish(first[1:], 1)
    second = here.trainers("t", 2)
    now = here.status("trainings", "t")
    assert (now["restarts"], now.get("disruptions", 0)) == (1, 0)
    # The pods of the first are gone: no two groups at a time.
    names = {pod.metadata.name for pod in second}
    assert not names & {pod.metadata.name for pod in first}
    about = {"name": second[0].metadata.name, "namespace": here.namespace}
    path = f"/api/v1/namespaces/{here.namespace}/pods/{about['name']}/eviction"
    here.plane.call("POST", path, {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": about})
    third = here.trainers("t", 3)
    now = here.status("trainings", "t")
    assert (now["restarts"], now["disruptions"]) == (1, 1)
    here.finish(third[:1], 134)
    failed = here.reach("trainings", "t", "Failed")
    [why] = [one for one in failed["conditions"] if one["type"] == "Failed"]
    assert why["reason"] == "RestartsExhausted" and "Node 0" in why["message"] and "134" in why["message"]
    # A change of the spec is a new start.
    here.change("trainings", "t", trainers={"maxRestarts": 2})
    here.trainers("t", 4)
    assert here.status("trainings", "t")["restarts"] == 0


def test_a_training_waits_for_its_synthesis_and_is_suspended_and_resumed(here: Here) -> None:
    here.plane.apply(training(data={"fromSynthesis": "s"}), here.namespace)
    waiting = here.reach("trainings", "t", "Waiting")
    [ready] = [one for one in waiting["conditions"] if one["type"] == "Ready"]
    assert ready["reason"] == "WaitingForReference" and "Synthesis s" in ready["message"]
    here.folded.say("s", CLOSED)
    here.plane.apply(synthesis("s"), here.namespace)
    pods = here.trainers("t", 1)
    mounted = here.plane.core.read_namespaced_config_map("t-training-declaration", here.namespace)
    assert "s3://bucket/runs/s/dataset" in mounted.data["declaration.yaml"]
    here.change("trainings", "t", suspend=True)
    here.reach("trainings", "t", "Suspended")
    here.plane.eventually(lambda: "t-trainer-1" not in here.jobs(), "the group to go")
    here.change("trainings", "t", suspend=False)
    resumed = here.trainers("t", 2)
    assert not {pod.metadata.name for pod in pods} & {pod.metadata.name for pod in resumed}
    assert "restarts" not in here.status("trainings", "t")


def test_an_evaluation_is_sampled_by_syntheses_of_its_own_and_scored(here: Here) -> None:
    here.folded.write("e", "state/evaluation.json", RECORD)
    here.folded.say("e/passes/greedy", SAMPLING)
    here.plane.apply(evaluation(), here.namespace)
    made = here.plane.eventually(lambda: here.get("syntheses", "e-greedy"), "the greedy pass")
    owner = made["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("Evaluation", "e")
    assert made["spec"]["output"]["uri"] == "s3://bucket/runs/e/passes/greedy"
    # Suspended, its pass is.
    here.change("evaluations", "e", suspend=True)
    here.reach("syntheses", "e-greedy", "Suspended")
    here.change("evaluations", "e", suspend=False)
    here.folded.say("e/passes/greedy", CLOSED)
    here.reach("syntheses", "e-greedy", "Complete")
    here.folded.say("e/passes/trials", CLOSED)
    here.folded.write("e", "state/summary.json", SCORES)
    here.reach("syntheses", "e-trials", "Complete")
    here.reach("evaluations", "e", "Complete")
    done = here.plane.eventually(lambda: (now := here.status("evaluations", "e")).get("scores") and now, "the scores")
    assert done["scores"] == [
        {
            "name": "gsm8k",
            "items": 7,
            "strict": 0.5,
            "lenient": 0.625,
            "low": 0.4,
            "high": 0.8,
            "majority": 0.75,
            "passAt1": 0.55,
        }
    ]
    assert (done["average"], done["averageText"]) == (0.625, "62.5%")
    assert done["progress"]["trials"] == 120 and "e-evaluation-score-1" in here.jobs()
