"""From the API server's objects to the few facts that decisions look at: a pod is 0.5 KB instead of 26."""

from collections.abc import Mapping
from datetime import datetime
from sys import intern
from typing import Any, Literal, cast

from dart_k8s.edges.cluster import Object
from dart_k8s.names import ASKED, CONTAINER, DIGEST, GENERATION, LABELS, NUMBER, QUEUE, STAGE, Stage
from dart_k8s.reconcile.facts import ChildFact, JobFact, PodFact

from .keys import Key

__all__ = ["child_fact", "job_fact", "key_of", "pod_fact", "seconds", "shared"]

STAGES = {stage.value: stage for stage in Stage}
LONGEST = 4096
"""Bytes of a termination message that the kubelet keeps."""

SHORT = 40
"""Characters of a text that is likely to come again: a phase, a reason, a time."""


def seconds(text: str | None) -> float | None:
    """Seconds since the epoch of a time as the API server writes it."""
    return datetime.fromisoformat(text).timestamp() if text else None


def key_of(item: Object) -> Key | None:
    """The object that another one belongs to by its labels; None: to none."""
    about = item["metadata"]
    labels = about.get("labels") or {}
    for kind, label in LABELS.items():
        if name := labels.get(label):
            return Key(intern(about.get("namespace", "")), intern(name), kind)
    return None


def shared(item: Object) -> Object:
    """An object of this group is kept whole; its keys and short words are one string each for all of them: half the
    memory."""
    return cast(Object, _shared(item))


def _shared(value: Any) -> Any:
    match value:
        case dict():
            return {intern(name): _shared(item) for name, item in value.items()}
        case list():
            return [_shared(item) for item in value]
        case str() if len(value) <= SHORT:
            return intern(value)
    return value


def job_fact(item: Object) -> JobFact | None:
    """A Job of a stage; None if it is no stage that this version knows."""
    about, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    labels, notes = about.get("labels") or {}, about.get("annotations") or {}
    stage = STAGES.get(labels.get(STAGE, ""))
    if stage is None:
        return None
    ends = [
        condition
        for condition in status.get("conditions") or ()
        if condition.get("type") in {"Complete", "Failed"} and condition.get("status") == "True"
    ]
    failing = [
        one for one in status.get("conditions") or () if one.get("type") == "FailureTarget" and one["status"] == "True"
    ]
    end: Mapping[str, Any] = ends[0] if ends else {}
    words: Mapping[str, Any] = end or (failing[0] if failing else {})
    return JobFact(
        name=about["name"],
        uid=about["uid"],
        owner=_owner(about),
        stage=stage,
        number=_number(labels.get(NUMBER)),
        parallelism=spec.get("parallelism", 1),
        suspended=bool(spec.get("suspend")),
        deleting="deletionTimestamp" in about,
        created=seconds(about.get("creationTimestamp")) or 0.0,
        active=status.get("active") or 0,
        ready=status.get("ready") or 0,
        succeeded=status.get("succeeded") or 0,
        failed=status.get("failed") or 0,
        ended=cast(Literal["", "Complete", "Failed"], end.get("type", "")),
        failing=bool(failing),
        reason=words.get("reason") or "",
        message=words.get("message") or "",
        finished=seconds(end.get("lastTransitionTime")),
        queued=QUEUE in labels,
        asked=_number(notes.get(ASKED)),
        generation=_number(notes.get(GENERATION)),
        digest=notes.get(DIGEST, ""),
    )


def pod_fact(item: Object) -> PodFact | None:
    """A pod of a stage; None for one that ended well: its Job has counted it."""
    about, status = item["metadata"], item.get("status") or {}
    labels = about.get("labels") or {}
    stage = STAGES.get(labels.get(STAGE, ""))
    phase = status.get("phase") or "Pending"
    if stage is None or phase == "Succeeded":
        return None
    conditions = {condition["type"]: condition for condition in status.get("conditions") or ()}
    container: Mapping[str, Any] = next(
        (one for one in status.get("containerStatuses") or () if one.get("name") == CONTAINER), {}
    )
    state = container.get("state") or {}
    waiting = state.get("waiting") or _stuck(status)
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    scheduled, disrupted = conditions.get("PodScheduled", {}), conditions.get("DisruptionTarget", {})
    return PodFact(
        name=about["name"],
        uid=about["uid"],
        stage=stage,
        number=_number(labels.get(NUMBER)),
        phase=cast(Literal["Pending", "Running", "Failed", "Unknown"], intern(phase)),
        created=seconds(about.get("creationTimestamp")) or 0.0,
        ready=conditions.get("Ready", {}).get("status") == "True",
        started=bool(container.get("started")),
        deleting="deletionTimestamp" in about,
        disrupted=intern(disrupted.get("reason") or "disrupted") if disrupted.get("status") == "True" else "",
        unschedulable=scheduled.get("message") or "" if scheduled.get("reason") == "Unschedulable" else "",
        waiting=intern(waiting.get("reason") or ""),
        waiting_message=waiting.get("message") or "",
        exit_code=ended.get("exitCode"),
        # A pod that was evicted says so itself, its container may say nothing.
        exit_reason=intern(ended.get("reason") or (status.get("reason") or "" if phase == "Failed" else "")),
        said=(ended.get("message") or "")[:LONGEST],
        ended_at=seconds(ended.get("finishedAt")),
        restarts=container.get("restartCount") or 0,
        node=intern((item.get("spec") or {}).get("nodeName") or ""),
    )


def child_fact(item: Object) -> ChildFact:
    """A ConfigMap, Service, NetworkPolicy or Deployment."""
    about, status = item["metadata"], item.get("status") or {}
    return ChildFact(
        kind=intern(item["kind"]),
        name=about["name"],
        uid=about["uid"],
        owner=_owner(about),
        digest=(about.get("annotations") or {}).get(DIGEST, ""),
        deleting="deletionTimestamp" in about,
        replicas=(item.get("spec") or {}).get("replicas") or 0 if item["kind"] == "Deployment" else 0,
        ready=status.get("readyReplicas") or 0,
    )


def _owner(about: Mapping[str, Any]) -> str:
    owners = about.get("ownerReferences") or ()
    return next((one["uid"] for one in owners if one.get("controller")), owners[0]["uid"] if owners else "")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0


def _stuck(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """Why an init container does not run: then no other one says anything."""
    for one in status.get("initContainerStatuses") or ():
        waiting: Mapping[str, Any] = (one.get("state") or {}).get("waiting") or {}
        if waiting and waiting.get("reason") != "PodInitializing":
            return waiting
    return {}
