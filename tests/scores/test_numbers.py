"""pass@k, coverage, intervals, averages and power, against simulation and against themselves in another order."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dart_k8s.scores.average import average_of
from dart_k8s.scores.benchmark import Judged, Outcomes, Votes, Wanted, scores_of
from dart_k8s.scores.bootstrap import detectable, estimate, estimate_average, means
from dart_k8s.scores.curves import coverage, pass_at_k
from dart_k8s.scores.numbers import Resampling

HOW = Resampling(resamples=2000, seed=7)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 100_000), st.data())
def test_pass_at_k_is_exact_to_nine_digits_for_many_trials(n, data):
    c = data.draw(st.integers(0, min(n, 50)))
    k = data.draw(st.integers(1, min(n, 1000)))
    exact = 1 - Fraction(comb(n - c, k), comb(n, k))
    assert float(pass_at_k(n, c, k)) == pytest.approx(float(exact), rel=0, abs=1e-9)


def test_pass_at_k_is_unbiased():
    draws = np.random.default_rng(3)
    p, n, k = 0.15, 20, 5
    found = pass_at_k(n, draws.binomial(n, p, size=20_000), k)
    assert found.mean() == pytest.approx(1 - (1 - p) ** k, abs=4 * found.std() / np.sqrt(found.size))


def test_coverage_is_the_share_solved_so_far():
    assert coverage(np.array([0, 2, -1, 5]), 4).value.tolist() == [0.25, 0.25, 0.5, 0.5]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_an_interval_does_not_depend_on_the_order_of_problems(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    first, second = (estimate(np.array(one), HOW, of="x") for one in (values, shuffled))
    assert (first.low, first.high) == (second.low, second.high)
    assert first.low <= first.value + 1e-12 and first.value - 1e-12 <= first.high


def test_resamples_spread_as_the_mean_does():
    values = np.repeat([0.0, 0.5, 1.0], [300, 100, 200])
    found = means(values, HOW, of="x")
    assert found.mean() == pytest.approx(values.mean(), abs=0.003)
    assert found.std() == pytest.approx(values.std() / np.sqrt(values.size), rel=0.06)


def test_intervals_hold_the_truth_as_often_as_they_say():
    draws = np.random.default_rng(1)
    how = Resampling(resamples=400, confidence=0.9)
    held = 0
    for number in range(400):
        values = (draws.random(150) < 0.6).astype(float)
        found = estimate(values, how, of=str(number))
        held += found.low <= 0.6 <= found.high
    assert 0.85 <= held / 400 <= 0.95


def test_a_benchmark_weighs_the_same_whatever_its_size():
    found = estimate_average([("a", np.ones(10)), ("b", np.zeros(1000))], HOW)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_a_difference_of_the_detectable_size_is_seen_four_times_in_five():
    draws = np.random.default_rng(5)
    how = Resampling(resamples=400)
    n, churn = 400, 0.2
    gap = detectable([np.repeat([1.0, -1.0, 0.0], [40, 40, 320])], confidence=0.95)
    assert gap is not None
    seen = 0
    for number in range(300):
        u = draws.random(n)
        values = np.where(u < (churn + gap) / 2, 1.0, np.where(u < churn, -1.0, 0.0))
        seen += estimate(values, how, of=str(number)).low > 0
    assert seen / 300 == pytest.approx(0.8, abs=0.08)


def test_where_no_problem_differs_nothing_is_said_of_power():
    assert detectable([np.zeros(50)], confidence=0.95) is None


def outcomes(name: str = "b", *, right: int = 3, n: int = 5, pictures: int = 1) -> Outcomes:
    """Five problems; `right` greedy ones are right, and as many trials of each."""
    judged = Judged(
        greedy=np.arange(5) < right,
        correct=np.full(5, min(right, n)),
        first=np.where(np.arange(5) < right, 0, 1),
        votes=tuple(Votes(others=(n - min(right, n),), silent=0) for _ in range(5)),
    )
    return Outcomes(
        name=name,
        ids=tuple("abcde"),
        subjects=("algebra", "algebra", "geometry", None, "geometry"),
        levels=("2", "10", "2", "10", "2"),
        pictures=np.arange(5) >= 5 - pictures,
        trials=np.full(5, n),
        judged={"strict": judged, "lenient": judged},
    )


def test_scores_come_by_subject_level_and_picture():
    found = scores_of(outcomes(), Wanted(pass_at=(1, 5), majority_at=(5,)), HOW)
    strict = found.scores["strict"]
    assert strict.greedy is not None and strict.greedy.value == 0.6
    assert [(at.k, round(at.score.value, 3)) for at in strict.pass_at] == [(1, 0.6), (5, 1.0)]
    assert strict.majority_at[0].score.value == 1.0
    assert [(group.label, group.items) for group in found.by_subject] == [("algebra", 2), ("geometry", 2)]
    assert [group.label for group in found.by_level] == ["2", "10"]
    assert [(g.label, g.items) for g in found.by_picture] == [("with a picture", 1), ("without a picture", 4)]


def test_without_pictures_nothing_is_told_apart():
    assert scores_of(outcomes(pictures=0), Wanted(), HOW).by_picture == ()


def test_too_few_trials_for_a_k_leave_it_out():
    assert [at.k for at in scores_of(outcomes(n=4), Wanted(pass_at=(1, 4, 5)), HOW).scores["strict"].pass_at] == [1, 4]


def test_the_average_is_over_benchmarks():
    found = average_of([outcomes("a", right=5), outcomes("b", right=1)], Wanted(pass_at=(1,)), HOW)
    strict = found.scores["strict"]
    assert strict.greedy is not None and strict.greedy.value == pytest.approx(0.6)
    assert strict.pass_at[0].score.value == pytest.approx(0.6)
