"""Where verdicts are written, so that a job which is killed at any moment goes on.

OUT.part/job.json         what is being verified how; first
OUT.part/000000000000.parquet ...   verdicts of consecutive rows, named by the first; each appears whole or not at all
OUT                       all of them, in the order of the source; when the last is there
OUT's stem.summary.json   the same facts and the counts; its presence says that OUT is whole
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.errors import RunError, SpecError, StoreError, StoreFull

FORMAT = 1
SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("verdict", pa.string()),
        pa.field("answer", pa.string()),
        pa.field("reference", pa.string()),
        pa.field("tier", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("math_verify", pa.string()),
        pa.field("math_verify_answer", pa.string()),
    ]
)
"""`row` counts from 0 in the source. `verdict` is null where the source has no usable reference. The last two: only
with a comparison."""
COMPARED = ("math_verify", "math_verify_answer")
ENDINGS = (".parquet", ".jsonl")


class Output:
    """One job's output. `open` it before anything else; `close` when done."""

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        """`facts` say what is verified how: an output is only gone on with if they are the same."""
        if path.suffix not in ENDINGS:
            raise SpecError(
                f"Cannot write verdicts to {path}: its ending says no format.", remedy="Use .parquet or .jsonl."
            )
        self.path = path
        self.facts = {"format": FORMAT, **facts}
        self.parts = path.with_name(path.name + ".part")
        self.summary = path.with_suffix(".summary.json")
        self.disagreements = path.with_suffix(".disagreements.jsonl")
        self._lock: int | None = None

    def open(self, *, anew: bool) -> tuple[int, dict[str, Any] | None]:
        """How many rows have their verdicts already, and the counts if all is done.

        SpecError if there is an output of another job and not `anew`; RunError if another process is at it.
        """
        with disk(self.path):
            if not anew:
                self._check_finished()
            self.parts.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            if anew:
                self._clear()
            finished = self._finished()
            if finished is not None:
                shutil.rmtree(self.parts)
                return 0, finished
            begun = self.parts / "job.json"
            if begun.exists():
                self._same(json.loads(begun.read_text("utf-8")), begun)
            else:
                write_whole(begun, json.dumps(self.facts, indent=2).encode())
            return self._contiguous(), None

    def _check_finished(self) -> None:
        """Before anything is made: is there another job's output?"""
        if self.summary.exists():
            self._same(json.loads(self.summary.read_text("utf-8")).get("job", {}), self.path)
        elif self.path.exists() and not (self.parts / "job.json").exists():
            raise SpecError(
                f"Cannot write verdicts to {self.path}: it is there already, and not from `dart verify`.",
                remedy="Name another file with --out, or replace it with --anew.",
            )

    def _finished(self) -> dict[str, Any] | None:
        if not (self.summary.exists() and self.path.exists()):
            return None
        found: dict[str, Any] = json.loads(self.summary.read_text("utf-8"))
        return found["counts"] if found.get("job") == self.facts else None

    def _same(self, other: Mapping[str, Any], where: Path) -> None:
        for name, value in self.facts.items():
            if other.get(name) != value:
                raise SpecError(
                    f"Cannot go on with {where}: it was begun with {name} {_shown(other.get(name))}, and this is "
                    f"{_shown(value)}.",
                    remedy="Start again with --anew, or write elsewhere with --out.",
                )

    def _take_lock(self) -> None:
        self._lock = os.open(self.parts / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise RunError(
                f"Another process is writing verdicts to {self.path}.", remedy="Wait for it, or name another --out."
            ) from None

    def _clear(self) -> None:
        for path in (self.summary, self.path, self.disagreements):
            path.unlink(missing_ok=True)
        for path in self.parts.iterdir():
            if path.name != "lock":
                path.unlink()

    def _contiguous(self) -> int:
        """Rows in the parts that follow each other from the first row; what does not is removed."""
        rows = 0
        for path in sorted(self.parts.iterdir()):
            if path.suffix == ".parquet" and path.name == _part(rows):
                rows += int(pq.read_metadata(path).num_rows)
            elif path.name not in ("lock", "job.json"):
                path.unlink()
        return rows

    def write_part(self, first: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Verdicts of consecutive rows of the source from `first`."""
        with disk(self.path):
            path = self.parts / _part(first)
            made = path.with_suffix(".tmp")
            pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), made, compression="zstd")
            publish(made, path)

    def rows(self) -> Iterator[list[dict[str, Any]]]:
        """All verdicts so far, a part at a time."""
        for path in sorted(self.parts.glob("*.parquet")):
            with disk(path), pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=8192):
                    yield batch.to_pylist()

    def finish(self, counts: Mapping[str, Any], *, compared: bool) -> None:
        """Make the whole output from the parts, then the summary, then remove the parts."""
        schema = SCHEMA
        if not compared:
            for name in COMPARED:
                schema = schema.remove(schema.get_field_index(name))
        made = self.path.with_name(self.path.name + ".tmp")
        with disk(self.path):
            if self.path.suffix == ".parquet":
                schema = schema.with_metadata({"dart": json.dumps(self.facts)})
                with pq.ParquetWriter(made, schema, compression="zstd") as writer:
                    for rows in self.rows():
                        writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            else:
                with made.open("w", encoding="utf-8") as lines:
                    for rows in self.rows():
                        lines.writelines(_line(row, schema.names) for row in rows)
            publish(made, self.path)
            write_whole(self.summary, json.dumps({"job": self.facts, "counts": dict(counts)}, indent=2).encode())
            shutil.rmtree(self.parts)

    def discard(self) -> None:
        """Remove the parts of a job that can't be finished."""
        if self._lock is not None:
            with disk(self.parts):
                shutil.rmtree(self.parts, ignore_errors=True)

    def close(self) -> None:
        """Let the lock go."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _part(first: int) -> str:
    return f"{first:012d}.parquet"


def _line(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return json.dumps({name: row[name] for name in names}) + "\n"


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else text[:117] + "..."


def write_whole(path: Path, data: bytes) -> None:
    """A file that appears whole or not at all."""
    made = path.with_name(path.name + ".tmp")
    made.write_bytes(data)
    publish(made, path)


def publish(made: Path, path: Path) -> None:
    """Give a finished file its name, after its bytes are on the disk."""
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.replace(path)


@contextlib.contextmanager
def disk(path: Path) -> Iterator[None]:
    """Errors of the disk as StoreError."""
    try:
        yield
    except OSError as error:
        kind = StoreFull if error.errno == 28 else StoreError
        raise kind(
            f"Cannot write {path}: {error.strerror or error}.",
            remedy="Mend that and run the same command again: it goes on.",
        ) from error
