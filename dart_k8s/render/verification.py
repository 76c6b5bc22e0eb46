"""Verification pods: they judge what a model wrote, and run its code: no token, no credential and no way out."""

from collections.abc import Mapping
from typing import Any

from dart_k8s.api import SynthesisSpec
from dart_k8s.names import DIGEST, VERIFIER_PORT, Stage, verifier_name
from dart_k8s.reconcile import ApplyVerifiers, Settings, digests

from .identity import Identity
from .pod import HOME, TMP, Folder, Work, template

DRAIN_SECONDS = 25
SCRATCH = "/scratch"


def verification(
    action: ApplyVerifiers, identity: Identity, synthesis: Mapping[str, Any], spec: SynthesisSpec, settings: Settings
) -> list[dict[str, Any]]:
    """The NetworkPolicy first, so that no pod is without it; the Service; the Deployment."""
    name, labels = verifier_name(identity.name), identity.labels(Stage.VERIFIER)
    metadata = identity.metadata(name, labels, {DIGEST: digests.verifiers(synthesis, settings)})
    selector = identity.selector(Stage.VERIFIER)
    policy = {
        "podSelector": {"matchLabels": selector},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [{"podSelector": {"matchLabels": identity.selector(Stage.SAMPLER)}}],
                "ports": [{"protocol": "TCP", "port": VERIFIER_PORT}],
            }
        ],
        # None, DNS included.
        "egress": [],
    }
    service = {
        # Samplers balance by themselves, on each response: they want the pods' addresses.
        "clusterIP": "None",
        "selector": selector,
        "publishNotReadyAddresses": False,
        "ports": [{"name": "http", "port": VERIFIER_PORT, "targetPort": VERIFIER_PORT, "protocol": "TCP"}],
    }
    deployment = {
        "replicas": action.replicas,
        "revisionHistoryLimit": 1,
        "selector": {"matchLabels": selector},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
        "template": template(_work(spec, settings), spec.verifiers, settings, labels),
    }
    return [
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": policy},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment},
    ]


def _work(spec: SynthesisSpec, settings: Settings) -> Work:
    command = ["dart", "verifier", "serve", "--host", "0.0.0.0", "--port", str(VERIFIER_PORT)]
    command += ["--memory", str(spec.verifiers.memory_mib), "--drain", str(DRAIN_SECONDS)]
    if spec.verifiers.processes:
        command += ["--processes", str(spec.verifiers.processes)]
    writable = {"home": Folder(HOME, "256Mi"), "tmp": Folder(TMP, "1Gi")}
    if spec.prompt.template == "tool-integrated":
        execution = spec.execution
        command += ["--execute", "--block-seconds", f"{execution.seconds:g}"]
        command += ["--block-memory", str(execution.memory_mib), "--sessions", str(execution.sessions)]
        command += ["--block-output", str(execution.output_characters)]
        command += ["--scratch", SCRATCH, *(["--unconfined"] if execution.unconfined else [])]
        if execution.require_network_isolation:
            command += ["--isolation-seconds", f"{settings.isolation_seconds:g}"]
        else:
            command += ["--allow-network"]
        writable["scratch"] = Folder(SCRATCH, "256Mi", memory=True)
    return Work(
        image=settings.images["verifier"],
        command=command,
        resources=settings.resources.get(Stage.VERIFIER.value, {}),
        ports={"http": VERIFIER_PORT},
        probes=_PROBES,
        restart="Always",
        token=False,
        writable=writable,
    )


_PROBES: dict[str, Any] = {
    "startupProbe": {
        "httpGet": {"path": "/readyz", "port": "http"},
        "periodSeconds": 2,
        "timeoutSeconds": 5,
        "failureThreshold": 90,
    },
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 5, "timeoutSeconds": 5},
    "livenessProbe": {
        "httpGet": {"path": "/healthz", "port": "http"},
        "periodSeconds": 20,
        "timeoutSeconds": 10,
        "failureThreshold": 3,
    },
}

__all__ = ["verification"]
