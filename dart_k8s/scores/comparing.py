"""Models side by side on the same problems: differences paired over problems, and whether a comparison is fair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .benchmark import Policy
from .bootstrap import POWER, detectable, estimate_average
from .numbers import Estimate, Floats, Resampling

ALIKE = 0.05
"""Largest relative difference of rows and steps at which a comparison is like for like (docs/evaluation.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What went into a model. None: not known, or it was not trained by a Training."""

    rows: int | None = None
    """Rows of the data set that were trained on."""
    queries: int | None = None
    """Distinct queries among them."""
    tokens: int | None = None
    """Tokens of one pass over them."""
    steps: int | None = None
    """Optimiser's steps."""
    trials: int | None = None
    """Trials that the Synthesis sampled, raw."""
    sampling_hours: float | None = None
    """GPU-hours (on machines without one: engine-hours) of sampling."""
    training_hours: float | None = None
    """GPU-hours (on machines without one: process-hours) of training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One benchmark of one model."""

    ids: tuple[str, ...]
    values: Mapping[Policy, Floats]
    """One number per problem, shape (N,): 1 or 0 for a greedy response, else the share of right trials."""
    measure: str
    """greedy or pass@1."""
    revision: str = ""
    """Of the benchmark's content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One model with its scores."""

    name: str
    model: str
    benchmarks: Mapping[str, Measured]
    cost: Cost = field(default_factory=Cost)
    base: str = ""
    """Its base model, where it was trained by a Training."""
    notes: tuple[str, ...] = ()
    """What could not be followed to its source, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One model against the first, on one benchmark or on the average of all that both have."""

    benchmark: str
    """Empty: the average."""
    items: int
    """Problems that both have answered."""
    left_out: int
    """Problems that one of them has and the other has not."""
    first: float
    other: float
    difference: Estimate
    """Of the other to the first, in shares; the interval is paired over problems."""
    only_first: int
    """Problems that only the first has right (or more often right)."""
    only_other: int
    detectable: float | None
    """The smallest difference that would have shown with chance 0.8; None where no problem differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """One model against the first."""

    name: str
    lines: dict[Policy, tuple[Difference, ...]]
    """A line a benchmark, the average last."""
    unlike: tuple[str, ...]
    """Why the comparison is not like for like; empty if it is."""
    unknown: tuple[str, ...]
    """What is not known and would have to be alike."""
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """All models, the first one as the baseline."""

    sides: tuple[Side, ...]
    against: tuple[Against, ...]
    power: float = POWER


def compare(sides: Sequence[Side], how: Resampling) -> Compared:
    """Hold every model against the first, on the benchmarks that both have."""
    first, *others = sides
    return Compared(sides=tuple(sides), against=tuple(_against(first, other, how) for other in others))


def like_for_like(first: Cost, other: Cost) -> tuple[list[str], list[str]]:
    """Why rows and steps are not alike, and which of them are not known."""
    unlike, unknown = [], []
    for name in ("rows", "steps"):
        a, b = getattr(first, name), getattr(other, name)
        if a is None or b is None:
            unknown.append(name)
        elif abs(a - b) > ALIKE * max(a, b):
            unlike.append(f"{name} differ by {abs(a - b) / max(a, b):.0%}: {a:,} and {b:,}")
    return unlike, unknown


def _against(first: Side, other: Side, how: Resampling) -> Against:
    shared = [name for name in first.benchmarks if name in other.benchmarks]
    cautions = []
    usable = []
    for name in shared:
        a, b = first.benchmarks[name], other.benchmarks[name]
        if a.measure != b.measure:
            cautions.append(f"{name} is left out: {a.measure} of {first.name}, {b.measure} of {other.name}")
            continue
        if a.revision != b.revision:
            cautions.append(f"{name}: the benchmark's content differs ({a.revision[:20]}, {b.revision[:20]})")
        usable.append(name)
    unlike, unknown = like_for_like(first.cost, other.cost)
    return Against(
        name=other.name,
        lines={policy: _lines(first, other, usable, policy, how) for policy in ("strict", "lenient")},
        unlike=tuple(unlike),
        unknown=tuple(unknown),
        cautions=tuple(cautions),
    )


def _lines(first: Side, other: Side, names: Sequence[str], policy: Policy, how: Resampling) -> tuple[Difference, ...]:
    lines, pairs = [], []
    for name in names:
        a, b = first.benchmarks[name], other.benchmarks[name]
        at = {one: number for number, one in enumerate(b.ids)}
        both = [(i, at[one]) for i, one in enumerate(a.ids) if one in at]
        if not both:
            continue
        mine = a.values[policy][[i for i, _ in both]]
        theirs = b.values[policy][[j for _, j in both]]
        pairs.append((name, mine, theirs))
        lines.append(_line(name, [(name, mine, theirs)], how, left_out=len(a.ids) + len(b.ids) - 2 * len(both)))
    if len(pairs) > 1:
        lines.append(_line("", pairs, how, left_out=sum(line.left_out for line in lines)))
    return tuple(lines)


def _line(benchmark: str, pairs: Sequence[tuple[str, Floats, Floats]], how: Resampling, *, left_out: int) -> Difference:
    gaps = [(f"{name} difference", theirs - mine) for name, mine, theirs in pairs]
    whole = np.concatenate([gap for _, gap in gaps])
    return Difference(
        benchmark=benchmark,
        items=whole.size,
        left_out=left_out,
        first=float(np.mean([mine.mean() for _, mine, _ in pairs])),
        other=float(np.mean([theirs.mean() for _, _, theirs in pairs])),
        difference=estimate_average(gaps, how),
        only_first=int((whole < 0).sum()),
        only_other=int((whole > 0).sum()),
        detectable=detectable([gap for _, gap in gaps], confidence=how.confidence),
    )


__all__ = ["ALIKE", "Against", "Compared", "Cost", "Difference", "Measured", "Side", "compare", "like_for_like"]
