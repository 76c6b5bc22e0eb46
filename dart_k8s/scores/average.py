"""The mean over benchmarks, each of the same weight whatever its size, as the DART-Math paper averages."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .benchmark import POLICIES, At, Outcomes, Policy, Scored, Wanted, values_at
from .bootstrap import estimate_average
from .numbers import Estimate, Floats, Resampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """Over several benchmarks."""

    benchmarks: tuple[str, ...]
    scores: dict[Policy, Scored]


def average_of(benchmarks: Sequence[Outcomes], wanted: Wanted, how: Resampling) -> Average:
    """The mean of each score that all benchmarks have; intervals from resampling each benchmark by itself."""
    return Average(
        benchmarks=tuple(one.name for one in benchmarks),
        scores={policy: _scored(benchmarks, policy, wanted, how) for policy in POLICIES},
    )


def _scored(benchmarks: Sequence[Outcomes], policy: Policy, wanted: Wanted, how: Resampling) -> Scored:
    def mean(kind: str, k: int) -> tuple[Estimate, int] | None:
        sets: list[tuple[str, Floats]] = []
        left_out = 0
        for one in benchmarks:
            values = values_at(one, policy, "pass" if kind == "pass" else "majority" if kind == "maj" else "greedy", k)
            known = ~np.isnan(values)
            if not known.any():
                return None
            left_out += int((~known).sum())
            sets.append((f"{one.name} {kind}@{k}" if kind != "greedy" else f"{one.name} greedy", values[known]))
        return (estimate_average(sets, how), left_out) if sets else None

    def at(kind: str, ks: Sequence[int]) -> tuple[At, ...]:
        found = [(k, mean(kind, k)) for k in ks]
        return tuple(At(k=k, score=one[0], left_out=one[1]) for k, one in found if one is not None)

    greedy = mean("greedy", 1)
    return Scored(
        greedy=None if greedy is None else greedy[0],
        pass_at=at("pass", wanted.pass_at),
        majority_at=at("maj", wanted.majority_at),
    )


__all__ = ["Average", "average_of"]
