"""What a pod is at, in one word and one sentence; and many pods in a few lines."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dart_k8s.edges.cluster import Object
from dart_k8s.errors import EXIT_SPEC, EXIT_STOPPED
from dart_k8s.names import STAGE, Stage
from dart_k8s.reconcile.failures import CREATION, IMAGE
from dart_k8s.reconcile.findings import decode

from .words import instant, one_line

__all__ = ["Group", "PodState", "grouped", "state"]

LAST_WORDS = 300
"""Characters of a log's end in a termination message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodState:
    """What one pod is at."""

    stage: str
    word: str
    """For people: running, waits for a node, ended with code 1."""
    reason: str = ""
    """A condition's reason where something is wrong with it, else empty."""
    message: str = ""
    remedy: str = ""
    """Its own; where it is empty the reason's counts."""
    since: float | None = None
    pod: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Pods of one stage in the same state for the same reason."""

    first: PodState
    """The one that has been so for longest."""
    count: int


def state(pod: Object) -> PodState:
    """What a pod is at."""
    about, status = pod["metadata"], pod.get("status") or {}
    stage = str((about.get("labels") or {}).get(STAGE) or "pod")

    base = PodState(stage=stage, word="", since=instant(about.get("creationTimestamp")), pod=str(about["name"]))
    conditions = {one["type"]: one for one in status.get("conditions") or ()}
    taken = conditions.get("DisruptionTarget")
    if taken and taken.get("status") == "True":
        says = one_line(str(taken.get("message") or ""))
        return replace(base, word=f"taken by the cluster ({taken.get('reason')})", message=says)
    if about.get("deletionTimestamp"):
        return replace(base, word="ending", since=instant(about["deletionTimestamp"]))
    placed = conditions.get("PodScheduled") or {}
    if status.get("phase", "Pending") == "Pending" and placed.get("status") == "False":
        says = one_line(str(placed.get("message") or placed.get("reason") or ""))
        since = instant(placed.get("lastTransitionTime")) or base.since
        return replace(base, word="waits for a node", reason="Unschedulable", message=says, since=since)
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    for one in containers:
        if found := _waiting(one, base):
            return found
    for one in containers:
        ended = (one.get("state") or {}).get("terminated")
        if ended and (ended.get("exitCode") or status.get("phase") == "Failed"):
            return _ended(ended, base)
    return _by_phase(status, conditions, base)


def _by_phase(status: Mapping[str, Any], conditions: Mapping[str, Mapping[str, Any]], base: PodState) -> PodState:
    phase = str(status.get("phase") or "Pending")
    if phase == "Failed":
        says = one_line(str(status.get("message") or status.get("reason") or ""))
        return replace(base, word="failed", reason="PodCrashed", message=says)
    words = {"Succeeded": "ended well", "Running": "is not ready yet"}
    if phase == "Running" and base.stage == Stage.SAMPLER:
        words["Running"] = "loads its model"
    if phase == "Running" and (conditions.get("Ready") or {}).get("status") == "True":
        words["Running"] = "works"
    return replace(base, word=words.get(phase, "is being started"))


def _waiting(container: Mapping[str, Any], base: PodState) -> PodState | None:
    """What keeps a container from running, if it is not just on its way."""
    waiting = (container.get("state") or {}).get("waiting") or {}
    why, says = str(waiting.get("reason") or ""), one_line(str(waiting.get("message") or container.get("image") or ""))
    if why in IMAGE:
        return replace(base, word=f"can't get its image ({why})", reason="ImagePullFailed", message=says)
    if why in CREATION:
        return replace(base, word=f"can't be started ({why})", reason="PodMisconfigured", message=says)
    last = (container.get("lastState") or {}).get("terminated")
    return _ended(last, base) if why == "CrashLoopBackOff" and last else None


def _ended(ended: Mapping[str, Any], base: PodState) -> PodState:
    """How a container ended, by its exit code and its termination message."""
    code, said = int(ended.get("exitCode") or 0), str(ended.get("message") or "")
    base = replace(base, word=f"ended with code {code}", since=instant(ended.get("finishedAt")) or base.since)
    if code == EXIT_STOPPED:
        return replace(base, word="stopped on request")
    if (found := decode(said)) is not None:
        return replace(base, reason=found.reason, message=one_line(found.message), remedy=found.remedy)
    if ended.get("reason") == "OOMKilled":
        return replace(base, reason="OutOfMemory", message="It needed more memory than its limit.")
    crashed = "SamplerCrashed" if base.stage == Stage.SAMPLER else "PodCrashed"
    reason = "BadConfiguration" if code == EXIT_SPEC else crashed
    return replace(base, reason=reason, message=one_line(said[-LAST_WORDS:]))


def grouped(pods: Iterable[Object]) -> list[Group]:
    """Pods by stage, state and reason; those with something wrong first, then the largest groups."""
    groups: dict[tuple[str, str, str, str], list[PodState]] = {}
    for pod in pods:
        found = state(pod)
        # The same sentence about another pod is the same thing.
        general = re.sub(r"\d+", "0", found.message.replace(found.pod, "it"))
        groups.setdefault((found.stage, found.word, found.reason, general), []).append(found)
    made = [
        Group(first=min(states, key=lambda one: (one.since or 0.0, one.pod)), count=len(states))
        for states in groups.values()
    ]
    return sorted(made, key=lambda group: (not group.first.reason, -group.count, group.first.stage, group.first.word))
