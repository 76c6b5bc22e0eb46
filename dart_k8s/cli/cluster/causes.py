"""Why an object waits, fails or needs a look, and what to do: from what was observed, most pressing first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dart_k8s.api.conditions import REASONS
from dart_k8s.edges.cluster import Object
from dart_k8s.names import LABELS, OPERATOR

from .observing import Observed
from .pod_states import Group, grouped
from .standing import phase
from .words import age, instant, one_line, several

__all__ = ["Cause", "causes", "report"]

ORDER = (
    "Failed", "Suspended", "Ready", "Prepared", "EngineReady", "Progressing", "Degraded", "NetworkIsolation",
    "Complete",
)  # fmt: skip
"""Of conditions: what stands in the way of the next comes first."""
NEGATIVE = ("Failed", "Suspended", "Degraded")
"""Conditions that are bad when they are True."""
NORMAL = (
    "Pending", "Preparing", "EngineLoading", "AlreadyFinished", "Accepted", "Sampling", "Sealing", "Curating",
    "AllWell", "NotFailed", "Resumed", "Paused", "Training", "Scoring",
)  # fmt: skip
"""Reasons that a run passes through when all is well, and those that only point at another condition."""
UNSEEN_SECONDS = 30.0
"""An operator that runs looks at a new object within a second or two."""
WARNINGS = 5
"""Events that are shown, the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One thing that stands in the way or needs a look."""

    reason: str
    """One word: a condition's reason where there is one."""
    meaning: str
    """What that means, in a sentence."""
    message: str = ""
    """What was said of this very case."""
    remedy: str = ""
    """What to do next; empty: nothing."""
    since: float | None = None
    seen: tuple[str, ...] = field(default=())
    """What else was seen of it."""


def causes(observed: Observed, now: float) -> list[Cause]:
    """All of them; empty if nothing stands in the way."""
    about = observed.synthesis["metadata"]
    kind = observed.synthesis["kind"]
    name = about["name"] if kind == "Synthesis" else f"{kind.lower()}/{about['name']}"
    groups = [group for group in grouped(observed.pods) if group.first.reason]
    queued = _queued(observed.workloads, now)
    found: dict[str, Cause] = {}
    if (unseen := _unseen(observed.synthesis, now)) is not None:
        found[unseen.reason] = unseen
    for condition in _telling(observed.synthesis):
        reason = str(condition["reason"])
        if reason in found:
            continue
        message = one_line(str(condition.get("message") or ""))
        same = [group for group in groups if group.first.reason == reason]
        seen = [_shown(group, now, whole=group.first.message not in message) for group in same]
        seen += queued if reason in ("WaitingForQuota", "SuspendedByQueue") else []
        found[reason] = _of_reason(
            reason,
            name,
            message=message,
            since=instant(condition.get("lastTransitionTime")),
            remedy=next((group.first.remedy for group in same if group.first.remedy), ""),
            seen=tuple(seen),
        )
    if queued and not {"WaitingForQuota", "SuspendedByQueue"} & found.keys():
        found["WaitingForQuota"] = _of_reason("WaitingForQuota", name, seen=tuple(queued))
    ended = phase(observed.synthesis) in ("Complete", "Failed")
    for group in () if ended else groups:
        first = group.first
        if first.reason not in found:
            found[first.reason] = _of_reason(
                first.reason, name, since=first.since, remedy=first.remedy, seen=(_shown(group, now),)
            )
    if about.get("deletionTimestamp"):
        found["Deleting"] = Cause(
            reason="Deleting",
            meaning="It is being deleted: its pods end first, then its output goes if deletionPolicy says so.",
            since=instant(about["deletionTimestamp"]),
            remedy="Wait. Without a running operator its finalizers keep it: "
            f"{', '.join(about.get('finalizers') or ['none'])}.",
        )
    return list(found.values())


def _of_reason(
    reason: str,
    name: str,
    *,
    message: str = "",
    since: float | None = None,
    remedy: str = "",
    seen: tuple[str, ...] = (),
) -> Cause:
    known = REASONS.get(reason)
    meaning = known.meaning if known else "A reason that this version of dart does not know."
    remedy = remedy or (known.remedy if known else "")
    if reason == "SuspendedByUser":
        remedy = f"dart resume {name}"
    return Cause(reason=reason, meaning=meaning, message=message, remedy=remedy, since=since, seen=seen)


def _unseen(item: Object, now: float) -> Cause | None:
    """No operator looks at it, or not at its last change."""
    about, status = item["metadata"], item.get("status") or {}
    made = instant(about.get("creationTimestamp")) or now
    look = f"Is it installed, does it run, does it watch this namespace? kubectl get pods -A | grep {OPERATOR}"
    if not status and now - made > UNSEEN_SECONDS:
        return Cause(reason="NoOperator", meaning="No operator has looked at it yet.", since=made, remedy=look)
    seen = status.get("observedGeneration")
    if seen is not None and seen < about.get("generation", seen):
        meaning = "The last change of the spec has not been seen by an operator yet."
        message = f"It is at generation {about['generation']}, the operator saw {seen}."
        return Cause(reason="ChangeNotSeen", meaning=meaning, message=message, remedy=f"Wait a few seconds. {look}")
    return None


def _telling(item: Object) -> list[Mapping[str, Any]]:
    """Conditions that say that something is not as it should be, the first cause first."""
    conditions = (item.get("status") or {}).get("conditions") or ()
    bad = [
        one
        for one in conditions
        if one["reason"] not in NORMAL and (one["status"] == "True") == (one["type"] in NEGATIVE)
    ]
    return sorted(bad, key=lambda one: ORDER.index(one["type"]) if one["type"] in ORDER else len(ORDER))


def _queued(workloads: Iterable[Object], now: float) -> list[str]:
    """Workloads that Kueue has not admitted, with its words."""
    made = []
    for item in workloads:
        conditions = {one["type"]: one for one in (item.get("status") or {}).get("conditions") or ()}
        if (conditions.get("Admitted") or {}).get("status") == "True":
            continue
        if (conditions.get("Finished") or {}).get("status") == "True":
            continue
        evicted = conditions.get("Evicted") or {}
        told = evicted if evicted.get("status") == "True" else conditions.get("QuotaReserved") or {}
        says = one_line(str(told.get("message") or "Kueue has said nothing of it: is its queue there, and active?"))
        queue = (item.get("spec") or {}).get("queueName", "?")
        since = instant(told.get("lastTransitionTime") or item["metadata"].get("creationTimestamp"))
        passed = f" for {age(now - since)}" if since is not None else ""
        made.append(f"Workload {item['metadata']['name']} in queue {queue} waits{passed}: {says}")
    return made


def _shown(group: Group, now: float, *, whole: bool = True) -> str:
    """A group of pods in one line; not `whole`: without what was said of them."""
    first = group.first
    which = f"{several(group.count, f'{first.stage} pod')} ({first.pod})"
    which = which if group.count == 1 else f"{several(group.count, f'{first.stage} pod')} (first {first.pod})"
    passed = f", {age(now - first.since)} ago" if first.word.startswith("ended") and first.since is not None else ""
    passed = passed or (f" for {age(now - first.since)}" if first.since is not None else "")
    return f"{which}: {first.word}{passed}{f': {first.message}' * bool(first.message and whole)}"


def report(observed: Observed, now: float) -> list[str]:
    """Everything as lines for a person."""
    item = observed.synthesis
    about, status = item["metadata"], item.get("status") or {}
    message = one_line(str(status.get("message") or ""))
    found = causes(observed, now)
    told = {cause.reason for cause in found}
    message = "" if any(message == cause.message for cause in found) else message
    made = [f"{about['namespace']}/{about['name']}: {phase(item)}{f'. {message}' * bool(message)}"]
    if not found:
        made.append(f"  Nothing stands in its way. {_WHAT_NOW.get(phase(item), '')}".rstrip())
    for number, cause in enumerate(found, start=1):
        since = f" (for {age(now - cause.since)})" if cause.since is not None else ""
        made.append(f"{number}. {cause.reason}{since}: {cause.meaning}")
        made += [f"   {cause.message}"] if cause.message else []
        made += [f"   {line}" for line in cause.seen]
        made += [f"   What to do: {cause.remedy}"] if cause.remedy else []
    if groups := grouped(observed.pods):
        made.append("Pods:")
        made += [f"  {_shown(group, now, whole=group.first.reason not in told)}" for group in groups]
    if warnings := _warnings([event for event in observed.events if not _said(event, told)], now):
        made += ["Warnings:", *(f"  {line}" for line in warnings)]
    if observed.hidden:
        made.append(f"You may not read {', '.join(observed.hidden)} here: what they say is missing from this.")
    return made


_WHAT_NOW: Mapping[str, str] = {
    "Pending": "It is about to begin.",
    "Preparing": "The prepare pod checks data, model and output.",
    "Sampling": "Samplers load their model, or write results: `dart status` shows how far it is.",
    "Curating": "The data set is being written.",
    "Training": "Trainers load the model, or train: `dart status` shows how far it is.",
    "Scoring": "The responses are being scored.",
    "Complete": "It is done.",
}


def _said(event: Object, told: set[str]) -> bool:
    """Whether a cause says the same: the operator's own events, and what the scheduler told the pods."""
    reason = str(event.get("reason"))
    of_ours = (event.get("involvedObject") or {}).get("kind") in LABELS
    return (reason == "FailedScheduling" and "Unschedulable" in told) or (of_ours and reason in (*told, "Failed"))


def _warnings(events: Iterable[Object], now: float) -> list[str]:
    """The newest warnings, equal ones once."""
    made: dict[tuple[str, str], tuple[float, int, str]] = {}
    for event in events:
        about = event.get("involvedObject") or {}
        series = event.get("series") or {}
        times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
        when = next((found for one in times if (found := instant(one)) is not None), None)
        when = when if when is not None else instant(event["metadata"].get("creationTimestamp")) or now
        count = int(series.get("count") or event.get("count") or 1)
        says = one_line(str(event.get("message") or ""))
        kind = str(about.get("kind") or "")
        key = (str(event.get("reason")), says.replace(str(about.get("name")), "it"))
        last, total, _ = made.get(key, (0.0, 0, ""))
        what = f"{event.get('reason')} of {kind} {about.get('name')}: {says}"
        made[key] = (max(last, when), total + count, what)
    newest = sorted(made.values(), reverse=True)[:WARNINGS]
    return [f"{age(now - when)} ago{f', {count} times' * (count > 1)}: {what}" for when, count, what in newest]
