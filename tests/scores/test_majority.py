"""maj@k: the exact value is what a vote among k trials comes to over all choices."""

from itertools import combinations
from math import isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dart_k8s.scores.majority import majority_at_k


def voted(correct: int, others: list[int], silent: int, k: int) -> float:
    """By looking at every choice."""
    trials: list[int | None] = [0] * correct + [n for n, size in enumerate(others, 1) for _ in range(size)]
    choices = list(combinations([*trials, *[None] * silent], k))
    won = 0.0
    for choice in choices:
        said = [answer for answer in choice if answer is not None]
        counts = {answer: said.count(answer) for answer in said}
        best = [answer for answer, count in counts.items() if count == max(counts.values())]
        won += (0 in best) / max(1, len(best))
    return won / len(choices)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4), st.lists(st.integers(1, 3), max_size=3), st.integers(0, 2), st.integers(1, 9))
def test_it_is_the_mean_over_all_choices(correct, others, silent, k):
    n = correct + sum(others) + silent
    found = majority_at_k(correct, others, silent, k)
    assert isnan(found) if k > n else found == pytest.approx(voted(correct, others, silent, k))


@pytest.mark.parametrize(
    ("correct", "others", "silent", "k", "value"),
    [
        (3, [2], 0, 5, 1.0),
        (2, [2], 1, 5, 0.5),
        (1, [1, 1], 0, 3, 1 / 3),
        (0, [1], 4, 5, 0.0),
        (1, [], 99, 100, 1.0),
        (2, [7], 1, 1, 0.2),
    ],
)
def test_ties_are_shared_and_trials_without_an_answer_cast_no_vote(correct, others, silent, k, value):
    assert majority_at_k(correct, others, silent, k) == pytest.approx(value)


def test_large_numbers_stay_numbers():
    assert majority_at_k(60_000, [40_000], 0, 1001) > 0.999999
    assert majority_at_k(300, [250, *[1] * 450], 0, 100) == pytest.approx(0.72, abs=0.06)
