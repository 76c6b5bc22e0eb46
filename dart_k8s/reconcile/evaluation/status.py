"""Policy: the status of an Evaluation: what its passes say, summed up, and in the end the scores."""

import math
from collections.abc import Mapping
from typing import Any

from dart_k8s.api.status import MOST_SCORES
from dart_k8s.names import STAGE, SYNTHESIS, Stage
from dart_k8s.reconcile.conditions import conditions_of
from dart_k8s.reconcile.status import MOST, common, finished_at
from dart_k8s.reconcile.view import Step
from dart_k8s.reconcile.words import one_line

from .phases import prepared
from .view import EvaluationView


def status(view: EvaluationView, step: Step) -> dict[str, Any]:
    """The whole status."""
    done = step.phase in ("Complete", "Scoring", "Sampling") or (step.phase != "Preparing" and prepared(view))
    made: dict[str, Any] = {
        **common(view, step, conditions_of(view, step, prepared=done), finished_at(view, Stage.SCORE)),
        "progress": _progress(view, step),
        "usage": _usage(view) or view.status.get("usage"),
        "samplers": _pods(view, "samplers", Stage.SAMPLER),
        "verifiers": _pods(view, "verifiers", Stage.VERIFIER),
        "estimatedFinish": _finish(view) if step.phase == "Sampling" else None,
        **(_scores(view) if step.phase == "Complete" else {}),
    }
    return {name: value for name, value in made.items() if value is not None}


def _sum(view: EvaluationView, part: str, name: str) -> int:
    found = ((one.status.get(part) or {}).get(name) for one in view.made)
    return min(MOST, sum(int(value) for value in found if isinstance(value, int) and not isinstance(value, bool)))


def _progress(view: EvaluationView, step: Step) -> dict[str, Any] | None:
    before = view.status.get("progress")
    if not any(one.status.get("progress") for one in view.made):
        return before
    trials, wanted = _sum(view, "progress", "trials"), _sum(view, "progress", "wanted")
    share = 1.0 if step.phase == "Complete" else min(0.999, trials / wanted) if wanted else 0.0
    items = _whole((view.record or {}).get("items")) or (before or {}).get("items", 0)
    made = {
        "fraction": round(share, 3),
        "summary": f"{int(share * 100)}%",
        "items": items,
        "trials": trials,
        "wanted": wanted,
    }
    return made | {name: _sum(view, "progress", name) for name in ("open", "correct", "pending")}


def _usage(view: EvaluationView) -> dict[str, Any] | None:
    found = [one.status["usage"] for one in view.made if one.status.get("usage")]
    if not found:
        return None
    whole = {name: _sum(view, "usage", name) for name in ("tokens", "wastedTokens")}
    names = ("gpuSecondsHeld", "gpuSecondsGenerating")
    return whole | {name: round(sum(float(one.get(name) or 0.0) for one in found), 1) for name in names}


def _pods(view: EvaluationView, role: str, stage: Stage) -> dict[str, Any] | None:
    found = [one for one in view.made if one.status.get(role)]
    if not found:
        return None
    names = ",".join(one.name for one in view.made)
    selector = f"{SYNTHESIS} in ({names}),{STAGE}={stage.value}"
    return {"replicas": _sum(view, role, "replicas"), "ready": _sum(view, role, "ready"), "selector": selector}


def _finish(view: EvaluationView) -> str | None:
    found = [one.status["estimatedFinish"] for one in view.made if one.status.get("estimatedFinish")]
    return max(found, default=None)


def _scores(view: EvaluationView) -> dict[str, Any]:
    """What scoring said, as far as it is what it should be: it was written by a pod."""
    summary = view.summary
    if summary is None:
        return {name: view.status.get(name) for name in ("scores", "average", "averageText")}
    listed = summary.get("benchmarks")
    found = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    scores = {name: _score(name, one) for one in found if (name := one_line(str(one.get("name")), 63))}
    average = _value(summary.get("average"), "lenient")
    if average is None and len(found) == 1:
        average = _value(found[0], "lenient")
    made: dict[str, Any] = {"scores": list(scores.values())[:MOST_SCORES] or None}
    if average is not None:
        made |= {"average": average, "averageText": f"{average:.1%}"}
    return made


def _score(name: str, one: Mapping[str, Any]) -> dict[str, Any]:
    made = {
        "name": name,
        "items": _whole(one.get("items")),
        "strict": _value(one, "strict"),
        "lenient": _value(one, "lenient"),
        "low": _value(one, "lenient", "low"),
        "high": _value(one, "lenient", "high"),
        "majority": _value(one, "majority"),
        "passAt1": _value(one, "passAt1"),
    }
    return {key: value for key, value in made.items() if value is not None}


def _value(scores: Any, name: str, of: str = "value") -> float | None:
    """A share out of an estimate; None for anything else."""
    estimate = scores.get(name) if isinstance(scores, Mapping) else None
    value = estimate.get(of) if isinstance(estimate, Mapping) else None
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return round(min(1.0, max(0.0, float(value))), 4) if good else None  # type: ignore[arg-type]


def _whole(value: Any) -> int:
    good = isinstance(value, int) and not isinstance(value, bool)
    return min(MOST, max(0, value)) if good else 0


__all__ = ["status"]
