"""JSON lines, JSON arrays and Parquet as dictionaries, one row at a time. Errors name the file and the place in it."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from dart_k8s.errors import DataError

Row = dict[str, Any]

FORMATS: Mapping[str, str] = {
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
COMPRESSIONS = {".gz", ".zst"}

PARQUET_BATCH = 1024
"""Rows decoded at once: bounds memory for rows with long responses."""


def format_of(name: str) -> str | None:
    """'lines', 'json', 'parquet', or None for a file name that promises none of them."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        found = FORMATS.get(suffixes[-2]) if len(suffixes) > 1 else None
        return None if found == "parquet" else found
    return FORMATS.get(suffixes[-1]) if suffixes else None


def describe_formats() -> str:
    return (
        "Readable are JSON lines (.jsonl, .ndjson, .json), a JSON array (.json), both also .gz or .zst, and .parquet."
    )


def read_file(path: Path, name: str) -> Iterator[Row]:
    """The rows of one file; `name` is how the user knows it. Raises DataError at the first unreadable place."""
    match format_of(name):
        case "lines":
            yield from _lines(path, name)
        case "json":
            yield from _json(path, name)
        case "parquet":
            yield from _parquet(path, name)
        case _:
            raise DataError(f"Cannot read {name}: its ending says no known format.", remedy=describe_formats())


def count_rows(path: Path, name: str) -> int | None:
    """The number of rows if the file says it without being read, else None."""
    if format_of(name) != "parquet":
        return None
    with _parquet_errors(name):
        import pyarrow.parquet as parquet

        return int(parquet.read_metadata(path).num_rows)


def _parquet(path: Path, name: str) -> Iterator[Row]:
    import pyarrow.parquet as parquet

    with _parquet_errors(name):
        file = parquet.ParquetFile(path)
    with file:
        batches = file.iter_batches(batch_size=PARQUET_BATCH)
        while True:
            with _parquet_errors(name):
                batch = next(batches, None)
                rows = batch.to_pylist() if batch is not None else None
            if rows is None:
                return
            yield from rows


@contextmanager
def _parquet_errors(name: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise DataError(f"Cannot read {name}: the package pyarrow is missing.") from error
    except (OSError, ValueError) as error:  # pyarrow's errors are children of these
        raise DataError(f"Cannot read {name} as Parquet: {_first_line(error)}.") from error


@contextmanager
def _open(path: Path, name: str) -> Iterator[BinaryIO]:
    """The file's bytes, decompressed; damage in the compression shows as DataError."""
    suffix = Path(name).suffix.lower()
    try:
        if suffix == ".gz":
            with gzip.open(path) as unzipped:
                yield io.BufferedReader(unzipped)
        elif suffix == ".zst":
            import pyarrow

            with pyarrow.CompressedInputStream(pyarrow.OSFile(str(path)), "zstd") as stream:
                yield io.BufferedReader(stream)
        else:
            with path.open("rb") as file:
                yield file
    except (OSError, EOFError, ValueError) as error:
        if isinstance(error, (FileNotFoundError, PermissionError)):
            raise
        raise DataError(f"Cannot read {name}: {_first_line(error)}.", remedy="Is the file whole?") from error


def _lines(path: Path, name: str) -> Iterator[Row]:
    with _open(path, name) as file:
        yield from _parsed(enumerate(file, 1), name)


def _parsed(lines: Iterable[tuple[int, bytes]], name: str) -> Iterator[Row]:
    for number, line in lines:
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield _object(_decode(line, f"{name}, line {number}"), f"{name}, line {number}")


def _json(path: Path, name: str) -> Iterator[Row]:
    """A JSON array of objects; or, as several published sets have it, JSON lines under the ending .json."""
    with _open(path, name) as file:
        lines = enumerate(file, 1)
        start: list[tuple[int, bytes]] = []
        for number, line in lines:
            start.append((number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line))
            if line.strip():
                break
        first = start[-1][1].lstrip() if start else b""
        if first.startswith(b"{") and _is_whole(first):
            yield from _parsed([start[-1]], name)
            yield from _parsed(lines, name)
            return
        content = _decode(b"".join(line for _, line in start) + file.read(), name)
    rows = content if isinstance(content, list) else None
    if rows is None:
        kind = "one object" if isinstance(content, dict) else f"one {_kind(content)}"
        raise DataError(
            f"Cannot read {name}: it holds {kind}, not a list of objects.",
            remedy="Write a JSON array of objects, or one object on each line.",
        )
    for number, row in enumerate(rows, 1):
        yield _object(row, f"{name}, element {number}")


def _is_whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _decode(data: bytes, where: str) -> Any:
    try:
        return json.loads(data.decode())
    except UnicodeDecodeError as error:
        raise DataError(f"Cannot read {where}: byte {error.start + 1} is not UTF-8 ({error.reason}).") from error
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}, column {error.colno}"
        raise DataError(f"Cannot read {where}: not JSON at {place} ({error.msg}).") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"Cannot read {where}: {_first_line(error)}.") from error


def _object(value: Any, where: str) -> Row:
    if not isinstance(value, dict):
        raise DataError(f"Cannot read {where}: a row must be an object with named fields, this is a {_kind(value)}.")
    return value


def _kind(value: object) -> str:
    names: Mapping[type, str] = {list: "list", str: "string", bool: "boolean", int: "number", float: "number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
