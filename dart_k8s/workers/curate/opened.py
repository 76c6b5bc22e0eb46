"""Sealed pools side by side in one database, trials of each query in one order: earlier pools first."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.errors import DataError

from .bands import Ints
from .database import DEFAULT_LIMITS, Database, Limits, database, local_files
from .pool import POOL_FORMATS, PoolSource


class OpenPools:
    """Pools whose narrow columns are in the table `rows`; texts stay in the files until asked for.

    rows: query (number in the snapshot), pool, file, line, trial (in its pool), surplus, verdict, hash, tokens and
    `position`: the trial's index over all pools, counted trials first. `Q` is the number of queries.
    """

    def __init__(self, db: Database, sources: Sequence[PoolSource], query_ids: Sequence[str], files: list[str]) -> None:
        self.db = db
        self.sources = tuple(sources)
        self.query_ids = tuple(query_ids)
        self.files = files

    def trials(self) -> Ints:
        """Counted trials per query, shape (Q,)."""
        return self._per_query("SELECT query, count(*) AS value FROM rows WHERE NOT surplus GROUP BY query", 0)

    def correct(self, within: int | None = None) -> Ints:
        """Correct ones among the counted trials, or among the first `within`, per query, shape (Q,)."""
        limit = 2**31 - 1 if within is None else within
        return self._per_query(
            "SELECT query, count(*) AS value FROM rows "
            "WHERE NOT surplus AND verdict = 'correct' AND position < $limit GROUP BY query",
            0,
            limit=limit,
        )

    def first_correct(self) -> Ints:
        """Position of the first correct counted trial per query, -1 without one, shape (Q,)."""
        return self._per_query(
            "SELECT query, min(position) AS value FROM rows WHERE NOT surplus AND verdict = 'correct' GROUP BY query",
            -1,
        )

    def undecided(self) -> Ints:
        """Undecided counted trials per query, shape (Q,)."""
        return self._per_query(
            "SELECT query, count(*) AS value FROM rows WHERE NOT surplus AND verdict = 'undecided' GROUP BY query", 0
        )

    def _per_query(self, query: str, missing: int, **parameters: int) -> Ints:
        result = np.full(len(self.query_ids), missing, dtype=np.int64)
        found = self.db.table(query, **parameters)
        result[found["query"].to_numpy()] = found["value"].to_numpy()
        return result


@contextmanager
def open_pools(
    sources: Sequence[PoolSource], query_ids: Sequence[str], *, limits: Limits = DEFAULT_LIMITS
) -> Iterator[OpenPools]:
    """Open pools, earlier ones (`pool.from`) first. Trials of queries outside `query_ids` are left out.

    Raises DataError for a pool that is not whole or has another format, and StoreError.
    """
    with database(limits) as db:
        paths: list[str] = []
        pools: list[int] = []
        for number, source in enumerate(sources):
            keys = source.parts()
            for path, key in zip(local_files(source.store, keys, db.folder / f"pool-{number}"), keys, strict=True):
                _check_format(pq.read_schema(path), f"{source.store.uri}/{key}")
                paths.append(str(path))
                pools.append(number)
        db.register(
            "pool_files",
            pa.table(
                {
                    "path": pa.array(paths, pa.string()),
                    "file": pa.array(range(len(paths)), pa.int32()),
                    "pool": pa.array(pools, pa.int32()),
                }
            ),
        )
        db.register(
            "wanted",
            pa.table(
                {
                    "id": pa.array(query_ids, pa.string()),
                    "query": pa.array(range(len(query_ids)), pa.int32()),
                }
            ),
        )
        if paths:
            db.run(_ROWS, files=paths)
        else:
            db.run(_NO_ROWS)
        yield OpenPools(db, sources, query_ids, paths)


_ROWS = """
CREATE TEMP TABLE rows AS
SELECT q.query, f.pool, f.file, r.file_row_number AS line, r.trial, r.surplus, r.verdict, r.response_hash AS hash,
       r.tokens,
       (row_number() OVER (PARTITION BY q.query ORDER BY r.surplus, f.pool, r.trial) - 1)::INTEGER AS position
FROM responses($files) r JOIN pool_files f ON f.path = r.filename JOIN wanted q ON q.id = r.query_id
"""

_NO_ROWS = """
CREATE TEMP TABLE rows (query INTEGER, pool INTEGER, file INTEGER, line BIGINT, trial INTEGER, surplus BOOLEAN,
                        verdict VARCHAR, hash UBIGINT, tokens INTEGER, position INTEGER)
"""


def _check_format(schema: pa.Schema, name: str) -> None:
    found = (schema.metadata or {}).get(b"format", b"none").decode()
    if found not in POOL_FORMATS:
        raise DataError(
            f"Cannot read '{name}' as a pool: its format is {found}, this program reads {' and '.join(POOL_FORMATS)}.",
            remedy="Give the output of a completed run, or use the newer program that wrote it.",
        )
