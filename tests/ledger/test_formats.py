"""Every object of a run: written and read back, older and newer versions, damage."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.errors import RunError
from dart_k8s.ledger import claims, fold, frame, keys, plans, segments, state
from dart_k8s.ledger.claims import Claim, Hold
from dart_k8s.ledger.keys import AttemptName, PlanName, ShardName
from dart_k8s.ledger.plans import Grants, Plan
from dart_k8s.ledger.segments import Row, Waste
from dart_k8s.ledger.state import BudgetState, Phase, Table, Totals

PLAN = PlanName(3, 2)
FIRST = str(AttemptName(ShardName(PLAN, 0), 0))


def some_rows() -> list[Row]:
    """A trial of every sort."""
    return [
        Row(query=1, place=0, response="ä", tokens=7, prompt_tokens=3, verdict="correct", reason="same",
            answer="1", tier="text", text=2**64 - 1),
        Row(query=1, place=1, response="cut", tokens=9, finish="length", verdict="incorrect", text=1),
        Row(query=1, place=2, response="", tokens=1, verdict="undecided", text=2),
        Row(query=0, place=0, response="not verified yet", tokens=4, text=3),
        Row(query=0, place=1, finish="error"),
        Row(query=2, place=5, attempt=FIRST, verdict="correct", text=9),
    ]  # fmt: skip


def some_segment() -> bytes:
    """Those rows as an object."""
    return segments.encode_segment(some_rows(), waste=Waste(aborted=2, rate=1.5), final=True, verifier="v1")


def some_state() -> BudgetState:
    """A state in the middle of a run: counted, waiting, live."""
    empty = BudgetState.empty(3, verifier="v1")
    every = np.arange(3)
    begun = fold.register(empty, FIRST, query=every, need=every + 1, allowance=every + 5)
    tally = segments.read_tally(segments.tally_of(some_segment(), key="s"), key="t")
    begun = fold.fold(begun, [fold.Arrival(attempt=FIRST, sequence=0, tally=tally)])
    return replace(
        begun, plan=PLAN, epoch=4, weights=(0.25, 0.75), nonce="n", note="waits", phase=Phase.SEALING,
        totals=replace(begun.totals, held_seconds=1.5),
    )  # fmt: skip


def state_that_passed_one_over() -> BudgetState:
    """The same, with a second verdict on its pending trial."""
    first = some_state()
    rows = [Row(query=0, place=0, verdict=verdict, text=3) for verdict in ("correct", "incorrect")]
    for sequence, row in enumerate(rows, start=1):
        data = segments.encode_segment([row], waste=Waste(), final=False, verifier="v1")
        tally = segments.read_tally(segments.tally_of(data, key="s"), key="t")
        first = fold.fold(first, [fold.Arrival(attempt=FIRST, sequence=sequence, tally=tally)])
    return first


def some_plan() -> Plan:
    """Two sampling shards and one to sweep."""
    one = np.array([1, 2, 3])
    return Plan(
        name=PLAN,
        parent=PlanName(2, 2),
        goal={"kind": "uniform", "scale": 4.0},
        weights=(0.5, 0.5),
        grants=Grants(
            shard=np.array([0, 0, 1]), query=one, need=one, allowance=one, share=one % 2, trials=one, correct=one,
            spent=one, target=one * 0, distinct=np.array([1, 0, 1]), singles=np.array([1, 0, 0]),
        ),
        texts=np.array([2**64 - 1, 5], dtype=np.uint64),
        expected=(2.5, 1.0),
        sweep=((FIRST,),),
    )  # fmt: skip


def some_claim() -> Claim:
    """Lost once, live again."""
    first = claims.take("a/b", None, holder="x", nonce="1")
    return claims.renew(claims.take("a/b", first, holder="y", nonce="2", failed=True))


def same_state(a: BudgetState, b: BudgetState) -> None:
    """Assert that two states hold the same."""
    for part in ("table", "live", "waiting", "passed"):
        for name in type(getattr(a, part)).__slots__:
            np.testing.assert_array_equal(
                getattr(getattr(a, part), name), getattr(getattr(b, part), name), err_msg=name
            )
    for name in ("texts", "once", "cursor", "held", "segments"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    for name in "attempts epoch plan phase verifier weights totals nonce note".split():
        assert getattr(a, name) == getattr(b, name), name


def test_a_state_reads_back_as_it_was_written() -> None:
    before = some_state()
    after = state.decode(state.encode(before))
    same_state(before, after)
    assert after.table.trials.dtype == np.int64
    assert after.texts.dtype == np.uint64


def test_what_was_passed_over_reads_back_and_an_older_program_does_not_read_it() -> None:
    before = state_that_passed_one_over()
    assert (before.passed.sequence.tolist(), before.passed.query.tolist()) == ([2], [0])
    same_state(before, state.decode(state.encode(before)))
    with pytest.raises(RunError, match="version 3"):
        frame.header(state.encode(before), key="k", kind="budget-state", newest=2)
    assert frame.header(state.encode(some_state()), key="k", kind="budget-state", newest=1)


def test_an_empty_state_reads_back() -> None:
    empty = BudgetState.empty(0, verifier="v")
    same_state(empty, state.decode(state.encode(empty)))


def test_the_same_state_gives_the_same_bytes() -> None:
    assert state.encode(some_state()) == state.encode(state.decode(state.encode(some_state())))


def test_the_first_bytes_of_a_state_tell_its_phase_plan_and_epoch() -> None:
    assert state.pointer(state.encode(some_state())[: frame.HEADER_BYTES]) == (Phase.SEALING, PLAN, 4)


def test_a_plan_reads_back_as_it_was_written() -> None:
    before, after = some_plan(), plans.decode(plans.encode(some_plan()), key="p")
    for name in Grants.__slots__:
        np.testing.assert_array_equal(getattr(before.grants, name), getattr(after.grants, name))
    np.testing.assert_array_equal(before.texts, after.texts)
    for name in ("name", "parent", "goal", "weights", "expected", "sweep"):
        assert getattr(before, name) == getattr(after, name)
    assert (after.sampling_shards, after.shards) == (2, 3)
    assert after.rows(0) == slice(0, 2) and after.rows(1) == slice(2, 3) and after.rows(2) == slice(3, 3)


def test_a_claim_reads_back_as_it_was_written() -> None:
    assert claims.decode(claims.encode(some_claim()), key="c") == some_claim()


def test_a_segment_reads_back_as_it_was_written() -> None:
    assert segments.read_segment(some_segment(), key="s") == some_rows()


def test_the_tally_is_a_function_of_the_segment() -> None:
    data = some_segment()
    assert segments.tally_of(data, key="s") == segments.tally_of(bytes(data), key="another")
    tally = segments.read_tally(segments.tally_of(data, key="s"), key="t")
    assert tally.query.tolist() == [1, 1, 1, 0, 0, 2]
    assert tally.place.tolist() == [0, 1, 2, 0, 1, 5]
    assert tally.verdict.tolist() == [
        segments.CORRECT, segments.INCORRECT, segments.UNDECIDED, segments.PENDING, segments.VOID, segments.CORRECT,
    ]  # fmt: skip
    assert tally.tokens.tolist() == [7, 9, 1, 4, 0, 0]
    assert tally.fresh.tolist() == [True] * 5 + [False]
    assert tally.attempt == ("", "", "", "", "", FIRST)
    assert tally.text.tolist()[0] == 2**64 - 1
    assert (tally.final, tally.waste) == (True, Waste(aborted=2, rate=1.5))


def test_a_tally_holds_no_text_of_a_response() -> None:
    rows = [replace(row, response=row.response and "secret " * 50) for row in some_rows()]
    data = segments.encode_segment(rows, waste=Waste(), final=False, verifier="v1")
    assert b"secret" not in segments.tally_of(data, key="s")
    assert "response" not in pq.read_schema(pa.BufferReader(segments.tally_of(data, key="s"))).names


Decode = Callable[[bytes], object]
FORMATS: list[tuple[str, bytes, Decode, str]] = [
    ("state", state.encode(some_state()), state.decode, keys.BUDGET),
    ("plan", plans.encode(some_plan()), lambda data: plans.decode(data, key="the/plan"), "the/plan"),
    ("claim", claims.encode(some_claim()), lambda data: claims.decode(data, key="the/claim"), "the/claim"),
    ("segment", some_segment(), lambda data: segments.read_segment(data, key="the/segment"), "the/segment"),
    (
        "tally",
        segments.tally_of(some_segment(), key="s"),
        lambda data: segments.read_tally(data, key="the/tally"),
        "the/tally",
    ),
]
formats = pytest.mark.parametrize(("data", "decode", "key"), [f[1:] for f in FORMATS], ids=[f[0] for f in FORMATS])


def _with_format(data: bytes, form: str) -> bytes:
    """The object with another format in its header."""
    if data.startswith(b"PAR1"):
        table = pq.read_table(pa.BufferReader(data))
        meta = {**json.loads(table.schema.metadata[b"dart"]), "format": form}
        sink = pa.BufferOutputStream()
        pq.write_table(table.replace_schema_metadata({"dart": json.dumps(meta)}), sink)
        return sink.getvalue().to_pybytes()
    line, end, rest = data.partition(b"\n")
    return json.dumps({**json.loads(line), "format": form}).encode() + end + rest


def _form(data: bytes) -> str:
    if data.startswith(b"PAR1"):
        return str(json.loads(pq.read_schema(pa.BufferReader(data)).metadata[b"dart"])["format"])
    return str(json.loads(data.partition(b"\n")[0])["format"])


@formats
def test_a_newer_version_is_refused_in_words(data: bytes, decode: Decode, key: str) -> None:
    newer = _form(data).rpartition("/v")[0] + "/v7"
    with pytest.raises(RunError, match=r"newer program") as error:
        decode(_with_format(data, newer))
    assert key in str(error.value) and "7" in str(error.value)


@formats
def test_another_format_is_refused(data: bytes, decode: Decode, key: str) -> None:
    with pytest.raises(RunError, match=key):
        decode(_with_format(data, "somebody.else/thing/v1"))


@formats
def test_a_version_that_is_no_number_is_refused(data: bytes, decode: Decode, key: str) -> None:
    with pytest.raises(RunError, match=key):
        decode(_with_format(data, _form(data).rpartition("/v")[0] + "/vx"))


@formats
@given(cut=st.floats(0, 1, exclude_max=True))
def test_an_object_cut_short_is_an_error_that_names_it(data: bytes, decode: Decode, key: str, cut: float) -> None:
    with pytest.raises(RunError, match=key):
        decode(data[: int(len(data) * cut)])


@formats
@given(noise=st.binary(max_size=64))
def test_noise_is_an_error_that_names_the_object(data: bytes, decode: Decode, key: str, noise: bytes) -> None:
    with pytest.raises(RunError, match=key):
        decode(noise)


def test_a_header_without_its_fields_is_an_error_that_names_the_object() -> None:
    line, end, rest = state.encode(some_state()).partition(b"\n")
    for name in ("parts", "totals", "plan", "phase"):
        fields = json.loads(line)
        del fields[name]
        with pytest.raises(RunError, match=keys.BUDGET):
            state.decode(json.dumps(fields).encode() + end + rest)


def test_a_state_of_before_a_column_reads_with_zeros() -> None:
    data = state.encode(some_state())
    header = frame.header(data, key="k", kind="budget-state", newest=1)
    parts = {name: bytes(part) for name, part in frame.parts(data, header).items()}
    for part, column in (("queries", "voids"), ("live", "found")):
        parts[part] = frame.table_bytes(frame.read_table(parts[part]).drop_columns([column]))
    fields = {name: value for name, value in header.items() if name != "parts"}
    fields["totals"] = {"tokens": 5}
    read = state.decode(frame.pack(fields, parts))
    assert read.table.voids.tolist() == [0, 0, 0]
    assert read.live.found.tolist() == [0, 0, 0]
    assert read.totals == Totals(tokens=5)
    np.testing.assert_array_equal(read.table.trials, some_state().table.trials)


def test_a_segment_and_a_tally_with_a_column_more_or_less_read() -> None:
    segment = pq.read_table(pa.BufferReader(some_segment()))
    sink = pa.BufferOutputStream()
    pq.write_table(segment.drop_columns(["tier"]).append_column("mood", pa.array(["x"] * segment.num_rows)), sink)
    read = segments.read_segment(sink.getvalue().to_pybytes(), key="s")
    assert read == [replace(row, tier=None) for row in some_rows()]
    tally = pq.read_table(pa.BufferReader(segments.tally_of(some_segment(), key="s")))
    sink = pa.BufferOutputStream()
    pq.write_table(tally.drop_columns(["prompt_tokens"]), sink)
    assert segments.read_tally(sink.getvalue().to_pybytes(), key="t").prompt_tokens.tolist() == [0] * 6


def test_a_header_too_long_for_its_ranged_read_is_refused_when_written() -> None:
    with pytest.raises(ValueError, match="header"):
        state.encode(replace(some_state(), note="x" * frame.HEADER_BYTES))


def test_a_state_of_a_million_easy_queries_takes_few_bytes_for_each() -> None:
    columns = {name: np.full(1_000_000, 3) for name in Table.__slots__}
    table = Table(**{**columns, "distinct": columns["distinct"] * 0, "singles": columns["singles"] * 0})
    empty = BudgetState.empty(0, verifier="v")
    assert len(state.encode(replace(empty, table=table))) < 1_000_000


NUMBERS = st.integers(0, 999_999)


@given(NUMBERS, NUMBERS, st.integers(0, 99_999), st.integers(0, 999), NUMBERS)
def test_names_read_back_from_their_text(number: int, epoch: int, shard: int, attempt: int, sequence: int) -> None:
    name = AttemptName(ShardName(PlanName(number, epoch), shard), attempt)
    assert AttemptName.parse(str(name)) == name
    assert keys.sequence_of(name.tally(sequence)) == keys.sequence_of(name.segment(sequence)) == sequence
    assert name.tally(sequence).startswith(name.tallies) and name.segment(sequence).startswith(name.segments)
    assert name.shard.claim.startswith(name.shard.plan.claims)


@given(*(st.tuples(NUMBERS, NUMBERS, st.integers(0, 99_999), st.integers(0, 999)) for _ in range(2)))
def test_names_sort_as_they_were_given_out(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> None:
    names = [AttemptName(ShardName(PlanName(n, e), s), k) for n, e, s, k in (a, b)]
    assert (str(names[0]) < str(names[1])) == (names[0] < names[1]) == (a < b)


def test_one_plans_claims_are_no_others() -> None:
    assert not ShardName(PlanName(11, 1), 0).claim.startswith(PlanName(1, 1).claims)


def test_a_claim_without_an_attempt_is_damaged() -> None:
    document = {**json.loads(claims.encode(some_claim())), "attempts": []}
    with pytest.raises(RunError, match="the/claim"):
        claims.decode(json.dumps(document).encode(), key="the/claim")


def test_holds_keep_their_names_in_the_object() -> None:
    assert {hold.name: hold.value for hold in Hold} == {
        "LIVE": "live", "RELEASED": "released", "DONE": "done", "LOST": "lost", "ASIDE": "set-aside",
    }  # fmt: skip
