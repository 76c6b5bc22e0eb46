"""Where an object of a cluster stands, as text: made of the object alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from dart_k8s.edges.cluster import Object

from .figures import figures, in_short
from .words import age, instant, one_line, several

__all__ = ["COLUMNS", "ENDED", "lines", "phase", "row", "sources", "summary"]

ENDED = ("Complete", "Failed")
"""Phases after which nothing comes by itself."""
COLUMNS = ("NAME", "PHASE", "PROGRESS", "TRIALS", "ACCEPTED", "SAMPLERS", "TO GO", "AGE", "MESSAGE")
LONGEST_MESSAGE = 60
"""Characters of a message in a table."""
SPEAKING = (("Degraded", "True"), ("Failed", "True"), ("Suspended", "True"), ("NetworkIsolation", "False"))
"""Conditions that say more than the phase does."""
UNSEEN = "(not seen by an operator yet)"


def phase(item: Object) -> str:
    """Its phase, in one word."""
    if item["metadata"].get("deletionTimestamp"):
        return "Deleting"
    return str(_status(item).get("phase") or "Pending")


def row(item: Object, now: float) -> tuple[str, ...]:
    """Cells under `COLUMNS`."""
    status = _status(item)
    progress: Mapping[str, Any] = status.get("progress") or {}
    made = instant(item["metadata"].get("creationTimestamp"))
    return (
        str(item["metadata"]["name"]),
        phase(item),
        str(progress.get("summary") or ""),
        str(progress.get("trials", "")),
        f"{progress['accepted']}/{progress.get('wanted', '?')}" if "accepted" in progress else "",
        _ready(item, "samplers"),
        _to_go(status, now),
        age(now - made) if made is not None else "",
        one_line(str(status.get("message") or ("" if status else UNSEEN)), LONGEST_MESSAGE),
    )


def summary(item: Object, now: float) -> str:
    """One line, for a log of changes."""
    status = _status(item)
    progress: Mapping[str, Any] = status.get("progress") or {}
    parts = [f"{item['metadata']['name']}: {phase(item)}"]
    if progress:
        parts.append(str(progress.get("summary") or ""))
        parts += _in_short(item, progress)
    if left := _to_go(status, now):
        parts.append(f"about {left} to go")
    line = ", ".join(part for part in parts if part)
    message = one_line(str(status.get("message") or ""))
    return f"{line}. {message}" if message else line


def lines(item: Object, now: float) -> list[str]:
    """Everything that a person wants to know of one; the first line is its heading."""
    about, spec, status = item["metadata"], item["spec"], _status(item)
    progress: Mapping[str, Any] = status.get("progress") or {}
    share = f", {progress['summary']}" if progress.get("summary") else ""
    left = _to_go(status, now)
    kind = (spec.get("strategy") or {}).get("kind") or spec.get("recipe") or "?"
    kind = kind if item["kind"] == "Synthesis" else item["kind"]
    made = [
        f"{about['namespace']}/{about['name']} ({kind}): {phase(item)}{share}{f', about {left} to go' * bool(left)}"
    ]
    if message := one_line(str(status.get("message") or ("" if status else UNSEEN))):
        made.append(f"  {message}")
    if item["kind"] != "Synthesis":
        made += [f"  {line}" for line in figures(item["kind"], status)]
    elif progress:
        made += _progress(progress)
    if item["kind"] == "Synthesis" and any(status.get(role) for role in ("samplers", "verifiers")):
        pods = [f"{role} {_ready(item, role)} ready" for role in ("samplers", "verifiers") if status.get(role)]
        made.append(f"  {', '.join(pods)}{_failures(status)}")
    if usage := status.get("usage"):
        made.append(f"  {_usage(usage)}")
    if status.get("rows") is not None:
        made.append(f"  {status['rows']} rows in {status.get('output') or spec['output']['uri']}/dataset/")
    made += [f"  {_condition(one, now)}" for one in status.get("conditions") or () if _tells(one)]
    if (seen := status.get("observedGeneration")) is not None and seen < about.get("generation", seen):
        made.append("  The last change of its spec has not been seen by an operator yet.")
    return made


def _in_short(item: Object, progress: Mapping[str, Any]) -> list[str]:
    if item["kind"] != "Synthesis":
        return [in_short(item["kind"], progress)]
    return [
        f"{progress.get('trials', 0)} trials, {progress.get('accepted', 0)} accepted",
        f"{progress.get('open', 0)} of {progress.get('queries', 0)} queries open",
    ]


def sources(item: Object) -> Sequence[Mapping[str, Any]]:
    """Counts per source, where there are several."""
    found = (_status(item).get("progress") or {}).get("sources") or ()
    return found if len(found) > 1 else ()


def _progress(progress: Mapping[str, Any]) -> list[str]:
    expected = progress.get("expectedTrials")
    of = f" of about {expected}" if expected else ""
    line = (
        f"  {progress.get('trials', 0)}{of} trials, {progress.get('correct', 0)} correct, "
        f"{progress.get('accepted', 0)} of {progress.get('wanted', 0)} accepted, "
        f"{progress.get('open', 0)} of {progress.get('queries', 0)} queries open, {progress.get('covered', 0)} covered"
    )
    made = [line]
    stopped = {name: count for name, count in (progress.get("stopped") or {}).items() if count}
    waiting = [f"{progress[name]} {name}" for name in ("undecided", "pending") if progress.get(name)]
    if stopped or waiting:
        parts = [f"{count} {_spaced(name)}" for name, count in stopped.items()]
        counted = f"queries stopped: {', '.join(parts)}" if parts else ""
        made.append("  " + "; ".join(part for part in (counted, ", ".join(waiting)) if part))
    return made


def _spaced(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)


def _ready(item: Object, role: str) -> str:
    pods = _status(item).get(role)
    if not pods:
        return ""
    wanted = (item["spec"].get("samplers") or {}).get("replicas") if role == "samplers" else None
    there = pods.get("replicas", 0)
    # A run that ends needs fewer than were asked for: then the pods there are what counts.
    most = max(there, wanted or 0) if phase(item) == "Sampling" else there
    return f"{pods.get('ready', 0)}/{most}"


def _failures(status: Mapping[str, Any]) -> str:
    parts = []
    if status.get("failures"):
        parts.append(f"{several(status['failures'], 'failure')} since the last result")
    if status.get("replaced"):
        parts.append(f"{several(status['replaced'], 'pod')} replaced that the cluster took")
    return "".join(f", {part}" for part in parts)


def _usage(usage: Mapping[str, Any]) -> str:
    tokens, wasted = usage.get("tokens", 0), usage.get("wastedTokens", 0)
    held, busy = usage.get("gpuSecondsHeld", 0.0), usage.get("gpuSecondsGenerating", 0.0)
    waste = f" ({wasted} more wasted)" if wasted else ""
    hours = f", {held / 3600:.1f} GPU-hours held, {busy / held:.0%} of them generating" if held else ""
    return f"{tokens} tokens{waste}{hours}"


def _tells(condition: Mapping[str, Any]) -> bool:
    """Whether it says something that the phase does not."""
    return (condition["type"], condition["status"]) in SPEAKING


def _condition(condition: Mapping[str, Any], now: float) -> str:
    since = instant(condition.get("lastTransitionTime"))
    passed = f" for {age(now - since)}" if since is not None else ""
    sign = "" if condition["status"] == "True" else f"={condition['status']}"
    says = one_line(str(condition.get("message") or ""))
    return f"{condition['type']}{sign}{passed} ({condition['reason']}){': ' * bool(says)}{says}"


def _to_go(status: Mapping[str, Any], now: float) -> str:
    until = instant(status.get("estimatedFinish"))
    return age(until - now) if until is not None and until > now and status.get("phase") not in ENDED else ""


def _status(item: Object) -> Mapping[str, Any]:
    found: Mapping[str, Any] = item.get("status") or {}
    return found
