"""Models side by side: paired over the problems that both have; what is like for like; the paper's rows."""

import numpy as np
import pytest

from dart_k8s.scores.comparing import Cost, Measured, Side, compare
from dart_k8s.scores.numbers import Resampling
from dart_k8s.scores.paper import TABLE, published

HOW = Resampling(resamples=1000)


def side(name: str, right: str, *, ids: str = "", bench: str = "math", cost: Cost | None = None) -> Side:
    values = np.array([digit == "1" for digit in right], dtype=float)
    names = tuple(ids or "abcdefghijklmnop"[: len(right)])
    measured = Measured(ids=names, values={"strict": values, "lenient": values}, measure="greedy")
    return Side(name=name, model=name, benchmarks={bench: measured}, cost=cost or Cost())


def test_differences_are_paired_over_problems():
    [one] = compare([side("a", "11110000"), side("b", "11111100")], HOW).against
    [line] = one.lines["strict"]
    assert (line.first, line.other) == (0.5, 0.75)
    assert (line.only_first, line.only_other, line.items) == (0, 2, 8)
    assert line.difference.value == pytest.approx(0.25)
    assert line.difference.low >= 0.0


def test_only_common_problems_count_whatever_their_order():
    [one] = compare([side("a", "1100", ids="abcd"), side("b", "0101", ids="dcbx")], HOW).against
    [line] = one.lines["strict"]
    assert (line.items, line.left_out) == (3, 2)
    assert (line.only_first, line.only_other) == (1, 1)


def test_swapping_the_two_turns_the_sign():
    a, b = side("a", "1101001110"), side("b", "1000111110")
    [there], [back] = (compare(pair, HOW).against[0].lines["strict"] for pair in ([a, b], [b, a]))
    assert there.difference.value == -back.difference.value
    assert there.detectable == back.detectable


@pytest.mark.parametrize(
    ("first", "other", "unlike", "unknown"),
    [
        (Cost(rows=1000, steps=100), Cost(rows=1040, steps=100), 0, 0),
        (Cost(rows=1000, steps=100), Cost(rows=1100, steps=100), 1, 0),
        (Cost(rows=1000, steps=100), Cost(rows=1000, steps=120), 1, 0),
        (Cost(rows=1000, steps=100), Cost(rows=1000), 0, 1),
    ],
)
def test_like_for_like_means_rows_and_steps_within_five_percent(first, other, unlike, unknown):
    [one] = compare([side("a", "10", cost=first), side("b", "01", cost=other)], HOW).against
    assert (len(one.unlike), len(one.unknown)) == (unlike, unknown)


def test_benchmarks_that_only_one_has_are_left_out():
    [one] = compare([side("a", "10"), side("b", "10", bench="gsm8k")], HOW).against
    assert one.lines["strict"] == ()


def test_the_papers_rows_are_found_by_model_and_by_base():
    assert [row.name for row in published("hf://hkust-nlp/dart-math-llama3-8b-uniform")] == [
        "DART-Math-Llama-3-8B (Uniform)"
    ]
    assert {row.name for row in published("runs/x/model", "hf://mistralai/Mistral-7B-v0.1")} == {
        "Mistral-7B-MetaMath", "DART-Math-Mistral-7B (Uniform)", "DART-Math-Mistral-7B (Prop2Diff)",
    }  # fmt: skip
    assert published("runs/x/model", "hf://HuggingFaceTB/SmolLM2-135M") == ()


def test_printed_averages_are_those_of_the_six_numbers():
    printed = {"hkust-nlp/dart-math-llama3-70b-prop2diff": 49.3, "deepseek-ai/deepseek-math-7b-rl": 49.3}
    printed |= {"hkust-nlp/dart-math-dsmath-7b-prop2diff": 49.4, "hkust-nlp/dart-math-mistral-7b-prop2diff": 38.8}
    printed |= {"hkust-nlp/dart-math-llama3-8b-prop2diff": 39.7, "hkust-nlp/dart-math-llama3-8b-uniform": 38.7}
    for row in TABLE:
        if row.model in printed:
            assert row.average == pytest.approx(printed[row.model], abs=0.06)
