"""Pods of a Training: one that prepares it, and a group that trains, one a node, which find each other by name."""

from collections.abc import Mapping
from typing import Any

from dart_k8s.api import TrainingSpec
from dart_k8s.errors import EXIT_SPEC, EXIT_STOPPED
from dart_k8s.names import (
    ATTEMPT,
    DIGEST,
    HEALTH_PORT,
    NODES,
    RENDEZVOUS,
    RENDEZVOUS_PORT,
    TRAINER_PORT,
    Stage,
    job_name,
    trainers_name,
)
from dart_k8s.reconcile import ApplyTrainers, CreateJob, Settings, digests

from .identity import Identity
from .job import CLEANUP_SECONDS, WRITABLE, Mounted, disruption_rule, errand, exit_rule, for_cleanup, manifest
from .model import cached
from .pod import TMP, Folder

FAILURES = {
    "rules": [exit_rule("FailJob", EXIT_SPEC), disruption_rule("FailJob"), exit_rule("FailJob", EXIT_STOPPED)],
}
"""A group ends as a whole, whatever ends one of its pods. The rules make the Job say what it was, also of a pod that is
gone by then; what none of them fits is its own fault, and ends it by its backoffLimit of 0."""
SCRATCH = WRITABLE | {"tmp": Folder(TMP, "1Ti")}
"""A checkpoint is written to the disk before it goes to the store: its part of a large model takes hundreds of GiB."""


def training_job(
    action: CreateJob, identity: Identity, training: Mapping[str, Any], spec: TrainingSpec, settings: Settings
) -> dict[str, Any]:
    """The Job of an action of a Training."""
    stage, mounted = action.stage, Mounted(identity, settings)
    trainer, worker = settings.images.get("trainer", "dart-trainer"), settings.images["worker"]
    if stage is Stage.CLEANUP:
        user = for_cleanup(spec.prepare)
        work = mounted.work(stage, stage.value, worker, user, settings)
        return errand(action, identity, training, work, user, settings, deadline=CLEANUP_SECONDS)
    models = cached(spec.model_cache, fills=stage is Stage.PREPARE)
    mounted.volumes.append(models.volume)
    mounted.mounts.append(models.mount)
    mounted.env |= models.env
    if stage is Stage.PREPARE:
        work = mounted.work(stage, stage.value, trainer, spec.prepare, settings)
        return errand(action, identity, training, work, spec.prepare, settings, deadline=spec.prepare.deadline_seconds)
    mounted.shared_memory(spec.trainers.shared_memory)
    mounted.env |= _group(action, identity, settings)
    work = mounted.work(
        stage, "train", trainer, spec.trainers, settings,
        ports={"health": HEALTH_PORT, "rendezvous": TRAINER_PORT}, writable=SCRATCH,
        grace=spec.trainers.grace_seconds, subdomain=trainers_name(identity.name),
    )  # fmt: skip
    made: dict[str, Any] = {
        "completionMode": "Indexed",
        "completions": action.parallelism,
        "backoffLimit": 0,
        "podFailurePolicy": FAILURES,
    }
    if settings.native_gang and not spec.queue_name:
        made["scheduling"] = {"schedulingPolicy": {"gang": {"minCount": action.parallelism}}}
    return manifest(action, identity, training, work, spec.trainers, settings, made, queue=spec.queue_name or "")


def _group(action: CreateJob, identity: Identity, settings: Settings) -> dict[str, str]:
    """What a trainer knows of its group; its own rank is JOB_COMPLETION_INDEX, which the Job controller sets."""
    # Of its own attempt: a node 0 of an earlier one is nobody to wait for.
    first = f"{job_name(identity.name, action.stage, action.number, identity.kind)}-0"
    return {
        NODES: str(action.parallelism),
        RENDEZVOUS: f"{first}.{trainers_name(identity.name)}.{identity.namespace}.svc.{settings.cluster_domain}",
        RENDEZVOUS_PORT: str(TRAINER_PORT),
        ATTEMPT: str(action.number),
    }


def network(action: ApplyTrainers, identity: Identity, training: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The NetworkPolicy first, so that no pod is without it; the Service that gives each node its name."""
    name, labels = trainers_name(identity.name), identity.labels(Stage.TRAINER)
    metadata = identity.metadata(name, labels, {DIGEST: digests.trainers(training)})
    selector = identity.selector(Stage.TRAINER)
    policy = {
        "podSelector": {"matchLabels": selector},
        "policyTypes": ["Ingress"],
        # Collectives take any port. Nobody else has to reach a trainer, but for its metrics.
        "ingress": [
            {"from": [{"podSelector": {"matchLabels": selector}}]},
            {"ports": [{"protocol": "TCP", "port": HEALTH_PORT}]},
        ],
    }
    service = {
        "clusterIP": "None",
        "selector": selector,
        # A node is ready when it trains, and it can't train before the others have found it.
        "publishNotReadyAddresses": True,
        "ports": [
            {"name": "rendezvous", "port": TRAINER_PORT, "targetPort": TRAINER_PORT, "protocol": "TCP"},
        ],
    }
    made = [
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": policy},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
    ]
    return [one for one in made if one["kind"] in action.kinds]


__all__ = ["network", "training_job"]
