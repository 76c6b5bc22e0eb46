"""What a data set's rows tell about its bias."""

import json

import numpy as np
import pyarrow as pa
import pytest

from dart_k8s.errors import DataError
from dart_k8s.workers.analyze import Fields, Reference, analyze, from_query_info, from_rows, from_state

REFERENCE = Reference(
    ids=("m/0", "m/1", "m/2"),
    texts=("What is 1 + 1?", "Find  x.", "Prove it."),
    difficulty=np.array([0.1, 0.5, 0.9]),
    origin="a table",
)


def test_rows_are_joined_by_id_or_by_normalised_text() -> None:
    rows = [
        {"query_id": "m/0", "query": "anything"},
        {"query": " Find x. "},
        {"query_id": "other/7", "query": "Ｐrove it."},
    ]
    (found,) = analyze([("mine", rows, Fields())], REFERENCE).sets
    assert found.per_query.tolist() == [1, 1, 1]
    assert (found.unmatched, found.without_row) == (0, 0)


def test_rewritten_queries_are_joined_to_their_originals_and_the_rest_is_counted_and_shown() -> None:
    rows = [
        {"query": "Compute one and one", "original_question": "What is 1 + 1?"},
        {"query": "What is 1 + 1?", "original_question": "What is 1 + 1?"},
        {"query": "Find x.", "original_question": "Quite another one"},
    ]
    (found,) = analyze([("meta", rows, Fields(original="original_question"))], REFERENCE).sets
    assert found.per_query.tolist() == [2, 0, 0]
    assert (found.matched, found.unmatched, found.unmatched_examples) == (2, 1, ("Quite another one",))
    assert found.without_row == 2


def test_sets_stand_side_by_side_by_difficulty() -> None:
    easy = [{"query_id": "m/0"}] * 4
    hard = [{"query_id": "m/2"}] * 2
    analysis = analyze([("easy", easy, Fields()), ("hard", hard, Fields())], REFERENCE)
    rows = analysis.rows()
    assert [row["easy rows"] for row in rows] == [4, 0, 0, 4]
    assert [row["hard rows"] for row in rows] == [0, 0, 2, 2]
    assert rows[-1]["hard without row"] == 2
    numbers = json.loads(analysis.to_json())
    assert [one["meanDifficultyOfRows"] for one in numbers["sets"]] == [0.1, 0.9]
    assert analysis.figure().startswith(b"\x89PNG")
    assert analysis.coverage_figure() is None


def test_rows_alone_tell_no_coverage_and_say_so() -> None:
    analysis = analyze([("mine", [{"query_id": "m/0"}], Fields())], REFERENCE)
    assert analysis.sets[0].reach is None
    assert "verdicts" in analysis.sets[0].refused
    assert "without counts" in analysis.counts.refused


def test_rows_with_all_verdicts_tell_coverage_and_count_only_correct_ones() -> None:
    rows = [
        {"query_id": "m/0", "trial": 1, "verdict": "correct"},
        {"query_id": "m/0", "trial": 0, "verdict": "incorrect"},
        {"query_id": "m/1", "trial": 0, "verdict": "correct"},
        {"query_id": "m/1", "trial": 1, "verdict": "correct"},
        {"query_id": "m/1", "trial": 2, "verdict": "correct", "surplus": True},
        {"query_id": "m/2", "trial": 0, "verdict": "incorrect"},
        {"query_id": "m/2", "trial": 1, "verdict": "undecided"},
    ]
    analysis = analyze([("pool", rows, Fields())], REFERENCE)
    (found,) = analysis.sets
    assert found.per_query.tolist() == [1, 2, 0]
    assert found.reach is not None
    assert (found.reach.m, found.reach.queries) == (2, 3)
    assert found.reach.coverage.value.tolist() == pytest.approx([1 / 3, 2 / 3])
    assert analysis.coverage_figure() is not None


def test_verdicts_in_some_rows_only_are_refused() -> None:
    rows = [{"query_id": "m/0", "verdict": "correct"}, {"query_id": "m/1"}]
    (found,) = analyze([("mixed", rows, Fields())], REFERENCE).sets
    assert found.reach is None
    assert "1 of 2" in found.refused


def test_counts_of_the_reference_give_its_own_curves_with_a_caution_for_unequal_trials() -> None:
    def table(n: list[int]) -> Reference:
        state = pa.table({"p": [0.5, 0.5], "n": n, "s": [2, 1]})
        return from_state(pa.table({"id": ["a", "b"], "query": ["A", "B"]}), state)

    even = analyze([], table([4, 4])).counts
    assert even.reach is not None
    assert (even.reach.m, even.caution) == (4, "")
    assert even.reach.pass_at_k.value[0] == pytest.approx(0.375)
    assert "lean high" in analyze([], table([4, 9])).counts.caution


def test_query_info_gives_difficulties_and_counts() -> None:
    rows = [
        {"query_id": "a", "tot_n_samples": 10, "tot_n_corrects": 4, "pass_rate": 0.4},
        {"query_id": "b", "tot_n_samples": 0, "tot_n_corrects": 0, "pass_rate": None},
        {"query_id": "c", "tot_n_samples": 8, "tot_n_corrects": 8, "pass_rate": 1.0, "pass_rate_posterior": 0.95},
    ]
    found = from_query_info(rows, texts={"b": "Text of b"})
    assert found.difficulty[[0, 2]].tolist() == pytest.approx([0.6, 0.05])
    assert np.isnan(found.difficulty[1])
    assert found.texts == ("", "Text of b", "")


def test_a_column_gives_difficulties() -> None:
    rows = [{"q": "A", "p": 0.25}, {"q": " A", "p": 0.5}, {"q": "B", "p": 1.0}]
    found = from_rows(rows, query="q", pass_rate="p")
    assert found.texts == ("A", "B")
    assert found.difficulty.tolist() == [0.75, 0.0]
    assert from_rows(rows, query="q", difficulty="p").difficulty.tolist() == [0.25, 1.0]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda: from_query_info([{"query_id": "a"}]), "tot_n_samples"),
        (lambda: from_query_info([]), "no rows"),
        (lambda: from_rows([{"query": "A"}], difficulty="hardness"), "hardness"),
        (lambda: analyze([("mine", [{"text": "A"}], Fields())], REFERENCE), "neither 'query' nor 'query_id'"),
    ],
)
def test_missing_columns_are_named(broken, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=says):
        broken()


def test_the_same_analysis_gives_the_same_text() -> None:
    sets = [("mine", [{"query_id": "m/0"}], Fields())]
    assert analyze(sets, REFERENCE).to_json() == analyze(sets, REFERENCE).to_json()
