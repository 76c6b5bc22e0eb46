"""What came out of a job: counts by verdict and tier, agreement with another verifier."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

VERDICTS = ("correct", "incorrect", "undecided")
NO_REFERENCE = "no reference"
EXAMPLES = 200
"""Disagreements kept in memory for the screen; the file has all."""


@dataclass(slots=True, kw_only=True)
class Summary:
    """Counts over all rows of an output."""

    rows: int = 0
    tiers: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(verdict, tier) -> rows."""
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(our verdict, that of the other verifier) -> rows."""
    disagreements: list[dict[str, Any]] = field(default_factory=list)
    """The first few."""

    def add(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Count rows of an output; those on which the two verifiers disagree are returned."""
        found = []
        for row in rows:
            self.rows += 1
            verdict = row["verdict"] or NO_REFERENCE
            self.tiers[verdict, row["tier"]] += 1
            other = row.get("math_verify")
            if other is not None:
                self.pairs[verdict, other] += 1
                if other != verdict:
                    found.append(dict(row))
        self.disagreements += found[: EXAMPLES - len(self.disagreements)]
        return found

    def verdict(self, name: str) -> int:
        """Rows with this verdict."""
        return sum(count for (verdict, _), count in self.tiers.items() if verdict == name)

    @property
    def differ(self) -> int:
        """Rows on which the two verifiers disagree."""
        return sum(count for (ours, theirs), count in self.pairs.items() if ours != theirs)

    def to_json(self) -> dict[str, Any]:
        """For scripts, and for the output's summary file."""
        tiers: dict[str, dict[str, int]] = {}
        for (verdict, tier), count in sorted(self.tiers.items()):
            tiers.setdefault(verdict, {})[tier] = count
        made: dict[str, Any] = {
            "rows": self.rows,
            "verdicts": {name: self.verdict(name) for name in (*VERDICTS, NO_REFERENCE) if self.verdict(name)},
            "tiers": tiers,
        }
        if self.pairs:
            made["mathVerify"] = {
                "disagreements": self.differ,
                "pairs": [
                    {"dart": ours, "mathVerify": theirs, "rows": count}
                    for (ours, theirs), count in sorted(self.pairs.items())
                ],
            }
        return made

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Summary":
        """What `to_json` kept, without the examples."""
        made = cls(rows=data["rows"])
        for verdict, tiers in data["tiers"].items():
            made.tiers.update({(verdict, tier): count for tier, count in tiers.items()})
        for pair in data.get("mathVerify", {}).get("pairs", []):
            made.pairs[pair["dart"], pair["mathVerify"]] = pair["rows"]
        return made
