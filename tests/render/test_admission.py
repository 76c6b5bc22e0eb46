"""A real API server takes every object as it is, in a namespace that enforces the restricted Pod Security Standard."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from dart_k8s.edges.cluster.resources import RESOURCES
from dart_k8s.names import STAGES, Stage
from dart_k8s.reconcile import ApplyDeclaration, ApplyTrainers, CreateJob
from dart_k8s.render import objects
from tests.reconcile import trainings
from tests.reconcile.builders import SETTINGS

from .declared import EXAMPLES, everything

if TYPE_CHECKING:
    from tests.cluster.access import Cluster

ENFORCED = {"pod-security.kubernetes.io/enforce": "restricted"}
USED = """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: batch}
value: 10
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: nvidia}
handler: nvidia
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: bucket-writer}
"""


@pytest.fixture(scope="module")
def restricted(cluster: Cluster) -> Iterator[str]:
    name = cluster.namespace(labels=ENFORCED)
    cluster.apply(USED, name)
    yield name
    cluster.core.delete_namespace(name)


def rehearse(cluster: Cluster, manifest: dict[str, Any], namespace: str) -> None:
    """Create it without creating it. Unknown fields are errors."""
    manifest = copy.deepcopy(manifest)
    manifest["metadata"]["namespace"] = namespace
    kind = RESOURCES[manifest["apiVersion"], manifest["kind"]]
    path = f"{kind.path}/namespaces/{namespace}/{kind.plural}"
    cluster.call("POST", path, manifest, dryRun="All", fieldValidation="Strict")


@pytest.mark.parametrize("example", list(EXAMPLES))
def test_every_object_and_every_pod_of_it_is_admitted(cluster: Cluster, restricted: str, example: str) -> None:
    for made in everything(**EXAMPLES[example]):
        rehearse(cluster, made, restricted)
        template = made.get("spec", {}).get("template")
        if template is not None:
            pod = {"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(template)}
            pod["metadata"]["name"] = made["metadata"]["name"]
            rehearse(cluster, pod, restricted)


def test_every_object_and_every_pod_of_a_training_is_admitted(cluster: Cluster, restricted: str) -> None:
    jobs = [
        CreateJob(stage=stage, number=1, parallelism=2 if stage is Stage.TRAINER else 1) for stage in STAGES["Training"]
    ]
    seen = trainings.facts(spec={"trainers": {"resources": {"limits": {"nvidia.com/gpu": "8"}}, "graceSeconds": 300}})
    for action in (ApplyDeclaration(), ApplyTrainers(), *jobs):
        for made in objects(action, seen, SETTINGS):
            rehearse(cluster, made, restricted)
            if template := made["spec"].get("template") if made["kind"] == "Job" else None:
                pod = {"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(template), "metadata": {"name": "x"}}
                rehearse(cluster, pod, restricted)


def test_the_namespace_does_refuse_what_is_not_restricted(cluster: Cluster, restricted: str) -> None:
    from kubernetes.client import ApiException

    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}
    pod["spec"] = {"containers": [{"name": "x", "image": "x"}]}
    with pytest.raises(ApiException, match="violates PodSecurity"):
        rehearse(cluster, pod, restricted)
