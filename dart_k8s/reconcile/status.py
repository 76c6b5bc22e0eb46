"""Policy: the status, at most 16 KiB whatever the size of a run: a pure function of the facts, the step, and for times
that must not move, of the status before."""

from collections.abc import Mapping
from typing import Any

from dart_k8s.names import LABELS, STAGE, Stage

from . import moments
from .conditions import conditions
from .progress import Progress
from .view import Step, SynthesisView, View
from .words import one_line

PATIENT = (
    "checkpoint", "epoch", "estimatedFinish", "message", "plan", "progress", "samplers", "trainers",
    "usage", "verifiers",
)  # fmt: skip
"""Fields whose change alone may wait for its turn."""
PODS = ("samplers", "verifiers")
MOST = 10**12
"""Of a number in a status, by its model."""
STOPS = {"target", "trials", "cap", "hopeless", "saturated", "budget", "set_aside"}


def status(view: SynthesisView, step: Step) -> dict[str, Any]:
    """The whole status of a Synthesis."""
    before = view.status
    made: dict[str, Any] = {
        **common(view, step, conditions(view, step), finished_at(view)),
        "attempt": max([view.noted("attempt"), *(job.number for job in view.jobs(Stage.SAMPLER))]) or None,
        "failures": step.failures if step.failures is not None else before.get("failures"),
        "counted": step.counted if step.counted is not None else before.get("counted"),
        "rows": step.rows if step.rows is not None else before.get("rows"),
        **_of_run(view, step),
        "samplers": pods(view, Stage.SAMPLER),
        "verifiers": pods(view, Stage.VERIFIER),
    }
    return {name: value for name, value in made.items() if value is not None}


def common(view: View, step: Step, conditions: list[dict[str, Any]], finished: float) -> dict[str, Any]:
    """What every kind tells."""
    return {
        "observedGeneration": view.wishes.generation,
        "phase": step.phase,
        "message": one_line(step.message),
        "conditions": conditions,
        "output": view.wishes.output if step.phase == "Complete" else None,
        "startedAt": view.status.get("startedAt") or (moments.text(view.now) if step.actions else None),
        "finishedAt": moments.text(finished) if step.phase in ("Complete", "Failed") else None,
    }


def finished_at(view: View, last: Stage = Stage.CURATE) -> float:
    """When it became Complete or Failed: as noted, as the Job that does the last thing says, else now."""
    noted = moments.seconds(view.status.get("finishedAt"))
    if noted is not None:
        return noted
    jobs = [job for job in view.jobs(last) if job.ended == "Complete" and job.finished]
    return jobs[-1].finished or view.now if jobs else view.now


def urgent(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether more than numbers differs, or the last numbers come."""
    last = after.get("phase") in ("Complete", "Failed") and before.get("progress") != after.get("progress")
    # The last pod of a suspended one is gone: nobody is left whose change would bring the numbers along.
    gone = after.get("phase") == "Suspended" and any(_left(before, role) and not _left(after, role) for role in PODS)
    return last or gone or _settled(before) != _settled(after)


def _left(value: Mapping[str, Any], role: str) -> int:
    return int((value.get(role) or {}).get("replicas", 0))


def _settled(value: Mapping[str, Any]) -> dict[str, Any]:
    """Without what moves all the time; of conditions, without the words."""
    kept = {name: item for name, item in value.items() if name not in PATIENT}
    kept["conditions"] = [
        {name: item for name, item in condition.items() if name != "message"}
        for condition in value.get("conditions") or ()
    ]
    return kept


def _of_run(view: SynthesisView, step: Step) -> dict[str, Any]:
    progress = view.progress
    if progress is None or not progress.prepared:
        names = ("progress", "usage", "plan", "epoch") if step.phase != "Preparing" else ("progress", "usage")
        return {name: view.status.get(name) for name in names}
    finish, number = None, progress.plan.split("-", 1)[0]
    if step.phase == "Sampling" and progress.trials_per_second > 0 and progress.remaining > 0:
        finish = moments.text(view.facts.progress_at + progress.remaining / progress.trials_per_second)
    gpus = view.wishes.accelerators
    return {
        "progress": {name: _bounded(value) for name, value in _progress(progress).items()},
        "usage": {
            "tokens": _bounded(progress.tokens),
            "wastedTokens": _bounded(progress.wasted_tokens),
            "gpuSecondsHeld": round(progress.held_seconds * gpus, 1),
            "gpuSecondsGenerating": round(progress.generating_seconds * gpus, 1),
        },
        "plan": int(number) if number.isdigit() else None,
        "epoch": progress.epoch,
        "estimatedFinish": finish,
    }


def _bounded(value: Any) -> Any:
    return min(value, MOST) if isinstance(value, int) and not isinstance(value, bool) else value


def _progress(progress: Progress) -> dict[str, Any]:
    whole = progress.trials + progress.remaining
    share = 1.0 if progress.phase == "closed" else min(0.999, progress.trials / whole) if whole else 0.0
    stopped: dict[str, int] = {}
    for reason, count in progress.stopped.items():
        name = reason.lower()
        if name in STOPS:
            stopped["setAside" if name == "set_aside" else name] = count
    return {
        "fraction": round(share, 3),
        "summary": f"{int(share * 100)}%",
        "queries": progress.queries,
        "open": progress.open,
        "covered": progress.covered,
        "trials": progress.trials,
        "correct": progress.correct,
        "accepted": progress.accepted,
        "wanted": progress.wanted,
        "undecided": progress.undecided,
        "pending": progress.pending,
        "expectedTrials": round(whole),
        # Not an empty one: applied after one with counts, an API server makes null of it and refuses that.
        **({"stopped": dict(sorted(stopped.items()))} if stopped else {}),
    }


def pods(view: View, stage: Stage) -> dict[str, Any] | None:
    """How many pods of a stage there are; None: there never were any."""
    there = [pod for pod in view.pods(stage) if pod.phase in ("Pending", "Running") and not pod.deleting]
    if not there and stage.value + "s" not in view.status:
        return None
    selector = f"{LABELS[view.kind]}={view.wishes.name},{STAGE}={stage.value}"
    return {"replicas": len(there), "ready": sum(pod.ready for pod in there), "selector": selector}


__all__ = ["MOST", "common", "finished_at", "pods", "status", "urgent"]
