"""Policy: once the state is closed, samplers and verifiers go, and one pod makes the data set."""

from dart_k8s.names import Stage

from .decision import Action, FoldOrder
from .declaring import declare, finalize
from .ending import end_jobs, end_verifiers
from .folding import order
from .once import once
from .view import Clock, Said, Step, SynthesisView


def closed(view: SynthesisView) -> bool:
    """Whether all queries are decided and all results folded: by the last fold; before the first one of an operator's
    life by a curate Job, which is only created then. A prepare Job after it may have opened the run again, and another
    goal opens it."""
    progress, jobs = view.progress, view.jobs(Stage.CURATE)
    if progress is not None:
        return progress.prepared and progress.phase == "closed"
    opened = max((job.finished or 0.0 for job in view.jobs(Stage.PREPARE)), default=0.0)
    return bool(jobs) and jobs[-1].created >= opened and jobs[-1].digest in ("", view.goal)


def complete(view: SynthesisView) -> bool:
    """Whether the data set is made of what the spec wants now: by the curate Job, else by the status."""
    prepares, jobs = view.jobs(Stage.PREPARE), view.jobs(Stage.CURATE)
    if any(not job.ended for job in prepares):
        return False
    if not jobs:
        return view.holds("Complete")
    newest = jobs[-1]
    return newest.ended == "Complete" and newest.digest in ("", view.goal)


def curate(view: SynthesisView) -> Step:
    """Have the data set made."""
    clock, jobs = Clock(view.now), view.jobs(Stage.CURATE)
    again = bool(jobs) and jobs[-1].ended == "Complete"
    outcome = once(view, Stage.CURATE, clock, deadline_reason="CurateDeadlineExceeded", again=again)
    actions: tuple[Action, ...] = (*finalize(view), *end_jobs(view, Stage.SAMPLER, ended=True), *end_verifiers(view))
    if outcome.create:
        actions = (*actions, *declare(view), *outcome.create)
    actions = (*actions, *outcome.superseded)
    progressing = Said(type="Progressing", status="True", reason="Curating", message=outcome.message)
    said: tuple[Said, ...] = (progressing,)
    reason, words = outcome.reason, outcome.message
    if outcome.state == "failed":
        failed = Said(type="Failed", status="True", reason=reason, message=words)
        said = (failed, Said(type="Progressing", status="False", reason=reason, message=words))
    elif outcome.state in ("refused", "blocked"):
        ready = Said(type="Ready", status="False", reason=reason, message=words)
        said = (ready, Said(type="Progressing", status="False", reason=reason, message=words))
    elif outcome.trouble is not None and clock.passed(outcome.trouble.since + view.settings.quiet_seconds):
        said = (progressing, Said(type="Degraded", status="True", reason=reason, message=words))
    return Step(phase="Curating", message=words, actions=actions, said=said, fold=_last_look(view), after=clock.after)


def _last_look(view: SynthesisView) -> FoldOrder | None:
    """A fold for the status' numbers, if they are not those of the end: an operator that died between closing the run
    and saying so leaves older ones. Of a closed run it only reads; a store that fails is asked for a while."""
    told = (view.status.get("progress") or {}).get("fraction") == 1.0
    failed = view.failure("fold")
    asks = failed is None or view.now < failed.since + view.settings.stuck_seconds
    return order(view) if view.progress is None and not told and asks else None


def finish(view: SynthesisView) -> Step:
    """Nothing is left to do. The curate Job stays, as its record and for its log."""
    older = end_jobs(view, Stage.PREPARE, Stage.SAMPLER, ended=True)
    actions = (*finalize(view), *older, *end_verifiers(view))
    words = f"The data set is at {view.wishes.output.rstrip('/')}/dataset."
    done = Said(type="Complete", status="True", reason="Finished", message=words)
    rest = tuple(
        Said(type=name, status="False", reason="AlreadyFinished", message="") for name in ("Progressing", "EngineReady")
    )
    return Step(phase="Complete", message=words, actions=actions, said=(done, *rest), fold=_last_look(view))


__all__ = ["closed", "complete", "curate", "finish"]
