"""Policy: an object that is deleted. Pods are gone, and seen to be gone, before anything of the output is deleted; that
happens only if the user asked for it, and a bucket or a disk as a whole is nothing to delete."""

from urllib.parse import urlsplit

from dart_k8s.names import STAGES, Stage

from .decision import Action, CreateJob, SetFinalizer
from .declaring import declare
from .ending import end_jobs, end_verifiers
from .failures import retry_at, worst
from .view import Clock, Said, Step, SynthesisView, View, names
from .words import one_line


def has_folder(uri: str) -> bool:
    """Whether a URI names a folder below a bucket, or below a folder of a disk's root."""
    parts = urlsplit(uri)
    folders = [part for part in parts.path.split("/") if part not in ("", ".", "..")]
    return bool(folders) if parts.scheme == "s3" and parts.netloc else len(folders) > 1


def delete(view: SynthesisView) -> Step:
    """Take away what is a Synthesis's, then let it go."""
    return delete_any(view, end_verifiers(view))


def delete_any(view: View, others: tuple[Action, ...], left: tuple[str, ...] = ()) -> Step:
    """Take away what is ours, then let the object go. `others`: what takes away all but Jobs; `left`: names of what
    writes the output too, and is still there."""
    if not view.finalized:
        return _going(view, "The cluster deletes what belongs to it; the output stays.")
    if not view.wishes.delete_output:
        return _going(view, "The output stays.", SetFinalizer(present=False))
    uri = view.wishes.output
    if not has_folder(uri):
        words = f"{uri} is no folder of its own, so nothing of it was deleted."
        return _left(view, words)
    clock = Clock(view.now)
    since = view.deleting_since if view.deleting_since is not None else view.now
    if clock.passed(since + view.settings.cleanup_seconds):
        limit = view.settings.cleanup_seconds / 60
        return _left(view, f"Not all below {uri} was deleted within {limit:g} minutes. {_last(view)}".rstrip())
    working = [stage for stage in STAGES[view.kind] if stage not in (Stage.VERIFIER, Stage.CLEANUP)]
    actions = (*end_jobs(view, *working, ended=True), *others)
    jobs = [job.name for stage in working for job in view.jobs(stage)] + [job.name for job in view.going(*working)]
    pods = [p.name for stage in working for p in view.pods(stage) if p.phase in ("Pending", "Running", "Unknown")]
    if jobs or pods or left:
        return _going(view, f"Waits until {names([*jobs, *pods, *left])} is gone.", *actions, clock=clock)
    if view.facts.folding and not view.jobs(Stage.CLEANUP):
        return _going(view, "Waits until the fold under way has ended.", *actions, clock=clock)
    return _clean(view, actions, clock)


def _clean(view: View, actions: tuple[Action, ...], clock: Clock) -> Step:
    cleanups = view.jobs(Stage.CLEANUP)
    newest = cleanups[-1] if cleanups else None
    uri = view.wishes.output
    if newest is not None and newest.ended == "Complete":
        return _going(view, f"The output below {uri} is deleted.", *actions, SetFinalizer(present=False))
    if newest is not None and newest.ended == "Failed" and newest.reason == "PodFailurePolicy":
        return _left(view, f"{uri} was not deleted. {_last(view)}")
    if newest is not None and not newest.ended:
        return _going(view, f"Job {newest.name} deletes the output below {uri}.", *actions, clock=clock)
    if newest is not None and not clock.passed(retry_at(view, newest, len(cleanups))):
        return _going(view, f"{_last(view)} It is tried again.", *actions, clock=clock)
    if view.going(Stage.CLEANUP):
        return _going(view, "Waits until an older clean-up Job is gone.", *actions, clock=clock)
    create = CreateJob(stage=Stage.CLEANUP, number=view.next_number(Stage.CLEANUP), parallelism=1)
    return _going(view, f"The output below {uri} is to be deleted.", *actions, *declare(view), create, clock=clock)


def _last(view: View) -> str:
    found = worst(view.pods(Stage.CLEANUP))
    failures = [failure for failure in view.facts.failures if failure.what.startswith("create Job")]
    if found is not None:
        return found.message
    return one_line(failures[0].message) if failures else ""


def _going(view: View, words: str, *actions: Action, clock: Clock | None = None) -> Step:
    return Step(phase="Deleting", message=words, actions=actions, after=clock.after if clock else None)


def _left(view: View, words: str) -> Step:
    """Let go, and name what remains: nobody waits for ever for an object that can't be deleted."""
    said = Said(type="Degraded", status="True", reason="DeletionIncomplete", message=words)
    return Step(phase="Deleting", message=words, actions=(SetFinalizer(present=False),), said=(said,))


__all__ = ["delete", "delete_any", "has_folder"]
