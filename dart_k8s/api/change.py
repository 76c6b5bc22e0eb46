"""What differs between two declarations of one run, and what of it may change while the run goes on."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .load import Declaration, to_dict
from .synthesis import Synthesis
from .text import canonical_json

PODS = ("prepare", "modelCache", "suspend", "ttlSecondsAfterFinished", "deletionPolicy", "queueName")
"""What only says which pods do it, and what becomes of the object afterwards."""
CHANGEABLE = (
    "strategy.target",
    "strategy.trials",
    "budget",
    "samplers",
    "verifiers",
    "verification",
    "sharding",
    "claims",
    "flush",
    "curation",
    # Where the same things are found and how hard they are driven; a folder that was moved is still its run.
    "engine.apiKeyEnv",
    "engine.baseUrl",
    "engine.concurrency",
    "engine.slots",
    "execution.processes",
    "execution.sessions",
    "execution.unconfined",
    "output.uri",
    # A recipe is only a name for the fields that it stands for; those are compared.
    "recipe",
    "execution.requireNetworkIsolation",
    "curate",
    *PODS,
)
"""Fields of the spec (with all below them) that may change while a run goes on."""

CHANGEABLE_TRAINING = ("nodes", "processesPerNode", "trainers", "checkpoints", "tracking", "push", *PODS)
"""Of a Training: who does it, and what is told and kept. Another recipe is another Training."""
CHANGEABLE_EVALUATION = (
    "samplers",
    "verifiers",
    "engine.apiKeyEnv",
    "engine.baseUrl",
    "engine.concurrency",
    "engine.slots",
    "execution.processes",
    "execution.sessions",
    "execution.unconfined",
    "execution.requireNetworkIsolation",
    "intervals",
    *PODS,
)
"""Of an Evaluation: who does it; intervals are computed from what is there."""
OF_KIND = {"Synthesis": CHANGEABLE, "Training": CHANGEABLE_TRAINING, "Evaluation": CHANGEABLE_EVALUATION}

FIXED = ("verification.policy",)
"""Exceptions from `CHANGEABLE`: verdicts under two policies must never stand in one state."""

ABSENT = None
"""Value of a field that only one side has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field that differs."""

    path: str
    """Like spec.strategy.target, spec.queries[0].uri."""
    old: Any
    """Value before; None if the field was not given and has no default."""
    new: Any
    """Value now; None if the field is not given and has no default."""
    allowed: bool
    """Whether it may change while a run goes on."""

    def text(self) -> str:
        """The change in one line."""
        return f"{self.path}: {_shown(self.old)} -> {_shown(self.new)}"


def differences(old: Synthesis, new: Synthesis) -> list[Change]:
    """All fields of the spec that differ, in the order of the declaration. Metadata is not compared."""
    return changes(to_dict(old)["spec"], to_dict(new)["spec"])


def changes(old: Mapping[str, Any], new: Mapping[str, Any], kind: str = "Synthesis") -> list[Change]:
    """The same of two specs of a kind as plain values, by wire names."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    return [
        Change(
            path=f"spec.{path}",
            old=before.get(path, ABSENT),
            new=after.get(path, ABSENT),
            allowed=changeable(path, kind),
        )
        for path in {**before, **after}
        if before.get(path, ABSENT) != after.get(path, ABSENT)
    ]


def changeable(path: str, kind: str = "Synthesis") -> bool:
    """Whether a field of the spec of a kind, like "budget.totalTrials", may change while a run goes on."""
    return _under(path, OF_KIND[kind]) and not _under(path, FIXED)


def digest(document: Declaration) -> str:
    """SHA-256 (hex) over what may not change: equal for declarations that may continue each other's runs."""
    leaves = _leaves(to_dict(document)["spec"])
    fixed = {path: value for path, value in leaves if not changeable(path, document.kind)}
    return hashlib.sha256(canonical_json(fixed).encode()).hexdigest()


def _under(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith((f"{root}.", f"{root}[")) for root in roots)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Fields that hold no others. The free mappings are taken apart too: their keys are fields to a user."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def _shown(value: Any) -> str:
    return "(not given)" if value is ABSENT else canonical_json(value)


__all__ = ["CHANGEABLE", "FIXED", "Change", "changeable", "changes", "differences", "digest"]
