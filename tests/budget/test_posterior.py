"""What counts say about a pass rate, held against closed forms and plain simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta as beta_distribution
from scipy.stats import binom

from dart_k8s.budget.posterior import (
    GRID,
    LOWEST,
    Prior,
    alike,
    chance,
    expected_successes,
    expected_trials,
    fit,
    pairs,
)
from tests.budget.worlds import heavy_tail, pilot

counted = st.integers(0, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def at(p: float) -> np.ndarray:
    """All mass at the grid point next to p."""
    mass = np.zeros(GRID.size)
    mass[np.abs(GRID - p).argmin()] = 1.0
    return mass


def test_the_grid_ascends_inside_the_open_unit_interval():
    assert GRID[0] == pytest.approx(LOWEST) and GRID[-1] < 1
    assert (np.diff(GRID) > 0).all()


@given(counted)
def test_the_posterior_is_a_distribution_and_its_mean_lies_on_the_grid(counts):
    mass = Prior.flat().posterior(*counts)
    assert mass.shape == (GRID.size,) and mass.sum() == pytest.approx(1) and (mass >= 0).all()
    assert GRID[0] <= float(Prior.flat().mean(*counts)) <= GRID[-1]


@given(counted)
def test_one_more_success_raises_the_estimate_and_one_more_failure_lowers_it(counts):
    s, n = counts
    prior = Prior.flat()
    before, success, failure = (float(prior.mean(*c)) for c in ((s, n), (s + 1, n + 1), (s, n + 1)))
    assert failure <= before <= success


@pytest.mark.parametrize(("s", "n"), [(30, 100), (150, 200), (5, 1000), (0, 500), (64, 64)])
def test_many_trials_outweigh_the_prior(s, n):
    # A Beta(1, 1) prior is as flat as ours; the two agree once the counts speak.
    expected = beta_distribution(1 + s, 1 + n - s).mean()
    assert float(Prior.flat().mean(s, n)) == pytest.approx(expected, rel=0.15 if s else 0.7, abs=0.002)


def test_means_of_many_queries_are_those_of_each():
    prior = fit([3, 8, 0, 1], [8, 8, 8, 2])
    s, n = np.array([[3, 0], [8, 3]]), np.array([[8, 64], [8, 8]])
    one_by_one = [
        [float(prior.mean(int(a), int(b))) for a, b in zip(x, y, strict=True)] for x, y in zip(s, n, strict=True)
    ]
    assert prior.mean(s, n) == pytest.approx(np.array(one_by_one))


@given(st.lists(counted, min_size=1, max_size=40))
def test_grouping_keeps_every_query(counts):
    s, n = np.array(counts, dtype=np.int64).T
    grouped = pairs(s, n)
    assert (grouped.correct[grouped.index] == s).all() and (grouped.trials[grouped.index] == n).all()
    assert grouped.count.sum() == s.size
    assert len(set(zip(grouped.correct.tolist(), grouped.trials.tolist(), strict=True))) == grouped.correct.size


@given(st.integers(1, 30), st.integers(0, 2**20), st.booleans())
def test_rows_alike_are_one_group_whatever_the_size_of_the_numbers(rows, seed, large):
    rng = np.random.default_rng(seed)
    columns = [rng.integers(0, 3, rows) * (10**12 if large else 1) for _ in range(4)]
    first, index = alike(*columns)
    keys = list(zip(*(column.tolist() for column in columns), strict=True))
    assert [keys[first[group]] for group in index] == keys
    assert first.size == len(set(keys))


@pytest.mark.parametrize("p", [0.01, 0.2, 0.7])
@pytest.mark.parametrize(("need", "trials"), [(1, 1), (1, 50), (7, 40), (40, 60), (3, 2), (0, 5), (4, 0)])
def test_the_chance_of_a_known_pass_rate_is_the_binomial_tail(p, need, trials):
    mass = at(p)
    p = float(GRID[mass.argmax()])
    assert float(chance(mass, need, trials)) == pytest.approx(binom.sf(need - 1, trials, p), abs=1e-9)


@given(counted, st.integers(0, 60), st.integers(0, 3000))
def test_the_chance_falls_with_the_need_and_rises_with_the_trials(counts, need, trials):
    mass = Prior.flat().posterior(*counts)
    now = float(chance(mass, need, trials))
    assert -1e-9 <= now <= 1 + 1e-9
    assert float(chance(mass, need + 1, trials)) <= now + 1e-9
    assert float(chance(mass, need, trials + 10)) >= now - 1e-9


@pytest.mark.parametrize(("s", "n"), [(0, 0), (0, 64), (3, 8), (60, 64)])
@pytest.mark.parametrize(("need", "trials"), [(1, 30), (10, 200), (40, 100)])
def test_chance_and_expectations_agree_with_simulated_futures(s, n, need, trials):
    rng = np.random.default_rng([s, n, need, trials])
    mass = Prior.flat().posterior(s, n)
    rates = rng.choice(GRID, size=40_000, p=mass / mass.sum())
    last = need + rng.negative_binomial(need, rates)
    reached = last <= trials
    found = np.where(reached, need, rng.binomial(trials, rates))
    assert float(chance(mass, need, trials)) == pytest.approx(reached.mean(), abs=0.012)
    spent = np.minimum(last, trials)
    assert float(expected_trials(mass, need, trials)) == pytest.approx(spent.mean(), rel=0.02)
    # Wald's identity ties the two together: E successes = E (p * trials).
    assert float(expected_successes(mass, need, trials)) == pytest.approx((rates * spent).mean(), rel=0.03)
    assert found.max() <= trials


@given(counted, st.integers(0, 100), st.integers(0, 5000))
def test_expected_trials_are_at_least_the_need_and_at_most_what_is_left(counts, need, trials):
    spent = float(expected_trials(Prior.flat().posterior(*counts), need, trials))
    assert min(need, trials) - 1e-6 <= spent <= trials + 1e-6


def test_arrays_of_needs_give_what_each_need_gives():
    mass = Prior.flat().posterior(np.array([0, 3]), np.array([4, 8]))
    both = expected_trials(mass, np.array([2, 5]), np.array([100, 50]))
    assert both == pytest.approx([float(expected_trials(mass[0], 2, 100)), float(expected_trials(mass[1], 5, 50))])


def test_the_fit_finds_both_humps_of_a_bimodal_population():
    rng = np.random.default_rng(7)
    rates = np.where(rng.random(6000) < 0.3, 0.05, 0.9)
    prior = fit(rng.binomial(32, rates), np.full(6000, 32))

    for p, share in ((0.05, 0.3), (0.9, 0.7)):
        assert prior.weights[np.abs(GRID - p) < 0.04].sum() == pytest.approx(share, abs=0.03)
    assert float(prior.weights @ GRID) == pytest.approx(rates.mean(), abs=0.01)
    # One lucky query among them is judged by the others: shrunk to the hump it comes from, not to 1/8.
    assert float(prior.mean(1, 8)) == pytest.approx(0.05, abs=0.02)


@given(st.lists(counted, min_size=1, max_size=20))
def test_no_fit_rules_a_pass_rate_out(counts):
    s, n = np.array(counts, dtype=np.int64).T
    prior = fit(s, n)
    assert (prior.weights > 0).all() and prior.weights.sum() == pytest.approx(1)
    assert np.isfinite(prior.mean(s, n)).all()


def test_queries_without_trials_do_not_move_the_fit():
    assert fit([0, 0], [0, 0]).weights == pytest.approx(Prior.flat().weights)
    tried = fit([3, 8], [8, 8])
    assert fit([3, 8, 0, 0], [8, 8, 0, 0]).weights == pytest.approx(tried.weights)


def test_a_fit_goes_on_from_where_the_last_one_was():
    counts = pilot(heavy_tail(3000, seed=1), 16)
    whole = fit(counts.correct, counts.trials, steps=400)
    again = fit(counts.correct, counts.trials, start=whole, steps=5)
    assert np.abs(again.weights - whole.weights).sum() < 0.01


def test_stopping_at_the_last_success_does_not_bias_the_estimate():
    rng = np.random.default_rng(11)
    rates = rng.choice([0.1, 0.5, 0.9], size=9000)
    trials = 5 + rng.negative_binomial(5, rates)
    correct = np.full(9000, 5)
    means = fit(correct, trials).mean(correct, trials)
    # Among queries that look alike the estimate is right on average; the raw quotient is not for the hard ones.
    for low, high in ((5, 7), (8, 12), (13, 30), (31, 60), (61, 1000)):
        alike_ones = (trials >= low) & (trials <= high)
        assert means[alike_ones].mean() == pytest.approx(rates[alike_ones].mean(), rel=0.06)
    assert (5 / trials)[rates == 0.1].mean() > 0.115


def test_stored_weights_come_back_as_the_same_prior_and_none_as_the_flat_one():
    prior = fit([3, 8, 0], [8, 8, 8])
    assert (Prior.of(prior.weights.tolist()).weights == prior.weights).all()
    assert (Prior.of(()).weights == Prior.flat().weights).all()
