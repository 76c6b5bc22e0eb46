"""What the real Job controller does with the Jobs that the operator makes, rule by rule: the exit codes' contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from dart_k8s.names import QUEUE
from tests.operator.real import SAMPLING

if TYPE_CHECKING:
    from .standing import Standing

QUEUED = {"queueName": "gpus"}


def test_a_drained_sampler_is_replaced_and_is_no_failure(here: Standing) -> None:
    first, other = here.begin("drained")
    body = {"metadata": {"name": first, "namespace": here.namespace}}
    path = f"/api/v1/namespaces/{here.namespace}/pods/{first}/eviction"
    here.plane.call("POST", path, {"apiVersion": "policy/v1", "kind": "Eviction", **body})
    here.plane.eventually(lambda: first not in here.running("drained-sampler-1", 2), "a replacement")
    assert other in here.running("drained-sampler-1", 2)
    assert here.failed("drained-sampler-1") == 0
    assert here.status("drained")["failures"] == 0


def test_a_sampler_whose_pod_is_deleted_is_replaced_and_is_no_failure(here: Standing) -> None:
    first, _ = here.begin("deleted")
    here.plane.core.delete_namespaced_pod(first, here.namespace)
    here.plane.eventually(lambda: first not in here.running("deleted-sampler-1", 2), "a replacement")
    assert here.failed("deleted-sampler-1") == 0
    assert here.status("deleted")["failures"] == 0


def test_a_status_goes_on_when_queries_that_had_stopped_are_opened_again(here: Standing) -> None:
    here.begin("opened")
    here.folded.say("opened", {**SAMPLING, "trials": 40, "open": 6, "stopped": {"target": 4}})
    here.change("opened", samplers={"replicas": 3})
    here.seen("opened", lambda now: now["progress"].get("stopped") == {"target": 4}, "queries at their target")
    here.folded.say("opened", {**SAMPLING, "trials": 50})
    here.change("opened", samplers={"replicas": 2})
    now = here.seen("opened", lambda now: now["progress"]["trials"] == 50, "the numbers after that")
    assert not now["progress"].get("stopped")


def test_fewer_samplers_end_pods_of_the_same_job_and_more_add_some(here: Standing) -> None:
    names = here.begin("sized", replicas=3)
    uid = here.job("sized-sampler-1")["metadata"]["uid"]
    here.change("sized", samplers={"replicas": 1})
    [kept] = here.running("sized-sampler-1", 1)
    assert kept in names
    here.change("sized", samplers={"replicas": 2})
    assert kept in here.running("sized-sampler-1", 2)
    job = here.job("sized-sampler-1")
    assert (job["metadata"]["uid"], here.failed("sized-sampler-1")) == (uid, 0)
    assert here.jobs("sized") == ["sized-sampler-1"] and here.status("sized")["failures"] == 0


def test_a_sampler_that_stops_on_request_is_replaced_and_is_no_failure(here: Standing) -> None:
    first, _ = here.begin("stopped")
    here.finish(first, 75)
    here.plane.eventually(lambda: first not in here.running("stopped-sampler-1", 2), "a replacement")
    assert here.failed("stopped-sampler-1") == 0
    assert here.status("stopped")["failures"] == 0


def test_a_sampler_that_crashes_is_replaced_counted_and_explained(here: Standing) -> None:
    first, _ = here.begin("crashed")
    here.finish(first, 137, reason="OOMKilled")
    here.plane.eventually(lambda: first not in here.running("crashed-sampler-1", 2), "a replacement")
    assert here.failed("crashed-sampler-1") == 1
    status = here.seen("crashed", lambda now: now["failures"] == 1, "the failure to be counted")
    degraded = next(one for one in status["conditions"] if one["type"] == "Degraded")
    assert (degraded["status"], degraded["reason"]) == ("True", "OutOfMemory") and first in degraded["message"]


def test_bad_configuration_ends_the_job_and_the_synthesis_with_the_words_of_the_pod(here: Standing) -> None:
    first, other = here.begin("wrong")
    found = '{"finding": "BadConfiguration", "message": "There is no such script.", "remedy": "Name another one."}'
    here.finish(first, 64, message=found)
    status = here.seen("wrong", lambda now: now["phase"] == "Failed", "it to fail")
    assert "no such script" in status["message"].lower()
    # All that costs goes, the pod that was well too; what says why stays.
    here.plane.eventually(lambda: [p.metadata.name for p in here.pods("wrong-sampler-1")] == [first], "the other to go")
    job = here.job("wrong-sampler-1")
    reasons = {one["type"]: one["reason"] for one in job["status"]["conditions"] if one["status"] == "True"}
    assert reasons["Failed"] == "PodFailurePolicy" and other


def test_after_one_success_a_job_replaces_nothing_and_the_operator_makes_its_successor(here: Standing) -> None:
    first, second = here.begin("early")
    here.finish(first, 0)
    here.plane.eventually(lambda: here.job("early-sampler-1")["status"].get("succeeded") == 1, "the end to be seen")
    # The state is open, so one more sampler is wanted: a new Job, of just one.
    [third] = here.running("early-sampler-2", 1)
    assert here.running("early-sampler-1", 1) == [second]
    here.finish(second, 75)
    here.plane.eventually(lambda: here.job("early-sampler-1").get("status", {}).get("conditions"), "the Job to end")
    here.plane.eventually(lambda: "early-sampler-1" not in here.jobs("early"), "what has a successor to go")
    here.plane.eventually(lambda: here.job("early-sampler-2")["spec"]["parallelism"] == 2, "the successor to grow")
    assert third in here.running("early-sampler-2", 2)
    assert here.jobs("early") == ["early-sampler-2"]


# Kueue's Job integration, played by a stand-in


@pytest.fixture(scope="module")
def kueue(here: Standing) -> Iterator[None]:
    """Jobs with the queue's label are suspended as they are created, as by Kueue's webhook."""
    name, api = "kueue-stand-in", "admissionregistration.k8s.io/v1"
    policy = {
        "apiVersion": api, "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail", "reinvocationPolicy": "Never",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": here.namespace}},
                "objectSelector": {"matchExpressions": [{"key": QUEUE, "operator": "Exists"}]},
                "resourceRules": [
                    {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["jobs"]}
                ],
            },
            "mutations": [{
                "patchType": "ApplyConfiguration",
                "applyConfiguration": {"expression": "Object{spec: Object.spec{suspend: true}}"},
            }],
        },
    }  # fmt: skip
    binding = {"apiVersion": api, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": name}}
    here.plane.apply([policy, {**binding, "spec": {"policyName": name}}])
    probe = {
        "metadata": {"generateName": "probe-", "labels": {QUEUE: "gpus"}},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}}},
    }
    here.plane.eventually(
        lambda: here.plane.batch.create_namespaced_job(here.namespace, probe, dry_run="All").spec.suspend,
        "the stand-in to be in force",
    )
    yield
    for kind in ("mutatingadmissionpolicies", "mutatingadmissionpolicybindings"):
        here.plane.call("DELETE", f"/apis/{api}/{kind}/{name}")


def theirs(job: dict[str, Any]) -> tuple[Any, ...]:
    """The fields of a Job that are its queue's."""
    spec = job["spec"]
    pod = spec["template"]["spec"]
    return spec.get("suspend"), spec["parallelism"], pod.get("nodeSelector"), pod.get("tolerations")


def written_by_the_operator(here: Standing, job: str) -> set[str]:
    """Verbs of the requests that the operator made about a Job."""
    return {sent.verb for sent in here.operator.sent if sent.resource.plural == "jobs" and sent.name == job}


def test_a_queue_owns_what_it_sets_and_the_operator_never_touches_it(here: Standing, kueue: None) -> None:
    name, job = "queued", "queued-sampler-1"
    here.begin(name, replicas=4, **QUEUED)

    def waits(now: dict[str, Any]) -> bool:
        return any(one["reason"] == "WaitingForQuota" for one in now["conditions"])

    here.seen(name, waits, "it to wait for quota")
    assert here.job(job)["spec"]["suspend"] is True and here.pods(job) == []
    # Admitted in part, on nodes of one flavour.
    here.patch_job(job, parallelism=2, template={"spec": {"nodeSelector": {"kubernetes.io/os": "linux"}}})
    here.patch_job(job, suspend=False)
    here.running(job, 2)
    admitted = theirs(here.job(job))
    # More and fewer samplers, and a fold that finds the tail: none of it is for the operator to set there.
    here.change(name, samplers={"replicas": 6})
    here.seen(name, lambda now: now["observedGeneration"] == 2, "the change to be seen")
    here.change(name, samplers={"replicas": 3})
    here.seen(name, lambda now: now["observedGeneration"] == 3, "the change to be seen")
    assert theirs(here.job(job)) == admitted
    # The quota is taken back: pods go, the Job stays, nobody resumes it.
    here.patch_job(job, suspend=True)
    here.plane.eventually(lambda: here.pods(job) == [], "the pods to go")
    here.seen(name, waits, "it to wait again")
    assert here.failed(job) == 0 and here.status(name)["failures"] == 0
    here.patch_job(job, parallelism=4, template={"spec": {"nodeSelector": None}})
    evicted = theirs(here.job(job))
    assert evicted == (True, 4, None, None)
    here.patch_job(job, suspend=False)
    here.running(job, 4)
    assert written_by_the_operator(here, job) <= {"create", "get"}


def test_a_suspended_synthesis_gives_its_quota_back_and_resumes_with_a_new_job(here: Standing, kueue: None) -> None:
    here.begin("paused", replicas=2, **QUEUED)
    here.plane.eventually(lambda: here.job("paused-sampler-1")["spec"]["suspend"], "the Job to wait")
    here.change("paused", suspend=True)
    here.plane.eventually(lambda: here.jobs("paused") == [], "the Job to go")
    here.change("paused", suspend=False)
    here.plane.eventually(lambda: here.jobs("paused") == ["paused-sampler-2"], "a new attempt")
    assert here.job("paused-sampler-2")["spec"]["suspend"] is True
