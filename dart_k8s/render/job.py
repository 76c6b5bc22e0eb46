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
POD_FAILURES = {
    "rules": [
        {
            "action": "FailJob",
            "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [EXIT_SPEC]},
        },
        {
            "action": "Ignore",
            "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [EXIT_STOPPED]},
        },
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]
}
"""The exit codes' contract (errors.py) in the Job controller's words. With it only pods that have failed are replaced:
no two hold the same GPU."""


def job(
    action: CreateJob, identity: Identity, synthesis: Mapping[str, Any], spec: SynthesisSpec, settings: Settings
) -> dict[str, Any]:
    """The Job of an action."""
    stage = action.stage
    labels = identity.labels(stage, action.number)
    notes = {
        DIGEST: digests.goal(synthesis),
        GENERATION: str(identity.generation),
        ASKED: str(action.parallelism),
    }
    queue = {QUEUE: spec.queue_name} if stage is Stage.SAMPLER and spec.queue_name else {}
    user = user_settings(stage, spec)
    made: dict[str, Any] = {
        "parallelism": action.parallelism,
        "podFailurePolicy": POD_FAILURES,
        "podReplacementPolicy": "Failed",
        "template": template(_work(stage, identity, spec, settings), user, settings, labels),
    }
    if stage is Stage.SAMPLER:
        made["backoffLimit"] = MOST_RETRIES
    else:
        made |= {"completions": 1, "backoffLimit": RETRIES, "activeDeadlineSeconds": _deadline(stage, spec)}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": identity.metadata(job_name(identity.name, stage, action.number), {**labels, **queue}, notes),
        "spec": made,
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
            # What was deleted along with the Synthesis must not keep its output from being deleted.
            return spec.prepare.model_copy(update={"volumes": tuple(map(_optional, spec.prepare.volumes))})
        case _:
            return spec.prepare


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


def _work(stage: Stage, identity: Identity, spec: SynthesisSpec, settings: Settings) -> Work:
    vllm = stage is Stage.SAMPLER and spec.engine.kind == "vllm"
    volumes: list[dict[str, Any]] = [
        {"name": "dart-declaration", "configMap": {"name": declaration_name(identity.name)}},
    ]
    folder = DECLARATION.rsplit("/", 1)[0]
    mounts: list[dict[str, Any]] = [{"name": "dart-declaration", "mountPath": folder, "readOnly": True}]
    env = {**settings.env, UID: identity.uid}
    if settings.ca_config_map:
        volumes.append({"name": "dart-ca", "configMap": {"name": settings.ca_config_map}})
        mounts.append({"name": "dart-ca", "mountPath": CA_FOLDER, "readOnly": True})
        env |= dict.fromkeys(CA_ENV, f"{CA_FOLDER}/{settings.ca_key}")
    if stage in (Stage.PREPARE, Stage.SAMPLER):
        models = cached(spec.model_cache, fills=stage is Stage.PREPARE)
        volumes.append(models.volume)
        mounts.append(models.mount)
        env |= models.env
    if stage is Stage.PREPARE:
        _queries(spec, volumes, mounts)
    if stage is Stage.SAMPLER:
        size = spec.samplers.shared_memory
        volumes.append({"name": "dart-shm", "emptyDir": {"medium": "Memory", "sizeLimit": size}})
        mounts.append({"name": "dart-shm", "mountPath": "/dev/shm"})
    verb = {Stage.SAMPLER: "sample"}.get(stage, stage.value)
    return Work(
        image=settings.images["sampler" if vllm else "worker"],
        command=["python", "-m", "dart_k8s.workers.pod", verb, "--declaration", DECLARATION],
        resources=settings.resources.get(stage.value, {}),
        env=env,
        env_from=_credentials(user_settings(stage, spec), settings),
        volumes=volumes,
        mounts=mounts,
        ports={"health": HEALTH_PORT} if stage is Stage.SAMPLER else {},
        probes=_probes(spec) if stage is Stage.SAMPLER else {},
        service_account=settings.service_account,
        writable=WRITABLE,
        keep=stage is not Stage.CLEANUP and not (stage is Stage.SAMPLER and spec.samplers.spot),
    )


def _credentials(user: PodSettings, settings: Settings) -> list[dict[str, Any]]:
    """The installation's Secret, unless the user brings an identity: one that is not there keeps pods from starting."""
    own = user.service_account_name or any(variable.name == "AWS_ACCESS_KEY_ID" for variable in user.env)
    return [{"secretRef": {"name": settings.store_secret}}] if settings.store_secret and not own else []


def _queries(spec: SynthesisSpec, volumes: list[dict[str, Any]], mounts: list[dict[str, Any]]) -> None:
    names = sorted({source.config_map.name for source in spec.queries if source.config_map is not None})
    for index, name in enumerate(names):
        volumes.append({"name": f"dart-queries-{index}", "configMap": {"name": name}})
        mounts.append({"name": f"dart-queries-{index}", "mountPath": f"{QUERIES}/{name}", "readOnly": True})


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


__all__ = ["job", "user_settings"]
