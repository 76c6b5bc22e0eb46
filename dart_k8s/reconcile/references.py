"""Policy: what an object needs of another one. It is waited for, and then stands in the declaration in its place."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from dart_k8s.names import Kind

from .facts import Facts, Reference
from .view import Said, View


class Needed(NamedTuple):
    """A reference in a spec."""

    kind: Kind
    name: str
    path: str
    """Of the field that names it."""


def needed(item: Mapping[str, Any]) -> Needed | None:
    """The object that a spec names; None: none."""
    spec = item.get("spec") or {}
    match item.get("kind"):
        case "Training":
            name, kind, path = (spec.get("data") or {}).get("fromSynthesis"), "Synthesis", "spec.data.fromSynthesis"
        case "Evaluation":
            name, kind, path = (spec.get("model") or {}).get("fromTraining"), "Training", "spec.model.fromTraining"
        case _:
            return None
    return Needed(kind, name, path) if name else None  # type: ignore[arg-type]


def of(facts: Facts, wanted: Needed) -> Reference | None:
    """The object as it is; None: there is none."""
    return next((r for r in facts.references if (r.kind, r.name) == wanted[:2] and r.uid), None)


def resolved(facts: Facts) -> Mapping[str, Any] | None:
    """The object with what it refers to in place: where a Synthesis has its data set, a Training its model. None: what
    it refers to is not there."""
    item, wanted = facts.object, needed(facts.object)
    if wanted is None:
        return item
    found = of(facts, wanted)
    if found is None or not found.output:
        return None
    parts = {"Synthesis": ("data", "fromSynthesis", "dataset"), "Training": ("model", "fromTraining", "model")}
    name, field, folder = parts[wanted.kind]
    inner = {key: value for key, value in item["spec"][name].items() if key != field}
    inner["uri"] = f"{found.output.rstrip('/')}/{folder}"
    return {**item, "spec": {**item["spec"], name: inner}}


def missing(view: View) -> Said | None:
    """What is waited for; None: nothing."""
    wanted = needed(view.facts.object)
    if wanted is None:
        return None
    found = of(view.facts, wanted)
    if found is not None and found.complete and not found.deleting:
        return None
    if found is None:
        words = f"{wanted.kind} {wanted.name} ({wanted.path}) does not exist."
    elif found.deleting:
        words = f"{wanted.kind} {wanted.name} ({wanted.path}) is being deleted."
    else:
        words = f"{wanted.kind} {wanted.name} ({wanted.path}) is not Complete yet; it is {found.phase}."
    return Said(type="Ready", status="False", reason="WaitingForReference", message=words)


PASSES = ("greedy", "trials")
"""What the names of an Evaluation's Syntheses end with."""


def made(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the Syntheses that an object makes: those that there may be."""
    if item.get("kind") != "Evaluation":
        return ()
    return tuple(f"{item['metadata']['name']}-{name}" for name in PASSES)


__all__ = ["PASSES", "Needed", "made", "missing", "needed", "of", "resolved"]
