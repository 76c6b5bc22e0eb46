"""A fixed total: never exceeded, spent whole, and in the strategy's proportions wherever it is stopped."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dart_k8s.budget.posterior import Prior, fit
from dart_k8s.budget.stops import Stop
from dart_k8s.budget.strategies import Goal, Kind, targets
from dart_k8s.budget.totals import PILOT_TRIALS, demand_at, solve, stage
from tests.budget.worlds import Staged, counts_of, heavy_tail, pilot, spread_out, untried

kinds = st.sampled_from([Kind.UNIFORM, Kind.PROP2DIFF, Kind.VANILLA])


def distance(kept, ideal):
    """L1 distance of two distributions of rows over queries."""
    return float(np.abs(kept / kept.sum() - ideal / ideal.sum()).sum())


@pytest.mark.parametrize(
    ("kind", "min_trials", "per_query"), [(Kind.UNIFORM, 0, 50), (Kind.PROP2DIFF, 32, 80), (Kind.PROP2DIFF, 8, 60)]
)
def test_stopping_after_any_stage_leaves_the_strategys_proportions(kind, min_trials, per_query):
    rates = spread_out(400)
    run = Staged(goal=Goal(kind=kind, scale=8192, min_trials=min_trials, total=400 * per_query), rates=rates)
    scales = []
    for number, (now, prior) in enumerate(run.stages()):
        if number == 0:
            assert run.counts.trials.tolist() == [max(min_trials, PILOT_TRIALS)] * 400
            continue
        wanted = targets(kind, now.scale, prior.mean(run.counts.correct, run.counts.trials))
        assert distance(np.minimum(run.counts.correct, wanted), wanted) <= 0.1
        scales.append(now.scale)
    assert int(run.counts.trials.sum()) == run.goal.total
    # The targets that were tracked are those of the true pass rates as far as the trials of a query can tell.
    assert distance(wanted, targets(kind, now.scale, rates)) <= 0.16
    assert scales[-1] > 5 and np.median(np.diff(scales)) >= 0 and len(scales) < 30


def test_vanilla_gives_every_query_the_same_number_of_trials_at_every_stage():
    run = Staged(goal=Goal(kind=Kind.VANILLA, scale=8192, total=50 * 37 + 20), rates=spread_out(50))
    for _ in run.stages():
        assert np.ptp(run.counts.trials) <= 1
    assert int(run.counts.trials.sum()) == 50 * 37 + 20


def test_a_run_that_reaches_its_scale_stops_before_the_total():
    goal = Goal(kind=Kind.UNIFORM, scale=3, total=100_000)
    run = Staged(goal=goal, rates=spread_out(40, least=0.3))
    *_, (_, prior) = run.stages()
    assert run.counts.correct.min() >= 3 and run.counts.trials.sum() < 1000
    end = stage(goal, prior, run.counts, left=90_000, least=16)
    assert (end.judged.reason == Stop.TARGET).all() and not end.allowance.any()


@settings(max_examples=25)
@given(kinds, st.integers(1, 40), st.integers(0, 2**20), st.integers(0, 3000), st.integers(1, 200))
def test_no_stage_hands_out_more_than_is_left(kind, size, seed, left, least):
    rng = np.random.default_rng(seed)
    goal = Goal(kind=kind, scale=100, min_trials=8 if kind is Kind.PROP2DIFF else 0, cap=500, total=10_000)
    trials = rng.integers(0, 120, size)
    correct = rng.binomial(trials, heavy_tail(size, seed=seed))
    live = rng.integers(0, 20, size) * (rng.random(size) < 0.3)
    counts = counts_of(trials, correct, live_trials=live, live_need=np.minimum(live, 3))
    now = stage(goal, fit(correct, trials), counts, left=left, least=least)
    assert int(now.allowance.sum()) <= left and (now.allowance >= 0).all()
    assert (now.need <= now.allowance).all() and ((now.need > 0) == (now.allowance > 0)).all()
    assert (now.allowance + trials + live <= goal.cap).all()
    assert not now.allowance[now.judged.reason != Stop.OPEN].any()
    assert now.scale <= goal.scale and now.affordable <= goal.scale


@pytest.mark.parametrize("left", [1, 7, 39, 40, 100])
def test_a_pilot_that_the_total_does_not_cover_is_cut_evenly(left):
    goal = Goal(kind=Kind.UNIFORM, scale=10, total=left)
    now = stage(goal, Prior.flat(), untried(40), left=left, least=16)
    assert int(now.allowance.sum()) == min(left, 160) and np.ptp(now.allowance) <= 1


def test_nothing_left_is_an_empty_stage():
    goal = Goal(kind=Kind.PROP2DIFF, scale=10, min_trials=4, total=100)
    assert not stage(goal, Prior.flat(), pilot(spread_out(10), 10), left=0, least=16).allowance.any()
    assert not stage(goal, Prior.flat(), untried(10), left=0, least=16).allowance.any()


def test_a_query_without_a_correct_response_at_most_doubles_its_trials_in_a_stage():
    goal = Goal(kind=Kind.UNIFORM, scale=8192, total=10**6)
    counts = pilot(heavy_tail(200, seed=2), 64)
    now = stage(goal, fit(counts.correct, counts.trials), counts, left=10**6 - 200 * 64, least=16)
    assert now.allowance.any() and now.allowance[counts.correct == 0].max() <= 64 and now.allowance.max() <= 256


def test_queries_are_not_closed_as_hopeless_for_a_target_that_nobody_can_afford():
    goal = Goal(kind=Kind.UNIFORM, scale=8192, total=100 * 100)
    counts = pilot(spread_out(100, least=0.2), 70)
    now = stage(goal, fit(counts.correct, counts.trials), counts, left=3000, least=16)
    assert (now.judged.reason == Stop.OPEN).all() and 30 < now.affordable < 60


def test_hopeless_queries_do_not_take_part():
    rates = np.concatenate([np.full(50, 0.5), np.full(10, 1e-4)])
    goal = Goal(kind=Kind.UNIFORM, scale=100, cap=400, total=20_000)
    counts = pilot(rates, 100)
    now = stage(goal, fit(counts.correct, counts.trials), counts, left=14_000, least=16)
    lost = counts.correct == 0
    assert lost.sum() >= 8 and now.affordable > 60
    # Under the same bound that ends them without a total.
    assert set(now.judged.reason[lost]) <= {int(Stop.HOPELESS), int(Stop.OPEN)}
    assert (now.need[lost] <= 1).all() and now.need[~lost].min() > 1


@settings(max_examples=25)
@given(kinds, st.integers(0, 2**20), st.integers(50, 20_000))
def test_the_scale_solved_for_fits_and_is_close_to_the_largest_that_does(kind, seed, trials):
    goal = Goal(kind=kind, scale=200, cap=300, hopeless_probability=0.0)
    counts = pilot(heavy_tail(30, seed=seed), 6)
    prior = fit(counts.correct, counts.trials)
    scale = solve(goal, prior, counts, trials)

    def cost(scale):
        return demand_at(goal, prior, counts, scale)[3].sum()

    step = 0.01 if kind is Kind.PROP2DIFF else 1
    if scale == 0:
        assert cost(1) > trials
    else:
        assert cost(scale) <= trials + 1e-6
        assert scale >= 200 or cost(scale) >= 0.98 * trials or cost(scale + step) > trials
