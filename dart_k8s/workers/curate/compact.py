"""Segments -> sealed pool: one row per trial, sorted, with its verdict and its dense index.

The texts are read once, in streaming order; joins and windows run on the narrow columns only, and DuckDB sorts with a
memory limit and spills. The same segments give the same bytes, however they were cut.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.edges.store.base import Store
from dart_k8s.errors import RunError
from dart_k8s.ledger import keys

from .database import DEFAULT_LIMITS, Database, Limits, database, local_files, spans_of
from .pool import POOL_FORMAT, POOL_SCHEMA, QUERY_INFO, ROWS_PER_GROUP, ROWS_PER_PART, SealedAttempt
from .query_info import query_info
from .segments import rejudged, verifier_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """What compaction made."""

    keys: tuple[str, ...]
    """The pool's objects."""
    rows: int
    counted: int
    surplus: int
    pending: int
    """Rows without a verdict; 0 in a completed run."""
    void: int
    """Places that the engine could not serve; not in the pool."""
    stray: int
    """Verdicts for trials that the sealed state does not name."""
    unsealed: int
    """Segments written after the seal; left where they are."""
    verifier: str
    """Version of the verdicts."""
    counts: pa.Table
    """Per query in query order: n, s, undecided, surplus (int64)."""


def compact(
    store: Store,
    attempts: Sequence[SealedAttempt],
    queries: pa.Table,
    *,
    limits: Limits = DEFAULT_LIMITS,
    prefix: str = keys.POOL,
    posterior: Sequence[float] | None = None,
) -> Compaction:
    """Write `pool/part-*.parquet` and `pool/query-info.parquet` from the segments that the sealed state names.

    `queries` is the snapshot in query order; `posterior` the mean pass rates for query-info's last column, if known.
    Raises RunError if a named segment is missing or verdicts of several verifier versions meet, and StoreError.
    """
    ordered = sorted(attempts, key=lambda attempt: (attempt.order, attempt.name))
    named = [(number, sequence) for number, attempt in enumerate(ordered) for sequence in range(attempt.segments)]
    wanted = [keys.AttemptName.parse(ordered[number].name).segment(sequence) for number, sequence in named]
    unsealed = _check_present(store, wanted)
    with database(limits) as db:
        files = local_files(store, wanted, db.folder / "segments")
        files = rejudged(store, files, wanted, [ordered[number].generation for number, _ in named], db.folder)
        verifier = verifier_of(files, wanted)
        db.register("attempts", _attempt_table(ordered))
        db.register("files", _file_table(files, named))
        db.register("passed", _passed_table(ordered))
        db.register("queries", _narrow_queries(queries))
        _join_verdicts(db, files)
        # Without query-info nobody takes a half-written pool for a whole one.
        store.delete(prefix + QUERY_INFO)
        parts = _write_parts(db, store, files, prefix=prefix, verifier=verifier)
        for entry in list(store.list(prefix + "part-")):
            if entry.key not in parts:
                store.delete(entry.key)
        counts = db.table(_COUNTS)
        info = query_info(queries, counts, db.table(_BY_ATTEMPT), posterior=posterior)
        path = db.folder / QUERY_INFO
        pq.write_table(info, path, compression="zstd")
        store.upload(path, prefix + QUERY_INFO)
        totals = db.table(_TOTALS).to_pylist()[0]
    return Compaction(
        keys=(*parts, prefix + QUERY_INFO),
        unsealed=unsealed,
        verifier=verifier,
        counts=counts.drop_columns(["query"]),
        **totals,
    )


def _check_present(store: Store, wanted: Iterable[str]) -> int:
    """RunError unless all objects are there; returns how many other segments are."""
    listed = {entry.key for entry in store.list(keys.SEGMENTS) if entry.key.endswith(".parquet")}
    missing = [key for key in wanted if key not in listed]
    if missing:
        raise RunError(
            f"Cannot compact {store.uri}: the sealed state counts {len(missing)} segments that are not there, "
            f"the first is '{missing[0]}'.",
            remedy="Was something deleted under pool/segments? Restore it from a backup or a bucket version.",
        )
    return len(listed.difference(wanted))


def _attempt_table(ordered: Sequence[SealedAttempt]) -> pa.Table:
    return pa.table(
        {
            "attempt": pa.array(range(len(ordered)), pa.int32()),
            "name": pa.array([attempt.name for attempt in ordered], pa.string()),
        }
    )


def _file_table(files: Sequence[Path], named: Sequence[tuple[int, int]]) -> pa.Table:
    return pa.table(
        {
            "path": pa.array([str(path) for path in files], pa.string()),
            "attempt": pa.array([attempt for attempt, _ in named], pa.int32()),
            "sequence": pa.array([sequence for _, sequence in named], pa.int32()),
        }
    )


def _passed_table(ordered: Sequence[SealedAttempt]) -> pa.Table:
    rows = [(number, *one) for number, attempt in enumerate(ordered) for one in attempt.passed]
    writer, sequence, attempt, query, place = zip(*rows, strict=True) if rows else ((),) * 5
    return pa.table(
        {
            "writer": pa.array(writer, pa.int32()),
            "sequence": pa.array(sequence, pa.int32()),
            "attempt": pa.array(attempt, pa.string()),
            "query": pa.array(query, pa.int32()),
            "place": pa.array(place, pa.int32()),
        }
    )


def _narrow_queries(queries: pa.Table) -> pa.Table:
    narrow = queries.select(["id", "source"]).cast(pa.schema({"id": pa.string(), "source": pa.string()}))
    return narrow.append_column("query", pa.array(range(queries.num_rows), pa.int32()))


_FRESH = """
CREATE TEMP TABLE fresh AS
SELECT f.attempt, r.query, r.place, f.sequence, r.file_row_number AS line, r.finish = 'error' AS void, r.verdict
FROM responses($files) r JOIN files f ON f.path = r.filename
WHERE r.response IS NOT NULL OR r.finish = 'error'
QUALIFY row_number() OVER (PARTITION BY f.attempt, r.query, r.place ORDER BY f.sequence, r.file_row_number) = 1
"""

# A pending trial may get its verdict from its own attempt or from whoever took the shard over. The state counted the
# one that it saw first, and names the others.
_LATE = """
CREATE TEMP TABLE late AS
SELECT a.attempt, r.query, r.place, r.verdict, r.reason, r.answer, r.tier
FROM responses($files) r JOIN files f ON f.path = r.filename
JOIN attempts own ON own.attempt = f.attempt
JOIN attempts a ON a.name = CASE WHEN r.block = '' THEN own.name ELSE r.block END
LEFT JOIN passed p ON p.writer = f.attempt AND p.sequence = f.sequence AND p.attempt = a.name
    AND p.query = r.query AND p.place = r.place
WHERE r.response IS NULL AND r.finish <> 'error' AND r.verdict IS NOT NULL AND p.writer IS NULL
QUALIFY row_number() OVER (
    PARTITION BY a.attempt, r.query, r.place ORDER BY f.attempt, f.sequence, r.file_row_number) = 1
"""

# Places are distinct and count from 0, so the k-th one equals k exactly as long as none before it is missing.
_TRIALS = """
CREATE TEMP TABLE trials AS
WITH ended AS (
    SELECT fresh.* REPLACE (coalesce(fresh.verdict, late.verdict) AS verdict),
           void OR coalesce(fresh.verdict, late.verdict) IS NOT NULL AS ended
    FROM fresh LEFT JOIN late USING (attempt, query, place)),
counted AS (
    SELECT *, place = row_number() OVER prefix - 1 AND bool_and(ended) OVER prefix AS counted
    FROM ended
    WINDOW prefix AS (PARTITION BY attempt, query ORDER BY place ROWS UNBOUNDED PRECEDING))
SELECT attempt, sequence, line, query, place, verdict, NOT counted AS surplus,
       (row_number() OVER (PARTITION BY query ORDER BY NOT counted, attempt, place) - 1)::INTEGER AS trial
FROM counted WHERE NOT void
"""

_POOL = """
SELECT q.id AS query_id, q.source, t.trial, r.response, coalesce(t.verdict, 'pending') AS verdict,
       if(r.verdict IS NULL, l.reason, r.reason) AS why,
       if(r.verdict IS NULL, l.answer, r.answer) AS answer,
       if(r.verdict IS NULL, l.tier, r.tier) AS tier,
       r.tokens, r.prompt_tokens, r.finish AS finish_reason, t.surplus, a.name AS claim, r.place,
       r.query AS query_number, r.text AS response_hash, {spans} AS spans
FROM {responses}($files) r JOIN files f ON f.path = r.filename
JOIN trials t ON t.attempt = f.attempt AND t.sequence = f.sequence AND t.line = r.file_row_number
JOIN attempts a ON a.attempt = f.attempt
JOIN queries q ON q.query = r.query
LEFT JOIN late l ON l.attempt = t.attempt AND l.query = t.query AND l.place = t.place
ORDER BY r.query, t.trial
"""

_COUNTS = """
SELECT q.query,
       count(*) FILTER (NOT t.surplus) AS n,
       count(*) FILTER (NOT t.surplus AND t.verdict = 'correct') AS s,
       count(*) FILTER (NOT t.surplus AND t.verdict = 'undecided') AS undecided,
       count(*) FILTER (t.surplus) AS surplus
FROM queries q LEFT JOIN trials t USING (query) GROUP BY q.query ORDER BY q.query
"""

_BY_ATTEMPT = """
SELECT query, list(n ORDER BY attempt) AS n, list(s ORDER BY attempt) AS s
FROM (SELECT query, attempt, count(*) AS n, count(*) FILTER (verdict = 'correct') AS s
      FROM trials WHERE NOT surplus GROUP BY query, attempt)
GROUP BY query ORDER BY query
"""

_TOTALS = """
SELECT (SELECT count(*) FROM trials) AS rows,
       (SELECT count(*) FROM trials WHERE NOT surplus) AS counted,
       (SELECT count(*) FROM trials WHERE surplus) AS surplus,
       (SELECT count(*) FROM trials WHERE verdict IS NULL) AS pending,
       (SELECT count(*) FROM fresh WHERE void) AS void,
       (SELECT count(*) FROM late ANTI JOIN fresh USING (attempt, query, place)) AS stray
"""


def _join_verdicts(db: Database, files: Sequence[Path]) -> None:
    """Make the tables `fresh`, `late` and `trials`: narrow columns only."""
    paths = [str(path) for path in files]
    if not paths:
        db.run("CREATE TEMP TABLE fresh (attempt INTEGER, query INTEGER, place INTEGER, void BOOLEAN)")
        db.run("CREATE TEMP TABLE late (attempt INTEGER, query INTEGER, place INTEGER)")
        db.run("CREATE TEMP TABLE trials (query INTEGER, attempt INTEGER, surplus BOOLEAN, verdict VARCHAR)")
        return
    db.run(_FRESH, files=paths)
    db.run(_LATE, files=paths)
    db.run(_TRIALS)


def _write_parts(db: Database, store: Store, files: Sequence[Path], *, prefix: str, verifier: str) -> list[str]:
    """Stream the sorted rows into parts of fixed size; returns their keys."""
    schema = POOL_SCHEMA.with_metadata({"format": POOL_FORMAT, "verifier": verifier})
    written: list[str] = []
    path = db.folder / "part.parquet"
    writer: pq.ParquetWriter | None = None
    rows = 0

    def finish() -> None:
        nonlocal writer, rows
        if writer is not None:
            writer.close()
            written.append(f"{prefix}part-{len(written):05d}.parquet")
            store.upload(path, written[-1])
        writer, rows = None, 0

    responses, spans = spans_of(files)
    query = _POOL.format(responses=responses, spans=spans)
    groups = db.stream(query, rows=ROWS_PER_GROUP, files=[str(file) for file in files]) if files else ()
    for group in groups:
        if writer is None:
            writer = pq.ParquetWriter(path, schema, compression="zstd")
        writer.write_table(group.cast(schema), row_group_size=ROWS_PER_GROUP)
        rows += group.num_rows
        if rows >= ROWS_PER_PART:
            finish()
    finish()
    return written
