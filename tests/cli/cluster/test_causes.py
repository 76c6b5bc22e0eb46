"""Why something waits, in words: conditions, pods, Kueue, operators that are not there."""

from typing import Any

import pytest

from dart_k8s.api.conditions import REASONS
from dart_k8s.cli.cluster.causes import causes, report
from dart_k8s.cli.cluster.observing import Observed
from dart_k8s.edges.cluster import Object
from dart_k8s.reconcile.findings import Finding, encode

from .objects import NOW, ago, condition, ended, observed, pod, synthesis, unplaced, waiting


def workload(says: str, **conditions: str) -> Object:
    told = [
        {"type": kind, "status": status, "message": says, "lastTransitionTime": ago(600)}
        for kind, status in conditions.items()
    ]
    return {"metadata": {"name": "job-1"}, "spec": {"queueName": "gpus"}, "status": {"conditions": told}}


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_that_is_not_well_is_explained_with_its_way_out(reason: str):
    [kind, *_] = REASONS[reason].types
    found = causes(observed(condition(kind, reason, "what happened")), NOW)
    if not found:
        assert not REASONS[reason].remedy or reason in ("EngineLoading", "Paused")
        return
    [cause] = found
    assert (cause.reason, cause.meaning, cause.message) == (reason, REASONS[reason].meaning, "what happened")
    assert cause.remedy or not REASONS[reason].remedy


@pytest.mark.parametrize(
    "conditions",
    [
        [condition("Ready", "Accepted"), condition("Prepared", "Preparing")],
        [
            condition("EngineReady", "EngineLoading"),
            condition("Progressing", "Pending"),
            condition("Failed", "NotFailed"),
        ],
        [condition("Progressing", "AlreadyFinished"), condition("Complete", "Finished")],
    ],
)
def test_what_all_runs_pass_through_is_no_cause(conditions: list[dict[str, Any]]):
    assert causes(observed(*conditions), NOW) == []


def test_the_most_pressing_comes_first_and_one_reason_once():
    found = causes(
        observed(
            condition("Degraded", "OutOfMemory"),
            condition("Progressing", "TooManyFailures"),
            condition("Failed", "TooManyFailures"),
        ),
        NOW,
    )
    assert [cause.reason for cause in found] == ["TooManyFailures", "OutOfMemory"]


def test_a_reason_of_a_newer_operator_still_shows_its_message():
    [cause] = causes(observed(condition("Degraded", "MoonInTheWay", "It is full.")), NOW)
    assert cause.message == "It is full." and "does not know" in cause.meaning


def test_the_scheduler_s_words_stand_with_the_condition_and_equal_pods_together():
    pods = (unplaced("p-1"), unplaced("p-2"), pod("p-3", conditions=[{"type": "Ready", "status": "True"}]))
    [cause] = causes(observed(condition("Progressing", "Unschedulable"), pods=pods), NOW)
    [line] = cause.seen
    assert line.startswith("2 sampler pods (first p-1): waits for a node") and "Insufficient nvidia.com/gpu" in line


@pytest.mark.parametrize(
    ("item", "reason", "says"),
    [
        (unplaced("p"), "Unschedulable", "Insufficient"),
        (waiting("p", "ImagePullBackOff", "Back-off pulling image"), "ImagePullFailed", "Back-off pulling"),
        (waiting("p", "CreateContainerConfigError", 'secret "s" not found'), "PodMisconfigured", 'secret "s"'),
        (ended("p", 137, reason="OOMKilled"), "OutOfMemory", "more memory"),
        (ended("p", 1, "CUDA error"), "SamplerCrashed", "CUDA error"),
        (ended("p", 1, "trouble", stage="curate"), "PodCrashed", "trouble"),
        (ended("p", 64, "no such field"), "BadConfiguration", "no such field"),
        (
            ended("p", 64, encode(Finding(reason="ModelUnavailable", message="No such model.", remedy="Check it."))),
            "ModelUnavailable",
            "No such model.",
        ),
    ],
)
def test_a_pod_in_trouble_is_a_cause_even_before_the_operator_says_so(item: Object, reason: str, says: str):
    [cause] = causes(observed(phase="Preparing", pods=(item,)), NOW)
    assert cause.reason == reason and cause.remedy and says in cause.seen[0]


def test_a_pod_s_own_way_out_comes_before_the_general_one():
    said = encode(Finding(reason="ModelUnavailable", message="No such model.", remedy="Check it."))
    [cause] = causes(observed(pods=(ended("p", 64, said),)), NOW)
    assert cause.remedy == "Check it."


@pytest.mark.parametrize(
    "item",
    [
        ended("p", 75),
        pod("p", phase="Succeeded"),
        pod("p", phase="Pending"),
        pod(
            "p",
            phase="Failed",
            conditions=[{"type": "DisruptionTarget", "status": "True", "reason": "PreemptedByScheduler"}],
        ),
    ],
)
def test_pods_that_were_stopped_or_taken_are_no_cause(item: Object):
    assert causes(observed(pods=(item,)), NOW) == []


def test_what_a_cause_says_is_not_said_again():
    said = encode(Finding(reason="QueriesUnreadable", message="Row 3 has no answer.", remedy="Mend row 3."))
    event = {
        "metadata": {"name": "e"}, "involvedObject": {"kind": "Synthesis", "name": "hard"},
        "reason": "QueriesUnreadable", "message": "Pod p: Row 3 has no answer.",
    }  # fmt: skip
    failed = condition("Failed", "QueriesUnreadable", "Pod p: Row 3 has no answer.")
    lines = report(observed(failed, pods=(ended("p", 64, said, stage="prepare"),), events=(event,)), NOW)
    assert sum("Row 3 has no answer." in line for line in lines) == 1
    assert "   What to do: Mend row 3." in lines and "Warnings:" not in lines


def test_kueue_s_words_are_shown_with_the_queue():
    job = workload("couldn't assign flavors: insufficient quota", QuotaReserved="False")
    [cause] = causes(observed(condition("Progressing", "WaitingForQuota"), workloads=(job,)), NOW)
    assert cause.seen == ("Workload job-1 in queue gpus waits for 10m: couldn't assign flavors: insufficient quota",)
    assert [c.reason for c in causes(observed(workloads=(job,)), NOW)] == ["WaitingForQuota"]
    assert causes(observed(workloads=(workload("", Admitted="True"),)), NOW) == []


def test_an_operator_that_is_not_there_is_said_after_half_a_minute():
    new = synthesis(about={"creationTimestamp": ago(5)})
    assert causes(Observed(synthesis=new), NOW) == []
    [cause] = causes(Observed(synthesis=synthesis()), NOW)
    assert cause.reason == "NoOperator" and "dart-operator" in cause.remedy


def test_a_spec_that_changed_since_the_operator_looked_is_said():
    status = {"phase": "Sampling", "observedGeneration": 1}
    [cause] = causes(Observed(synthesis=synthesis(status=status, about={"generation": 2})), NOW)
    assert cause.reason == "ChangeNotSeen"


def test_a_suspended_one_says_how_it_goes_on():
    [cause] = causes(observed(condition("Suspended", "SuspendedByUser")), NOW)
    assert cause.remedy == "dart resume hard"


def test_one_that_is_deleted_says_what_keeps_it():
    about = {"deletionTimestamp": ago(30), "finalizers": ["dart-k8s.io/output"]}
    [cause] = causes(Observed(synthesis=synthesis(status={"phase": "Deleting"}, about=about)), NOW)
    assert cause.reason == "Deleting" and "dart-k8s.io/output" in cause.remedy


def test_the_report_is_numbered_and_says_what_could_not_be_read(golden: Any):
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Job", "name": "hard-sampler-1"},
        "reason": "FailedCreate",
        "message": "pods is forbidden: exceeded quota: gpus",
        "lastTimestamp": ago(180),
        "count": 12,
    }
    found = observed(
        condition("Progressing", "Unschedulable", "No node takes pod hard-sampler-1-a.", since=720),
        condition("Degraded", "OutOfMemory", "Pod hard-sampler-1-c was killed.", since=60),
        pods=(
            unplaced("hard-sampler-1-a"),
            unplaced("hard-sampler-1-b"),
            ended("hard-sampler-1-c", 137, reason="OOMKilled"),
            pod("hard-sampler-1-d", conditions=[{"type": "Ready", "status": "True"}]),
        ),
        events=(event,),
        hidden=("deployments",),
    )
    golden("explained.txt", "\n".join(report(found, NOW)) + "\n")


def test_a_report_without_causes_says_so():
    assert report(observed(phase="Curating"), NOW) == [
        "a/hard: Curating",
        "  Nothing stands in its way. The data set is being written.",
    ]
