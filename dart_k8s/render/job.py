"""Jobs: one pod that has one thing to do, or a work queue of samplers."""

import math
from collections.abc import Mapping
from typing import Any

from dart_k8s.api import PodSettings, SynthesisSpec
from dart_k8s.errors import EXIT_SPEC, EXIT_STOPPED
from dart_k8s.names import (
    ASKED,
    CONTAINER,
    DECLARATION,
    DIGEST,
    GENERATION,
    HEALTH_PORT,
    LIVE_PATH,
    QUERIES,
    QUEUE,
    STARTUP_PATH,
    UID,
    Stage,
    declaration_name,
    job_name,
)
from dart_k8s.reconcile import CreateJob, Settings, digests

from .identity import Identity
from .model import cached
from .pod import HOME, SCRATCH_CACHE, TMP, Folder, Work, template

MOST_RETRIES = 2_147_483_647
"""backoffLimit of samplers: the operator counts their failures, and forgets them when a result comes."""
RETRIES = 20
"""backoffLimit of the other Jobs: over two hours with the Job controller's back-off, so that a store that is away for a
while ends nothing; their deadline is the end."""
CLEANUP_SECONDS = 600
PROBE_SECONDS = 5
LATER_SECONDS = 60
CA_FOLDER = "/etc/dart-ca"
CA_ENV = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""What botocore, requests and OpenSSL (httpx, the hub's client) read."""
WRITABLE = {"home": Folder(HOME, "2Gi"), "tmp": Folder(TMP, "20Gi"), "cache": Folder(SCRATCH_CACHE, "20Gi")}


def exit_rule(action: str, code: int) -> dict[str, Any]:
    """A rule of podFailurePolicy about an exit code of the container that does the work."""
    return {"action": action, "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [code]}}


def disruption_rule(action: str) -> dict[str, Any]:
    """A rule of podFailurePolicy about pods that the cluster took."""
    return {"action": action, "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


POD_FAILURES = {
    "rules": [exit_rule("FailJob", EXIT_SPEC), exit_rule("Ignore", EXIT_STOPPED), disruption_rule("Ignore")],
}
"""The exit codes' contract (errors.py) in the Job controller's words. With it only pods that have failed are replaced:
no two hold the same GPU."""


def job(
    action: CreateJob, identity: Identity, synthesis: Mapping[str, Any], spec: SynthesisSpec, settings: Settings
) -> dict[str, Any]:
    """The Job of an action of a Synthesis."""
    stage = action.stage
    work, user = _work(stage, identity, spec, settings), user_settings(stage, spec)
    if stage is not Stage.SAMPLER:
        return errand(action, identity, synthesis, work, user, settings, deadline=_deadline(stage, spec))
    made = {"backoffLimit": MOST_RETRIES, "podFailurePolicy": POD_FAILURES}
    return manifest(action, identity, synthesis, work, user, settings, made, queue=spec.queue_name or "")


def errand(
    action: CreateJob,
    identity: Identity,
    item: Mapping[str, Any],
    work: Work,
    user: PodSettings,
    settings: Settings,
    *,
    deadline: int,
) -> dict[str, Any]:
    """A Job with one pod that has one thing to do, and is repeated until its deadline."""
    made = {
        "completions": 1,
        "backoffLimit": RETRIES,
        "activeDeadlineSeconds": deadline,
        "podFailurePolicy": POD_FAILURES,
    }
    return manifest(action, identity, item, work, user, settings, made)


def manifest(
    action: CreateJob,
    identity: Identity,
    item: Mapping[str, Any],
    work: Work,
    user: PodSettings,
    settings: Settings,
    spec: Mapping[str, Any],
    *,
    queue: str = "",
) -> dict[str, Any]:
    """A Job; `spec`: of its fields those that differ between Jobs."""
    labels = identity.labels(action.stage, action.number)
    notes = {
        DIGEST: digests.goal(item),
        GENERATION: str(identity.generation),
        ASKED: str(action.parallelism),
    }
    name = job_name(identity.name, action.stage, action.number, identity.kind)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": identity.metadata(name, {**labels, **({QUEUE: queue} if queue else {})}, notes),
        "spec": {
            "parallelism": action.parallelism,
            "podReplacementPolicy": "Failed",
            "template": template(work, user, settings, labels),
            **spec,
        },
    }


def user_settings(stage: Stage, spec: SynthesisSpec) -> PodSettings:
    """What the user says of a stage's pods. Cleaning up needs what preparing needs: access to the output."""
    match stage:
        case Stage.SAMPLER:
            return spec.samplers
        case Stage.VERIFIER:
            return spec.verifiers
        case Stage.CURATE:
            return spec.curate
        case Stage.CLEANUP:
            return for_cleanup(spec.prepare)
        case _:
            return spec.prepare


def for_cleanup(prepare: PodSettings) -> PodSettings:
    """Of the pod that cleans up: what was deleted along with the object must not keep its output from being deleted."""
    return prepare.model_copy(update={"volumes": tuple(map(_optional, prepare.volumes))})


def _optional(volume: Mapping[str, Any]) -> dict[str, Any]:
    """The volume, empty if the ConfigMap or Secret that it shows is gone."""
    return {
        kind: {**source, "optional": True} if kind in ("configMap", "secret") else source
        for kind, source in volume.items()
    }


def _deadline(stage: Stage, spec: SynthesisSpec) -> int:
    match stage:
        case Stage.PREPARE:
            return spec.prepare.deadline_seconds
        case Stage.CURATE:
            return spec.curate.deadline_seconds
        case _:
            return CLEANUP_SECONDS


class Mounted:
    """What a pod that reaches the store is given: its declaration, certificates, and what a stage adds."""

    def __init__(self, identity: Identity, settings: Settings) -> None:
        name = declaration_name(identity.name, identity.kind)
        self.volumes: list[dict[str, Any]] = [{"name": "dart-declaration", "configMap": {"name": name}}]
        folder = DECLARATION.rsplit("/", 1)[0]
        self.mounts: list[dict[str, Any]] = [{"name": "dart-declaration", "mountPath": folder, "readOnly": True}]
        self.env: dict[str, str] = {**settings.env, UID: identity.uid}
        if settings.ca_config_map:
            self.add({"name": "dart-ca", "configMap": {"name": settings.ca_config_map}}, CA_FOLDER, read_only=True)
            self.env |= dict.fromkeys(CA_ENV, f"{CA_FOLDER}/{settings.ca_key}")

    def add(self, volume: dict[str, Any], path: str, *, read_only: bool = False) -> None:
        """A volume at a path."""
        self.volumes.append(volume)
        self.mounts.append({"name": volume["name"], "mountPath": path, **({"readOnly": True} if read_only else {})})

    def shared_memory(self, size: str) -> None:
        """/dev/shm, which processes on one node talk through."""
        self.add({"name": "dart-shm", "emptyDir": {"medium": "Memory", "sizeLimit": size}}, "/dev/shm")

    def work(self, stage: Stage, verb: str, image: str, user: PodSettings, settings: Settings, **more: Any) -> Work:
        """What the pod is for."""
        return Work(
            image=image,
            command=["python", "-m", "dart_k8s.workers.pod", verb, "--declaration", DECLARATION],
            resources=settings.resources.get(stage.value, {}),
            env=self.env,
            env_from=_credentials(user, settings),
            volumes=self.volumes,
            mounts=self.mounts,
            service_account=settings.service_account,
            **{"writable": WRITABLE, "keep": stage is not Stage.CLEANUP, **more},
        )


def _work(stage: Stage, identity: Identity, spec: SynthesisSpec, settings: Settings) -> Work:
    vllm = stage is Stage.SAMPLER and spec.engine.kind == "vllm"
    mounted = Mounted(identity, settings)
    if stage in (Stage.PREPARE, Stage.SAMPLER):
        models = cached(spec.model_cache, fills=stage is Stage.PREPARE)
        mounted.volumes.append(models.volume)
        mounted.mounts.append(models.mount)
        mounted.env |= models.env
    if stage is Stage.PREPARE:
        _queries(spec, mounted)
    image, user = settings.images["sampler" if vllm else "worker"], user_settings(stage, spec)
    if stage is not Stage.SAMPLER:
        return mounted.work(stage, stage.value, image, user, settings)
    mounted.shared_memory(spec.samplers.shared_memory)
    return mounted.work(
        stage, "sample", image, user, settings,
        ports={"health": HEALTH_PORT}, probes=_probes(spec), keep=not spec.samplers.spot,
    )  # fmt: skip


def _credentials(user: PodSettings, settings: Settings) -> list[dict[str, Any]]:
    """The installation's Secret, unless the user brings an identity: one that is not there keeps pods from starting."""
    own = user.service_account_name or any(variable.name == "AWS_ACCESS_KEY_ID" for variable in user.env)
    return [{"secretRef": {"name": settings.store_secret}}] if settings.store_secret and not own else []


def _queries(spec: SynthesisSpec, mounted: Mounted) -> None:
    names = sorted({source.config_map.name for source in spec.queries if source.config_map is not None})
    for index, name in enumerate(names):
        volume = {"name": f"dart-queries-{index}", "configMap": {"name": name}}
        mounted.add(volume, f"{QUERIES}/{name}", read_only=True)


def _probes(spec: SynthesisSpec) -> dict[str, Any]:
    """Started: the engine has its model, within the user's deadline. Live: as the sampler itself judges, which knows
    whether its engine makes steps; a pod that does not answer within a minute is gone as well."""
    get = {"port": "health", "scheme": "HTTP"}
    # The sampler ends by itself at its deadline, and says why; the kubelet is for one that can't even do that.
    started = math.ceil((spec.samplers.startup_deadline_seconds + LATER_SECONDS) / PROBE_SECONDS)
    return {
        "startupProbe": {
            "httpGet": {"path": STARTUP_PATH, **get},
            "periodSeconds": PROBE_SECONDS,
            "timeoutSeconds": PROBE_SECONDS,
            "failureThreshold": started,
        },
        "livenessProbe": {
            "httpGet": {"path": LIVE_PATH, **get},
            "periodSeconds": 20,
            "timeoutSeconds": 10,
            "failureThreshold": 3,
        },
    }


__all__ = [
    "CLEANUP_SECONDS",
    "WRITABLE",
    "Mounted",
    "disruption_rule",
    "errand",
    "exit_rule",
    "for_cleanup",
    "job",
    "manifest",
    "user_settings",
]
