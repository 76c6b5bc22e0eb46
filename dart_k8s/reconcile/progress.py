"""What a fold says of a run: at most 4 KiB, so that it fits into a status whatever the number of queries."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

MOST_BYTES = 4096
BANDS = tuple(f"{tenth / 10:.1f}-{(tenth + 1) / 10:.1f}" for tenth in range(10))
"""Tenths of difficulty, the fail rate from 0 to 1, the easiest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """See the module. Counts are over all queries; times in seconds."""

    prepared: bool
    """False: the output has no run; all else is 0."""
    phase: Literal["sampling", "sealing", "closed"] = "sampling"
    epoch: int = 0
    plan: str = ""
    """NUMBER-EPOCH of the plan in force."""
    queries: int = 0
    open: int = 0
    covered: int = 0
    at_target: int = 0
    stopped: Mapping[str, int] = field(default_factory=dict)
    """Stop reason -> queries."""
    trials: int = 0
    """Spent: counted, surplus, pending."""
    correct: int = 0
    distinct: int = 0
    undecided: int = 0
    pending: int = 0
    wanted: int = 0
    """Sum of targets (vanilla: of trials)."""
    accepted: int = 0
    """Sum over queries of min(distinct, target): rows that a data set would have now."""
    surplus: int = 0
    """Trials beyond the counted prefix."""
    overhead: float = 0.0
    """Trials beyond the sequential bound, as estimated: surplus ones, and those after the last one needed."""
    remaining: float = 0.0
    """Trials expected to come."""
    aborted: int = 0
    """Generations that were aborted."""
    wasted_tokens: int = 0
    """Tokens of aborted generations."""
    by_difficulty: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """queries, trials, correct, accepted and wanted -> their sum in each of `BANDS`, by the posterior fail rate."""
    trials_per_second: float = 0.0
    """Over the last folds, of all samplers; 0: not known yet."""
    tokens: int = 0
    generating_seconds: float = 0.0
    """Slot-weighted seconds in which engines generated: samplers x busy share."""
    held_seconds: float = 0.0
    """Seconds for which samplers held an engine."""
    live_claims: int = 0
    unclaimed_shards: int = 0
    set_aside: tuple[str, ...] = ()
    """Shards that killed their samplers again and again; the first few."""
    set_aside_total: int = 0
    late: int = 0
    note: str = ""
    """What a user should know of the run's state, in words."""
    changed: bool = False
    """This fold found something new."""
    last_change: float = 0.0
    """Seconds since a fold last found something new, when this one ended."""

    @property
    def samplers_useful(self) -> int:
        """Samplers that have something to do: those at work and one for each shard that nobody has."""
        return self.live_claims + self.unclaimed_shards

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Progress":
        """From what a fold said; unknown fields of a newer one are left out."""
        names = {f.name for f in fields(Progress)}
        known = {name: item for name, item in value.items() if name in names}
        if "set_aside" in known:
            known["set_aside"] = tuple(known["set_aside"])
        if "by_difficulty" in known:
            known["by_difficulty"] = {of: tuple(numbers) for of, numbers in known["by_difficulty"].items()}
        return Progress(**known)
