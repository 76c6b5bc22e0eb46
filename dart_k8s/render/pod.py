"""Pods under the restricted Pod Security Standard, with the user's settings merged in where they weaken nothing.

What may not be merged is refused before anything is decided (`reconcile.hardening`), so nothing is left out in silence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dart_k8s.api import PodSettings
from dart_k8s.names import CONTAINER
from dart_k8s.reconcile import Settings

USER = 65532
"""Of all images; a number that no distribution gives to anybody."""
GRACE_SECONDS = 45
"""Samplers and verifiers are done with what they hold 25 s after SIGTERM; the rest is for slow nodes."""
HOME, TMP, SCRATCH_CACHE = "/home/dart", "/tmp", "/var/cache/dart"
WRITABLE_ENV = {
    "HOME": HOME,
    "TMPDIR": TMP,
    "XDG_CACHE_HOME": SCRATCH_CACHE,
    "XDG_CONFIG_HOME": f"{TMP}/config",
    "VLLM_CACHE_ROOT": f"{SCRATCH_CACHE}/vllm",
    "TORCHINDUCTOR_CACHE_DIR": f"{SCRATCH_CACHE}/inductor",
    "TRITON_CACHE_DIR": f"{SCRATCH_CACHE}/triton",
    "FLASHINFER_WORKSPACE_BASE": SCRATCH_CACHE,
    "NUMBA_CACHE_DIR": f"{SCRATCH_CACHE}/numba",
    "MPLCONFIGDIR": f"{SCRATCH_CACHE}/matplotlib",
    "OUTLINES_CACHE_DIR": f"{SCRATCH_CACHE}/outlines",
}
"""Where programs want to write; the root of the file system is read-only."""
UNDISRUPTED = {"karpenter.sh/do-not-disrupt": "true", "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
"""A pod that is moved to save a node loads its model again, for minutes of a GPU."""


class Folder(NamedTuple):
    """A folder that a pod writes: empty at first, and gone with the pod."""

    path: str
    most: str
    """Size at which the kubelet evicts the pod; with `memory`, at which it is full."""
    memory: bool = False
    """It lies in memory, and counts as such."""

    def volume(self, name: str) -> dict[str, Any]:
        """The volume of it."""
        source = {"sizeLimit": self.most} | ({"medium": "Memory"} if self.memory else {})
        return {"name": f"dart-{name}", "emptyDir": source}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a pod is for: all that differs between stages."""

    image: str
    command: Sequence[str]
    resources: Mapping[str, Any]
    env: Mapping[str, str] = field(default_factory=dict)
    env_from: Sequence[Mapping[str, Any]] = ()
    volumes: Sequence[Mapping[str, Any]] = ()
    mounts: Sequence[Mapping[str, Any]] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    probes: Mapping[str, Any] = field(default_factory=dict)
    service_account: str = ""
    restart: str = "Never"
    token: bool | None = None
    """Whether the service account's token may be mounted; None: as the user says, by default not."""
    writable: Mapping[str, Folder] = field(default_factory=dict)
    """Folders that it writes, by name."""
    keep: bool = False
    """Whether autoscalers should leave it where it is."""
    grace: int = GRACE_SECONDS
    """Seconds between SIGTERM and the end, unless the user says more."""
    subdomain: str = ""
    """The headless Service under which its pods have names."""


def template(work: Work, user: PodSettings, settings: Settings, labels: Mapping[str, str]) -> dict[str, Any]:
    """A pod template. The platform's labels and annotations win over the user's."""
    annotations = {**user.annotations, **(UNDISRUPTED if work.keep else {})}
    annotations["kubectl.kubernetes.io/default-container"] = CONTAINER
    return {
        "metadata": {"labels": {**user.labels, **labels}, "annotations": annotations},
        "spec": _spec(work, user, settings),
    }


def _spec(work: Work, user: PodSettings, settings: Settings) -> dict[str, Any]:
    more = dict(user.pod)
    asked_token = bool(more.pop("automountServiceAccountToken", False))
    security = more.pop("securityContext", None)
    secrets = [{"name": name} for name in settings.pull_secrets]
    grace = more.pop("terminationGracePeriodSeconds", 0)
    account = user.service_account_name or work.service_account
    optional: dict[str, Any] = {
        "serviceAccountName": account,
        "imagePullSecrets": [*secrets, *(s for s in user.image_pull_secrets if s not in secrets)],
        "nodeSelector": dict(user.node_selector),
        "tolerations": list(user.tolerations),
        "affinity": dict(user.affinity),
        "priorityClassName": user.priority_class_name,
        "runtimeClassName": user.runtime_class_name,
        "subdomain": work.subdomain,
    }
    return {
        **more,
        **{name: value for name, value in optional.items() if value},
        "restartPolicy": work.restart,
        "automountServiceAccountToken": asked_token if work.token is None else work.token,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": max(GRACE_SECONDS, work.grace, grace if isinstance(grace, int) else 0),
        "securityContext": pod_security(security if isinstance(security, Mapping) else {}),
        "containers": [_container(work, user, settings)],
        "volumes": [
            *work.volumes,
            *(folder.volume(name) for name, folder in work.writable.items()),
            *user.volumes,
        ],
    }


def pod_security(user: Mapping[str, Any]) -> dict[str, Any]:
    """Of the pod. Groups are the user's to add: tokens of cloud roles and volumes may ask for one."""
    return {
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "runAsUser": USER,
        "runAsGroup": USER,
        **user,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _container(work: Work, user: PodSettings, settings: Settings) -> dict[str, Any]:
    env = {**WRITABLE_ENV, **work.env}
    named = {variable.name for variable in user.env}
    plain = [{"name": name, "value": value} for name, value in sorted(env.items()) if name not in named]
    mounts = [{"name": f"dart-{name}", "mountPath": folder.path} for name, folder in work.writable.items()]
    made: dict[str, Any] = {
        "name": CONTAINER,
        "image": user.image or work.image,
        "imagePullPolicy": user.image_pull_policy or settings.pull_policy,
        "command": list(work.command),
        "env": [_POD_NAME, *plain, *(variable.plain() for variable in user.env)],
        # The user's come later, and so win.
        "envFrom": [*work.env_from, *user.env_from],
        "resources": dict(user.resources) or dict(work.resources),
        "ports": [{"name": name, "containerPort": port} for name, port in work.ports.items()],
        "volumeMounts": [*work.mounts, *mounts, *user.volume_mounts],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        # A finding in the termination message; a crash without one shows its last words.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **work.probes,
    }
    return {name: value for name, value in made.items() if value not in ([], {})}


_POD_NAME = {"name": "DART_POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}

__all__ = ["HOME", "SCRATCH_CACHE", "TMP", "USER", "Folder", "Work", "pod_security", "template"]
