"""Declarations that use all there is to render."""

from typing import Any

from dart_k8s.names import STAGES, Stage
from dart_k8s.reconcile import Action, ApplyDeclaration, ApplyVerifiers, CreateJob
from dart_k8s.render import objects
from tests.reconcile.builders import SETTINGS, facts

JOBS = [CreateJob(stage=stage, number=1, parallelism=1) for stage in STAGES["Synthesis"] if stage is not Stage.VERIFIER]
ALL: list[Action] = [ApplyDeclaration(), *JOBS, ApplyVerifiers(replicas=2)]
EXAMPLES: dict[str, dict[str, Any]] = {
    "plain": {},
    "gpus": {
        "modelCache": {"kind": "claim", "claim": "models", "path": "deepseek"},
        "queueName": "gpus",
        "prepare": {"serviceAccountName": "bucket-writer"},
        "curate": {"serviceAccountName": "bucket-writer", "resources": {"requests": {"memory": "16Gi"}}},
        "samplers": {
            "replicas": 8,
            "image": "registry.example/sampler@sha256:" + "0" * 64,
            "imagePullSecrets": [{"name": "registry"}],
            "serviceAccountName": "bucket-writer",
            "resources": {"limits": {"nvidia.com/gpu": "2", "memory": "64Gi"}},
            "nodeSelector": {"gpu": "a100"},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
            "priorityClassName": "batch",
            "runtimeClassName": "nvidia",
            "sharedMemory": "32Gi",
            "env": [
                {"name": "NCCL_DEBUG", "value": "WARN"},
                {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}},
            ],
            "volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {
                "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "100Gi"}}}}}}],
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch-disk"}],
            "pod": {
                "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
                                               "whenUnsatisfiable": "ScheduleAnyway"}],
                "terminationGracePeriodSeconds": 90,
                "securityContext": {"supplementalGroups": [2000]},
            },
        },
    },
    "tool-integrated": {
        "prompt": {"template": "tool-integrated"},
        "queries": [{"name": "math", "configMap": {"name": "problems"}}],
        "modelCache": {"kind": "image", "image": "registry.example/model:1"},
        "execution": {"requireNetworkIsolation": False, "seconds": 5},
        "verifiers": {"processes": 4},
        "samplers": {"replicas": 2, "spot": True},
    },
}  # fmt: skip
"""Fields of a spec, by what they are an example of."""


def everything(**spec: Any) -> list[dict[str, Any]]:
    """All objects that are ever made for a Synthesis."""
    return [made for action in ALL for made in objects(action, facts(spec=spec), SETTINGS)]


def pods(**spec: Any) -> dict[str, dict[str, Any]]:
    """Pod specs by stage."""
    templates = [made["spec"]["template"] for made in everything(**spec) if "template" in made.get("spec", {})]
    return {found["metadata"]["labels"]["dart-k8s.io/stage"]: found["spec"] for found in templates}
