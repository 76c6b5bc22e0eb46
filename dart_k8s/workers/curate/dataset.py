"""The data set's Parquet files: what trainers read first, provenance after."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.edges.store.base import Store
from dart_k8s.ledger.segments import SPANS

from .bands import Floats
from .opened import OpenPools
from .pool import ROWS_PER_GROUP, PoolSource
from .select import any_spans, texts

DATASET_FORMAT = "dart-k8s.io/dataset/v1"
ROWS_PER_FILE = 131072
"""Rows of a file: about 50 MB compressed."""

_MESSAGE = pa.struct([pa.field("role", pa.string()), pa.field("content", pa.string())])

DATASET_SCHEMA = pa.schema(
    [
        pa.field("query", pa.string()),
        pa.field("response", pa.string()),
        pa.field("messages", pa.list_(_MESSAGE)),
        pa.field("query_id", pa.string()),
        pa.field("trial", pa.int32()),
        pa.field("source", pa.string()),
        pa.field("subject", pa.string()),
        pa.field("level", pa.string()),
        pa.field("difficulty", pa.float64()),
        pa.field("reference", pa.string()),
        pa.field("answer", pa.string()),
        pa.field("tokens", pa.int32()),
        pa.field("flags", pa.list_(pa.string())),
        pa.field("pool", pa.string()),
        pa.field("engine", pa.string()),
        pa.field("template", pa.string()),
        pa.field("sampling", pa.string()),
        pa.field("verifier", pa.string()),
    ]
)
"""`messages`: the pair as a chat. `trial`: index in its pool. `difficulty`: 1 - the posterior mean pass rate.
`reference`: the query's reference answer, `answer`: what the response answers. `flags`: other-answer | low-pass-rate.
`sampling`: parameters as JSON. Never the sampling prompt. Where code was run in any response there is a column `spans`
at the end: who wrote which part of it."""

Seen = Callable[[str, int, str], None]
"""Called for each row with (query id, trial, response)."""


def write_dataset(
    pools: OpenPools,
    store: Store,
    queries: pa.Table,
    *,
    rows: int,
    difficulty: Floats,
    flags: Sequence[list[str]],
    prefix: str,
    seen: Seen | None = None,
) -> tuple[str, ...]:
    """Write the chosen rows as PREFIXtrain-00000-of-0000N.parquet and remove files of an earlier set; returns the keys.

    `rows` is their number, `difficulty` and `flags` are per query of the snapshot `queries`. Raises StoreError.
    """
    count = max(1, -(-rows // ROWS_PER_FILE))
    names = tuple(f"{prefix}train-{number:05d}-of-{count:05d}.parquet" for number in range(count))
    schema = DATASET_SCHEMA.append(pa.field("spans", SPANS)) if any_spans(pools) else DATASET_SCHEMA
    schema = schema.with_metadata({"format": DATASET_FORMAT})
    columns = _PerQuery(queries, difficulty, flags)
    groups = texts(pools, rows=ROWS_PER_GROUP)
    path = pools.db.folder / "train.parquet"
    left = rows
    for name in names:
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for _ in range(-(-min(left, ROWS_PER_FILE) // ROWS_PER_GROUP)):
                group = next(groups)
                writer.write_table(
                    columns.rows(group, pools.sources, schema).cast(schema), row_group_size=ROWS_PER_GROUP
                )
                if seen is not None:
                    _show(group, pools, seen)
        left -= ROWS_PER_FILE
        store.upload(path, name)
    for entry in list(store.list(prefix + "train-")):
        if entry.key not in names:
            store.delete(entry.key)
    return names


class _PerQuery:
    """Columns of the queries, to be spread over their rows."""

    def __init__(self, queries: pa.Table, difficulty: Floats, flags: Sequence[list[str]]) -> None:
        self._columns = {
            "query": queries["query"],
            "query_id": queries["id"],
            "source": queries["source"],
            "subject": queries["subject"],
            "level": queries["level"],
            "difficulty": pa.array(difficulty, pa.float64()),
            "reference": queries["answer"],
            "flags": pa.array(flags, pa.list_(pa.string())),
        }

    def rows(self, group: pa.Table, sources: Sequence[PoolSource], schema: pa.Schema) -> pa.Table:
        """A data set's rows from chosen ones."""
        spread = {name: _flat(column.take(group["query"])) for name, column in self._columns.items()}
        pool = group["pool"]
        provenance = {
            "pool": [source.name for source in sources],
            "engine": [source.provenance.engine for source in sources],
            "template": [source.provenance.template for source in sources],
            "sampling": [source.provenance.sampling for source in sources],
            "verifier": [source.provenance.verifier for source in sources],
        }
        response = _flat(group["response"])
        columns = {
            **spread,
            **{name: pa.array(values, pa.string()).take(pool) for name, values in provenance.items()},
            **{name: group[name] for name in ("trial", "answer", "tokens", "spans")},
            "response": response,
            "messages": _chats(spread["query"], response),
        }
        return pa.table({name: columns[name] for name in schema.names})


def _chats(queries: pa.Array, responses: pa.Array) -> pa.Array:
    """One user and one assistant message per row."""
    rows = len(queries)
    both = pa.concat_arrays([queries.cast(pa.string()), responses.cast(pa.string())])
    order = np.arange(2 * rows).reshape(2, rows).T.ravel()
    roles = pa.array(["user", "assistant"], pa.string()).take(pa.array(np.arange(2 * rows) % 2))
    messages = pa.StructArray.from_arrays([roles, both.take(pa.array(order))], fields=list(_MESSAGE))
    return pa.ListArray.from_arrays(pa.array(np.arange(0, 2 * rows + 1, 2), pa.int32()), messages)


def _flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _show(group: pa.Table, pools: OpenPools, seen: Seen) -> None:
    columns = (group[name].to_pylist() for name in ("query", "trial", "response"))
    for query, trial, response in zip(*columns, strict=True):
        seen(pools.query_ids[query], trial, response)
