"""Plans: immutable, numbered objects that say which query gets how many trials now, cut into shards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from . import frame
from .keys import PlanName
from .state import Hashes, Ints

FORMAT = "dart-k8s.io/plan/v1"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """A plan's rows, sorted by shard: integer arrays of shape (R,)."""

    shard: Ints
    query: Ints
    need: Ints
    allowance: Ints
    share: Ints
    """1: the need is fixed, since other claims work on the query too."""
    trials: Ints
    correct: Ints
    spent: Ints
    """Known of the query when the plan was made."""
    target: Ints
    """Target fixed from outside, 0: the goal's."""
    distinct: Ints
    """How many of `Plan.texts` are this row's."""
    singles: Ints
    """How many of those were seen once; they come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the samplers shall do until the next plan."""

    name: PlanName
    parent: PlanName | None
    goal: Mapping[str, Any]
    """`budget.strategies.Goal` as fields, with the scale in force."""
    weights: tuple[float, ...]
    """The prior that the samplers' posteriors start from."""
    grants: Grants
    texts: Hashes
    """Known distinct correct texts, row after row."""
    expected: tuple[float, ...]
    """Trials that each shard is expected to take, shape (S,)."""
    sweep: tuple[tuple[str, ...], ...] = ()
    """Further shards, numbered after the others: attempts whose orphans and pending trials are to be seen to."""

    @property
    def sampling_shards(self) -> int:
        """Shards with trials."""
        return len(self.expected)

    @property
    def shards(self) -> int:
        """All shards."""
        return len(self.expected) + len(self.sweep)

    def rows(self, shard: int) -> slice:
        """The rows of a shard."""
        low, high = np.searchsorted(self.grants.shard, [shard, shard + 1])
        return slice(int(low), int(high))


def encode(plan: Plan) -> bytes:
    """The plan as one object."""
    header = {
        "format": FORMAT,
        "name": str(plan.name),
        "parent": None if plan.parent is None else str(plan.parent),
        "goal": dict(plan.goal),
        "weights": list(plan.weights),
    }
    grants = pa.table({name: getattr(plan.grants, name) for name in Grants.__slots__})
    parts = {
        "grants": frame.table_bytes(grants),
        "texts": frame.table_bytes(pa.table({"text": plan.texts})),
        "shards": frame.table_bytes(pa.table({"expected": pa.array(plan.expected, pa.float64())})),
        "sweep": frame.table_bytes(pa.table({"attempts": pa.array(plan.sweep, pa.list_(pa.string()))})),
    }
    return frame.pack(header, parts)


def decode(data: bytes, *, key: str) -> Plan:
    """The plan back; RunError for another format or a newer version."""
    header = frame.header(data, key=key, kind="plan", newest=VERSION)
    with frame.reading(data, key=key, kind="plan"):
        parts = {name: frame.read_table(part) for name, part in frame.parts(data, header).items()}
        return Plan(
            name=PlanName.parse(header["name"]),
            parent=None if header["parent"] is None else PlanName.parse(header["parent"]),
            goal=header["goal"],
            weights=tuple(header["weights"]),
            grants=Grants(**frame.ints(parts["grants"], Grants.__slots__)),
            texts=parts["texts"]["text"].to_numpy().astype(np.uint64),
            expected=tuple(parts["shards"]["expected"].to_pylist()),
            sweep=tuple(tuple(names) for names in parts["sweep"]["attempts"].to_pylist()),
        )
