"""Policy: which pod settings weaken the pods. They are refused in words, never left out in silence: some the API server
would refuse as well, and the rest is what keeps output of a model from doing harm."""

from collections.abc import Iterator, Mapping
from typing import Any

from dart_k8s.api import EvaluationSpec, PodSettings, SynthesisSpec, TrainingSpec

POD_FIELDS = frozenset(
    {"affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "hostAliases", "hostUsers"}
    | {"imagePullSecrets", "nodeSelector", "overhead", "preemptionPolicy", "priority", "priorityClassName"}
    | {"resourceClaims", "resources", "runtimeClassName", "schedulerName", "schedulingGates", "securityContext"}
    | {"terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints"}
)
"""Fields of a pod's spec that `pod` may hold."""
SECURITY_FIELDS = frozenset(
    {"fsGroup", "fsGroupChangePolicy", "runAsGroup", "runAsUser", "supplementalGroups", "supplementalGroupsPolicy"}
)
VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
"""Kinds of volumes of the restricted Pod Security Standard, and images."""
PARTS = ("samplers", "verifiers", "trainers", "prepare", "curate")
"""Fields of specs that hold pod settings."""
OURS = "dart-"
"""Start of the names of the platform's own volumes."""
FOLDERS = ("/dev/shm", "/etc/dart", "/etc/dart-ca", "/home/dart", "/models", "/scratch", "/tmp", "/var/cache/dart")
"""Where the platform mounts its own."""


def weakened(spec: SynthesisSpec | TrainingSpec | EvaluationSpec) -> Iterator[str]:
    """What of the pod settings may not be, each with its path."""
    parts = {name: getattr(spec, name) for name in PARTS if hasattr(spec, name)}
    for name, settings in parts.items():
        yield from _pod(f"spec.{name}", settings)
    if not isinstance(spec, TrainingSpec):
        yield from _credentials("spec.verifiers", spec.verifiers)


def _pod(path: str, settings: PodSettings) -> Iterator[str]:
    for field in settings.pod:
        if field not in POD_FIELDS:
            yield f"{path}.pod.{field}: the platform sets it, or a field beside pod does; remove it"
    if settings.pod.get("hostUsers") is True:
        yield f"{path}.pod.hostUsers: may only be false"
    security = settings.pod.get("securityContext")
    if isinstance(security, Mapping):
        for field in security:
            if field not in SECURITY_FIELDS:
                yield f"{path}.pod.securityContext.{field}: stays as the platform sets it; remove it"
        if security.get("runAsUser") == 0:
            yield f"{path}.pod.securityContext.runAsUser: 0 is root; choose another one"
    for volume in settings.volumes:
        kinds = [kind for kind in volume if kind != "name"]
        if any(kind not in VOLUMES for kind in kinds):
            yield f"{path}.volumes: {volume['name']} is of a kind that the restricted Pod Security Standard forbids"
        if str(volume["name"]).startswith(OURS):
            yield f"{path}.volumes: names that start with {OURS} are the platform's own; rename {volume['name']}"
    for mount in settings.volume_mounts:
        if str(mount["mountPath"]).rstrip("/") in FOLDERS:
            yield f"{path}.volumeMounts: {mount['mountPath']} is the platform's own; choose another folder"


def _credentials(path: str, settings: PodSettings) -> Iterator[str]:
    """Verification pods read what a model wrote and run its code: they get nothing that is worth stealing."""
    if settings.service_account_name:
        yield f"{path}.serviceAccountName: verification pods have no rights; remove it"
    if settings.pod.get("automountServiceAccountToken"):
        yield f"{path}.pod.automountServiceAccountToken: verification pods get no token; remove it"
    if any("secretKeyRef" in (variable.value_from or {}) for variable in settings.env) or any(
        "secretRef" in source for source in settings.env_from
    ):
        yield f"{path}.env: verification pods get no secret; remove it"
    if any("secret" in volume or _has_secret(volume.get("projected")) for volume in settings.volumes):
        yield f"{path}.volumes: verification pods get no secret; remove it"


def _has_secret(projected: Any) -> bool:
    sources = projected.get("sources", ()) if isinstance(projected, Mapping) else ()
    return any(isinstance(source, Mapping) and {"secret", "serviceAccountToken"} & source.keys() for source in sources)


__all__ = ["FOLDERS", "weakened"]
