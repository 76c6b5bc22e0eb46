"""Policy: conditions. All types are always there; a policy says which are not as their defaults have them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from . import moments
from .findings import INTERNAL
from .prepare import prepared
from .view import Said, Step, SynthesisView, View
from .words import one_line

DEFAULTS = (
    Said(type="Ready", status="True", reason="Accepted", message=""),
    Said(type="Prepared", status="Unknown", reason="Pending", message=""),
    Said(type="EngineReady", status="Unknown", reason="Pending", message=""),
    Said(type="Progressing", status="Unknown", reason="Pending", message=""),
    Said(type="Suspended", status="False", reason="Resumed", message=""),
    Said(type="Degraded", status="False", reason="AllWell", message=""),
    Said(type="NetworkIsolation", status="Unknown", reason="Pending", message=""),
    Said(type="Complete", status="Unknown", reason="Pending", message=""),
    Said(type="Failed", status="False", reason="NotFailed", message=""),
)
OF_SAMPLING = ("EngineReady", "NetworkIsolation")
"""Types that only a Synthesis has."""
PREPARED = Said(type="Prepared", status="True", reason="SnapshotWritten", message="")


def conditions(view: SynthesisView, step: Step) -> list[dict[str, Any]]:
    """Of a Synthesis, as they should be in the status; a time moves only when its status does."""
    done = step.phase in ("Complete", "Curating", "Sampling") or (step.phase != "Preparing" and prepared(view))
    return conditions_of(view, step, prepared=done)


def conditions_of(view: View, step: Step, *, prepared: bool) -> list[dict[str, Any]]:
    """Of an object of any kind."""
    said = {item.type: item for item in reversed((*step.said, *((PREPARED,) if prepared else ())))}
    known = (one for one in DEFAULTS if view.kind == "Synthesis" or one.type not in OF_SAMPLING)
    return [_condition(view, said.get(default.type, default)) for default in known]


def _condition(view: View, said: Said) -> dict[str, Any]:
    before = view.conditions.get(said.type, {})
    if said.reason == INTERNAL and said.type not in ("Degraded", "Failed"):
        said = replace(said, status="Unknown")
    since = before.get("lastTransitionTime") if before.get("status") == said.status else None
    return {
        "type": said.type,
        "status": said.status,
        "reason": said.reason,
        "message": one_line(said.message),
        "lastTransitionTime": since or moments.text(view.now),
        "observedGeneration": view.wishes.generation,
    }


def holding(items: Iterable[dict[str, Any]], kind: str) -> bool:
    """Whether a condition is True."""
    return any(item["type"] == kind and item["status"] == "True" for item in items)


__all__ = ["DEFAULTS", "conditions", "conditions_of", "holding"]
