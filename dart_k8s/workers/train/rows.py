"""From the rows of a data set to tokens: reading, encoding, choosing; and the file that keeps them."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.api import Training
from dart_k8s.api.templates import Template
from dart_k8s.errors import DataError, NothingToTrainOn
from dart_k8s.training import student
from dart_k8s.training.packing import Ints
from dart_k8s.training.plan import choose
from dart_k8s.training.student import Tokens

SCHEMA = pa.schema([pa.field("tokens", pa.list_(pa.int32())), pa.field("learnt", pa.list_(pa.bool_()))])
PROVENANCE = ("source", "pool", "engine", "template", "sampling", "verifier")
"""Columns of our own data sets whose distinct values the model's card repeats."""
MOST_VALUES = 20
"""Distinct values of such a column that are kept."""


Array = np.ndarray[Any, Any]


@dataclass(slots=True)
class Read:
    """Rows that fit, in the order of the source."""

    count: int = 0
    """All rows, those that do not fit too."""
    tokens: list[Array] = field(default_factory=list)
    """Ids of each row, int32."""
    learnt: list[Array] = field(default_factory=list)
    """Which of them the loss is over, bool."""
    queries: list[str] = field(default_factory=list)
    provenance: dict[str, dict[str, None]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Rows that fit."""
        return len(self.tokens)

    def lengths(self) -> Ints:
        """Tokens of each row."""
        return np.array([row.size for row in self.tokens], np.int64)

    def learnt_tokens(self) -> Ints:
        """Learnt tokens of each row."""
        return np.array([row.sum() for row in self.learnt], np.int64)


def read(
    source: Iterable[Mapping[str, Any]],
    training: Training,
    template: Template,
    tokens: Tokens,
    *,
    uri: str,
    progress: Callable[[int], None],
) -> Read:
    """Encode all rows. NothingToTrainOn without rows or columns, DataError for a row that holds no text."""
    columns, length = training.spec.data.fields, training.spec.optimisation.length
    found = Read()
    for number, row in enumerate(source):
        if number == 0:
            _check_columns(row, (columns.query, columns.response), uri)
        query, response = _text(row, columns.query, number, uri), _text(row, columns.response, number, uri)
        tool = _tool_spans(row.get(columns.spans), len(response), number, uri)
        encoded = student.encode(template, tokens, query, response, tool)
        found.count += 1
        if len(encoded.ids) <= length:
            found.tokens.append(np.array(encoded.ids, np.int32))
            found.learnt.append(np.array(encoded.learnt, bool))
            found.queries.append(query)
        for name in PROVENANCE:
            values = found.provenance.setdefault(name, {}) if isinstance(row.get(name), str) else {}
            if len(values) < MOST_VALUES:
                values[str(row.get(name))] = None
        if number % 1000 == 999:
            progress(number + 1)
    if not found.count:
        raise NothingToTrainOn(f"There is nothing to train on: {uri} has no rows.")
    return found


def _check_columns(row: Mapping[str, Any], wanted: Sequence[str], uri: str) -> None:
    missing = [name for name in wanted if name not in row]
    if missing:
        raise NothingToTrainOn(
            f"Cannot train on {uri}: it has no column {' and none '.join(map(repr, missing))}.",
            remedy=f"Its columns are {', '.join(sorted(row))}; say which to use in spec.data.fields.",
        )


def _text(row: Mapping[str, Any], column: str, number: int, uri: str) -> str:
    value = row.get(column)
    if not isinstance(value, str) or not value.strip():
        raise DataError(
            f"Cannot train on row {number} of {uri}: '{column}' is {repr(value)[:60]}, not a text.",
            remedy="Mend the data set, or name another column in spec.data.fields.",
        )
    return value


def _tool_spans(value: Any, length: int, number: int, uri: str) -> list[tuple[int, int]]:
    if value is None:
        return []
    try:
        spans = [(str(span["kind"]), int(span["start"]), int(span["end"])) for span in value]
        if all(0 <= start <= end <= length for _, start, end in spans):
            return [(start, end) for kind, start, end in spans if kind == "tool" and start < end]
    except (TypeError, KeyError, ValueError):
        pass
    raise DataError(
        f"Cannot train on row {number} of {uri}: its spans are not those of its response of {length} characters.",
        remedy="Each span is {kind: model | tool, start, end}, in characters of the response.",
    )


def cut(found: Read, training: Training, uri: str) -> Read:
    """The rows that `data.rows` asks for; NothingToTrainOn if there are fewer."""
    wanted = training.spec.data.rows
    if wanted is None or wanted == found.size:
        return found
    if wanted > found.size:
        raise NothingToTrainOn(
            f"Cannot train on {wanted} rows of {uri}: {found.size} of its {found.count} rows fit into "
            f"{training.spec.optimisation.length} tokens.",
            remedy="Lower spec.data.rows, or raise spec.optimisation.length.",
        )
    chosen = choose(np.array(found.queries), wanted, training.spec.optimisation.seed).tolist()
    return replace(
        found,
        tokens=[found.tokens[n] for n in chosen],
        learnt=[found.learnt[n] for n in chosen],
        queries=[found.queries[n] for n in chosen],
    )


def encode(found: Read) -> bytes:
    """Rows as Parquet."""
    offsets = pa.array(np.concatenate([np.zeros(1, np.int64), np.cumsum(found.lengths())]), pa.int32())
    columns = (np.concatenate([*rows, np.zeros(0, rows[0].dtype)]) for rows in (found.tokens, found.learnt))
    tokens, learnt = (pa.ListArray.from_arrays(offsets, pa.array(column)) for column in columns)
    target = io.BytesIO()
    table = pa.table({"tokens": tokens, "learnt": learnt}, schema=SCHEMA)
    pq.write_table(table, target, compression="zstd", row_group_size=8192)
    return target.getvalue()


def decode(data: bytes) -> tuple[Array, Array, Ints]:
    """Tokens (int32) and learnt (bool) of all rows end to end, and where each row begins (int64, rows + 1)."""
    table = pq.read_table(io.BytesIO(data))
    tokens, learnt = (pa.concat_arrays(table[name].chunks) for name in ("tokens", "learnt"))
    return (
        tokens.flatten().to_numpy(zero_copy_only=False),
        learnt.flatten().to_numpy(zero_copy_only=False),
        np.asarray(tokens.offsets, dtype=np.int64),
    )


__all__ = ["Read", "cut", "decode", "encode", "read"]
