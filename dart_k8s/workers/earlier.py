"""Starting from earlier pools: their correct responses count towards targets, their trials towards pass rates if
like."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.answers import text_hash
from dart_k8s.edges.store import Store
from dart_k8s.errors import DataError
from dart_k8s.ledger import fold, state
from dart_k8s.ledger.keys import BUDGET, POOL
from dart_k8s.ledger.state import BudgetState, Phase

from . import record
from .record import RunRecord
from .snapshot import Query, Snapshot

SAME = (
    "spec.model",
    "spec.prompt",
    "spec.sampling.temperature",
    "spec.sampling.topP",
    "spec.sampling.maxTokens",
    "spec.engine.kind",
    "spec.engine.model",
)
"""What must be equal for trials of two runs to be draws of the same pass rate, besides revision and verifier."""


def bring(
    first: BudgetState, store: Store, uri: str, queries: Sequence[Query], made: RunRecord
) -> tuple[BudgetState, Mapping[str, Any]]:
    """The state with an earlier run's pool in it, and what was brought. Queries are joined by their text.

    DataError: no closed run in the store, or none of its queries is among `queries`.
    """
    found = record.read(store)
    if found is None or state.decode(store.get(BUDGET).data).phase is not Phase.CLOSED:
        raise DataError(
            f"Cannot start from the pool in {uri}: {'no run' if found is None else 'its run is not finished'}.",
            remedy="spec.pool.from takes the outputs of finished runs; finish it with `dart run`.",
        )
    theirs = Snapshot.load(store)
    own = {query.query: row for row, query in enumerate(queries)}
    rows = {number: own.get(theirs.query(number)) for number in range(len(theirs))}
    if all(row is None for row in rows.values()):
        raise DataError(f"Cannot start from the pool in {uri}: none of its {len(theirs)} queries is in this run.")
    counts_too = alike(found[0], made)
    trials, correct = np.zeros(len(queries), dtype=np.int64), np.zeros(len(queries), dtype=np.int64)
    query, text = [], []
    for entry in store.list(f"{POOL}part-"):
        table = pq.read_table(
            pa.BufferReader(store.get(entry.key).data), columns=["query_number", "response", "verdict", "surplus"]
        )
        for number, response, verdict, surplus in zip(*(column.to_pylist() for column in table.columns), strict=True):
            row = rows[number]
            if row is None or surplus:
                continue
            trials[row] += 1
            if verdict == "correct":
                correct[row] += 1
                query.append(row)
                text.append(text_hash(response))
    brought = fold.bring(
        first,
        query=np.array(query, dtype=np.int64),
        text=np.array(text, dtype=np.uint64),
        trials=trials if counts_too else None,
        correct=correct if counts_too else None,
    )
    return brought, {
        "uri": uri,
        "counts_towards_pass_rates": counts_too,
        "trials": int(trials.sum()),
        "correct": int(correct.sum()),
    }


def alike(one: RunRecord, other: RunRecord) -> bool:
    """Whether two runs draw from the same distribution: same model, revision, template, sampling, verifier."""
    return (
        one.model_revision == other.model_revision
        and one.verifier == other.verifier
        and all(_field(one.declaration, path) == _field(other.declaration, path) for path in SAME)
    )


def _field(declaration: Mapping[str, Any], path: str) -> Any:
    value: Any = declaration
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
