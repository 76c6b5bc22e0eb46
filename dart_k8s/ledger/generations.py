"""Generations of verdicts: what another version of the verifier says of responses that were judged before.

Generation 0 are the verdicts in the segments themselves. A later one has an object for each segment, with a verdict for
each of its rows, in their order and without their texts. The budget state says which generation it is made from, and of
how many of its attempts: those that were made after the generation carry verdicts of the same version themselves.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.errors import RunError

from . import frame
from .keys import AttemptName
from .segments import VOID, Row, Tally, code_of

FORMAT = "dart-k8s.io/verdicts/v1"
PREFIX = "pool/generations/"
MARKS = "state/generations/"
"""One object for each generation that was ever begun: the version of its verdicts."""

COLUMNS = ("verdict", "reason", "answer", "tier")
"""Of a segment's rows, which a generation says anew."""
SCHEMA = pa.schema([pa.field(name, pa.string()) for name in COLUMNS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a generation says of one row; all None where there is no response to judge."""

    verdict: str | None = None
    reason: str | None = None
    answer: str | None = None
    tier: str | None = None


def prefix_of(generation: int) -> str:
    """Where the objects of a generation lie."""
    return f"{PREFIX}{generation:03d}/"


def key_of(generation: int, attempt: AttemptName, sequence: int) -> str:
    """The verdicts on one segment."""
    return f"{prefix_of(generation)}{attempt}/{sequence:06d}.parquet"


def mark_of(generation: int) -> str:
    """The object that says that a generation was begun, and by which version."""
    return f"{MARKS}{generation:03d}.json"


def has_response(row: Row) -> bool:
    """Whether a row is a trial: not a void place, and not only the verdict of an earlier row."""
    return row.response is not None and row.finish != "error"


def encode(said: Sequence[Said], *, verifier: str) -> bytes:
    """Verdicts on the rows of one segment, in their order."""
    columns = {name: [getattr(one, name) for one in said] for name in COLUMNS}
    meta = {"format": FORMAT, "verifier": verifier}
    table = pa.table(columns, schema=SCHEMA).replace_schema_metadata({"dart": json.dumps(meta, sort_keys=True)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_statistics=False)
    return bytes(sink.getvalue().to_pybytes())


def read(data: bytes, *, key: str, rows: int) -> tuple[pa.Table, str]:
    """The columns `COLUMNS`, and the version of the verdicts. RunError: damaged, newer, or not on so many rows."""
    with frame.reading(data, key=key, kind="generation of verdicts"):
        table = frame.read_table(data)
        meta: dict[str, Any] = json.loads((table.schema.metadata or {})[b"dart"])
        if meta["format"] != FORMAT or table.num_rows != rows:
            raise RunError(
                f"Cannot read '{key}': it has format {meta['format']} and {table.num_rows} rows, wanted are {FORMAT} "
                f"and {rows}.",
                remedy="Use the newer program that wrote it, or delete it and run `dart reverify` again.",
            )
        return table.select(list(COLUMNS)), str(meta["verifier"])


def retally(tally: Tally, verdicts: Sequence[str | None]) -> Tally:
    """A segment's tally by the verdicts of a generation. Rows that only brought a verdict are gone: every trial has its
    own now."""
    codes = np.array([code_of(verdict) for verdict in verdicts], dtype=np.int64)
    codes = np.where(tally.verdict == VOID, VOID, codes)
    kept = tally.fresh
    columns = {
        name: getattr(tally, name)[kept] for name in ("query", "place", "tokens", "prompt_tokens", "text", "fresh")
    }
    return replace(tally, **columns, verdict=codes[kept], attempt=())
