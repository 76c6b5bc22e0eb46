"""From counts to shards: nothing is asked for twice, nothing beyond a cap, and the shards are alike."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dart_k8s.budget import planning
from dart_k8s.budget.planning import LEAST_SHARD, MOST_SHARDS, demand, look
from dart_k8s.budget.posterior import Prior, fit
from dart_k8s.budget.stops import Stop
from dart_k8s.budget.strategies import PILOT, Goal, Kind
from tests.budget.worlds import counts_of, heavy_tail, pilot, untried

goals = st.sampled_from(
    [
        Goal(kind=Kind.UNIFORM, scale=40, cap=2048),
        Goal(kind=Kind.UNIFORM, scale=3, cap=20),
        Goal(kind=Kind.PROP2DIFF, scale=192, min_trials=32, cap=8192),
        Goal(kind=Kind.PROP2DIFF, scale=192, min_trials=32, cap=40),
        Goal(kind=Kind.PROP2DIFF, scale=16, min_trials=4, cap=8192),
        Goal(kind=Kind.VANILLA, scale=52, cap=60),
    ]
)


def some_counts(goal, size, seed):
    """Counts from the middle of a run, with live claims and surplus."""
    rng = np.random.default_rng(seed)
    trials = rng.integers(0, min(goal.cap, 80) + 1, size)
    correct = rng.binomial(trials, heavy_tail(size, seed=seed))
    distinct = rng.binomial(correct, 0.95)
    spent = np.minimum(goal.cap, trials + rng.integers(0, 5, size))
    live = rng.random(size) < 0.3
    live_trials = np.where(live, rng.integers(0, np.maximum(1, goal.cap - spent + 1)), 0)
    return counts_of(
        trials,
        correct,
        distinct=distinct,
        singles=distinct,
        spent=spent,
        live_trials=live_trials,
        live_need=np.minimum(live_trials, rng.integers(0, 20, size)),
    )


def planned(goal, counts, *, shard_trials=500, samplers=2, seed=0):
    """Judgement, demand and rows."""
    prior = fit(counts.correct, counts.trials)
    judged = look(goal, prior, counts)
    need, allowance, expected = demand(goal, prior, counts, judged)
    rows = planning.cut(
        goal, need, allowance, expected, counts, shard_trials=shard_trials, samplers=samplers, seed=seed
    )
    return judged, need, allowance, expected, rows


@given(goals, st.integers(1, 80), st.integers(0, 2**20), st.integers(16, 2000), st.integers(1, 8))
def test_a_plan_hands_out_what_is_needed_and_nothing_else(goal, size, seed, shard_trials, samplers):
    counts = some_counts(goal, size, seed)
    judged, need, allowance, _, rows = planned(goal, counts, shard_trials=shard_trials, samplers=samplers, seed=seed)
    asked = np.bincount(rows.query, weights=rows.need, minlength=size)
    given_out = np.bincount(rows.query, weights=rows.allowance, minlength=size)
    assert (asked == np.minimum(need, allowance)).all()
    assert (given_out == np.where(need > 0, allowance, 0)).all()
    assert (
        given_out + counts.live_trials + counts.spent <= np.maximum(goal.cap, counts.spent + counts.live_trials)
    ).all()
    assert (asked + counts.live_need <= np.maximum(judged.need, counts.live_need)).all()
    assert (rows.allowance > 0).all() and (rows.need > 0).all() and (rows.need <= rows.allowance).all()
    assert not asked[judged.reason != Stop.OPEN].any()
    assert (np.diff(rows.shard) >= 0).all() and rows.shards == np.unique(rows.shard).size
    alone = np.bincount(rows.query, minlength=size)[rows.query] == 1
    assert ((rows.share == 0) == (alone & (counts.live_need[rows.query] == 0))).all()


@given(goals, st.integers(0, 2**20), st.integers(1, 4))
def test_with_several_samplers_the_first_claim_on_a_query_ends_early(goal, seed, samplers):
    counts = some_counts(goal, 60, seed)
    *_, allowance, expected, _ = planned(goal, counts)
    most, likely = planning.first_claims(goal, allowance, expected, counts, samplers=samplers)
    first = counts.trials < max(PILOT, goal.min_trials)
    alone = samplers == 1 or goal.kind is Kind.VANILLA
    bound = np.where(first & (not alone), np.minimum(allowance, max(64, goal.min_trials)), allowance)
    assert (most == bound).all() and (likely[~first] == expected[~first]).all()
    assert (likely <= most).all() and ((most > 0) == (allowance > 0)).all()


@settings(max_examples=15)
@given(goals, st.integers(0, 2**20))
def test_a_seed_repeats_a_plan(goal, seed):
    counts = some_counts(goal, 60, seed)
    rows, again, other = (planned(goal, counts, seed=s)[-1] for s in (seed, seed, seed + 1))
    for name in ("shard", "query", "need", "allowance", "share", "expected"):
        assert (getattr(rows, name) == getattr(again, name)).all()
    assert rows.query.size < 20 or not np.array_equal(rows.query, other.query)


@pytest.mark.parametrize("kind", [Kind.UNIFORM, Kind.PROP2DIFF])
def test_shards_are_about_even_and_mixed(kind):
    goal = Goal(kind=kind, scale=40, min_trials=0, cap=1024)
    counts = pilot(heavy_tail(4000, seed=3), 16)
    *_, rows = planned(goal, counts, shard_trials=2000)
    size = np.bincount(rows.shard, weights=rows.expected)
    assert rows.shards > 20
    # A row is at most one shard, so the border between two shards is off by half a shard at worst.
    assert np.abs(size[:-1] - 2000).max() <= 1000 and size[:-1].std() < 0.2 * 2000
    assert abs(np.corrcoef(rows.shard, rows.query)[0, 1]) < 0.1
    assert abs(np.corrcoef(rows.shard, counts.correct[rows.query])[0, 1]) < 0.1


def test_a_large_query_is_split_over_shards_once_it_has_had_its_first_trials():
    goal = Goal(kind=Kind.UNIFORM, scale=40, cap=100_000)
    known = counts_of(np.array([1000]), np.array([10]))
    *_, rows = planned(goal, known, shard_trials=200)
    assert rows.query.size > 10 and (rows.share == 1).all() and np.ptp(rows.need) <= 1 and np.ptp(rows.allowance) <= 1
    *_, rows = planned(goal, untried(1), shard_trials=200)
    assert rows.query.size == 1 and rows.share.tolist() == [0]


def test_little_work_is_spread_over_all_samplers():
    goal = Goal(kind=Kind.VANILLA, scale=60)
    *_, rows = planned(goal, untried(20), shard_trials=5000, samplers=8)
    assert 16 <= rows.shards <= 26
    *_, rows = planned(Goal(kind=Kind.VANILLA, scale=1), untried(20), shard_trials=5000, samplers=8)
    assert rows.shards <= 20 // LEAST_SHARD + 1


def test_a_plan_of_a_huge_set_stays_small_and_leaves_the_rest_to_the_next():
    goal = Goal(kind=Kind.VANILLA, scale=16)
    *_, rows = planned(goal, untried(3 * MOST_SHARDS), shard_trials=16)
    assert rows.shards == MOST_SHARDS and (rows.need == 16).all()


def test_live_claims_are_subtracted():
    goal = Goal(kind=Kind.UNIFORM, scale=40, cap=1000)
    counts = counts_of(np.array([50, 50, 50]), np.array([10, 10, 10]), live_need=np.array([0, 20, 30]))
    counts = replace(counts, live_trials=np.array([0, 100, 950]))
    _, need, allowance, *_ = planned(goal, counts)
    assert need.tolist() == [30, 10, 0] and allowance.tolist() == [950, 850, 0]


@pytest.mark.parametrize(("trials", "min_trials", "need"), [(4, 0, 0), (7, 4, 0), (8, 4, 8), (31, 32, 0), (32, 32, 8)])
def test_a_query_in_its_first_trials_has_one_claim_only(trials, min_trials, need):
    # So at most eight are in flight before eight verdicts, whatever the number of samplers.
    goal = Goal(kind=Kind.UNIFORM, scale=10, min_trials=min_trials)
    counts = counts_of(np.array([trials]), np.array([1]), live_need=np.array([1]), live_trials=np.array([20]))
    assert planned(goal, counts)[1].tolist() == [need]


def test_first_trials_are_part_of_the_forecast():
    goal = Goal(kind=Kind.PROP2DIFF, scale=4, min_trials=32)
    *_, expected, _ = planned(goal, untried(10))
    assert (expected >= 32).all()


def test_a_query_set_aside_gets_nothing():
    counts = untried(3, aside=np.array([0, 1, 0]))
    judged, need, *_ = planned(Goal(kind=Kind.UNIFORM, scale=4), counts)
    assert judged.reason.tolist() == [0, Stop.SET_ASIDE, 0] and need.tolist() == [4, 0, 4]


def test_a_pass_rate_from_outside_fixes_the_target():
    goal = Goal(kind=Kind.PROP2DIFF, scale=100, min_trials=0)
    counts = replace(pilot(np.full(3, 0.5), 40), pass_rate=np.array([0.9, 0.0, np.nan]), own=np.array([0, 0, 7]))
    judged = look(goal, Prior.flat(), counts)
    assert judged.target.tolist() == [10, 100, 7] and judged.pass_rate[:2].tolist() == [0.9, 0.0]


def test_nothing_open_is_a_plan_without_shards():
    counts = counts_of(np.array([10]), np.array([9]))
    *_, rows = planned(Goal(kind=Kind.UNIFORM, scale=4), counts)
    assert rows.shards == 0 and rows.query.size == 0


@given(goals, st.integers(0, 2**20))
def test_queries_alike_are_forecast_alike(goal, seed):
    counts = some_counts(goal, 40, seed)
    twice = type(counts)(**{name: np.concatenate([getattr(counts, name)] * 2) for name in counts.__slots__})
    prior = fit(counts.correct, counts.trials)
    once = demand(goal, prior, counts, look(goal, prior, counts))[2]
    both = demand(goal, prior, twice, look(goal, prior, twice))[2]
    assert both == pytest.approx(np.concatenate([once, once]))
