"""The three strategies: how many distinct correct responses each query should get, or how many trials.

Vanilla rejection sampling and DART's two strategies are those of Tong et al., "DART-Math: Difficulty-Aware Rejection
Tuning for Mathematical Problem-Solving" (NeurIPS 2024), section 3. To add a strategy: a member of `Kind`, its target in
`targets`, its floor in `Goal.floor`; everything else works on targets alone.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from .posterior import Floats, Ints

PILOT = 8
"""Most trials of a query in flight before it has as many verdicts: its pass rate is anybody's guess until then."""


class Kind(StrEnum):
    """Which strategy."""

    VANILLA = "vanilla"
    """The same number of trials for each query."""
    UNIFORM = "uniform"
    """The same number of distinct correct responses for each query."""
    PROP2DIFF = "prop2diff"
    """Distinct correct responses in proportion to difficulty, the fail rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a run is after: strategy, caps and stops, as whole-run settings."""

    kind: Kind
    scale: float
    """k_u (uniform), k_p (prop2diff: target of a query with pass rate 0), or trials per query (vanilla)."""
    min_trials: int = 0
    """prop2diff: trials of each query before its posterior may close it."""
    precision: float = 0.0
    """prop2diff: a query at its target goes on while one trial more lowers the standard error of its target by more
    than this; 0 switches it off. See `least_trials`."""
    cap: int = 8192
    """Most trials of one query."""
    hopeless_probability: float = 0.05
    """A query whose chance to reach its target within its cap is lower stops at the floor; 0 switches it off."""
    hopeless_after: int = 64
    """Trials before a query may be judged hopeless."""
    hopeless_floor: int | None = None
    """Correct responses at which a hopeless query stops; None: 1 for uniform, a quarter of the target for prop2diff."""
    total: int | None = None
    """Trials of the whole run, or None."""

    def floor(self, target: ArrayLike) -> Ints:
        """Correct responses at which a hopeless query stops, for each target."""
        goal = np.asarray(target, dtype=np.int64)
        if self.hopeless_floor is not None:
            return np.minimum(goal, self.hopeless_floor)
        if self.kind is Kind.PROP2DIFF:
            return np.maximum(1, -(-goal // 4))
        return np.minimum(goal, 1)


def least_trials(goal: Goal, pass_rate: ArrayLike) -> Ints:
    """Trials of each query before it may close at a target that follows its estimated pass rate; shape of `pass_rate`.

    After n trials the standard error of k_q = k_p (1 - p_q) is k_p sqrt(p (1 - p) / n). One trial more lowers it by
    half of that over n, which comes down to `precision` at n = (k_p sqrt(p (1 - p)) / (2 precision))^(2/3). Setting the
    same gain per trial for all queries gives the least sum of errors for a sum of trials (docs/decisions/0007).
    """
    p: Floats = np.asarray(pass_rate, dtype=np.float64)
    least = np.full(p.shape, goal.min_trials, dtype=np.int64)
    if goal.kind is not Kind.PROP2DIFF or goal.precision <= 0:
        return least
    steady = (goal.scale * np.sqrt(p * (1.0 - p)) / (2.0 * goal.precision)) ** (2.0 / 3.0)
    enough: Ints = np.minimum(np.maximum(least, np.ceil(steady).astype(np.int64)), goal.cap)
    return enough


def targets(kind: Kind, scale: float, pass_rate: ArrayLike) -> Ints:
    """Distinct correct responses wanted of each query, shape of `pass_rate`; 0 for vanilla, where trials decide.

    prop2diff: k_q = max(1, ceil(k_p (1 - p_q))) (DART-Math section 3.2; the method's floor of one).
    """
    p: Floats = np.asarray(pass_rate, dtype=np.float64)
    if kind is Kind.VANILLA:
        return np.zeros(p.shape, dtype=np.int64)
    if kind is Kind.UNIFORM:
        return np.full(p.shape, max(1, round(scale)), dtype=np.int64)
    # Without the small term a pass rate of exactly 1 - 3/192 would ask for 4 by a rounding error of the product.
    return np.maximum(1, np.ceil(scale * (1.0 - p) - 1e-9).astype(np.int64))
