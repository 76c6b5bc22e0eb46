"""An operator in memory, driven by hand in its own time, with a Job controller that does what a test says."""

from typing import Any

from dart_k8s.edges.cluster import MemoryCluster, Object, Resource
from dart_k8s.edges.cluster.resources import JOBS, PODS, SYNTHESES
from dart_k8s.edges.metrics import MemoryMetrics
from dart_k8s.names import Stage, job_name
from dart_k8s.operator.folders import DirectFolder
from dart_k8s.operator.folding import Order
from dart_k8s.operator.measures import Measures
from dart_k8s.operator.runtime import Runtime
from dart_k8s.reconcile import Failure, Progress, Settings

EPOCH = 1_800_000_000.0


def synthesis(name: str = "s", **spec: Any) -> dict[str, Any]:
    """A small declaration as the API server stores it."""
    return {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Synthesis",
        "metadata": {"name": name},
        "spec": {
            "queries": [{"name": "math", "uri": "s3://bucket/math.jsonl"}],
            "model": {"uri": "hf://org/model"},
            "prompt": {"template": "alpaca"},
            "strategy": {"kind": "uniform", "target": 4},
            "samplers": {"replicas": 2},
            "output": {"uri": f"s3://bucket/runs/{name}"},
            **spec,
        },
    }


class Running:
    """See the module."""

    def __init__(self, cluster: MemoryCluster | None = None, **settings: Any) -> None:
        self.time = 0.0
        self.cluster = cluster or MemoryCluster(now=lambda: EPOCH + self.time)
        self.metrics = MemoryMetrics()
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.orders: list[Order] = []
        self.forgotten: list[str] = []
        self.answers: Progress | Failure = Progress(prepared=False)
        self.leads = True
        self.settings = Settings(allowed_outputs={"*": ("s3://bucket/",)}, **settings)
        self.runtime = self.restarted()

    def restarted(self) -> Runtime:
        """A new process: nothing is remembered."""
        self.runtime = Runtime(
            cluster=self.cluster,
            folder=DirectFolder(self._fold, self.forgotten.append),
            settings=self.settings,
            measures=Measures(self.metrics, "test"),
            clock=lambda: self.time,
            draw=lambda: 1.0,
            may_write=lambda: self.leads,
            tell=lambda event, **facts: self.told.append((event, facts)),
        )
        return self.runtime

    def _fold(self, order: Order) -> Progress | Failure:
        self.orders.append(order)
        return self.answers

    def settle(self, seconds: float = 0.0) -> None:
        """Let time pass in small steps, and everything happen that becomes due."""
        self.runtime.settle()
        ends = self.time + seconds
        while self.time < ends:
            self.time = min(ends, self.time + 1.0)
            self.runtime.settle()

    def submit(self, manifest: dict[str, Any] | None = None) -> None:
        """Create a Synthesis and let the operator see it."""
        self.cluster.create(SYNTHESES, "a", manifest or synthesis())
        self.settle()

    def get(self, resource: Resource = SYNTHESES, name: str = "s") -> Object:
        """An object of namespace a."""
        return self.cluster.get(resource, "a", name)

    def jobs(self) -> list[str]:
        """Names."""
        return [item["metadata"]["name"] for item in self.cluster.list(JOBS, "a").items]

    def phase(self, name: str = "s") -> str:
        """As the status says it."""
        return str(self.get(name=name).get("status", {}).get("phase", ""))

    def condition(self, kind: str, name: str = "s") -> dict[str, Any]:
        """One of the status."""
        found = {one["type"]: one for one in self.get(name=name).get("status", {}).get("conditions", [])}
        return dict(found.get(kind, {}))

    def job_ends(self, stage: Stage, number: int = 1, kind: str = "Complete", name: str = "s") -> None:
        """The Job controller says that a Job is over."""
        stamp = self.get(JOBS, job_name(name, stage, number))["metadata"]["creationTimestamp"]
        ended = {"type": kind, "status": "True", "reason": "Ended", "lastTransitionTime": stamp}
        self.cluster.patch(
            JOBS,
            "a",
            job_name(name, stage, number),
            {"status": {"conditions": [ended], "succeeded": 1}},
            subresource="status",
        )
        self.settle()

    def pod(self, stage: Stage, number: int = 1, name: str = "s", **status: Any) -> None:
        """A pod of a Job's as the kubelet shows it."""
        job = self.get(JOBS, job_name(name, stage, number))
        manifest = {
            "metadata": {
                "name": f"{job_name(name, stage, number)}-pod",
                "labels": job["spec"]["template"]["metadata"]["labels"],
            }
        }
        self.cluster.create(PODS, "a", manifest)
        self.cluster.patch(PODS, "a", manifest["metadata"]["name"], {"status": status}, subresource="status")
        self.settle()
