"""Segments (responses with verdicts) and tallies (the same without texts), both Parquet.

A tally is a pure function of its segment, so whoever finds a segment without its tally can write the missing one, and
two who do so write the same bytes.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dart_k8s.errors import RunError

from . import frame

SEGMENT_FORMAT = "dart-k8s.io/segment/v2"
"""v2: spans of tool-integrated responses."""
SEGMENT_FORMATS = ("dart-k8s.io/segment/v1", SEGMENT_FORMAT)
"""Those that are read."""
TALLY_FORMAT = "dart-k8s.io/tally/v1"

PENDING, CORRECT, INCORRECT, UNDECIDED, VOID = range(5)
"""Verdict codes of a tally's row. VOID: the engine could not serve the trial, its place only closes the gap."""

_CODES = {None: PENDING, "correct": CORRECT, "incorrect": INCORRECT, "undecided": UNDECIDED}

SPANS = pa.list_(pa.struct([("kind", pa.string()), ("start", pa.int32()), ("end", pa.int32())]))
"""Who wrote which part of a response: consecutive, from its first character to its last."""

_STORED = {"attempt": "block"}
"""Fields whose column has another name: the first format's, so that every program reads every segment."""

SEGMENT_SCHEMA = pa.schema(
    [
        pa.field("query", pa.int32(), nullable=False),
        pa.field("block", pa.string(), nullable=False),
        pa.field("place", pa.int32(), nullable=False),
        pa.field("response", pa.string()),
        pa.field("tokens", pa.int32(), nullable=False),
        pa.field("prompt_tokens", pa.int32(), nullable=False),
        pa.field("finish", pa.string(), nullable=False),
        pa.field("verdict", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("answer", pa.string()),
        pa.field("tier", pa.string()),
        pa.field("text", pa.uint64(), nullable=False),
        pa.field("spans", SPANS),
    ]
)


class Span(NamedTuple):
    """A part of a response that one side wrote. Offsets count Unicode code points, the end not included."""

    kind: str
    """model | tool"""
    start: int
    end: int


def code_of(verdict: str | None) -> int:
    """A verdict's code in a tally; None is pending."""
    return _CODES[verdict]


@dataclass(slots=True, kw_only=True)
class Row:
    """One row of a segment: a trial, or the verdict of a trial that was written while pending."""

    query: int
    """Row number in the queries snapshot."""
    place: int
    """Launch place of the trial among its query's in its attempt, from 0."""
    response: str | None = None
    """None: this row brings only the verdict."""
    attempt: str = ""
    """That of the pending trial that gets its verdict; empty: this attempt."""
    tokens: int = 0
    prompt_tokens: int = 0
    finish: str = "stop"
    """stop | length | executions | error. executions: it asked for more than it may. error: a void place without a
    response."""
    verdict: str | None = None
    """correct | incorrect | undecided | None (pending)."""
    reason: str | None = None
    answer: str | None = None
    tier: str | None = None
    text: int = 0
    """Hash of the normalised response, 64 bits."""
    spans: tuple[Span, ...] = ()
    """Of a response in which code was run; none: the model wrote all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waste:
    """What a sampler did since its last segment besides the rows, for the totals."""

    aborted: int = 0
    """Generations aborted."""
    wasted_tokens: int = 0
    """Tokens of aborted generations."""
    held_seconds: float = 0.0
    """Time the sampler held its engine."""
    busy_slot_seconds: float = 0.0
    """Sum over engine slots of the time each was generating."""
    rate: float = 0.0
    """Trials a second of this sampler, lately."""
    generating_seconds: float = 0.0
    """The same by the number of slots: of `held_seconds`, the part in which the engine generated. 0 in what programs
    wrote that did not know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A segment's rows without texts; arrays of shape (R,)."""

    query: NDArray[np.int64]
    attempt: tuple[str, ...]
    """Empty, or for each row the attempt that the row speaks of ("" : its own)."""
    place: NDArray[np.int64]
    verdict: NDArray[np.int64]
    tokens: NDArray[np.int64]
    prompt_tokens: NDArray[np.int64]
    text: NDArray[np.uint64]
    fresh: NDArray[np.bool_]
    """Whether the row is a trial (and not only the verdict of an earlier one)."""
    waste: Waste = field(default_factory=Waste)
    final: bool = False
    """The attempt's last: nothing comes after it."""


def encode_segment(rows: Iterable[Row], *, waste: Waste, final: bool, verifier: str) -> bytes:
    """Rows as one segment. `verifier` is the version of the verdicts: a state never mixes two."""
    listed = list(rows)
    columns = {_STORED.get(name, name): [getattr(row, name) for row in listed] for name in Row.__slots__}
    columns["spans"] = [[span._asdict() for span in row.spans] or None for row in listed]
    meta = {
        "format": SEGMENT_FORMAT,
        "verifier": verifier,
        "final": final,
        "waste": {name: getattr(waste, name) for name in Waste.__slots__},
    }
    table = pa.table(columns, schema=SEGMENT_SCHEMA).replace_schema_metadata({"dart": json.dumps(meta, sort_keys=True)})
    return _write(table)


def read_segment(data: bytes, *, key: str) -> list[Row]:
    """A segment's rows; RunError if the object is not a segment this program can read."""
    table, _ = _read(data, key=key, kind="segment")
    known = [name for name in SEGMENT_SCHEMA.names if name in table.column_names]
    with frame.reading(data, key=key, kind="segment"):
        return [_row(fields) for fields in table.select(known).to_pylist()]


def _row(fields: dict[str, Any]) -> Row:
    attempt = fields.pop(_STORED["attempt"])
    spans = tuple(Span(**span) for span in fields.pop("spans", None) or ())
    return Row(**fields, attempt=attempt, spans=spans)


def tally_of(segment: bytes, *, key: str) -> bytes:
    """The tally that belongs to a segment."""
    table, meta = _read(segment, key=key, kind="segment")
    with frame.reading(segment, key=key, kind="segment"):
        verdicts, ends = table["verdict"].to_pylist(), table["finish"].to_pylist()
        codes = [VOID if end == "error" else _CODES[verdict] for verdict, end in zip(verdicts, ends, strict=True)]
        fresh = [r is not None or end == "error" for r, end in zip(table["response"].to_pylist(), ends, strict=True)]
        columns = {
            "query": table["query"],
            "place": table["place"],
            "verdict": pa.array(codes, pa.int8()),
            "tokens": table["tokens"],
            "prompt_tokens": table["prompt_tokens"],
            "text": table["text"],
            "fresh": pa.array(fresh, pa.bool_()),
        }
        name = _STORED["attempt"]
        if any(table[name].to_pylist()):
            columns[name] = table[name]
    meta = {**meta, "format": TALLY_FORMAT}
    return _write(pa.table(columns).replace_schema_metadata({"dart": json.dumps(meta, sort_keys=True)}))


def read_tally(data: bytes, *, key: str) -> Tally:
    """A tally; RunError if the object is not a tally this program can read."""
    table, meta = _read(data, key=key, kind="tally")

    with frame.reading(data, key=key, kind="tally"):
        return Tally(
            **frame.ints(table, ("query", "place", "verdict", "tokens", "prompt_tokens")),
            attempt=tuple(table[name].to_pylist()) if (name := _STORED["attempt"]) in table.column_names else (),
            text=table["text"].to_numpy(),
            fresh=table["fresh"].to_numpy(),
            waste=Waste(**{name: value for name, value in meta["waste"].items() if name in Waste.__slots__}),
            final=bool(meta["final"]),
        )


def _write(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=["verdict", "finish"] if "finish" in table.column_names else False,
        write_statistics=False,
    )
    return bytes(sink.getvalue().to_pybytes())


def _read(data: bytes, *, key: str, kind: str) -> tuple[pa.Table, dict[str, Any]]:
    newest = {"segment": 2, "tally": 1}[kind]
    with frame.reading(data, key=key, kind=kind):
        table = frame.read_table(data)
        meta: dict[str, Any] = json.loads((table.schema.metadata or {})[b"dart"])
        name, _, version = str(meta["format"]).rpartition("/v")
        known = name == f"dart-k8s.io/{kind}" and int(version) <= newest
    if not known:
        raise RunError(
            f"Cannot read '{key}': its format is {meta['format']}, this program reads dart-k8s.io/{kind}/v1"
            f"{f' to v{newest}' if newest > 1 else ''}.",
            remedy="Use the newer program that wrote it.",
        )
    return table, meta
