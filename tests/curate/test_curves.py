"""Coverage and pass@k."""

from itertools import combinations

import numpy as np
import pytest

from dart_k8s.scores.curves import Curve, pass_at_k, reach, shared_trials, sizes_up_to
from dart_k8s.workers.curate import figures


@pytest.mark.parametrize(("n", "c", "k"), [(n, c, k) for n in (1, 4, 7) for c in range(n + 1) for k in range(1, n + 1)])
def test_pass_at_k_is_the_share_of_choices_with_a_success(n: int, c: int, k: int) -> None:
    choices = list(combinations([True] * c + [False] * (n - c), k))
    assert float(pass_at_k(n, c, k)) == pytest.approx(sum(map(any, choices)) / len(choices))


def test_pass_at_k_cannot_be_told_from_fewer_trials() -> None:
    assert np.isnan(pass_at_k(4, 2, 5))


@pytest.mark.parametrize(
    ("trials", "m"), [([], 0), ([0, 0], 0), ([52] * 9, 52), ([32] * 18 + [4], 4), ([4] + [32] * 20 + [900], 32)]
)
def test_at_most_a_twentieth_of_the_queries_is_left_out(trials: list[int], m: int) -> None:
    assert shared_trials(trials) == m


def test_curves_use_the_first_trials_of_the_queries_that_have_so_many() -> None:
    found = reach(np.array([4, 9, 2, 4]), np.array([0, 6, 0, 2]), np.array([3, 0, 1, 1]), 4)
    assert found is not None
    assert (found.m, found.queries, found.left_out) == (4, 3, 1)
    assert found.coverage.value.tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert found.pass_at_k.k.tolist() == [1, 2, 4]
    assert found.pass_at_k.value.tolist() == pytest.approx([1 / 3, (1 + 0.5) / 3, 2 / 3])


def test_no_trials_no_curves() -> None:
    nothing = np.zeros(3, dtype=np.int64)
    assert reach(nothing, nothing - 1, nothing, 0) is None


def test_sizes_double_up_to_m() -> None:
    assert [sizes_up_to(m).tolist() for m in (1, 2, 6)] == [[1], [1, 2], [1, 2, 4, 6]]


def test_figures_have_the_same_bytes_twice_whatever_the_user_s_settings_are(monkeypatch: pytest.MonkeyPatch) -> None:
    difficulty = np.linspace(0, 1, 30)
    sets = [
        figures.Series(name="vanilla", values=np.arange(30)[::-1]),
        figures.Series(name="mine", values=np.arange(30) ** 3),
    ]
    found = reach(np.full(30, 8), np.arange(30) % 8, np.arange(30) % 8, 8)
    assert found is not None

    def drawn() -> list[bytes]:
        return [
            figures.rows_per_query(difficulty, sets),
            figures.trials_per_query(difficulty, sets),
            figures.coverage({"vanilla": found}),
            figures.pass_at_k({"vanilla": found}),
        ]

    first = drawn()
    monkeypatch.setitem(figures.matplotlib.rcParams, "font.size", 30)
    assert drawn() == first
    assert all(image.startswith(b"\x89PNG") for image in first)


def test_figures_bear_queries_of_unknown_difficulty_and_empty_sets() -> None:
    nothing = figures.Series(name="empty", values=np.zeros(3, dtype=np.int64))
    assert figures.rows_per_query(np.array([np.nan, 0.2, 1.0]), [nothing]).startswith(b"\x89PNG")
    assert figures.trials_per_query(np.array([np.nan] * 3), [nothing]).startswith(b"\x89PNG")


def test_a_posterior_curve_is_drawn_on() -> None:
    later = Curve(k=np.array([8, 16, 32]), value=np.array([0.5, 0.6, 0.7]))
    found = reach(np.full(3, 8), np.array([0, -1, 2]), np.array([1, 0, 2]), 8, posterior=later)
    assert found is not None
    assert figures.coverage({"x": found}) != figures.pass_at_k({"x": found})
