"""Jobs of an Evaluation: one pod that prepares it, one that scores what its passes have sampled."""

from collections.abc import Mapping
from typing import Any

from dart_k8s.api import EvaluationSpec
from dart_k8s.names import Stage
from dart_k8s.reconcile import CreateJob, Settings

from .identity import Identity
from .job import CLEANUP_SECONDS, Mounted, errand, for_cleanup
from .model import cached

SCORE_SECONDS = 21_600
"""Deadline of scoring: a checker takes milliseconds for most of millions of responses, and ten seconds for few."""


def evaluation_job(
    action: CreateJob, identity: Identity, evaluation: Mapping[str, Any], spec: EvaluationSpec, settings: Settings
) -> dict[str, Any]:
    """The Job of an action of an Evaluation. Scoring needs what preparing needs: access to the output."""
    stage, mounted = action.stage, Mounted(identity, settings)
    user = for_cleanup(spec.prepare) if stage is Stage.CLEANUP else spec.prepare
    deadlines = {Stage.PREPARE: spec.prepare.deadline_seconds, Stage.CLEANUP: CLEANUP_SECONDS}
    if stage is Stage.PREPARE:
        models = cached(spec.model_cache, fills=True)
        mounted.volumes.append(models.volume)
        mounted.mounts.append(models.mount)
        mounted.env |= models.env
    work = mounted.work(stage, stage.value, settings.images["worker"], user, settings)
    deadline = deadlines.get(stage, SCORE_SECONDS)
    return errand(action, identity, evaluation, work, user, settings, deadline=deadline)


__all__ = ["evaluation_job"]
