"""Policy: nothing is done before a prepare pod has checked what needs data or credentials and written what the others
start from.

That a run is prepared is told by a fold, else by the prepare Job, else by the status; the status alone only saves a
Job, because preparing what is prepared changes nothing.
"""

from dart_k8s.names import Stage

from .decision import Action
from .declaring import declare, finalize
from .failures import retry_at
from .once import once
from .view import Clock, Said, Step, SynthesisView, View


def prepared(view: SynthesisView) -> bool:
    """Whether there is a run to sample for: one made for what the spec wants now, if the run had been closed before."""
    jobs, progress = view.jobs(Stage.PREPARE), view.progress
    newest = jobs[-1] if jobs else None
    if newest is not None and newest.ended != "Complete":
        return False
    if progress is not None and not progress.prepared:
        return False
    if newest is None:
        noted = view.holds("Prepared", now=False) and not view.holds("Complete", now=False)
        return noted or (progress is not None and progress.phase != "closed") or view.holds("Complete")
    # A run that is closed is opened again, if what is wanted of it has changed, only by preparing it.
    closed = progress.phase == "closed" if progress is not None else bool(view.jobs(Stage.CURATE))
    return not (closed and newest.digest not in ("", view.goal))


def prepare(view: SynthesisView) -> Step:
    """Have the run prepared."""
    clock, jobs = Clock(view.now), view.jobs(Stage.PREPARE)
    lost = view.progress is not None and not view.progress.prepared
    if jobs and jobs[-1].ended == "Complete" and lost and not clock.passed(retry_at(view, jobs[-1], jobs[-1].number)):
        words = (
            f"Job {jobs[-1].name} is done, but {view.wishes.output} holds no run; it is prepared again after a pause."
        )
        said = Said(type="Prepared", status="False", reason="Preparing", message=words)
        return Step(phase="Preparing", message=words, said=(said,), after=clock.after)
    return prepare_once(view, clock)


def prepare_once(view: View, clock: Clock) -> Step:
    """Have an object of any kind prepared."""
    outcome = once(view, Stage.PREPARE, clock, deadline_reason="PrepareDeadlineExceeded", again=True)
    ready: tuple[Said, ...] = ()
    reason = outcome.reason or "Preparing"
    actions: tuple[Action, ...] = outcome.superseded
    if outcome.create:
        actions = (*finalize(view), *declare(view), *actions, *outcome.create)
    if outcome.state == "failed":
        failed = Said(type="Failed", status="True", reason=reason, message=outcome.message)
        ready = (failed, Said(type="Progressing", status="False", reason=reason, message=outcome.message))
    elif outcome.state == "refused":
        ready = (Said(type="Ready", status="False", reason=reason, message=outcome.message),)
    elif outcome.state == "running" and outcome.trouble is not None:
        ready = _degraded(view, outcome.trouble.reason, outcome.message, outcome.trouble.since, clock)
    told = Said(type="Prepared", status="False", reason=reason, message=outcome.message)
    return Step(phase="Preparing", message=outcome.message, actions=actions, said=(told, *ready), after=clock.after)


def _degraded(view: View, reason: str, message: str, since: float, clock: Clock) -> tuple[Said, ...]:
    if not clock.passed(since + view.settings.quiet_seconds):
        return ()
    return (Said(type="Degraded", status="True", reason=reason, message=message),)


__all__ = ["prepare", "prepare_once", "prepared"]
