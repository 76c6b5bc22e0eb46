"""A fixed total of trials: the target scale that the total affords, reached by all queries together.

The scale (k_u of uniform, k_p of prop2diff, trials of vanilla) is the largest whose forecast fits into the trials left,
solved again at each plan from the posterior. A plan asks only for a stage on the way there, so that stopping at any
moment leaves the strategy's proportions.
"""

from dataclasses import replace

import numpy as np

from .planning import Counts, Judgement, demand, look
from .posterior import Floats, Ints, Prior
from .strategies import Goal, Kind

PILOT_TRIALS = 4
"""Trials of each query before the scale is solved for the first time."""

STAGE_SHARE = 0.25
"""Part of the trials left that one stage may spend. Smaller stages keep the proportions closer and wait more often."""


def demand_at(goal: Goal, prior: Prior, counts: Counts, scale: float) -> tuple[Judgement, Ints, Ints, Floats]:
    """Judgement and demand as if the target scale were `scale`."""
    scaled = replace(goal, scale=scale) if goal.kind is not Kind.VANILLA else replace(goal, scale=int(scale))
    judged = look(scaled, prior, counts)
    return (judged, *demand(scaled, prior, counts, judged))


def solve(goal: Goal, prior: Prior, counts: Counts, trials: float) -> float:
    """The largest scale at most `goal.scale` whose expected trials fit into `trials`; 0.0 if none does.

    Prop2diff's scale is a real number (targets rise one query at a time), that of the others whole. Bisection: the
    forecast never falls when the scale rises.
    """

    def cost(scale: float) -> float:
        return float(demand_at(goal, prior, counts, scale)[3].sum())

    step = 0.01 if goal.kind is Kind.PROP2DIFF else 1.0
    low, high = 0, int(goal.scale / step)
    if cost(high * step) <= trials:
        return high * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle * step) <= trials else (low, middle)
    return low * step


def stage(
    goal: Goal, prior: Prior, counts: Counts, *, left: int, least: int
) -> tuple[float, Judgement, Ints, Ints, Floats]:
    """Scale the whole budget affords, and judgement and demand (need, allowance, expected) of the next stage.

    `left` are the trials neither spent nor held by live claims, `least` the trials of the smallest stage worth a plan.
    Allowances are hard and sum to at most `left`: the total is never exceeded.
    """
    first = max(goal.min_trials, PILOT_TRIALS)
    if left > 0 and goal.kind is not Kind.VANILLA:
        judged, need, _, _ = demand_at(goal, prior, counts, goal.scale)
        pilot = np.maximum(0, first - counts.trials - counts.live_trials) * (need > 0)
        if pilot.any():
            return goal.scale, judged, *_trim(np.where(pilot > 0, need, 0), pilot, pilot.astype(np.float64), left)
    affordable = solve(goal, prior, counts, left)
    portion = max(least, round(left * STAGE_SHARE))
    scale = affordable if portion >= left else max(solve(goal, prior, counts, portion), min(1.0, affordable))
    step = 0.01 if goal.kind is Kind.PROP2DIFF else 1.0
    judged, need, _, expected = demand_at(goal, prior, counts, scale)
    # A scale that asks for nothing new leaves trials unspent: climb until some query wants more, then trim to what is left.
    while not need.any() and scale < goal.scale:
        scale = min(float(goal.scale), scale + max(step, 0.02 * scale))
        judged, need, _, expected = demand_at(goal, prior, counts, scale)
    allowance = np.where(need > 0, np.maximum(1, np.ceil(expected - 1e-9)), 0).astype(np.int64)
    return affordable, judged, *_trim(need, allowance, expected, left)


def _trim(need: Ints, allowance: Ints, expected: Floats, left: int) -> tuple[Ints, Ints, Floats]:
    """Drop trials, spread evenly over the queries, until the allowances fit into `left`."""
    over = int(allowance.sum()) - left
    if over > 0:
        order = np.random.default_rng(int(allowance.sum())).permutation(np.flatnonzero(allowance))
        kept = np.minimum(np.cumsum(allowance[order]), max(0, left))
        trimmed = np.zeros_like(allowance)
        trimmed[order] = np.diff(kept, prepend=0)
        allowance = trimmed
    need = np.where(allowance > 0, np.minimum(need, allowance), 0)
    return need, allowance, np.minimum(expected, allowance)
