"""Policy: the status of a Training."""

import math
from collections.abc import Mapping
from typing import Any

from dart_k8s.names import Stage
from dart_k8s.reconcile import moments
from dart_k8s.reconcile.conditions import conditions_of
from dart_k8s.reconcile.status import MOST, common, finished_at, pods
from dart_k8s.reconcile.view import Step

from .attempts import count
from .phases import prepared
from .view import TrainingView

LOSS = 1e12
"""Bound of a loss in a status, by its model."""


def status(view: TrainingView, step: Step) -> dict[str, Any]:
    """The whole status."""
    done = step.phase in ("Complete", "Training") or (step.phase != "Preparing" and prepared(view))
    ends = count(view)
    made: dict[str, Any] = {
        **common(view, step, conditions_of(view, step, prepared=done), finished_at(view, Stage.TRAINER)),
        "attempt": max([view.noted("attempt"), *(job.number for job in view.jobs(Stage.TRAINER))]) or None,
        "restarts": ends.restarts if ends.judged else None,
        "disruptions": ends.disruptions if ends.judged else None,
        "judged": ends.judged or None,
        "scheduling": _scheduling(view),
        "trainers": pods(view, Stage.TRAINER),
        **_of_progress(view, step),
    }
    return {name: value for name, value in made.items() if value is not None}


def _scheduling(view: TrainingView) -> str | None:
    if not view.jobs(Stage.TRAINER):
        before = view.status.get("scheduling")
        return str(before) if before else None
    return "Kueue" if view.wishes.queue else "native" if view.settings.native_gang else "none"


def _of_progress(view: TrainingView, step: Step) -> dict[str, Any]:
    """What rank 0 said, as far as it is what it should be: it was written by a pod."""
    said = view.progress
    if said is None:
        return {name: view.status.get(name) for name in ("progress", "checkpoint")}
    done, steps = _whole(said, "step"), _whole(said, "steps")
    finished = step.phase == "Complete"
    share = 1.0 if finished else min(0.999, done / steps) if steps else 0.0
    progress = {
        "fraction": round(share, 3),
        "summary": f"{int(share * 100)}%",
        "step": done,
        "steps": steps,
        "epoch": round(_number(said, "epoch") or 0.0, 3),
        "rows": _whole(said, "rows"),
        "dropped": _whole(said, "droppedRows"),
        "tokens": _whole(said, "tokens"),
        "tokensPerSecond": round(_number(said, "tokensPerSecond") or 0.0, 1),
    }
    loss, mfu, left = (_number(said, name, lowest=-LOSS) for name in ("loss", "mfu", "etaSeconds"))
    if loss is not None:
        progress["loss"] = round(loss, 6)
    if mfu is not None:
        progress["utilisation"] = round(min(1.0, max(0.0, mfu)), 4)
    made: dict[str, Any] = {"progress": progress}
    if isinstance(said.get("checkpoint"), int):
        made["checkpoint"] = {"step": _whole(said, "checkpoint")}
    if step.phase == "Training" and left is not None and left > 0:
        made["estimatedFinish"] = moments.text(view.facts.found_at + left)
    return made


def _whole(said: Mapping[str, Any], name: str) -> int:
    value = _number(said, name)
    return int(value) if value is not None else 0


def _number(said: Mapping[str, Any], name: str, lowest: float = 0.0) -> float | None:
    """A number within what a status may hold; None for anything else."""
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(min(MOST, max(lowest, value)))


__all__ = ["status"]
