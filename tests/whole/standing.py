"""An operator at work in a namespace of its own, with a folding child that says what a test wrote down, and pods that
pretend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dart_k8s.names import STAGE, SYNTHESIS
from tests.operator.real import SAMPLING, Folded, InProcess, synthesis

if TYPE_CHECKING:
    from kubernetes.client import V1Pod

    from tests.cluster.plane import ControlPlane

API = "/apis/dart-k8s.io/v1alpha1/namespaces"


class Standing(NamedTuple):
    """An operator at work in a namespace of its own."""

    plane: ControlPlane
    namespace: str
    folded: Folded
    operator: InProcess

    def get(self, name: str) -> dict[str, Any]:
        return self.plane.call("GET", f"{API}/{self.namespace}/syntheses/{name}")

    def change(self, name: str, **spec: Any) -> None:
        path = f"{API}/{self.namespace}/syntheses/{name}"
        self.plane.call("PATCH", path, {"spec": spec}, content="application/merge-patch+json")

    def job(self, name: str) -> dict[str, Any]:
        return self.plane.call("GET", f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{name}")

    def patch_job(self, name: str, **spec: Any) -> None:
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{name}"
        self.plane.call("PATCH", path, {"spec": spec}, content="application/merge-patch+json", fieldManager="kueue")

    def jobs(self, name: str) -> list[str]:
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        found = self.plane.call("GET", path, labelSelector=f"{SYNTHESIS}={name},{STAGE}=sampler")["items"]
        return sorted(one["metadata"]["name"] for one in found)

    def pods(self, job: str) -> list[V1Pod]:
        chosen = f"batch.kubernetes.io/job-name={job}"
        return self.plane.core.list_namespaced_pod(self.namespace, label_selector=chosen).items

    def running(self, job: str, count: int) -> list[str]:
        """Names of so many running pods, neither more nor fewer."""

        def look() -> list[str]:
            found = [
                pod.metadata.name
                for pod in self.pods(job)
                if pod.status.phase == "Running" and not pod.metadata.deletion_timestamp
            ]
            return found if len(found) == count else []

        return self.plane.eventually(look, f"{count} running pods of {job}")

    def begin(self, name: str, replicas: int = 2, **spec: Any) -> list[str]:
        """A Synthesis whose samplers run; their names."""
        self.folded.say(name, SAMPLING)
        made = synthesis(name, samplers={"replicas": replicas}, **spec)
        self.plane.apply(made, self.namespace)
        return self.running(f"{name}-sampler-1", replicas) if not spec else []

    def finish(self, pod: str, code: int, **more: str) -> None:
        from tests.cluster import pods

        pods.finish(self.plane, self.namespace, pod, code, **more)

    def failed(self, job: str) -> int:
        return int(self.job(job).get("status", {}).get("failed", 0))

    def status(self, name: str) -> dict[str, Any]:
        return dict(self.get(name).get("status", {}))

    def seen(self, name: str, check: Any, what: str) -> dict[str, Any]:
        """Wait until the status shows it; the status."""
        return self.plane.eventually(lambda: (now := self.status(name)) and check(now) and now, what)
