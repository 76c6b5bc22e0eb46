"""From segments to the sealed pool."""

import hashlib
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dart_k8s.edges.store.base import Store
from dart_k8s.edges.store.local import LocalStore
from dart_k8s.edges.store.memory import MemoryStore
from dart_k8s.errors import RunError
from dart_k8s.ledger import fold
from dart_k8s.ledger.keys import AttemptName
from dart_k8s.ledger.segments import Row, read_tally, tally_of
from dart_k8s.ledger.state import BudgetState
from dart_k8s.workers.curate import compact as module
from dart_k8s.workers.curate.compact import compact
from dart_k8s.workers.curate.pool import POOL_FORMAT, POOL_SCHEMA, SealedAttempt
from dart_k8s.workers.finish import sealed_attempts

from .builders import attempt, late, put_segments, sealed, snapshot, trial, void


def pool(store: Store) -> pa.Table:
    tables = [pq.read_table(pa.BufferReader(store.get(e.key).data)) for e in store.list("pool/part-")]
    return pa.concat_tables(tables) if tables else POOL_SCHEMA.empty_table()


def info(store: Store) -> pa.Table:
    return pq.read_table(pa.BufferReader(store.get("pool/query-info.parquet").data))


def brief(store: Store, *columns: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in columns) for row in pool(store).to_pylist()]


CASES = {
    "a place without gaps counts in launch order, whatever order it was written in": (
        [[[trial(0, 2), trial(0, 0)], [trial(0, 1, "incorrect")]]],
        [(0, 0, 0, "correct", False), (0, 1, 1, "incorrect", False), (0, 2, 2, "correct", False)],
    ),
    "all after a missing place is surplus": (
        [[[trial(0, 0), trial(0, 2), trial(0, 3)]]],
        [(0, 0, 0, "correct", False), (0, 1, 2, "correct", True), (0, 2, 3, "correct", True)],
    ),
    "a void place closes the gap and is not in the pool": (
        [[[trial(0, 0), void(0, 1), trial(0, 2)]]],
        [(0, 0, 0, "correct", False), (0, 1, 2, "correct", False)],
    ),
    "a pending trial holds back the later ones": (
        [[[trial(0, 0), trial(0, 1, None), trial(0, 2)]]],
        [(0, 0, 0, "correct", False), (0, 1, 1, "pending", True), (0, 2, 2, "correct", True)],
    ),
    "a verdict from the same attempt ends a pending trial": (
        [[[trial(0, 0, None), trial(0, 1)], [late(0, 0, "incorrect")]]],
        [(0, 0, 0, "incorrect", False), (0, 1, 1, "correct", False)],
    ),
    "a verdict from a takeover goes to the attempt that it names": (
        [[[trial(0, 0, None)]], [[late(0, 0, "correct", attempt=attempt(0, shard=0)), trial(0, 0, "incorrect")]]],
        [(0, 0, 0, "correct", False), (0, 1, 0, "incorrect", False)],
    ),
    "without a word of the state the first of two verdicts counts": (
        [
            [[trial(0, 0, None)]],
            [[late(0, 0, "correct", attempt=attempt(0, shard=0))]],
            [[late(0, 0, "incorrect", attempt=attempt(0, shard=0))]],
        ],
        [(0, 0, 0, "correct", False)],
    ),
    "counted trials of all attempts come before any surplus": (
        [[[trial(0, 0), trial(0, 5)]], [[trial(0, 0, "incorrect"), trial(1, 0)]]],
        [
            (0, 0, 0, "correct", False),
            (0, 1, 0, "incorrect", False),
            (0, 2, 5, "correct", True),
            (1, 0, 0, "correct", False),
        ],
    ),
    "a row written twice is one trial": (
        [[[trial(0, 0)], [trial(0, 0)]]],
        [(0, 0, 0, "correct", False)],
    ),
}


@pytest.mark.parametrize(("attempts", "expected"), CASES.values(), ids=CASES.keys())
def test_pool_rows(attempts: list[list[list[Row]]], expected: list[tuple[object, ...]]) -> None:
    store = MemoryStore()
    compact(store, sealed(store, attempts), snapshot(2))
    assert brief(store, "query_number", "trial", "place", "verdict", "surplus") == expected


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_of_two_verdicts_the_pool_has_the_one_that_the_state_counted(order: tuple[int, ...]) -> None:
    names, every = [attempt(0, shard=n) for n in range(3)], np.arange(1)
    pending, said = trial(0, 0, None), ["correct", "incorrect"]
    late_ones = [late(0, 0, verdict, attempt=names[0]) for verdict in said]
    written = dict(zip(names, [[pending], [late_ones[0]], [late_ones[1]]], strict=True))
    store, current = MemoryStore(), BudgetState.empty(1, verifier="1")
    for name in names:
        current = fold.register(current, name, query=every, need=every + 1, allowance=every + 9)
        put_segments(store, name, written[name])
    for at in order:
        key = AttemptName.parse(names[at]).segment(0)
        tally = read_tally(tally_of(store.get(key).data, key=key), key=key)
        current = fold.fold(current, [fold.Arrival(attempt=names[at], sequence=0, tally=tally)])
    current = fold.seal(current, names)
    done = compact(store, sealed_attempts(current), snapshot(1))
    first = said[0] if order.index(1) < order.index(2) else said[1]
    assert brief(store, "verdict") == [(first,)]
    assert done.counts["s"].to_pylist() == current.table.correct.tolist() == [first == "correct"]


def test_a_late_verdict_brings_its_reason_answer_and_tier() -> None:
    store = MemoryStore()
    compact(store, sealed(store, [[[trial(0, 0, None)], [late(0, 0, "incorrect")]]]), snapshot(1))
    assert brief(store, "why", "answer", "tier") == [("was late", "7", "symbolic")]


def test_rows_say_where_they_come_from() -> None:
    store = MemoryStore()
    compact(store, sealed(store, [[[trial(1, 0)]]]), snapshot(2))
    assert brief(store, "query_id", "source", "claim", "prompt_tokens") == [("math/1", "math", attempt(0), 7)]
    metadata = pq.read_schema(pa.BufferReader(store.get("pool/part-00000.parquet").data)).metadata
    assert metadata[b"format"].decode() == POOL_FORMAT
    assert metadata[b"verifier"] == b"1"


def test_launch_order_of_claims_rules_and_not_their_names() -> None:
    store = MemoryStore()
    put_segments(store, attempt(0, shard=0), [trial(0, 0, "incorrect")])
    put_segments(store, attempt(0, shard=1), [trial(0, 0, "correct")])
    attempts = [
        SealedAttempt(name=attempt(0, shard=0), order=7, segments=1),
        SealedAttempt(name=attempt(0, shard=1), order=3, segments=1),
    ]
    compact(store, attempts, snapshot(1))
    assert brief(store, "verdict") == [("correct",), ("incorrect",)]


def test_only_the_segments_that_the_seal_names_count_and_later_ones_are_reported() -> None:
    store = MemoryStore()
    put_segments(store, attempt(0), [trial(0, 0)], [trial(0, 1)])
    put_segments(store, attempt(1), [trial(0, 0)])
    done = compact(store, [SealedAttempt(name=attempt(0), order=0, segments=1)], snapshot(1))
    assert (done.rows, done.unsealed) == (1, 2)


def test_a_missing_segment_is_named() -> None:
    store = MemoryStore()
    put_segments(store, attempt(0), [trial(0, 0)])
    with pytest.raises(RunError, match="000001"):
        compact(store, [SealedAttempt(name=attempt(0), order=0, segments=2)], snapshot(1))


def test_verdicts_of_two_verifiers_are_refused() -> None:
    store = MemoryStore()
    put_segments(store, attempt(0), [trial(0, 0)], verifier="1")
    put_segments(store, attempt(1), [trial(0, 0)], verifier="2")
    attempts = [SealedAttempt(name=attempt(n), order=n, segments=1) for n in range(2)]
    with pytest.raises(RunError, match="verifier versions"):
        compact(store, attempts, snapshot(1))


def test_a_damaged_segment_is_named() -> None:
    store = MemoryStore()
    put_segments(store, attempt(0), [trial(0, 0)])
    key = next(iter(store.list("pool/segments/"))).key
    store.put(key, b"PAR1 not really")
    with pytest.raises(RunError, match=key):
        compact(store, [SealedAttempt(name=attempt(0), order=0, segments=1)], snapshot(1))


def test_totals_of_a_compaction() -> None:
    store = MemoryStore()
    rows = [trial(0, 0), void(0, 1), trial(0, 2, "undecided"), trial(0, 4), trial(1, 0, None)]
    done = compact(store, sealed(store, [[rows, [late(5, 5, "correct")]]]), snapshot(3))
    assert (done.rows, done.counted, done.surplus, done.pending, done.void, done.stray) == (4, 2, 2, 1, 1, 1)
    assert done.counts.to_pydict() == {"n": [2, 0, 0], "s": [1, 0, 0], "undecided": [1, 0, 0], "surplus": [1, 1, 0]}


def test_a_run_without_any_response_gives_an_empty_whole_pool() -> None:
    store = MemoryStore()
    done = compact(store, [], snapshot(2))
    assert done.rows == 0
    assert info(store)["tot_n_samples"].to_pylist() == [0, 0]


def test_query_info_has_the_columns_of_dart_math() -> None:
    store = MemoryStore()
    first = [trial(0, 0), trial(0, 1, "incorrect"), trial(0, 2, "incorrect"), trial(0, 9)]
    compact(store, sealed(store, [[first], [[trial(0, 0, "incorrect")]]]), snapshot(2), posterior=[0.3, 0.5])
    row, untried = info(store).to_pylist()
    assert row == {
        "query_id": "math/0",
        "level": 1,
        "domain": "sums",
        "n_samples_list": [3, 1],
        "n_corrects_list": [1, 0],
        "tot_n_samples": 4,
        "tot_n_corrects": 1,
        "pass_rate": 0.25,
        "pass_rate_bernoulli_std": pytest.approx(0.2165, abs=1e-4),
        "pass_rate_posterior": 0.3,
    }
    assert (untried["pass_rate"], untried["tot_n_samples"]) == (None, 0)


def test_levels_that_are_no_numbers_stay_texts() -> None:
    store = MemoryStore()
    compact(store, [], snapshot(2, level=["hard", None]))
    assert info(store)["level"].to_pylist() == ["hard", None]


def test_a_smaller_pool_leaves_no_part_of_the_larger_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_PER_PART", 2)
    monkeypatch.setattr(module, "ROWS_PER_GROUP", 2)
    store = MemoryStore()
    attempts = sealed(store, [[[trial(0, place) for place in range(5)]], [[trial(1, 0)]]])
    assert len(compact(store, attempts, snapshot(2)).keys) == 4
    assert [t for (t,) in brief(store, "trial")] == [0, 1, 2, 3, 4, 0]
    compact(store, attempts[1:], snapshot(2))
    assert brief(store, "query_number", "trial") == [(1, 0)]


def test_folder_names_with_pattern_characters_do_no_harm(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "run[1] year=2024 *")
    compact(store, sealed(store, [[[trial(0, 0)]]]), snapshot(1))
    assert pool(store).num_rows == 1


def digest(store: Store) -> str:
    whole = hashlib.sha256()
    for entry in store.list("pool/"):
        if "segments" not in entry.key:
            whole.update(store.get(entry.key).data)
    return whole.hexdigest()


VERDICTS = st.sampled_from(["correct", "incorrect", "undecided", None])


@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_any_cut_into_segments_gives_the_same_pool(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 25))
    rows = [
        trial(query, place, data.draw(VERDICTS))
        for query in range(2)
        for place in range(count)
        if data.draw(st.integers(0, 9))
    ]
    digests = set()
    for _ in range(2):
        shuffled = data.draw(st.permutations(rows))
        cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(rows))), max_size=4)) | {0, len(rows)})
        store = MemoryStore()
        compact(store, sealed(store, [[shuffled[a:b] for a, b in pairwise(cuts)]]), snapshot(2))
        digests.add(digest(store))
    assert len(digests) == 1
