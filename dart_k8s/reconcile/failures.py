"""Policy: what keeps pods from working, in one reason and one sentence each; which of it waiting does not mend; and how
many samplers failed since the last result.

Pods that the cluster took (DisruptionTarget: drained, preempted, evicted) and pods that ended on request (exit 75) are
no failures: podFailurePolicy keeps them out of a Job's count, and here out of the reasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dart_k8s.errors import EXIT_SPEC, EXIT_STOPPED
from dart_k8s.names import Stage

from .facts import Failure, JobFact, PodFact
from .view import Clock, Said, SynthesisView, View, back_off
from .words import one_line, told

IMAGE = ("ErrImagePull", "ErrImageNeverPull", "ImageInspectError", "ImagePullBackOff", "InvalidImageName")
CREATION = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError")
JUDGING = "apply the verifiers"
"""A failure of the operator's own, by its first words."""
SHORT_LIFE = 60.0
"""A sampler Job that ended well within so many seconds, with nothing to show for it, counts as one that failed: else a
sampler that believes itself finished would be followed by another one at once, for ever."""

Kind = Literal["waits", "broken", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a pod is not at work."""

    kind: Kind
    """waits: time may mend it. broken: it takes a person. failed: it ran and failed."""
    reason: str
    message: str
    since: float


def trouble(pod: PodFact) -> Trouble | None:
    """What is wrong with a pod; None: nothing, or nothing of its own fault."""
    if pod.disrupted or pod.deleting or pod.phase == "Succeeded":
        return None
    if pod.exit_code is not None and (pod.phase == "Failed" or pod.waiting):
        return _ended(pod)
    if pod.waiting in IMAGE:
        words = f"Pod {pod.name} can't get its image ({pod.waiting}): {one_line(pod.waiting_message)}"
        return Trouble(kind="broken", reason="ImagePullFailed", message=words, since=pod.created)
    if pod.waiting in CREATION:
        words = f"Pod {pod.name} can't be started ({pod.waiting}): {one_line(pod.waiting_message)}"
        return Trouble(kind="broken", reason="PodMisconfigured", message=words, since=pod.created)
    if pod.unschedulable:
        words = f"No node takes pod {pod.name}: {one_line(pod.unschedulable)}"
        return Trouble(kind="waits", reason="Unschedulable", message=words, since=pod.created)
    return None


def _ended(pod: PodFact) -> Trouble | None:
    code, since = pod.exit_code, pod.ended_at if pod.ended_at is not None else pod.created
    if code in (0, EXIT_STOPPED):
        return None
    found = told(pod.said)
    if found is not None:
        return Trouble(kind="failed", reason=found[0], message=f"Pod {pod.name}: {found[1]}", since=since)
    words = one_line(pod.said.strip()[-300:])
    tail = f" Its last words: {words}" if words else ""
    if pod.exit_reason == "OOMKilled":
        reason, says = "OutOfMemory", f"Pod {pod.name} needed more memory than its limit and was killed."
    elif code == EXIT_SPEC:
        reason, says = (
            "BadConfiguration",
            f"Pod {pod.name} ended with code {code}: running it again is pointless.{tail}",
        )
    else:
        reason = "SamplerCrashed" if pod.stage is Stage.SAMPLER else "PodCrashed"
        says = f"Pod {pod.name} ended with code {code} ({pod.exit_reason or 'no reason given'}).{tail}"
    return Trouble(kind="failed", reason=reason, message=says, since=since)


def worst(pods: Sequence[PodFact]) -> Trouble | None:
    """What to tell of several pods: what takes a person first, then the newest failure, then the longest wait."""
    found = [t for pod in pods if (t := trouble(pod)) is not None]
    for kind, newest in (("broken", False), ("failed", True), ("waits", False)):
        those = sorted((t for t in found if t.kind == kind), key=lambda t: (t.since, t.message))
        if those:
            return those[-1 if newest else 0]
    return None


def podless(view: View, job: JobFact, clock: Clock) -> Trouble | None:
    """A Job whose pods do not appear: their creation is refused, and only the Job's events say why."""
    idle = job.parallelism and not (job.ended or job.suspended or job.active or job.succeeded or job.failed)
    if not idle or view.pods(job.stage, job.number) or not clock.passed(job.created + view.settings.quiet_seconds):
        return None
    words = f"Job {job.name} has no pods. Its events say why: a quota, or a rule of the namespace."
    return Trouble(kind="waits", reason="PodRefused", message=words, since=job.created)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Failures of samplers."""

    failures: int
    """Since the last result."""
    counted: int
    """Failed pods of the newest Job that are in `failures`, or were before a result came."""


def refused_job(view: View, refused: Failure, words: str, clock: Clock) -> tuple[Said, ...]:
    """What is said of a Job that the API server does not take; for long, and by the user's fault, it is the end."""
    said = [Said(type=name, status="False", reason="PodRefused", message=words) for name in ("Ready", "Progressing")]
    if refused.fault == "user" and clock.passed(refused.since + view.settings.stuck_seconds):
        said.append(Said(type="Failed", status="True", reason="PodRefused", message=words))
    return tuple(said)


def tally(view: SynthesisView) -> Tally:
    """How many samplers failed since the last result.

    The Jobs say how many pods failed, the status up to which of them they were counted. Without a status (lost, or
    never written) the Jobs' failures count, but they alone never reach the limit: it takes one more to give up.
    """
    jobs, limit = view.jobs(Stage.SAMPLER), view.wishes.max_failures
    noted = view.noted("attempt")
    before = view.noted("counted")
    new = sum(_burden(job) for job in jobs if job.number > noted)
    new += sum(max(0, _burden(job) - before) for job in jobs if job.number == noted)
    failures = view.noted("failures") + new if noted else min(new, max(0, limit - 1))
    if _result_came(view) or spec_changed_after_failing(view):
        failures = 0
    if not jobs:
        return Tally(failures=failures, counted=before)
    return Tally(failures=failures, counted=_burden(jobs[-1]))


def _burden(job: JobFact) -> int:
    """Failures that a Job stands for: its failed pods, and itself if it ended without reason."""
    lived = (job.finished or job.created) - job.created
    return job.failed + (1 if job.ended == "Complete" and lived < SHORT_LIFE else 0)


def _result_came(view: SynthesisView) -> bool:
    before = (view.status.get("progress") or {}).get("trials", 0)
    return view.progress is not None and view.progress.trials > before


def spec_changed_after_failing(view: View) -> bool:
    return view.holds("Failed", now=False) and not view.holds("Failed")


def retry_at(view: View, ended: JobFact, failures: int) -> float:
    """When the successor of a Job may be created."""
    return (ended.finished or ended.created) + back_off(failures, view.settings)


__all__ = [
    "JUDGING",
    "Tally",
    "Trouble",
    "podless",
    "refused_job",
    "retry_at",
    "spec_changed_after_failing",
    "tally",
    "trouble",
    "worst",
]
