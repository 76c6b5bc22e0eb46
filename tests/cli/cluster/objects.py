"""Objects of a cluster, as an API server and an operator write them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dart_k8s.api.conditions import REASONS, ConditionType, status_of
from dart_k8s.cli.cluster.observing import Observed
from dart_k8s.cli.cluster.reaching import MANAGER, Reach
from dart_k8s.edges.cluster import MemoryCluster, Object
from dart_k8s.names import STAGE, SYNTHESIS

NOW = 1_800_000_000.0


def ago(seconds: float) -> str:
    """A time before `NOW`, as an API server writes it."""
    return datetime.fromtimestamp(NOW - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def spec(**fields: Any) -> dict[str, Any]:
    return {
        "queries": [{"name": "math", "uri": "s3://bucket/math.jsonl"}],
        "model": {"uri": "hf://owner/model"},
        "prompt": {"template": "alpaca"},
        "strategy": {"kind": "uniform", "target": 4},
        "samplers": {"replicas": 4},
        "output": {"uri": "s3://bucket/runs/hard"},
    } | fields


def declared(name: str = "hard", **fields: Any) -> dict[str, Any]:
    return {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Synthesis",
        "metadata": {"name": name},
        "spec": spec(**fields),
    }


def synthesis(
    name: str = "hard",
    *,
    status: Mapping[str, Any] | None = None,
    about: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Object:
    """One of the cluster, an hour old."""
    made = declared(name, **fields)
    made["metadata"] |= {
        "namespace": "a",
        "uid": f"uid-{name}",
        "generation": 1,
        "creationTimestamp": ago(3600),
        **(about or {}),
    }
    return made | ({"status": dict(status)} if status is not None else {})


def condition(kind: ConditionType, reason: str, message: str = "", *, since: float = 600) -> dict[str, Any]:
    known = reason in REASONS
    bad = kind in ("Failed", "Degraded", "Suspended")
    return {
        "type": kind,
        "status": status_of(kind, reason) if known else str(bad),
        "reason": reason,
        "message": message,
        "lastTransitionTime": ago(since),
    }


def pod(name: str, stage: str = "sampler", *, phase: str = "Running", of: str = "hard", **status: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "a",
            "uid": f"uid-{name}",
            "labels": {SYNTHESIS: of, STAGE: stage},
            "creationTimestamp": ago(300),
        },
        "status": {"phase": phase, **status},
    }


def unplaced(name: str, says: str = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.") -> Object:
    told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": says}
    return pod(name, phase="Pending", conditions=[told])


def waiting(name: str, reason: str, says: str, stage: str = "sampler") -> Object:
    container = {"name": "dart", "image": "registry/dart:1", "state": {"waiting": {"reason": reason, "message": says}}}
    return pod(name, stage, phase="Pending", containerStatuses=[container])


def ended(name: str, code: int, said: str = "", reason: str = "Error", stage: str = "sampler") -> Object:
    how = {"exitCode": code, "reason": reason, "message": said, "finishedAt": ago(60)}
    container = {"name": "dart", "state": {"terminated": how}}
    return pod(name, stage, phase="Failed", containerStatuses=[container])


def observed(*conditions: Mapping[str, Any], phase: str = "Waiting", **others: Any) -> Observed:
    status = {"phase": phase, "observedGeneration": 1, "conditions": list(conditions)}
    return Observed(synthesis=synthesis(status=status), **others)


def memory(*objects: Object, namespace: str | None = "a") -> Reach:
    """A place with these objects in it, statuses and all."""
    from dart_k8s.edges.cluster.resources import RESOURCES

    cluster = MemoryCluster(now=lambda: NOW, manager=MANAGER)
    for item in objects:
        resource = RESOURCES[item["apiVersion"], item["kind"]]
        kept = {key: value for key, value in item["metadata"].items() if key in ("name", "labels", "ownerReferences")}
        whole = {**item, "metadata": kept}
        cluster.create(resource, item["metadata"]["namespace"], whole)
        if "status" in item:
            cluster.patch(
                resource, item["metadata"]["namespace"], item["metadata"]["name"], {"status": item["status"]},
                subresource="status",
            )  # fmt: skip
    cluster.requests.clear()
    return Reach(cluster=cluster, namespace=namespace, context="here")
