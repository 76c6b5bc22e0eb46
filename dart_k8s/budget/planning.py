"""From what is known to a plan: which query gets how many trials now, cut into shards that samplers take themselves.

A plan is so specific that carrying it out leaves no choice: for each query its need and its allowance, for each shard
its rows. What live claims may still bring is subtracted first, so two plans in a row never ask for the same twice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .posterior import Floats, Ints, Prior, alike, expected_trials
from .stops import Stop, current_targets, judge
from .strategies import PILOT, Goal, Kind, least_trials

MOST_SHARDS = 2000
"""Shards of one plan: the rest waits for the next, so that a plan of a million queries stays a small object."""

LEAST_SHARD = 16
"""Trials of the smallest shard: below that claiming costs more than it spreads."""

FIRST_TRIALS = 64
"""Trials of a query's first claim where several samplers work: then its pass rate is known, and a hard query can be cut
over all of them. A claim that held it to its end would leave samplers idle behind one of them (500 queries on 8 x 256
slots: 77 % of the slots busy, 99.9 % with this; `tests/benchmarks/bound.py`)."""

SHARDS_AHEAD = 3
"""Shards per sampler that a plan aims at when little work is left, so that no sampler waits for another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the budget state knows of each query; integer arrays of shape (Q,)."""

    trials: Ints
    correct: Ints
    distinct: Ints
    singles: Ints
    spent: Ints
    """Counted, surplus and waiting trials: what counts against caps."""
    live_need: Ints
    """Distinct correct responses that live claims may still bring."""
    live_trials: Ints
    """Trials that live claims may still launch."""
    aside: Ints
    """1 where the query was set aside."""
    own: Ints
    """Target of the query's source, 0: the goal's."""
    pass_rate: Floats
    """Pass rate fixed from outside, NaN: the posterior mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Where each query stands; arrays of shape (Q,)."""

    pass_rate: Floats
    """Posterior mean, or the rate fixed from outside."""
    target: Ints
    reason: Ints
    """`Stop` codes."""
    need: Ints
    """Distinct correct responses wanted (vanilla: trials), before live claims are subtracted."""
    least: Ints
    """Trials before a query may close at its target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A plan's rows, sorted by shard; arrays of shape (R,)."""

    shard: Ints
    query: Ints
    need: Ints
    allowance: Ints
    share: Ints
    """1 where the query has other rows or a live claim, so its need is fixed."""
    expected: Floats
    """Trials the row is expected to take."""

    @property
    def shards(self) -> int:
        """Number of shards."""
        return int(self.shard[-1]) + 1 if self.shard.size else 0


def look(goal: Goal, prior: Prior, counts: Counts) -> Judgement:
    """Judge all queries by what is known now."""
    mean = prior.mean(counts.correct, counts.trials)
    fixed = ~np.isnan(counts.pass_rate)
    rate = np.where(fixed, counts.pass_rate, mean)
    target = current_targets(goal, rate, counts.own)
    estimated = ~fixed & (counts.own == 0)
    least = np.where(estimated, least_trials(goal, mean), goal.min_trials)
    reason, need = judge(
        goal,
        prior,
        correct=counts.correct,
        trials=counts.trials,
        distinct=counts.distinct,
        singles=counts.singles,
        spent=counts.spent,
        target=target,
        least=least,
    )
    reason[counts.aside > 0] = Stop.SET_ASIDE
    need[counts.aside > 0] = 0
    return Judgement(pass_rate=rate, target=target, reason=reason, need=need, least=least)


def demand(goal: Goal, prior: Prior, counts: Counts, judged: Judgement) -> tuple[Ints, Ints, Floats]:
    """What is still to be planned: need, most trials and expected trials of each query, shape (Q,)."""
    left = np.maximum(0, goal.cap - counts.spent - counts.live_trials)
    need = np.maximum(0, judged.need - counts.live_need)
    if goal.kind is Kind.VANILLA:
        need = np.minimum(need, left)
        return need, need, need.astype(np.float64)
    need[left == 0] = 0
    # A query in the pilot is covered by the claim that runs it; the others get at least their first trials.
    pilot = np.maximum(0, judged.least - counts.trials - counts.live_trials)
    need[(counts.live_need > 0) & (counts.trials < max(PILOT, goal.min_trials))] = 0
    expected = np.zeros(need.shape)
    wanted = np.flatnonzero(need)
    expected[wanted] = np.minimum(
        left[wanted],
        np.maximum(pilot[wanted], forecast_trials(prior, counts, wanted, need[wanted], left[wanted])),
    )
    return need, np.where(need > 0, left, 0), expected


def forecast_trials(prior: Prior, counts: Counts, which: Ints, need: Ints, left: Ints) -> Floats:
    """Expected trials of the queries `which` (indices) until `need` or `left`; queries alike are computed once."""
    if which.size == 0:
        return np.zeros(0)
    correct, trials = counts.correct[which], counts.trials[which]
    first, index = alike(trials, correct, need, left)
    result = np.empty(first.size)
    for part, mass in prior.pieces(correct[first], trials[first]):
        result[part] = expected_trials(mass, need[first][part], left[first][part])
    return result[index]


def first_claims(
    goal: Goal, allowance: Ints, expected: Floats, counts: Counts, *, samplers: int
) -> tuple[Ints, Floats]:
    """Allowance and expected trials of the next plan, shape (Q,): with several samplers the first claim on a query ends
    after its first trials, and what is left is planned when they are known."""
    if samplers <= 1 or goal.kind is Kind.VANILLA:
        return allowance, expected
    first = max(FIRST_TRIALS, goal.min_trials)
    bounded = np.where(_untried(goal, counts), np.minimum(allowance, first), allowance)
    return bounded, np.minimum(expected, bounded)


def _untried(goal: Goal, counts: Counts) -> NDArray[np.bool_]:
    """Queries that are about to get their first trials, shape (Q,)."""
    few: NDArray[np.bool_] = counts.trials < max(PILOT, goal.min_trials)
    return few


def cut(
    goal: Goal,
    need: Ints,
    allowance: Ints,
    expected: Floats,
    counts: Counts,
    *,
    shard_trials: int,
    samplers: int,
    seed: int,
) -> Rows:
    """Cut the demand (arrays of shape (Q,)) into shards of about `shard_trials` expected trials.

    Queries are shuffled by `seed`: every shard is a mixture of hard and easy ones, so shards take alike long and none
    of them is a contiguous part of one source. A query larger than a shard is split while its need can be, once it has
    had its first trials.
    """
    open_queries = np.flatnonzero((need > 0) & (allowance > 0))
    total = float(expected[open_queries].sum())
    size = max(LEAST_SHARD, min(shard_trials, int(np.ceil(total / max(1, samplers * SHARDS_AHEAD)))))
    order = np.random.default_rng(seed).permutation(open_queries)
    most = np.minimum(need[order], allowance[order])
    parts = np.minimum(np.maximum(1, np.ceil(expected[order] / size)).astype(np.int64), most)
    parts[_untried(goal, counts)[order]] = 1
    row_query = np.repeat(order, parts)
    first = np.repeat(np.cumsum(parts) - parts, parts)
    part = np.arange(row_query.size) - first
    count = np.repeat(parts, parts)
    row_allowance = _even(allowance[row_query], part, count)
    row_need = np.minimum(_even(need[row_query], part, count), row_allowance)
    row_expected = np.minimum(expected[row_query] / count, row_allowance)
    shard = ((np.cumsum(row_expected) - row_expected / 2) / size).astype(np.int64)
    _, shard = np.unique(shard, return_inverse=True)
    keep = shard < MOST_SHARDS
    # A query split over shards beyond the limit keeps only the parts inside: the next plan asks for the rest.
    return Rows(
        shard=shard[keep].astype(np.int64),
        query=row_query[keep],
        need=row_need[keep],
        allowance=row_allowance[keep],
        share=((count > 1) | (counts.live_need[row_query] > 0)).astype(np.int64)[keep],
        expected=row_expected[keep],
    )


def _even(whole: Ints, part: Ints, parts: Ints) -> Ints:
    """Part number `part` of `whole` cut into `parts` as evenly as whole numbers allow."""
    return whole // parts + (part < whole % parts)
