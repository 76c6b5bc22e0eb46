"""Kubernetes' own controllers as far as a Synthesis meets them: Jobs, Deployments, garbage collection.

Like the real ones in what design and operator rely on (tests/cluster pins that on those): a work-queue Job adds and
replaces no pods once one has ended well; podFailurePolicy; podReplacementPolicy Failed; back-off after failures, also
ignored ones; a Job is over when its last pod is.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dart_k8s.edges.cluster import MemoryCluster, Object
from dart_k8s.edges.cluster.collecting import collect
from dart_k8s.edges.cluster.resources import DEPLOYMENTS, JOBS, PODS
from dart_k8s.operator.trimming import seconds
from dart_k8s.reconcile import moments

from .books import Books

__all__ = ["KUBELET", "TRACKING", "Controllers", "stamp"]

TRACKING = "batch.kubernetes.io/job-tracking"
KUBELET = "simulation/kubelet"
"""Finalizer of pods that stands for their graceful end: the kubelet takes it off when the process is gone."""
FIRST_BACK_OFF, LONGEST_BACK_OFF = 10.0, 360.0


def stamp(moment: float) -> str:
    """A time as the API server writes it."""

    return moments.text(moment)


@dataclass(slots=True)
class Account:
    """What the Job controller knows of a Job."""

    counted: set[str] = field(default_factory=set)
    """uids of pods that ended and are in the Job's numbers."""
    succeeded: int = 0
    failed: int = 0
    in_a_row: int = 0
    """Failures since a pod ended well, ignored ones too."""
    last: float = 0.0
    """When a pod last failed."""
    failing: tuple[str, str] | None = None
    """Reason and message of the end that is coming."""


class Controllers:
    """See the module. `step` does all that there is to do now, and says when there will be something again."""

    def __init__(self, books: Books, cluster: MemoryCluster, seed: int) -> None:
        self.books, self.cluster = books, cluster
        self.accounts: dict[str, Account] = {}
        self._rng = random.Random(seed)

    def step(self) -> float | None:
        """Once around; seconds since the epoch of the next thing to do."""
        collect(self.books, self.cluster._time())
        dues = [self._job(job) for job in self._all(JOBS)]
        for deployment in self._all(DEPLOYMENTS):
            self._deployment(deployment)
        jobs = {job["metadata"]["uid"] for job in self._all(JOBS)}
        for pod in list(self._all(PODS)):
            owner = pod["metadata"]["ownerReferences"][0]
            if owner["kind"] == "Job" and owner["uid"] not in jobs:
                self._release(pod)
        return min((due for due in dues if due is not None), default=None)

    def _all(self, resource: Any) -> list[Object]:
        return list(self.books.kind(resource).objects.values())

    def _pods(self, owner: Object) -> Iterator[Object]:
        uid = owner["metadata"]["uid"]
        for pod in self._all(PODS):
            if pod["metadata"]["ownerReferences"][0]["uid"] == uid:
                yield pod

    # -- Jobs

    def _job(self, job: Object) -> float | None:
        about, spec, status = job["metadata"], job["spec"], job.get("status") or {}
        account = self.accounts.setdefault(about["uid"], Account())
        now = self.cluster.now()
        for pod in self._pods(job):
            if pod["status"]["phase"] in ("Succeeded", "Failed"):
                self._count(account, job, pod)
                self._release(pod)
        if any(one["status"] == "True" for one in status.get("conditions") or ()):
            return None
        pods = [pod for pod in self._pods(job) if pod["status"]["phase"] in ("Pending", "Running")]
        active = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        if "deletionTimestamp" in about:
            # The garbage collector deletes the pods.
            return self._tell(job, account, active, pods, None)
        started = seconds(status.get("startTime")) or now
        due: float | None = None
        if spec.get("activeDeadlineSeconds") and not spec.get("suspend"):
            ends = started + spec["activeDeadlineSeconds"]
            if now >= ends and account.failing is None:
                account.failing = ("DeadlineExceeded", "Job was active longer than specified deadline")
            due = ends
        if account.failed > spec.get("backoffLimit", 6) and account.failing is None:
            account.failing = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
        completions = spec.get("completions")
        done = account.succeeded >= completions if completions else account.succeeded > 0 and not pods
        if account.failing is not None or (completions and done) or spec.get("suspend"):
            wanted = 0
        elif completions:
            wanted = min(spec["parallelism"], completions - account.succeeded)
        else:
            wanted = len(active) if account.succeeded else spec["parallelism"]
        for pod in active[wanted:]:
            self._delete(pod)
        active = active[:wanted]
        missing = wanted - len(pods)
        if missing > 0 and not done:
            may = account.last + min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2.0 ** (account.in_a_row - 1))
            if account.in_a_row and now < may:
                due = min(may, due if due is not None else may)
            else:
                made = [self._make_pod(job, "Job", [TRACKING]) for _ in range(missing)]
                pods, active = [*pods, *made], [*active, *made]
        end = None
        if account.failing is not None and not pods:
            end = ("Failed", *account.failing)
        elif done and not pods:
            end = ("Complete", "CompletionsReached", "Reached expected number of succeeded pods")
        self._tell(job, account, active, pods, end)
        return due

    def _count(self, account: Account, job: Object, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if uid in account.counted:
            return
        account.counted.add(uid)
        if pod["status"]["phase"] == "Succeeded":
            account.succeeded += 1
            account.in_a_row = 0
            return
        account.in_a_row += 1
        account.last = self.cluster.now()
        action = self._policy(job, pod)
        if action == "FailJob" and account.failing is None:
            message = f"Container dart for pod {pod['metadata']['name']} failed with exit code 64 matching FailJob rule"
            account.failing = ("PodFailurePolicy", message)
        account.failed += action != "Ignore"

    @staticmethod
    def _policy(job: Object, pod: Object) -> str:
        """The action of the first rule that matches."""
        codes = [
            one["state"]["terminated"]["exitCode"]
            for one in pod["status"].get("containerStatuses") or ()
            if "terminated" in one["state"]
        ]
        conditions = {one["type"] for one in pod["status"].get("conditions") or () if one["status"] == "True"}
        for rule in job["spec"].get("podFailurePolicy", {}).get("rules", ()):
            if "onExitCodes" in rule and any(code in rule["onExitCodes"]["values"] for code in codes if code):
                return str(rule["action"])
            if any(one["type"] in conditions for one in rule.get("onPodConditions", ())):
                return str(rule["action"])
        return "Count"

    def _tell(
        self, job: Object, account: Account, active: list[Object], pods: list[Object], end: tuple[str, str, str] | None
    ) -> None:
        old = job.get("status") or {}
        ready = sum(
            any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions") or ())
            for pod in active
        )
        now = stamp(self.cluster.now())
        status: dict[str, Any] = {
            "startTime": old.get("startTime") or now,
            "active": len(active),
            "ready": ready,
            "terminating": len(pods) - len(active),
            "succeeded": account.succeeded,
            "failed": account.failed,
        }
        if end is not None:
            said = {"type": end[0], "status": "True", "reason": end[1], "message": end[2], "lastTransitionTime": now}
            status["conditions"] = [said]
        if any(old.get(name) != value for name, value in status.items()):
            about = job["metadata"]
            self.cluster.patch(JOBS, about["namespace"], about["name"], {"status": status}, subresource="status")

    # -- Deployments

    def _deployment(self, deployment: Object) -> None:
        if "deletionTimestamp" in deployment["metadata"]:
            return
        pods = [p for p in self._pods(deployment) if "deletionTimestamp" not in p["metadata"]]
        for pod in [pod for pod in pods if pod["status"]["phase"] in ("Failed", "Succeeded")]:
            self._delete(pod)
            pods.remove(pod)
        wanted = deployment["spec"]["replicas"]
        for pod in pods[wanted:]:
            self._delete(pod)
        pods = pods[:wanted]
        pods += [self._make_pod(deployment, "Deployment", []) for _ in range(wanted - len(pods))]
        ready = sum(
            any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions") or ())
            for pod in pods
        )
        status = {"replicas": len(pods), "readyReplicas": ready}
        if deployment.get("status") != status:
            about = deployment["metadata"]
            self.cluster.patch(DEPLOYMENTS, about["namespace"], about["name"], {"status": status}, subresource="status")

    # -- pods

    def _make_pod(self, owner: Object, kind: str, finalizers: list[str]) -> Object:
        about, template = owner["metadata"], owner["spec"]["template"]
        name = f"{about['name']}-{self._rng.getrandbits(32):08x}"
        reference = {
            "apiVersion": owner["apiVersion"], "kind": kind, "name": about["name"], "uid": about["uid"],
            "controller": True, "blockOwnerDeletion": True,
        }  # fmt: skip
        metadata = {
            "name": name,
            "labels": template["metadata"].get("labels", {}),
            "ownerReferences": [reference],
            "finalizers": [KUBELET, *finalizers],
        }
        manifest: Mapping[str, Any] = {"metadata": metadata, "spec": {"containers": template["spec"]["containers"]}}
        self.cluster.create(PODS, about["namespace"], manifest)
        return self.cluster.patch(
            PODS, about["namespace"], name, {"status": {"phase": "Pending"}}, subresource="status"
        )

    def _release(self, pod: Object) -> None:
        """The Job controller is through with a pod."""
        about = pod["metadata"]
        if TRACKING in about.get("finalizers", ()):
            kept = [one for one in about["finalizers"] if one != TRACKING]
            self.cluster.patch(PODS, about["namespace"], about["name"], {"metadata": {"finalizers": kept}})

    def _delete(self, pod: Object) -> None:
        about = pod["metadata"]
        if "deletionTimestamp" not in about:
            self.cluster.delete(PODS, about["namespace"], about["name"], uid=about["uid"])
