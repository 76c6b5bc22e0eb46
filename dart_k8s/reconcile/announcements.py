"""Policy: which changes of the status are Events: a phase that begins, and trouble that is new."""

from collections.abc import Mapping
from typing import Any

from .decision import Announcement

BAD = {"Ready": "False", "Prepared": "False", "Degraded": "True", "Failed": "True", "NetworkIsolation": "False"}
"""Condition -> the status that is a warning."""
CALM = ("Pending", "Preparing", "Accepted", "WaitingForCleanup")
"""Reasons that are none although the status is."""


def announcements(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Announcement, ...]:
    """Events for what is new in a status."""
    made: list[Announcement] = []
    phase = after.get("phase", "")
    if phase != before.get("phase"):
        kind = "Warning" if phase == "Failed" else "Normal"
        made.append(Announcement(kind=kind, reason=phase, message=after.get("message", "")))  # type: ignore[arg-type]
    known = {item.get("type"): item for item in before.get("conditions") or ()}
    for item in after.get("conditions") or ():
        old = known.get(item["type"], {})
        is_new = (old.get("status"), old.get("reason")) != (item["status"], item["reason"])
        bad = BAD.get(item["type"]) == item["status"] and item["reason"] not in CALM
        told = item["type"] == "Failed" and phase == "Failed" != before.get("phase")
        if is_new and bad and not told:
            made.append(Announcement(kind="Warning", reason=item["reason"], message=item["message"]))
    return tuple(dict.fromkeys(made))


__all__ = ["announcements"]
