"""The snapshot of the queries: one immutable Parquet object; a query's row number is its name in the run."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.budget.posterior import Floats, Ints
from dart_k8s.edges.store import Store
from dart_k8s.errors import NotFound, RunError
from dart_k8s.ledger.keys import QUERIES

FORMAT = b"dart-k8s.io/queries/v1"

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("query", pa.string(), nullable=False),
        pa.field("answer", pa.string(), nullable=False),
        pa.field("subject", pa.string()),
        pa.field("level", pa.string()),
        pa.field("difficulty", pa.float64()),
        pa.field("target", pa.int32()),
    ],
    metadata={b"format": FORMAT},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One problem with its reference answer."""

    id: str
    """Source and the row's own id, or a hash of its text."""
    source: str
    query: str
    answer: str
    """The reference, extracted."""
    subject: str | None = None
    level: str | None = None
    difficulty: float | None = None
    """Pass rate fixed from outside."""
    target: int | None = None
    """Target of its source."""


def text_id(source: str, text: str) -> str:
    """Id of a query whose row has none."""
    return f"{source}/{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def encode(queries: Sequence[Query]) -> bytes:
    """The snapshot as one object; the same queries give the same bytes."""
    columns = {name: [getattr(q, name) for q in queries] for name in SCHEMA.names}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=SCHEMA), sink, compression="zstd", row_group_size=65536)
    return bytes(sink.getvalue().to_pybytes())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The queries of a run; texts stay in Arrow's memory until asked for."""

    table: pa.Table
    """Columns of `SCHEMA`, Q rows."""

    @classmethod
    def load(cls, store: Store) -> "Snapshot":
        """The snapshot of an output; RunError if there is none or it can't be read."""
        try:
            data = store.get(QUERIES).data
            return cls(pq.read_table(pa.BufferReader(data)).combine_chunks())
        except MemoryError:
            raise
        except (NotFound, pa.ArrowException) as error:
            raise RunError(
                f"Cannot read the queries '{QUERIES}' in {store.uri}: {error}.",
                remedy="The output was not prepared to the end; run `dart run FILE` again.",
            ) from error

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def query(self, row: int) -> str:
        """Text of a query."""
        return str(self.table["query"][row].as_py())

    def reference(self, row: int) -> str:
        """Reference answer of a query."""
        return str(self.table["answer"][row].as_py())

    @property
    def own_targets(self) -> Ints:
        """Target of each query's source, 0: none; shape (Q,)."""
        return np.array([t or 0 for t in self.table["target"].to_pylist()], dtype=np.int64)

    @property
    def fixed_rates(self) -> Floats:
        """Pass rate fixed from outside, NaN: none; shape (Q,)."""
        values = self.table["difficulty"].to_pylist()
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
