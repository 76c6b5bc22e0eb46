"""DuckDB within bounds: a memory limit, a scratch folder to spill to, and files only from that folder."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.edges.store.base import Store

DOWNLOADS = 8
"""Objects fetched at once: hides the latency of a remote store, holds no more than as many buffers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What curation may use."""

    memory: int = 640 * 2**20
    """Bytes DuckDB keeps before it spills. The whole process needs about as much again (Arrow buffers, Python)."""
    threads: int = 2
    scratch: Path | None = None
    """Folder for downloads and spilled rows, about three times the size of the texts; None: the system's."""


DEFAULT_LIMITS = Limits()


class Database:
    """A DuckDB connection with a scratch folder of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection = connection
        self.folder = folder

    def run(self, query: str, **parameters: Any) -> None:
        """Execute a statement; values come as parameters, never inside the text."""
        self._connection.execute(query, parameters or None)

    def table(self, query: str, **parameters: Any) -> pa.Table:
        """A result that fits into memory."""
        return self._relation(query, parameters).to_arrow_table()

    def stream(self, query: str, *, rows: int, **parameters: Any) -> Iterator[pa.Table]:
        """A result in tables of exactly `rows` rows (the last one shorter), whatever sizes DuckDB hands out."""
        held: list[pa.RecordBatch] = []
        count = 0
        reader = self._relation(query, parameters).to_arrow_reader(rows)
        for batch in reader:
            held.append(batch)
            count += batch.num_rows
            while count >= rows:
                table = pa.Table.from_batches(held, reader.schema)
                yield table.slice(0, rows)
                held = table.slice(rows).to_batches()
                count -= rows
        if count:
            yield pa.Table.from_batches(held, reader.schema)

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under a name."""
        self._connection.register(name, table)

    def _relation(self, query: str, parameters: dict[str, Any]) -> duckdb.DuckDBPyRelation:
        return self._connection.sql(query, params=parameters or None)


_RESPONSES = """
CREATE TEMP MACRO responses(files) AS TABLE
SELECT * FROM read_parquet(files, filename = true, file_row_number = true, hive_partitioning = false);
CREATE TEMP MACRO mixed_responses(files) AS TABLE
SELECT * FROM read_parquet(
    files, filename = true, file_row_number = true, hive_partitioning = false, union_by_name = true)
"""
"""Rows of Parquet files with the file and the line that each stands in; of files with different columns, too."""


def spans_of(paths: Sequence[Path | str]) -> tuple[str, str]:
    """How to read the column `spans` of files of which only newer ones have it: the macro, and the expression on its
    rows `r`."""
    having = {"spans" in pq.read_schema(path).names for path in paths}
    if having == {True, False}:
        return "mixed_responses", "r.spans"
    return "responses", "r.spans" if having == {True} else "NULL"


@contextmanager
def database(limits: Limits) -> Iterator[Database]:
    """A database in memory that spills to a scratch folder; both are gone afterwards."""
    with TemporaryDirectory(prefix="dart-curate-", dir=limits.scratch) as name:
        folder = Path(name)
        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{limits.memory // 2**20}MiB",
                "threads": limits.threads,
                "temp_directory": str(folder / "spill"),
                "preserve_insertion_order": False,
                # Reading a data set must never reach for the network.
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        try:
            connection.execute(_RESPONSES)
            connection.execute("SET lock_configuration = true")
            yield Database(connection, folder)
        finally:
            connection.close()


def local_files(store: Store, keys: Sequence[str], folder: Path) -> list[Path]:
    """The objects as files named 00000000.parquet, 00000001.parquet, ... in `folder`; `NotFound`.

    Files of a folder store are linked, others downloaded. The plain names keep characters that a reader takes for a
    pattern or a partition ("*", "[", "year=2024") out of the paths it sees.
    """
    folder.mkdir(parents=True)
    paths = [folder / f"{number:08d}.parquet" for number in range(len(keys))]

    def provide(key: str, path: Path) -> None:
        source = store.local_path(key)
        if source is not None and source.is_file():
            path.symlink_to(source.resolve())
        else:
            store.download(key, path)

    with ThreadPoolExecutor(DOWNLOADS) as threads:
        list(threads.map(provide, keys, paths))
    return paths
