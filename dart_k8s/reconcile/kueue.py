"""Policy: Jobs that a queue admits. Their parallelism and suspension are the queue's after they were created, and so is
what it puts into their pods: the operator never applies any of it again. They shrink as samplers end by themselves, and
grow by one more Job."""

from .facts import JobFact
from .view import Said, SynthesisView, View


def scalable(job: JobFact) -> bool:
    """Whether the operator may set a Job's parallelism: it is in no queue, and has not begun to end (once one pod has
    exited 0 the Job controller adds and removes no more)."""
    return not job.queued and not job.ended and not job.succeeded


def capacity(job: JobFact) -> int:
    """Pods that a Job will have as it is. One in a queue stands for what it asked for, even if fewer were admitted:
    another Job for the rest would wait for the same quota."""
    if job.ended:
        return 0
    if job.succeeded:
        return job.active
    return max(job.asked, job.parallelism) if job.queued else job.parallelism


def waiting(view: SynthesisView, jobs: list[JobFact]) -> tuple[Said, ...]:
    """What to say of samplers' Jobs that are suspended by somebody else."""
    held = [job for job in jobs if job.suspended and not job.ended]
    if not held or len(held) < len([job for job in jobs if not job.ended]):
        return ()
    began = view.progress is not None and bool(view.progress.trials)
    return held_back(view, held[-1], f"{capacity(held[-1])} samplers", began, ("Progressing", "EngineReady"))


def held_back(view: View, job: JobFact, pods: str, began: bool, types: tuple[str, ...]) -> tuple[Said, ...]:
    """What to say of a Job that is suspended by somebody else. `pods`: what it asks for, in words; `began`: some of it
    has been done."""
    if not job.queued:
        message = f"Job {job.name} was suspended by somebody else. Set its spec.suspend to false to go on."
        return (
            Said(type="Suspended", status="True", reason="SuspendedByUser", message=message),
            Said(type="Progressing", status="False", reason="Paused", message=message),
        )
    message = f"Job {job.name} waits in queue {view.wishes.queue} for quota for {pods}."
    said = [Said(type=name, status="False", reason="WaitingForQuota", message=message) for name in types]
    if began:
        taken = f"The queue {view.wishes.queue} took the quota back; nothing is lost. {message}"
        said.append(Said(type="Suspended", status="True", reason="SuspendedByQueue", message=taken))
    return tuple(said)


__all__ = ["capacity", "held_back", "scalable", "waiting"]
