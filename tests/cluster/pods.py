"""Nodes and pods that pretend: what kwok plays by stages.yaml, and the names of the annotations that direct it."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from kubernetes import client

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
RESTRICTED = {
    "runAsNonRoot": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}  # fmt: skip
"""Of a container that every namespace lets in."""


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


@contextmanager
def directed(
    cluster: Cluster, namespace: str, annotations: Mapping[str, str], labels: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Inside the block every pod that anybody creates in the namespace (only those with `labels`) gets the annotations.

    So pods of a Job that the operator makes can be directed too. An admission policy, in force when the block begins.
    """
    name = f"directed-{uuid.uuid4().hex[:10]}"
    api = "admissionregistration.k8s.io/v1"
    fields = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in annotations.items())
    policy = {
        "apiVersion": api,
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "objectSelector": {"matchLabels": dict(labels or {})},
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                ],
            },
            "mutations": [
                {
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {
                        "expression": f"Object{{metadata: Object.metadata{{annotations: {{{fields}}}}}}}"
                    },
                }
            ],
        },
    }
    binding = {
        "apiVersion": api,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name},
    }
    probe = {
        "metadata": {"generateName": "probe-", "labels": dict(labels or {})},
        "spec": {"containers": [{"name": "probe", "image": "pretended", "securityContext": RESTRICTED}]},
    }

    def in_force() -> bool:
        made = cluster.core.create_namespaced_pod(namespace, probe, dry_run="All")
        return dict(annotations).items() <= (made.metadata.annotations or {}).items()

    paths = [f"/apis/{api}/mutatingadmissionpolicies/{name}", f"/apis/{api}/mutatingadmissionpolicybindings/{name}"]
    try:
        cluster.apply([policy, binding])
        cluster.eventually(in_force, f"pods in {namespace} to be directed")
        yield
    finally:
        for path in paths:
            with suppress(client.ApiException):
                cluster.call("DELETE", path)


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
