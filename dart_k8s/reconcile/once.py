"""Policy of Jobs with one pod that has one thing to do: prepare, curate, cleanup. Kubernetes repeats a failed pod with
back-off until the Job's deadline; exit code 64 ends it at once."""

from dataclasses import dataclass
from typing import Literal

from dart_k8s.names import Stage

from .decision import Action, CreateJob
from .ending import delete_job
from .facts import JobFact
from .failures import Trouble, podless, worst
from .view import Clock, View, names
from .words import one_line

State = Literal["absent", "blocked", "refused", "running", "done", "failed"]
CONDITIONS = {Stage.PREPARE: "Prepared", Stage.CURATE: "Progressing", Stage.SCORE: "Progressing"}
"""Stage -> the condition that speaks of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How far a stage's Job is."""

    state: State
    message: str
    reason: str = ""
    """Why it failed, or what keeps it from getting on."""
    job: JobFact | None = None
    create: tuple[Action, ...] = ()
    """absent: what creates it."""
    superseded: tuple[Action, ...] = ()
    """Deletes Jobs that a newer one has replaced."""
    trouble: Trouble | None = None


def once(view: View, stage: Stage, clock: Clock, *, deadline_reason: str, again: bool = False) -> Outcome:
    """The outcome of the stage's newest Job. One that failed is replaced when the spec has changed since; `again`: one
    that is done does not count either."""
    jobs = view.jobs(stage)
    superseded = tuple(delete_job(job) for job in jobs[:-1])
    newest = jobs[-1] if jobs else None
    if newest is not None and not newest.ended:
        return _running(view, newest, superseded, clock)
    if newest is not None and newest.ended == "Complete" and not again:
        return Outcome(state="done", message=f"Job {newest.name} is done.", job=newest, superseded=superseded)
    if newest is not None and newest.ended == "Failed" and not 0 < newest.generation < view.wishes.generation:
        return _failed(view, newest, deadline_reason, superseded)
    going = view.going(stage)
    if going:
        words = f"Waits until {names(job.name for job in going)} of before is gone."
        return Outcome(state="blocked", message=words, reason="WaitingForCleanup", superseded=superseded)
    create = CreateJob(stage=stage, number=view.next_number(stage), parallelism=1)
    refused = view.refused(stage)
    if refused is not None:
        words = one_line(f"{refused.message} {refused.remedy}")
        over = refused.fault == "user" and view.now >= refused.since + view.settings.stuck_seconds
        state: State = "failed" if over else "refused"
        return Outcome(state=state, message=words, reason="PodRefused", create=(create,), superseded=superseded)
    return Outcome(state="absent", message=f"Job {stage.value} {create.number} is created.", create=(create,))


def _running(view: View, job: JobFact, superseded: tuple[Action, ...], clock: Clock) -> Outcome:
    found = worst(view.pods(job.stage, job.number)) or podless(view, job, clock)
    said = found.message if found else f"Job {job.name} is at work."
    if found is None and job.suspended:
        said = f"Job {job.name} is suspended by somebody else."
    if found is not None and found.kind == "failed":
        said = f"{found.message} It is tried again."
    reason = found.reason if found else ""
    return Outcome(state="running", message=said, reason=reason, job=job, superseded=superseded, trouble=found)


def _failed(view: View, job: JobFact, deadline_reason: str, superseded: tuple[Action, ...]) -> Outcome:
    found = worst(view.pods(job.stage, job.number))
    if job.reason == "DeadlineExceeded":
        # Its pods are gone by then: what the status said of them before is the best that is left.
        before = view.conditions.get(CONDITIONS.get(job.stage, ""), {}).get("message", "")
        last = f" Last seen: {found.message if found else before}" if found or before else ""
        reason, says = deadline_reason, f"Job {job.name} was not done by its deadline.{last}"
    elif found is not None and found.kind == "failed":
        reason, says = found.reason, found.message
    else:
        reason = "BadConfiguration" if job.reason == "PodFailurePolicy" else "PodCrashed"
        says = f"Job {job.name} failed ({job.reason}): {one_line(job.message)}"
    return Outcome(state="failed", message=says, reason=reason, job=job, superseded=superseded, trouble=found)


__all__ = ["Outcome", "once"]
