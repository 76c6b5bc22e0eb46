"""What is said of a Training before it starts: packs, steps, division, the choice of rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.api.optimising import Optimisation
from dart_k8s.errors import NothingToTrainOn, SpecError
from dart_k8s.training.division import divide
from dart_k8s.training.packing import Packs, draw, draw_epochs
from dart_k8s.training.plan import Plan, choose, plan


def lengths_of(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@given(st.lists(st.integers(1, 64), min_size=1, max_size=200), st.integers(0, 5))
def test_every_row_is_in_one_pack_of_an_epoch_and_no_pack_is_too_long(values: list[int], epoch: int) -> None:
    lengths = lengths_of(*values)
    packs = draw(lengths, 64, seed=1, epoch=epoch)
    assert sorted(packs.rows.tolist()) == list(range(len(values)))
    assert all(0 < lengths[packs.of(k)].sum() <= 64 for k in range(packs.size))


@given(st.lists(st.integers(1, 64), min_size=1, max_size=120))
def test_packing_takes_little_more_than_the_least_number_of_packs(values: list[int]) -> None:
    packs = draw(lengths_of(*values), 64, seed=0, epoch=0)
    assert packs.size <= 11 / 9 * math.ceil(sum(values) / 64) + 4


def contents(packs: Packs) -> list[frozenset[int]]:
    return [frozenset(packs.of(k).tolist()) for k in range(packs.size)]


def test_packs_are_drawn_anew_each_epoch_and_the_same_again_for_the_same_seed() -> None:
    lengths = np.random.default_rng(0).integers(10, 60, 300)
    first, again, second = (draw(lengths, 128, seed=3, epoch=epoch) for epoch in (0, 0, 1))
    assert contents(first) == contents(again)
    assert first.size == second.size
    assert len(set(contents(first)) & set(contents(second))) < first.size / 10


def test_realistic_lengths_fill_999_tokens_of_a_thousand() -> None:
    # Log-normal with the mean and spread of chains of thought about MATH and GSM8K (about 300 tokens).
    lengths = np.clip(np.random.default_rng(1).lognormal(5.7, 0.6, 60_000).astype(np.int64), 30, 4096)
    packs = draw(lengths, 4096, seed=0, epoch=0)
    assert lengths.sum() / (packs.size * 4096) >= 0.999


def test_sequences_over_several_epochs_hold_every_row_once_an_epoch() -> None:
    lengths = lengths_of(*([20] * 10))
    one = draw(lengths, 64, seed=0, epoch=0).size
    packs = draw_epochs(lengths, 64, 2 * one + 1, seed=0)
    assert packs.size == 2 * one + 1
    assert np.bincount(packs.rows[: packs.starts[2 * one]], minlength=10).tolist() == [2] * 10


def test_without_packing_each_row_is_a_sequence() -> None:
    packs = draw(lengths_of(5, 6, 7), 64, seed=0, epoch=0, kind="none")
    assert sorted(map(tuple, contents(packs))) == [(0,), (1,), (2,)]


@pytest.mark.parametrize(
    ("batch", "processes", "at_once", "accumulation"), [(64, 8, None, 8), (64, 8, 4, 2), (8, 2, 1, 4), (8, 1, 8, 1)]
)
def test_a_batch_is_global(batch: int, processes: int, at_once: int | None, accumulation: int) -> None:
    division = divide(batch, processes, at_once)
    assert division.accumulation == accumulation and division.batch == batch


def test_a_batch_that_does_not_divide_is_refused_with_numbers_that_do() -> None:
    with pytest.raises(SpecError, match=r"batch of 64 .* 6 processes") as error:
        divide(64, 6)
    assert "4 or 8 or 16 processes" in error.value.remedy or "4 or 8" in error.value.remedy


def planned(lengths: np.ndarray, dropped: int = 0, parameters: int = 7_000_000_000, **settings: object) -> Plan:
    optimisation = Optimisation.model_validate({"batch": 4, "length": 64, **settings}, by_name=True)
    return plan(lengths, optimisation, learnt=int(lengths.sum() // 2), dropped=dropped, parameters=parameters)


def test_a_plan_says_rows_tokens_packs_steps_and_warm_up() -> None:
    made = planned(lengths_of(*([32] * 400)), epochs=3)
    assert (made.rows, made.tokens, made.packs, made.fill) == (400, 12_800, 200, 1.0)
    assert (made.steps, made.warmup_steps, made.epochs) == (150, 5, 3.0)
    assert made.warnings == ()
    assert Plan.from_dict(made.to_dict()) == made


def test_under_fifty_steps_is_a_warning_that_names_length_batch_and_epochs() -> None:
    [warning] = planned(lengths_of(*([32] * 100)), epochs=1).warnings
    for word in ("only 13 optimiser steps", "batch 4", "length 64", "1 epochs"):
        assert word in warning


def test_rows_that_are_dropped_are_counted_and_said() -> None:
    made = planned(lengths_of(*([32] * 400)), dropped=7, epochs=3)
    assert made.dropped_rows == 7
    assert "7 rows are longer than 64 tokens" in made.warnings[0]


def test_most_steps_make_two_trainings_equal() -> None:
    assert planned(lengths_of(*([32] * 400)), epochs=3, max_steps=60).steps == 60


@pytest.mark.parametrize(("lengths", "says"), [((), "Nothing is left"), ((32,) * 3, "one step takes a batch of 4")])
def test_too_few_rows_are_refused_in_words(lengths: tuple[int, ...], says: str) -> None:
    with pytest.raises(NothingToTrainOn, match=says):
        planned(lengths_of(*lengths), epochs=1)


@pytest.mark.parametrize(
    ("parameters", "rate"), [(135_000_000, 5e-5), (8_000_000_000, 5e-5), (69_000_000_000, 2e-5), (70_553_706_496, 2e-5)]
)
def test_the_learning_rate_is_the_papers_by_the_models_size(parameters: int, rate: float) -> None:
    assert planned(lengths_of(*([32] * 400)), parameters=parameters).learning_rate == rate


def test_a_choice_of_rows_keeps_how_many_rows_each_query_has() -> None:
    rows_of = np.random.default_rng(0).geometric(0.05, 200)
    queries = np.repeat(np.arange(200), rows_of)
    chosen = choose(queries, queries.size // 3, seed=7)
    assert chosen.size == queries.size // 3 == np.unique(chosen).size
    kept = np.bincount(queries[chosen], minlength=200)
    assert np.abs(kept - rows_of * chosen.size / queries.size).max() <= 1
    assert np.array_equal(chosen, choose(queries, chosen.size, seed=7))
    assert not np.array_equal(chosen, choose(queries, chosen.size, seed=8))
