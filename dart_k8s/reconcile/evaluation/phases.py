"""Phases of an Evaluation as a table: the first one that applies says what is to be done."""

from dataclasses import replace

from dart_k8s.names import Stage
from dart_k8s.reconcile.admission import refusal
from dart_k8s.reconcile.decision import Action, ReadOrder
from dart_k8s.reconcile.declaring import declare, finalize
from dart_k8s.reconcile.deletion import delete_any
from dart_k8s.reconcile.ending import end_jobs
from dart_k8s.reconcile.once import once
from dart_k8s.reconcile.phases import Phase, given_up
from dart_k8s.reconcile.prepare import prepare_once
from dart_k8s.reconcile.references import missing
from dart_k8s.reconcile.view import Clock, Said, Step

from .sampling import pause, sample, sampled, unmake, unreadable
from .view import RECORD, SUMMARY, EvaluationView

STAGES = (Stage.PREPARE, Stage.SCORE)


def end(view: EvaluationView) -> tuple[Action, ...]:
    """Takes away everything that costs; what has ended stays."""
    return (*end_jobs(view, *STAGES), *pause(view)[0])


def prepared(view: EvaluationView) -> bool:
    """Whether model and benchmarks were checked and the prompts written: by the prepare Job, else by the passes, else
    by the status. What was changed after the end is prepared again: prepare takes it over into the record."""
    jobs = view.jobs(Stage.PREPARE)
    if not jobs:
        noted = view.holds("Prepared", now=False) and not view.holds("Complete", now=False)
        return noted or view.holds("Complete") or bool(view.made and not view.holds("Complete", now=False))
    lost = view.record is None and view.looked_for(RECORD, jobs[-1].finished or 0.0)
    return jobs[-1].ended == "Complete" and jobs[-1].digest in ("", view.goal) and not lost


def complete(view: EvaluationView) -> bool:
    """Whether the scores are those of what the spec wants now."""
    if any(not job.ended for job in view.jobs(Stage.PREPARE)):
        return False
    jobs = view.jobs(Stage.SCORE)
    if not jobs:
        return view.holds("Complete")
    return jobs[-1].ended == "Complete" and jobs[-1].digest in ("", view.goal)


def _score(view: EvaluationView) -> Step:
    clock, jobs = Clock(view.now), view.jobs(Stage.SCORE)
    again = bool(jobs) and jobs[-1].ended == "Complete"
    outcome = once(view, Stage.SCORE, clock, deadline_reason="ScoreDeadlineExceeded", again=again)
    actions: tuple[Action, ...] = (*finalize(view), *(declare(view) if outcome.create else ()), *outcome.create)
    reason, words = outcome.reason, outcome.message
    said: tuple[Said, ...] = (Said(type="Progressing", status="True", reason="Scoring", message=words),)
    if outcome.state in ("failed", "refused", "blocked"):
        said = (Said(type="Progressing", status="False", reason=reason, message=words),)
        bad = {"failed": ("Failed", "True"), "refused": ("Ready", "False"), "blocked": ("Ready", "False")}
        kind, status = bad[outcome.state]
        said = (Said(type=kind, status=status, reason=reason, message=words), *said)  # type: ignore[arg-type]
    elif outcome.trouble is not None and clock.passed(outcome.trouble.since + view.settings.quiet_seconds):
        said = (*said, Said(type="Degraded", status="True", reason=reason, message=words))
    return Step(phase="Scoring", message=words, actions=(*actions, *outcome.superseded), said=said, after=clock.after)


def _finish(view: EvaluationView) -> Step:
    actions = (*finalize(view), *end_jobs(view, Stage.PREPARE, ended=True))
    words = f"The report is at {view.wishes.output.rstrip('/')}/report."
    done = Said(type="Complete", status="True", reason="Finished", message=words)
    rest = Said(type="Progressing", status="False", reason="AlreadyFinished", message="")
    ended = max([job.finished or 0.0 for job in view.jobs(Stage.SCORE)], default=0.0)
    asked = bool(view.status.get("scores")) and view.holds("Complete")
    failed = view.failure("read")
    asks = failed is None or view.now < failed.since + view.settings.stuck_seconds
    read = ReadOrder(key=SUMMARY) if not asked and not view.looked_for(SUMMARY, ended) and asks else None
    return Step(phase="Complete", message=words, actions=actions, said=(done, rest, *unreadable(view)), read=read)


def _delete(view: EvaluationView) -> Step:
    return delete_any(view, unmake(view), tuple(one.name for one in view.made))


def _given_up(view: EvaluationView) -> Step:
    return replace(given_up(view, end(view)), read=pause(view)[1])


def _suspend(view: EvaluationView) -> Step:
    words = "spec.suspend is true. Nothing is lost; set it to false to go on."
    said = (
        Said(type="Suspended", status="True", reason="SuspendedByUser", message=words),
        Said(type="Progressing", status="False", reason="Paused", message=words),
    )
    actions, read = pause(view)
    actions = (*finalize(view), *end_jobs(view, *STAGES), *actions)
    return Step(phase="Suspended", message=words, actions=actions, said=said, read=read)


def _waits(view: EvaluationView) -> Said | None:
    """Why it may not run, or not yet. What was prepared does not need what it was prepared from any more."""
    return refusal(view) or (missing(view) if not prepared(view) else None)


def _wait(view: EvaluationView) -> Step:
    why = _waits(view)
    if why is None:
        return sample(view)
    progressing = Said(type="Progressing", status="False", reason=why.reason, message=why.message)
    actions, read = pause(view)
    actions = (*end_jobs(view, *STAGES), *actions)
    return Step(phase="Waiting", message=why.message, actions=actions, said=(why, progressing), read=read)


PHASES = (
    Phase("Deleting", lambda view: view.deleting_since is not None, _delete),
    Phase("Complete", complete, _finish),
    Phase("Failed", lambda view: view.holds("Failed"), _given_up),
    Phase("Suspended", lambda view: view.wishes.suspend, _suspend),
    Phase("Waiting", lambda view: _waits(view) is not None, _wait),
    Phase("Preparing", lambda view: not prepared(view), lambda view: prepare_once(view, Clock(view.now))),
    Phase("Scoring", sampled, _score),
    Phase("Sampling", lambda view: True, sample),
)

__all__ = ["PHASES", "end", "prepared"]
