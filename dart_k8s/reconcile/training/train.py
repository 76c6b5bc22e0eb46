"""Policy: one group of trainers at a time, until one has the model. When one of them ends before that, all of its pods
are seen to be gone, and then another group goes on from the newest complete checkpoint."""

from dart_k8s.names import Stage, trainers_name
from dart_k8s.reconcile import digests
from dart_k8s.reconcile.decision import TRAINERS, Action, ApplyTrainers, CreateJob, ReadOrder
from dart_k8s.reconcile.declaring import declare, finalize
from dart_k8s.reconcile.ending import delete_job
from dart_k8s.reconcile.facts import JobFact
from dart_k8s.reconcile.failures import SHORT_LIFE, Trouble, podless, refused_job, worst
from dart_k8s.reconcile.kueue import held_back
from dart_k8s.reconcile.view import Clock, Said, Step, back_off, names
from dart_k8s.reconcile.words import fold_reason, one_line

from .attempts import Count, End, count, why
from .view import PROGRESS, TrainingView

CONNECTING = "apply the trainers"
"""A failure of the operator's own, by its first words."""
UNENDED = ("Pending", "Running", "Unknown")


def train(view: TrainingView) -> Step:
    """Have the model trained."""
    clock, jobs, ends = Clock(view.now), view.jobs(Stage.TRAINER), count(view)
    newest = jobs[-1] if jobs else None
    end = why(view, newest) if newest is not None else None
    if newest is not None and end is not None:
        failed = _given_up(view, newest, end, ends)
        if failed is not None:
            return failed
    if newest is not None and not newest.ended:
        return _ending(view, newest, end) if end is not None else _at_work(view, newest, clock)
    return _next(view, newest, end, ends, clock)


def superseded(view: TrainingView) -> tuple[Action, ...]:
    """Deletes Jobs that have a successor, once their ends are counted in the status."""
    judged = view.noted("judged")
    return tuple(delete_job(job) for job in view.jobs(Stage.TRAINER)[:-1] if job.number <= judged or not job.ended)


def connect(view: TrainingView) -> tuple[Action, ...]:
    """What trainers find each other by, where it is not as it should be."""
    name, wanted = trainers_name(view.wishes.name), digests.trainers(view.facts.object)
    good = {
        child.kind
        for child in view.facts.children
        if (child.name, child.owner, child.digest) == (name, view.wishes.uid, wanted) and not child.deleting
    }
    missing = TRAINERS - good
    return (ApplyTrainers(kinds=missing),) if missing else ()


# A group at work


def _at_work(view: TrainingView, job: JobFact, clock: Clock) -> Step:
    pods = view.pods(Stage.TRAINER, job.number)
    running = [pod for pod in pods if pod.phase == "Running" and pod.ready and not pod.deleting]
    said: tuple[Said, ...]
    if job.suspended:
        began = bool((view.status.get("progress") or {}).get("step"))
        said = held_back(view, job, f"{view.wishes.nodes} nodes", began, ("Progressing",))
        words = said[0].message
    elif (found := worst(pods) or podless(view, job, clock)) is not None:
        words, said = found.message, _troubled(view, found, clock)
    elif len(running) < view.wishes.nodes:
        words = f"{len(running)} of {view.wishes.nodes} nodes of Job {job.name} run."
        said = (Said(type="Progressing", status="Unknown", reason="Pending", message=words),)
    else:
        words = _standing(view) or f"Job {job.name} trains on {view.wishes.nodes} nodes."
        said = (Said(type="Progressing", status="True", reason="Training", message=words),)
    actions = (*finalize(view), *declare(view), *connect(view), *superseded(view))
    read = ReadOrder(key=PROGRESS, after=view.settings.read_seconds if view.facts.found else 0.0) if running else None
    said = (*said, *_unreadable(view))
    return Step(phase="Training", message=words, actions=actions, said=said, read=read, after=clock.after)


def _standing(view: TrainingView) -> str:
    """How far it is, in words."""
    progress = view.progress or {}
    step, steps, phase = progress.get("step"), progress.get("steps"), progress.get("phase")
    if isinstance(phase, str) and phase not in ("training", "complete") and isinstance(step, int):
        return f"{one_line(phase, 40).capitalize()}, at step {step}."
    return f"Step {step} of {steps}." if isinstance(step, int) and isinstance(steps, int) and steps else ""


def _troubled(view: TrainingView, found: Trouble, clock: Clock) -> tuple[Said, ...]:
    """What keeps a node from its work; without it no other one gets on."""
    said = [Said(type="Progressing", status="False", reason=found.reason, message=found.message)]
    if found.kind == "failed" or clock.passed(found.since + view.settings.quiet_seconds):
        said.append(Said(type="Degraded", status="True", reason=found.reason, message=found.message))
    if found.kind == "broken" and clock.passed(found.since + view.settings.stuck_seconds):
        minutes = view.settings.stuck_seconds / 60
        words = f"The group could not start for {minutes:g} minutes. {found.message} Mend it, then change the spec."
        said.append(Said(type="Failed", status="True", reason=found.reason, message=words))
    return tuple(said)


def _unreadable(view: TrainingView) -> tuple[Said, ...]:
    """Why nobody knows how far it is: it trains all the same."""
    failed = view.failure("read")
    if failed is None:
        return ()
    words = one_line(f"How far it is can't be read: {failed.message} {failed.remedy}")
    return (Said(type="Degraded", status="True", reason=fold_reason(failed.reason), message=words),)


# From one group to the next


def _ending(view: TrainingView, job: JobFact, end: End) -> Step:
    words = f"{end.message} Job {job.name} ends; another one follows once all its pods are gone."
    return Step(
        phase="Training", message=words, actions=(*finalize(view), *superseded(view)), said=_between(end, words)
    )


def _next(view: TrainingView, over: JobFact | None, end: End | None, ends: Count, clock: Clock) -> Step:
    """The next group, when nothing of an earlier one is left."""
    kept = (*finalize(view), *superseded(view))
    older = [job for job in view.jobs(Stage.TRAINER) if not job.ended]
    going = [job.name for job in (*view.going(Stage.TRAINER), *older)]
    pods = [pod.name for pod in view.pods(Stage.TRAINER) if pod.phase in UNENDED]
    if going or pods:
        words = f"Waits until {names([*going, *pods])} of before is gone."
        waits = Said(type="Progressing", status="False", reason="WaitingForCleanup", message=words)
        return Step(phase="Training", message=words, actions=kept, said=(waits, *_between(end, words)))
    if over is not None and end is not None and not clock.passed(_due(view, over, end, ends)):
        words = f"{end.message} Another group follows after a pause."
        return Step(phase="Training", message=words, actions=kept, said=_between(end, words), after=clock.after)
    number = view.next_number(Stage.TRAINER)
    made = CreateJob(stage=Stage.TRAINER, number=number, parallelism=view.wishes.nodes)
    actions = (*finalize(view), *declare(view), *connect(view), made, *superseded(view))
    refused = view.failure(CONNECTING) or view.refused(Stage.TRAINER)
    if refused is not None:
        words = one_line(f"{refused.message} {refused.remedy}")
        said = refused_job(view, refused, words, clock)
        return Step(phase="Training", message=words, actions=actions, said=said, after=clock.after)
    words = f"Job trainer {number} with {view.wishes.nodes} nodes is created."
    return Step(phase="Training", message=words, actions=actions, said=_between(end, words))


def _due(view: TrainingView, over: JobFact, end: End, ends: Count) -> float:
    """When the next group may begin: at once after the first failure, and after a disruption of one that had begun."""
    finished = over.finished or over.created
    if end.fault == "cluster":
        return finished + (view.settings.retry_first if finished - over.created < SHORT_LIFE else 0.0)
    return finished + back_off(ends.restarts - 1, view.settings)


def _between(end: End | None, words: str) -> tuple[Said, ...]:
    if end is None or not end.reason:
        return ()
    return (Said(type="Degraded", status="True", reason=end.reason, message=words),)


# The end


def _given_up(view: TrainingView, job: JobFact, end: End, ends: Count) -> Step | None:
    """Bad configuration at once, own failures beyond their limit."""
    if end.fault == "spec" and not 0 < job.generation < view.wishes.generation:
        return _failing(end.reason, end.message)
    limit = view.wishes.max_restarts
    if end.fault == "own" and ends.restarts > limit:
        words = (
            f"The group failed {ends.restarts} times by its own fault (trainers.maxRestarts is {limit}). {end.message} "
            "Checkpoints are kept: mend the cause, then change the spec (raise trainers.maxRestarts, or suspend and "
            "resume) to go on."
        )
        return _failing("RestartsExhausted", words)
    return None


def _failing(reason: str, words: str) -> Step:
    failed = Said(type="Failed", status="True", reason=reason, message=words)
    stopped = Said(type="Progressing", status="False", reason=reason, message=words)
    return Step(phase="Training", message=words, said=(failed, stopped))


__all__ = ["CONNECTING", "connect", "superseded", "train"]
