"""Generations of verdicts: what a tally says by another verifier, and a state that an older program must not read."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.errors import RunError
from dart_k8s.ledger import generations, segments, state
from dart_k8s.ledger.generations import Said
from dart_k8s.ledger.keys import AttemptName, PlanName, ShardName
from dart_k8s.ledger.segments import Row, Waste

from .test_formats import some_rows, some_segment, some_state

ATTEMPT = AttemptName(ShardName(PlanName(3, 2), 0), 0)
VERDICTS = [None, "correct", "incorrect", "undecided"]


def said(rows: list[Row], verdicts: list[str | None]) -> list[Said]:
    return [
        Said(verdict=verdict, reason="why", answer="5", tier="text") if generations.has_response(row) else Said()
        for row, verdict in zip(rows, verdicts, strict=True)
    ]


def test_verdicts_are_read_back_with_their_version() -> None:
    data = generations.encode(said(some_rows(), ["correct"] * 6), verifier="2")
    table, verifier = generations.read(data, key="k", rows=6)
    assert verifier == "2"
    assert table.column_names == list(generations.COLUMNS)
    assert table["verdict"].to_pylist() == ["correct"] * 4 + [None, None]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "damaged"),
        (b"PAR1 something", "damaged"),
        (generations.encode([Said()] * 5, verifier="2"), "5 rows, wanted are"),
        (some_segment(), "has format dart-k8s.io/segment/"),
    ],
)
def test_what_does_not_fit_its_segment_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(RunError, match=words):
        generations.read(data, key="pool/generations/k", rows=6)


@given(st.lists(st.sampled_from(VERDICTS[1:]), min_size=6, max_size=6))
def test_a_tally_by_another_generation_is_that_of_a_segment_judged_so(verdicts: list[str | None]) -> None:
    rows = some_rows()
    old = segments.read_tally(segments.tally_of(some_segment(), key="s"), key="t")
    new = generations.retally(old, [one.verdict for one in said(rows, verdicts)])
    judged = [
        replace(row, verdict=verdict) if generations.has_response(row) else row
        for row, verdict in zip(rows, verdicts, strict=True)
        if generations.has_response(row) or row.finish == "error"
    ]
    segment = segments.encode_segment(judged, waste=Waste(aborted=2, rate=1.5), final=True, verifier="2")
    expected = segments.read_tally(segments.tally_of(segment, key="s"), key="t")
    for name in ("query", "place", "verdict", "tokens", "prompt_tokens", "text", "fresh"):
        assert np.array_equal(getattr(new, name), getattr(expected, name)), name
    assert (new.waste, new.final, new.attempt) == (expected.waste, expected.final, ())


def test_a_state_of_a_later_generation_says_so_and_stops_programs_that_know_none() -> None:
    first, later = some_state(), replace(some_state(), generation=2, rejudged=1)
    assert json.loads(state.encode(first).partition(b"\n")[0])["format"] == "dart-k8s.io/budget-state/v1"
    assert json.loads(state.encode(later).partition(b"\n")[0])["format"] == "dart-k8s.io/budget-state/v2"
    read = state.decode(state.encode(later))
    assert (read.generation, read.rejudged) == (2, 1)
    assert state.decode(state.encode(first)).generation == 0


def test_names_sort_in_the_order_of_writing() -> None:
    keys = [generations.key_of(generation, ATTEMPT, sequence) for generation in (1, 2, 10) for sequence in (0, 9, 10)]
    assert keys == sorted(keys)
    assert keys[0].startswith(generations.prefix_of(1))
