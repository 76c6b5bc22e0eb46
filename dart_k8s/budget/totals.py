"""A fixed total of trials: the target scale that the total affords, reached by all queries together.

The scale (k_u of uniform, k_p of prop2diff, trials of vanilla) is the largest whose forecast fits into the trials left,
solved again at each plan from the posterior. A plan asks only for a stage on the way there, a little above what has
been reached, so that stopping at any moment leaves the strategy's proportions.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from .planning import Counts, Judgement, demand, look
from .posterior import Floats, Ints, Prior
from .stops import Stop
from .strategies import PILOT, Goal, Kind

PILOT_TRIALS = 4
"""Trials of each query before the scale is solved for the first time."""

STAGE_SHARE = 0.5
"""Part of the trials left that one stage may spend: the posterior is better at the next."""

STAGE_LEAST = 0.01
"""Part of the whole total below which a stage is not worth its plan."""

LONGEST = 4
"""Most trials of a query in one stage, over those it has had: its pass rate is not known better than that."""

UNSEEN = 1
"""The same for a query without a correct response so far, whose pass rate may be anything from 0 up."""

CLOSE = 0.98
"""Part of the trials at which a scale is close enough to the largest that fits."""

STAGE_GROWTH = 0.2
"""Part of the trials spent so far that one stage may add. In the middle of a stage half of the queries are ahead of the
others by so much, which is an L1 distance of a tenth from the strategy's proportions."""

SLACK = 2.0
"""Allowance of a query in a stage over its expected trials, while trials are plenty: with the expected trials alone
half of the queries would miss the stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What to do next within a total; arrays of shape (Q,)."""

    scale: float
    """Target scale of this stage."""
    affordable: float
    """Target scale that the trials left afford, as known now."""
    judged: Judgement
    """Targets and needs are those of the stage, reasons those of the whole run."""
    need: Ints
    allowance: Ints
    """Hard: they sum to at most the trials left."""
    expected: Floats


def scaled(goal: Goal, scale: float) -> Goal:
    """The goal with another target scale."""
    return replace(goal, scale=scale if goal.kind is Kind.PROP2DIFF else round(scale))


def demand_at(goal: Goal, prior: Prior, counts: Counts, scale: float) -> tuple[Judgement, Ints, Ints, Floats]:
    """Judgement and demand as if the target scale were `scale`."""
    judged = look(scaled(goal, scale), prior, counts)
    return (judged, *demand(scaled(goal, scale), prior, counts, judged))


def solve(goal: Goal, prior: Prior, counts: Counts, trials: float) -> float:
    """The scale, at most `goal.scale`, up to which expected trials fit into `trials`; 0.0 if none does.

    Prop2diff's scale is a real number (targets rise one query at a time), that of the others whole. The forecast rises
    with the scale until targets are so high that they make queries hopeless, so the first crossing is searched for from
    below, and then guessed at as if the forecast were a power of the scale.
    """

    def cost(scale: int) -> float:
        return float(demand_at(goal, prior, counts, scale * step)[3].sum())

    step = _step(goal)
    low, most = 0, int(goal.scale / step)
    high = min(most, round(1.0 / step))
    low_cost, high_cost = 0.0, cost(high)
    while high_cost <= trials and high < most:
        low, low_cost, high = high, high_cost, min(most, 2 * high)
        high_cost = cost(high)
    if high_cost <= trials:
        return high * step
    turn = 0
    while high - low > 1 and low_cost < CLOSE * trials:
        guess = (low + high) // 2
        if turn % 3 < 2 and low_cost > 0.0 and high_cost > low_cost:
            guess = round(low * (high / low) ** (math.log(trials / low_cost) / math.log(high_cost / low_cost)))
        guess = min(max(guess, low + 1), high - 1)
        spent = cost(guess)
        if spent <= trials:
            low, low_cost = guess, spent
        else:
            high, high_cost = guess, spent
        turn += 1
    return low * step


def stage(goal: Goal, prior: Prior, counts: Counts, *, left: int, least: int) -> Stage:
    """The next stage. `left` are the trials neither spent nor held by live claims, `least` those of the smallest stage
    worth a plan."""
    whole = look(replace(goal, hopeless_probability=0.0), prior, counts)
    first = max(goal.min_trials, PILOT_TRIALS)
    pilot = np.maximum(0, np.minimum(first, goal.cap) - counts.trials - counts.live_trials) * (whole.need > 0)
    if left > 0 and goal.kind is not Kind.VANILLA and pilot.any():
        allowance = _trim(pilot, left)
        return Stage(
            scale=goal.scale,
            affordable=goal.scale,
            judged=whole,
            need=np.minimum(whole.need, allowance),
            allowance=allowance,
            expected=allowance.astype(np.float64),
        )
    affordable = solve(goal, prior, counts, left)
    least_scale = max(_step(goal), min(1.0, goal.scale))
    reasons = _reasons(whole, look(scaled(goal, max(least_scale, affordable)), prior, counts))
    held = counts.spent + counts.live_trials
    most = np.maximum(PILOT, held * np.where(counts.correct > 0, LONGEST, UNSEEN)) * (reasons == Stop.OPEN)
    total = left + int(held.sum())
    least = min(left, max(least, round(STAGE_LEAST * total)))
    portion = min(left, max(least, round(min(STAGE_SHARE * left, STAGE_GROWTH * (total - left)))))
    scale = max(least_scale, min(affordable, solve(goal, prior, counts, portion)))
    found = _open(demand_at(goal, prior, counts, scale), most)
    # A scale that asks for hardly anything new is not worth a plan, and would leave trials unspent at the end.
    while found[3].sum() < least and scale < goal.scale:
        step = _step(goal) if goal.kind is Kind.VANILLA else max(_step(goal), math.floor(0.05 * scale))
        scale = min(float(goal.scale), scale + step)
        found = _open(demand_at(goal, prior, counts, scale), most)
    judged, need, bound, expected = found
    wanted = np.where(need > 0, np.maximum(1, np.ceil(expected - 1e-9)), 0)
    if goal.kind is not Kind.VANILLA:
        slack = min(SLACK, max(1.0, left / max(1.0, float(wanted.sum()))))
        wanted = np.minimum(np.floor(wanted * slack), bound)
    allowance = _trim(wanted.astype(np.int64), left)
    return Stage(
        scale=scale,
        affordable=affordable,
        judged=replace(judged, reason=reasons),
        need=np.minimum(need, allowance),
        allowance=allowance,
        expected=np.minimum(expected, allowance),
    )


def _step(goal: Goal) -> float:
    return 0.01 if goal.kind is Kind.PROP2DIFF else 1.0


def _reasons(whole: Judgement, now: Judgement) -> Ints:
    """Stop reasons of the whole run: done only at the full scale, hopeless already at the scale the total affords."""
    return np.where((whole.reason == Stop.OPEN) & (now.reason == Stop.HOPELESS), now.reason, whole.reason)


def _open(found: tuple[Judgement, Ints, Ints, Floats], most: Ints) -> tuple[Judgement, Ints, Ints, Floats]:
    """The demand bounded by `most` trials of each query."""
    judged, need, allowance, expected = found
    return judged, need * (most > 0), np.minimum(allowance, most), np.minimum(expected, most)


def _trim(allowance: Ints, left: int) -> Ints:
    """The allowances, all cut by the same factor if they sum to more than `left`; what rounding leaves goes by lot."""
    over = int(allowance.sum()) - max(0, left)
    if over <= 0:
        return allowance
    shares = allowance * (max(0, left) / float(allowance.sum()))
    kept: Ints = np.floor(shares).astype(np.int64)
    rest = shares - kept
    # Systematic sampling: each query's chance of one more is its remainder, whatever the order.
    order = np.random.default_rng(int(allowance.sum())).permutation(allowance.size)
    kept[order] += np.diff(np.floor(np.cumsum(rest[order]) + 1e-9), prepend=0.0).astype(np.int64)
    return kept
