"""Phases of a Training as a table: the first one that applies says what is to be done."""

from dart_k8s.names import Stage, trainers_name
from dart_k8s.reconcile.admission import refusal
from dart_k8s.reconcile.decision import TRAINERS, Action, DeleteChild, ReadOrder
from dart_k8s.reconcile.declaring import finalize
from dart_k8s.reconcile.deletion import delete_any
from dart_k8s.reconcile.ending import delete_job, end_jobs
from dart_k8s.reconcile.phases import Phase, given_up
from dart_k8s.reconcile.prepare import prepare_once
from dart_k8s.reconcile.references import missing
from dart_k8s.reconcile.view import Clock, Said, Step, names

from .train import train
from .view import PROGRESS, TrainingView

STAGES = (Stage.PREPARE, Stage.TRAINER)


def disconnect(view: TrainingView) -> tuple[Action, ...]:
    """Takes away what trainers find each other by."""
    name, uid = trainers_name(view.wishes.name), view.wishes.uid
    found = [c for c in view.facts.children if c.kind in TRAINERS and (c.name, c.owner) == (name, uid)]
    ours = sorted((c for c in found if not c.deleting), key=lambda child: child.kind)
    return tuple(DeleteChild(kind=child.kind, name=child.name, uid=child.uid) for child in ours)


def end(view: TrainingView) -> tuple[Action, ...]:
    """Takes away everything that costs; Jobs that have ended stay for their logs."""
    return (*end_jobs(view, *STAGES), *disconnect(view))


def prepared(view: TrainingView) -> bool:
    """Whether model and data were checked, for the processes that there are to be: by the prepare Job, else by what
    came after it, else by the status."""
    jobs, trainers = view.jobs(Stage.PREPARE), view.jobs(Stage.TRAINER)
    if any(not job.ended for job in trainers):
        return True
    if not jobs:
        return bool(trainers) or view.holds("Prepared", now=False)
    return jobs[-1].ended == "Complete" and jobs[-1].digest in ("", view.goal)


def complete(view: TrainingView) -> bool:
    """Whether the model is there: trainers end well only when it was saved whole and loaded again."""
    if any(not job.ended for job in view.jobs(Stage.PREPARE)):
        return False
    jobs = view.jobs(Stage.TRAINER)
    if not jobs:
        return view.holds("Complete")
    return jobs[-1].ended == "Complete" and jobs[-1].digest in ("", view.goal)


def _delete(view: TrainingView) -> Step:
    return delete_any(view, disconnect(view))


def _finish(view: TrainingView) -> Step:
    older = [delete_job(job) for job in view.jobs(Stage.TRAINER)[:-1]]
    actions = (*finalize(view), *end_jobs(view, Stage.PREPARE, ended=True), *older, *disconnect(view))
    words = f"The model is at {view.wishes.output.rstrip('/')}/model."
    done = Said(type="Complete", status="True", reason="Finished", message=words)
    rest = Said(type="Progressing", status="False", reason="AlreadyFinished", message="")
    return Step(phase="Complete", message=words, actions=actions, said=(done, rest), read=_last_look(view))


def _last_look(view: TrainingView) -> ReadOrder | None:
    """A reading for the status' numbers, if they are not those of the end; a store that fails is asked for a while."""
    told = (view.status.get("progress") or {}).get("fraction") == 1.0
    read = view.progress is not None and view.progress.get("phase") == "complete"
    failed = view.failure("read")
    asks = failed is None or view.now < failed.since + view.settings.stuck_seconds
    # Nothing more comes: what was read since the end is all there is.
    ended = max([job.finished or 0.0 for job in view.jobs(Stage.TRAINER)], default=0.0)
    seen = view.facts.found is not None and view.facts.found_at > ended
    return ReadOrder(key=PROGRESS) if not (told or read or seen) and asks else None


def _given_up(view: TrainingView) -> Step:
    return given_up(view, end(view))


def _suspend(view: TrainingView) -> Step:
    """No pods. Those that train write a checkpoint first: they are told to stop, and have time for it."""
    going = view.going(*STAGES)
    words = "spec.suspend is true. It goes on from the newest checkpoint once that is false."
    if going:
        words = f"{words} {names(job.name for job in going)} ends."
    said = (
        Said(type="Suspended", status="True", reason="SuspendedByUser", message=words),
        Said(type="Progressing", status="False", reason="Paused", message=words),
    )
    return Step(phase="Suspended", message=words, actions=(*finalize(view), *end(view)), said=said)


def _waits(view: TrainingView) -> Said | None:
    """Why it may not run, or not yet. What was prepared does not need what it was prepared from any more."""
    return refusal(view) or (missing(view) if not prepared(view) else None)


def _wait(view: TrainingView) -> Step:
    why = _waits(view)
    if why is None:
        return train(view)
    progressing = Said(type="Progressing", status="False", reason=why.reason, message=why.message)
    return Step(phase="Waiting", message=why.message, actions=end(view), said=(why, progressing))


PHASES = (
    Phase("Deleting", lambda view: view.deleting_since is not None, _delete),
    Phase("Complete", complete, _finish),
    Phase("Failed", lambda view: view.holds("Failed"), _given_up),
    Phase("Suspended", lambda view: view.wishes.suspend, _suspend),
    Phase("Waiting", lambda view: _waits(view) is not None, _wait),
    Phase("Preparing", lambda view: not prepared(view), lambda view: prepare_once(view, Clock(view.now))),
    Phase("Training", lambda view: True, train),
)

__all__ = ["PHASES", "end", "prepared"]
