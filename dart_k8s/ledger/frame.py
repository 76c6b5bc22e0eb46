"""The container of the budget state and of plans: one line of JSON, then binary parts.

    {"format": "...", "parts": [["queries", 1234], ...], ...}\\n<part><part>...

The header comes first so that a sampler can read it alone with one ranged request, and `head -1` shows it to a person.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dart_k8s.errors import RunError

HEADER_BYTES = 65536
"""Most bytes of a header: what a ranged read asks for."""


def pack(header: Mapping[str, Any], parts: Mapping[str, bytes]) -> bytes:
    """Header and named parts as one object; ValueError if the header is too long."""
    line = json.dumps({**header, "parts": [[name, len(data)] for name, data in parts.items()]}, sort_keys=True).encode()
    if len(line) >= HEADER_BYTES:
        raise ValueError(f"a frame's header has {len(line)} bytes, the most is {HEADER_BYTES - 1}")
    return b"".join([line, b"\n", *parts.values()])


@contextmanager
def reading(data: bytes, *, key: str, kind: str) -> Iterator[None]:
    """Whatever goes wrong in decoding becomes a RunError that names the object."""
    try:
        yield
    except (pa.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        raise RunError(
            f"Cannot read '{key}': its {len(data)} bytes are a damaged {kind} ({type(error).__name__}: {error}).",
            remedy="Restore the object from a backup or a bucket version.",
        ) from error


def header(data: bytes, *, key: str, kind: str, newest: int) -> dict[str, Any]:
    """The header of a frame from its first bytes, checked for its format.

    RunError: not such an object, or of a newer version than `newest`.
    """
    line, end, _ = data.partition(b"\n")
    try:
        fields: Any = json.loads(line) if end else None
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not str(fields.get("format", "")).startswith(f"dart-k8s.io/{kind}/v"):
        raise RunError(
            f"Cannot read '{key}': its {len(data)} bytes are not a {kind} of this program.",
            remedy="Was the output written by something else, or edited by hand? Use another output.",
        )
    with reading(data, key=key, kind=kind):
        version = int(str(fields["format"]).rpartition("v")[2])
    if version > newest:
        raise RunError(
            f"Cannot read '{key}': it has version {version} of the {kind} format, this program knows {newest}.",
            remedy="Use the newer program that wrote it.",
        )
    return fields


def parts(data: bytes, fields: Mapping[str, Any]) -> dict[str, memoryview]:
    """The parts of a whole frame by name, as views."""
    position = data.index(b"\n") + 1
    view = memoryview(data)
    result: dict[str, memoryview] = {}
    for name, size in fields["parts"]:
        result[name] = view[position : position + size]
        position += size
    return result


def table_bytes(table: pa.Table, *, level: int = 3) -> bytes:
    """A table as Parquet with zstd; the same table gives the same bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=level, use_dictionary=False, store_schema=False)
    return bytes(sink.getvalue().to_pybytes())


def read_table(data: bytes | memoryview, columns: list[str] | None = None) -> pa.Table:
    """A table back from its Parquet bytes."""
    # Not pq.read_table: for objects of some kilobytes its scanner's threads take ten times as long as the reading.
    return pq.ParquetFile(pa.BufferReader(pa.py_buffer(data))).read(columns=columns, use_threads=False)


def ints(table: pa.Table, names: tuple[str, ...]) -> dict[str, NDArray[np.int64]]:
    """Columns by name as integers; one that an older version did not write is zero."""
    zero = np.zeros(table.num_rows, dtype=np.int64)
    present = set(table.column_names)
    return {name: table[name].to_numpy().astype(np.int64) if name in present else zero for name in names}
