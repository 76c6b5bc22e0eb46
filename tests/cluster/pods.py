"""Nodes and pods that pretend: what kwok plays by stages.yaml, and the names of the annotations that direct it."""

from collections.abc import Mapping
from typing import Any

from .access import Cluster

PREFIX = "simulated.dart-k8s.io"
EXIT_CODE = f"{PREFIX}/exit-code"
RUNS_FOR = f"{PREFIX}/runs-for"
REASON = f"{PREFIX}/reason"
MESSAGE = f"{PREFIX}/message"
ON_SIGTERM = f"{PREFIX}/on-sigterm"
STOPS_FOR = f"{PREFIX}/stops-for"
WAITING = f"{PREFIX}/waiting"
UNREADY = f"{PREFIX}/unready"


def add_nodes(cluster: Cluster, count: int, prefix: str = "node", gpus: int = 8) -> list[str]:
    """Make fake nodes and wait until the control plane calls them Ready; their names.

    Each has 128 cores, 1 TiB, room for 1,000 pods and so many nvidia.com/gpu.
    """
    room = {"cpu": "128", "memory": "1Ti", "ephemeral-storage": "4Ti", "pods": "1000", "nvidia.com/gpu": str(gpus)}
    names = [f"{prefix}-{number}" for number in range(count)]
    for name in names:
        cluster.core.create_node(
            {
                "metadata": {
                    "name": name,
                    "annotations": {"kwok.x-k8s.io/node": "fake"},
                    "labels": {
                        "kubernetes.io/hostname": name,
                        "kubernetes.io/os": "linux",
                        "kubernetes.io/arch": "amd64",
                    },
                },
                "status": {"capacity": room, "allocatable": room},
            }
        )
    cluster.eventually(lambda: set(names) <= set(ready_nodes(cluster)), f"{count} fake nodes to be Ready")
    return names


def ready_nodes(cluster: Cluster) -> list[str]:
    """The names of the nodes that pods can be scheduled to."""
    return [
        node.metadata.name
        for node in cluster.core.list_node().items
        if not any(taint.effect != "PreferNoSchedule" for taint in node.spec.taints or [])
        and any(one.type == "Ready" and one.status == "True" for one in node.status.conditions or [])
    ]


def finish(cluster: Cluster, namespace: str, pod: str, exit_code: int, **more: str) -> None:
    """Let a running pod end now with this exit code; `reason="OOMKilled"`, `message=...` as annotations take them."""
    annotate(
        cluster, namespace, pod, {EXIT_CODE: str(exit_code)} | {f"{PREFIX}/{key}": value for key, value in more.items()}
    )


def annotate(cluster: Cluster, namespace: str, pod: str, annotations: Mapping[str, str | None]) -> None:
    """Patch annotations of one pod; None removes one."""
    cluster.core.patch_namespaced_pod(pod, namespace, {"metadata": {"annotations": dict(annotations)}})


def job(name: str, annotations: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A Job of pods that pretend; `spec` are fields of the Job's spec."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "template": {
                "metadata": {"annotations": dict(annotations or {})},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "worker", "image": "pretended"}]},
            },
            **spec,
        },
    }
