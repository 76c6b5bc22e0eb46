"""Policy: whose fault it is that a group of trainers ended, and how often it was.

A group lives and ends as one: its Job has backoffLimit 0, so the first pod that fails ends it. Three kinds of pods'
ends are named to the Job controller (podFailurePolicy, in `render.trainers`), which says in the Job's own condition
which pod it was: pods that were drained are gone by the time that anybody looks.
"""

import re
from dataclasses import dataclass
from typing import Literal

from dart_k8s.errors import EXIT_SPEC, EXIT_STOPPED
from dart_k8s.names import Stage
from dart_k8s.reconcile.facts import JobFact, PodFact
from dart_k8s.reconcile.failures import spec_changed_after_failing, trouble
from dart_k8s.reconcile.words import one_line, told

from .view import TrainingView

Fault = Literal["own", "cluster", "spec"]
CODE = re.compile(r"for pod \S+?/(\S+) failed with exit code (\d+)")
TAKEN = re.compile(r"Pod \S+?/(\S+) has condition DisruptionTarget")
"""The Job controller's words of a rule of podFailurePolicy (pkg/controller/job/pod_failure_policy.go)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Why a Job of trainers ended."""

    fault: Fault
    """cluster: drained, preempted, a node gone, stopped on request. spec: running it again is pointless."""
    reason: str
    """Of a condition; "" where it is nobody's fault."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How often the group ended before it was done."""

    restarts: int
    """By its own fault."""
    disruptions: int
    """By the cluster's."""
    judged: int
    """Number of the last Job that is in one of them."""


def why(view: TrainingView, job: JobFact) -> End | None:
    """Why a Job ended, or is being ended; None: it is at work, or it is done."""
    if job.ended != "Failed" and not (job.failing and not job.ended):
        return None
    pods = view.pods(Stage.TRAINER, job.number)
    code, taken = CODE.search(job.message), TAKEN.search(job.message)
    spec = [pod for pod in pods if pod.exit_code == EXIT_SPEC]
    if spec or (code and int(code[2]) == EXIT_SPEC):
        return _spec(job, spec, code[1] if code else "")
    if taken:
        return End(fault="cluster", reason="", message=f"The cluster took {_ranked(job, taken[1])}.")
    if code and int(code[2]) == EXIT_STOPPED:
        return End(fault="cluster", reason="", message=f"{_ranked(job, code[1])} was told to stop.")
    lost = [pod for pod in pods if pod.disrupted]
    if lost:
        return End(
            fault="cluster", reason="", message=f"The cluster took {_ranked(job, lost[0].name)} ({lost[0].disrupted})."
        )
    return _own(job, pods)


def count(view: TrainingView) -> Count:
    """Ends of groups so far: those in the status, and those of Jobs that came later.

    Without a status (lost, or never written) the Jobs that are there count, but they alone never reach the limit.
    """
    judged = view.noted("judged")
    jobs = [job for job in view.jobs(Stage.TRAINER) if job.number > judged]
    ends = [(job.number, end.fault) for job in jobs if (end := why(view, job)) is not None]
    own = sum(fault == "own" for _, fault in ends)
    restarts = view.noted("restarts") + own if judged else min(own, view.wishes.max_restarts)
    return Count(
        restarts=0 if spec_changed_after_failing(view) else restarts,
        disruptions=view.noted("disruptions") + sum(fault == "cluster" for _, fault in ends),
        judged=max([judged, *(number for number, _ in ends)]),
    )


def rank(job: JobFact, pod: str) -> int | None:
    """The rank of a node, which is in its pod's name: JOB-RANK-SUFFIX."""
    index = pod.removeprefix(f"{job.name}-").split("-", 1)[0]
    return int(index) if pod.startswith(f"{job.name}-") and index.isdigit() else None


def _ranked(job: JobFact, pod: str) -> str:
    found = rank(job, pod)
    return f"node {found} (pod {pod})" if found is not None else f"pod {pod}"


def _spec(job: JobFact, pods: list[PodFact], name: str) -> End:
    """Exit code 64, by the pod's own words where it is still there."""
    for pod in pods:
        found = trouble(pod)
        if found is not None:
            return End(fault="spec", reason=found.reason, message=found.message)
    words = f"{_ranked(job, name).capitalize()} ended with code {EXIT_SPEC}: running it again is pointless."
    return End(fault="spec", reason="BadConfiguration", message=words)


def _own(job: JobFact, pods: list[PodFact]) -> End:
    """The pod that ended first is the one whose end the others followed; of those that ended within one second, one
    that found something."""
    found = [(pod, said) for pod in pods if (said := trouble(pod)) is not None and said.kind == "failed"]
    if not found:
        words = f"Job {job.name} failed ({job.reason}): {one_line(job.message)}"
        return End(fault="own", reason="PodCrashed", message=words)
    first, said = min(found, key=lambda one: (one[1].since, told(one[0].said) is None, one[0].name))
    node = rank(job, first.name)
    words = f"Node {node}: {said.message}" if node is not None else said.message
    return End(fault="own", reason=said.reason, message=words)


__all__ = ["Count", "End", "count", "rank", "why"]
