"""Policy: a work-queue Job of samplers while the state is open; whether it is closed is read from the state, never from
the Job."""

from dart_k8s.names import Stage

from .decision import Action, CreateJob, DeleteChild, FoldOrder, ScaleJob
from .ending import rest_verifiers
from .facts import Failure, JobFact
from .failures import Tally, Trouble, retry_at, tally, worst
from .kueue import capacity, scalable, waiting
from .prepare import declare, finalize
from .progress import Progress
from .verifiers import complaints, verify
from .view import Clock, Said, Step, View, names
from .words import fold_reason, one_line

FOLD_SHARE = 0.25
"""Of the time since the last fold with news, until the next one."""


def sample(view: View) -> Step:
    """Have the open queries sampled."""
    clock, progress = Clock(view.now), view.progress
    count = tally(view)
    ended = _given_up(view, count)
    if ended is not None:
        return ended
    jobs = view.jobs(Stage.SAMPLER)
    said = (*_of_folding(view), *waiting(view, jobs), *_of_pods(view, count, clock), *complaints(view, clock))
    if any(item.type == "Failed" for item in said):
        return _step(view, "Sampling fails.", count, said=said, clock=clock)
    if progress is None:
        words = "The run's state is being read."
        return _step(view, words, count, actions=finalize(view), said=said, fold=order(view), clock=clock)
    wanted = _wanted(view, progress)
    moves, words, more = _moves(view, jobs, wanted, count, clock)
    at_work = sum(min(capacity(job), job.active) for job in jobs if not job.suspended)
    judges = verify(view, at_work) if wanted or at_work else rest_verifiers(view)
    actions = (*finalize(view), *(declare(view) if jobs or moves else ()), *judges, *moves)
    said = (*said, *more, *_of_run(progress))
    return _step(view, words, count, actions=actions, said=said, fold=order(view), clock=clock)


def _step(
    view: View,
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
        attempt=count.attempt or None,
    )


# How many, and by which Jobs


def _wanted(view: View, progress: Progress) -> int:
    """Samplers that there should be: as the spec says, but at the tail no more than have something to do."""
    if not view.wishes.samplers:
        return 0
    return min(view.wishes.samplers, max(1, progress.samplers_useful))


def _moves(
    view: View, jobs: list[JobFact], wanted: int, count: Tally, clock: Clock
) -> tuple[tuple[Action, ...], str, tuple[Said, ...]]:
    live, over = [job for job in jobs if not job.ended], [job for job in jobs if job.ended]
    # What has a successor is evidence of nothing any more.
    newest = jobs[-1].number if jobs else 0
    moves: list[Action] = [_delete(job) for job in over if job.number < newest]
    have = sum(capacity(job) for job in live)
    if not wanted:
        return (*moves, *_pause(live)), "Paused: spec.samplers.replicas is 0.", ()
    if have > wanted and _tail(view, have):
        return (*moves, *_shrink(live, have - wanted)), f"The tail: {wanted} of {have} samplers have work.", ()
    if have > view.wishes.samplers:
        excess = have - view.wishes.samplers
        return (*moves, *_shrink(live, excess)), f"Goes down to {view.wishes.samplers} samplers.", ()
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
    view: View, over: list[JobFact], size: int, count: Tally, clock: Clock
) -> tuple[tuple[Action, ...], str, tuple[Said, ...]]:
    number = view.next_number(Stage.SAMPLER)
    going = view.going(Stage.SAMPLER)
    if going:
        words = f"Waits until {names(job.name for job in going)} of before is gone."
        return (), words, (Said(type="Progressing", status="False", reason="WaitingForCleanup", message=words),)
    if over and count.failures and not clock.passed(retry_at(view, over[-1], count.failures)):
        words = f"Job {over[-1].name} ended while queries are open; the next one follows after a pause."
        return (), words, (Said(type="Degraded", status="True", reason="SamplerCrashed", message=words),)
    made = CreateJob(stage=Stage.SAMPLER, number=number, parallelism=size)
    refused = view.failure(f"create Job {view.wishes.name}-{Stage.SAMPLER.value}-")
    if refused is not None:
        words = one_line(f"{refused.message} {refused.remedy}")
        return (made,), words, _refused(view, refused, words, clock)
    return (made,), f"Job sampler {number} with {size} samplers is created.", ()


def _refused(view: View, refused: Failure, words: str, clock: Clock) -> tuple[Said, ...]:
    said = [Said(type=name, status="False", reason="PodRefused", message=words) for name in ("Ready", "Progressing")]
    if refused.fault == "user" and clock.passed(refused.since + view.settings.stuck_seconds):
        said.append(Said(type="Failed", status="True", reason="PodRefused", message=words))
    return tuple(said)


def _delete(job: JobFact) -> DeleteChild:
    return DeleteChild(kind="Job", name=job.name, uid=job.uid)


def _pause(live: list[JobFact]) -> list[Action]:
    """One's parallelism 0 keeps the Job; one in a queue would hold its quota, and goes."""
    held = [ScaleJob(name=job.name, uid=job.uid, parallelism=0) for job in live if scalable(job) and job.parallelism]
    return [*held, *(_delete(job) for job in live if not scalable(job))]


def _shrink(live: list[JobFact], excess: int) -> list[Action]:
    """Takes pods from the newest Jobs first. Samplers of Jobs that are not ours to scale read the plan and end."""
    moves: list[Action] = []
    for job in reversed([job for job in live if scalable(job)]):
        cut = min(excess, job.parallelism)
        if cut:
            excess -= cut
            rest = job.parallelism - cut
            keep = rest or job is live[0]
            moves.append(ScaleJob(name=job.name, uid=job.uid, parallelism=rest) if keep else _delete(job))
    return moves


def _tail(view: View, have: int) -> bool:
    """Whether no shard is left to take: the planner makes new ones long before that, if there is work for them."""
    progress = view.progress
    return progress is not None and not progress.unclaimed_shards and progress.live_claims < have


def _worth_growing(view: View, have: int, wanted: int) -> bool:
    """A sampler takes minutes to load its model: not for every shard that comes up at the tail."""
    return wanted >= min(view.wishes.samplers, 2 * have)


# Folds


def order(view: View) -> FoldOrder | None:
    """A fold, if there may be something to fold: sampled results, claims that may expire, a run to be sealed."""
    progress, settings = view.progress, view.settings
    at_work = any(pod.phase == "Running" and not pod.disrupted for pod in view.pods(Stage.SAMPLER))
    samplers = max(1, view.wishes.samplers)
    if progress is None:
        return FoldOrder(samplers=samplers)
    if not progress.prepared or progress.phase == "closed":
        return None
    if not (at_work or progress.live_claims or progress.phase == "sealing"):
        return None
    pause = min(settings.fold_most, max(settings.fold_first, progress.last_change * FOLD_SHARE))
    return FoldOrder(samplers=samplers, after=pause)


# What is said


def _of_folding(view: View) -> tuple[Said, ...]:
    failed = view.failure("fold")
    if failed is None:
        return ()
    reason, words = fold_reason(failed.reason), one_line(f"{failed.message} {failed.remedy}")
    if failed.fault == "user":
        return tuple(Said(type=name, status="False", reason=reason, message=words) for name in ("Ready", "Progressing"))
    said = [Said(type="Degraded", status="True", reason=reason, message=words)]
    if reason in ("StoreAccessDenied", "OutputOwned"):
        said.append(Said(type="Ready", status="False", reason=reason, message=words))
    return tuple(said)


def _of_pods(view: View, count: Tally, clock: Clock) -> tuple[Said, ...]:
    """What keeps samplers from their work, and since when that is worth a look or the end."""
    pods, wishes, settings = view.pods(Stage.SAMPLER), view.wishes, view.settings
    ready = [pod for pod in pods if pod.ready]
    found = worst(pods, startup_deadline=wishes.startup_deadline)
    said: list[Said] = []
    if ready:
        words = f"{len(ready)} samplers have their engine."
        said.append(Said(type="EngineReady", status="True", reason="EngineAnswers", message=words))
        said.append(Said(type="Progressing", status="True", reason="Sampling", message=words))
    elif found is not None:
        said += _blocked(view, found, clock)
    elif not wishes.samplers:
        words = "spec.samplers.replicas is 0."
        said += [_no(name, "NoSamplersWanted", words) for name in ("EngineReady", "Progressing")]
    elif pods:
        words = f"{len(pods)} samplers start."
        late = [pod for pod in pods if pod.phase == "Running" and not pod.started]
        if late and view.now - late[0].created > wishes.startup_deadline:
            words = f"Pod {late[0].name} has not loaded its model after {wishes.startup_deadline:g} s."
            said.append(Said(type="Degraded", status="True", reason="EngineNotReady", message=words))
        said.append(_no("EngineReady", "EngineLoading", words))
    else:
        said += _podless(view, clock)
    if found is not None and (found.kind == "failed" or clock.passed(found.since + settings.quiet_seconds)):
        words = found.message
        if count.failures:
            words = f"{count.failures} of at most {wishes.max_failures} failures without a result. {words}"
        said.append(Said(type="Degraded", status="True", reason=found.reason, message=words))
    return tuple(said)


def _blocked(view: View, found: Trouble, clock: Clock) -> list[Said]:
    said = [_no(name, found.reason, found.message) for name in ("EngineReady", "Progressing")]
    if found.kind == "broken" and clock.passed(found.since + view.settings.stuck_seconds):
        minutes = view.settings.stuck_seconds / 60
        words = f"No sampler could start for {minutes:g} minutes. {found.message} Mend it, then change the spec."
        said.append(Said(type="Failed", status="True", reason=found.reason, message=words))
    return said


def _podless(view: View, clock: Clock) -> list[Said]:
    """A Job whose pods do not appear: their creation is refused, and only the Job's events say why."""
    alone = [job for job in view.jobs(Stage.SAMPLER) if not job.ended and not job.suspended and job.parallelism]
    if not alone or alone[-1].active or not clock.passed(alone[-1].created + view.settings.quiet_seconds):
        return []
    words = f"Job {alone[-1].name} has no pods. Its events say why: a quota, or a rule of the namespace."
    said = [_no(name, "PodRefused", words) for name in ("Progressing", "EngineReady")]
    return [*said, Said(type="Degraded", status="True", reason="PodRefused", message=words)]


def _no(kind: str, reason: str, message: str) -> Said:
    return Said(type=kind, status="False", reason=reason, message=message)


def _of_run(progress: Progress) -> tuple[Said, ...]:
    said: list[Said] = []
    if progress.set_aside_total:
        words = f"{progress.set_aside_total} shards ended their samplers again and again: {names(progress.set_aside)}."
        said.append(Said(type="Degraded", status="True", reason="ShardsSetAside", message=words))
    if progress.phase == "sealing":
        words = "No query is open; what is late or waits for a verdict is being collected."
        said.append(Said(type="Progressing", status="True", reason="Sealing", message=words))
    return tuple(said)


# The end


def _given_up(view: View, count: Tally) -> Step | None:
    """Bad configuration at once, other failures at their limit."""
    jobs, limit = view.jobs(Stage.SAMPLER), view.wishes.max_failures
    newest = jobs[-1] if jobs else None
    pods = view.pods(Stage.SAMPLER)
    last = worst([pod for pod in pods if pod.phase == "Failed"], startup_deadline=view.wishes.startup_deadline)
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


def _failing(view: View, reason: str, words: str, count: Tally) -> Step:
    failed = Said(type="Failed", status="True", reason=reason, message=words)
    return _step(view, words, count, said=(failed, _no("Progressing", reason, words)), clock=Clock(view.now))


__all__ = ["order", "sample"]
