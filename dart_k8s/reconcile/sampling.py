"""Policy: a work-queue Job of samplers while the state is open; whether it is closed is read from the state, never from
the Job."""

from dart_k8s.names import Stage

from . import folding, verifiers
from .decision import Action, CreateJob, FoldOrder, ScaleJob
from .declaring import declare, finalize
from .ending import delete_job, rest_verifiers
from .facts import JobFact
from .failures import Tally, refused_job, retry_at, tally, worst
from .kueue import capacity, scalable, waiting
from .progress import Progress
from .samplers import not_so, of_pods, of_run
from .view import Clock, Said, Step, SynthesisView, names
from .words import one_line


def sample(view: SynthesisView) -> Step:
    """Have the open queries sampled."""
    clock, progress = Clock(view.now), view.progress
    count = tally(view)
    ended = _given_up(view, count)
    if ended is not None:
        return ended
    jobs = view.jobs(Stage.SAMPLER)
    said = (
        *folding.complaints(view, clock),
        *waiting(view, jobs),
        *of_pods(view, count, clock),
        *verifiers.complaints(view, clock),
    )
    if any(item.type == "Failed" for item in said):
        return _step(view, "Sampling fails.", count, said=said, clock=clock)
    wanted = _wanted(view, progress)
    moves, words, more = _moves(view, jobs, wanted, count, clock)
    at_work = sum(min(capacity(job), job.active) for job in jobs if not job.suspended)
    judges = verifiers.verify(view, at_work) if wanted or at_work else rest_verifiers(view)
    # The verifiers last: if they are refused, samplers can still be taken away.
    actions = (*finalize(view), *(declare(view) if jobs or moves else ()), *moves, *judges)
    said = (*said, *more, *of_run(progress))
    return _step(view, words, count, actions=actions, said=said, fold=folding.order(view), clock=clock)


def _step(
    view: SynthesisView,
    message: str,
    count: Tally,
    *,
    clock: Clock,
    actions: tuple[Action, ...] = (),
    said: tuple[Said, ...] = (),
    fold: FoldOrder | None = None,
) -> Step:
    return Step(
        phase="Sampling",
        message=message,
        actions=actions,
        said=said,
        fold=fold,
        after=clock.after,
        failures=count.failures,
        counted=count.counted,
    )


# How many, and by which Jobs


def _wanted(view: SynthesisView, progress: Progress | None) -> int:
    """Samplers that there should be: as the spec says, but at the tail no more than have something to do."""
    if progress is None or not view.wishes.samplers:
        return view.wishes.samplers
    return min(view.wishes.samplers, max(1, progress.samplers_useful))


def _moves(
    view: SynthesisView, jobs: list[JobFact], wanted: int, count: Tally, clock: Clock
) -> tuple[tuple[Action, ...], str, tuple[Said, ...]]:
    live, over = [job for job in jobs if not job.ended], [job for job in jobs if job.ended]
    # What has a successor is evidence of nothing any more.
    newest = jobs[-1].number if jobs else 0
    moves: list[Action] = [delete_job(job) for job in over if job.number < newest]
    have = sum(capacity(job) for job in live)
    if not wanted:
        return (*moves, *_pause(live)), "Paused: spec.samplers.replicas is 0.", ()
    if have > wanted and _tail(view, have):
        return (*moves, *_shrink(live, have - wanted)), f"The tail: {wanted} of {have} samplers have work.", ()
    if have > view.wishes.samplers:
        excess = have - view.wishes.samplers
        return (*moves, *_shrink(live, excess)), f"Goes down to {view.wishes.samplers} samplers.", ()
    if view.progress is None and have < wanted:
        # It may be closed: nobody loads a model before that is known.
        return tuple(moves), "The run's state is being read.", ()
    if have >= wanted or (have and not _worth_growing(view, have, wanted)):
        return tuple(moves), f"{have} samplers.", ()
    grown = [job for job in live if scalable(job)]
    if grown:
        job = grown[-1]
        size = job.parallelism + wanted - have
        moves.append(ScaleJob(name=job.name, uid=job.uid, parallelism=size))
        return tuple(moves), f"Grows to {wanted} samplers.", ()
    made, words, said = _successor(view, over, wanted - have, count, clock)
    return (*moves, *made), words, said


def _successor(
    view: SynthesisView, over: list[JobFact], size: int, count: Tally, clock: Clock
) -> tuple[tuple[Action, ...], str, tuple[Said, ...]]:
    number = view.next_number(Stage.SAMPLER)
    going = view.going(Stage.SAMPLER)
    if going:
        words = f"Waits until {names(job.name for job in going)} of before is gone."
        return (), words, (Said(type="Progressing", status="False", reason="WaitingForCleanup", message=words),)
    if over and count.failures and not clock.passed(retry_at(view, over[-1], count.failures)):
        words = f"Job {over[-1].name} ended while queries are open; the next one follows after a pause."
        return (), words, (Said(type="Degraded", status="True", reason="SamplerCrashed", message=words),)
    if view.stale:
        # No Job is made for a run that is closed, as most are whose samplers begin to end.
        return (), f"Samplers of {names(view.ended)} are done; whether the run is closed is being read.", ()
    made = CreateJob(stage=Stage.SAMPLER, number=number, parallelism=size)
    refused = view.refused(Stage.SAMPLER)
    if refused is not None:
        words = one_line(f"{refused.message} {refused.remedy}")
        return (made,), words, refused_job(view, refused, words, clock)
    return (made,), f"Job sampler {number} with {size} samplers is created.", ()


def _pause(live: list[JobFact]) -> list[Action]:
    """One's parallelism 0 keeps the Job; one in a queue would hold its quota, and goes."""
    held = [ScaleJob(name=job.name, uid=job.uid, parallelism=0) for job in live if scalable(job) and job.parallelism]
    return [*held, *(delete_job(job) for job in live if not scalable(job))]


def _shrink(live: list[JobFact], excess: int) -> list[Action]:
    """Takes pods from the newest Jobs first. Samplers of Jobs that are not ours to scale read the plan and end."""
    moves: list[Action] = []
    for job in reversed([job for job in live if scalable(job)]):
        cut = min(excess, job.parallelism)
        if cut:
            excess -= cut
            rest = job.parallelism - cut
            keep = rest or job is live[0]
            moves.append(ScaleJob(name=job.name, uid=job.uid, parallelism=rest) if keep else delete_job(job))
    return moves


def _tail(view: SynthesisView, have: int) -> bool:
    """Whether no shard is left to take: the planner makes new ones long before that, if there is work for them."""
    progress = view.progress
    return progress is not None and not progress.unclaimed_shards and progress.live_claims < have


def _worth_growing(view: SynthesisView, have: int, wanted: int) -> bool:
    """A sampler takes minutes to load its model: not for every shard that comes up at the tail."""
    return wanted >= min(view.wishes.samplers, 2 * have)


# The end


def _given_up(view: SynthesisView, count: Tally) -> Step | None:
    """Bad configuration at once, other failures at their limit."""
    jobs, limit = view.jobs(Stage.SAMPLER), view.wishes.max_failures
    newest = jobs[-1] if jobs else None
    pods = view.pods(Stage.SAMPLER)
    last = worst([pod for pod in pods if pod.phase == "Failed"])
    told = last.message if last is not None else ""
    if newest is not None and newest.ended == "Failed" and newest.reason == "PodFailurePolicy":
        if 0 < newest.generation < view.wishes.generation:
            return None
        reason = last.reason if last is not None else "BadConfiguration"
        words = told or f"Job {newest.name} ended with code 64: {one_line(newest.message)}"
        return _failing(view, reason, words, count)
    if count.failures >= limit:
        words = (
            f"{count.failures} samplers failed without a result in between. {told} What was sampled is kept: mend the "
            "cause, then change the spec (raise samplers.maxFailures, or suspend and resume) to go on."
        )
        return _failing(view, "TooManyFailures", words, count)
    return None


def _failing(view: SynthesisView, reason: str, words: str, count: Tally) -> Step:
    failed = Said(type="Failed", status="True", reason=reason, message=words)
    return _step(view, words, count, said=(failed, not_so("Progressing", reason, words)), clock=Clock(view.now))


__all__ = ["sample"]
