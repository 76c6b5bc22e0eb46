"""Rows from every format and place, and what a user reads when one is broken."""

from __future__ import annotations

import gzip
import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from dart_k8s.edges.sources import read_rows
from dart_k8s.edges.store import open_store
from dart_k8s.errors import DataError, SpecError

ROWS: list[dict[str, Any]] = [
    {"problem": "1+1", "level": "1", "solution": "\\boxed{2}"},
    {"problem": "2+2 é", "level": "2", "solution": "\\boxed{4}"},
    {"problem": "3+3", "level": "5", "solution": "\\boxed{6}"},
]


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), sink)
    return bytes(sink.getvalue())


def _zst(data: bytes) -> bytes:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


FILES: dict[str, Callable[[], bytes]] = {
    "rows.jsonl": lambda: _lines(ROWS),
    "rows.ndjson": lambda: _lines(ROWS),
    "rows.JSONL": lambda: _lines(ROWS),
    "bom.jsonl": lambda: b"\xef\xbb\xbf" + _lines(ROWS),
    "blank.jsonl": lambda: b"\n\n" + _lines(ROWS).replace(b"\n", b"\r\n\n"),
    "no-end.jsonl": lambda: _lines(ROWS).rstrip(),
    "rows.jsonl.gz": lambda: gzip.compress(_lines(ROWS)),
    "two-members.jsonl.gz": lambda: gzip.compress(_lines(ROWS[:1])) + gzip.compress(_lines(ROWS[1:])),
    "rows.jsonl.zst": lambda: _zst(_lines(ROWS)),
    "two-frames.jsonl.zst": lambda: _zst(_lines(ROWS[:1])) + _zst(_lines(ROWS[1:])),
    "array.json": lambda: json.dumps(ROWS).encode(),
    "pretty.json": lambda: b"\n " + json.dumps(ROWS, indent=2).encode(),
    "lines.json": lambda: _lines(ROWS),
    "array.json.gz": lambda: gzip.compress(json.dumps(ROWS).encode()),
    "rows.parquet": lambda: _parquet(ROWS),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_rows_twice(tmp_path: Path, name: str) -> None:
    data = FILES[name]()
    (tmp_path / name).write_bytes(data)
    source = read_rows(str(tmp_path / name))
    assert list(source) == ROWS == list(source)
    assert source.revision == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert source.count == (3 if name.endswith("parquet") else None)


def test_a_file_uri_may_be_escaped(tmp_path: Path) -> None:
    path = tmp_path / "my rows é.jsonl"
    path.write_bytes(_lines(ROWS))
    assert list(read_rows(path.as_uri())) == ROWS


def test_rows_from_an_object_store_survive_the_object(s3_uri: str) -> None:
    memory = f"memory://{uuid.uuid4().hex}"
    for place in (memory, s3_uri):
        store = open_store(place)
        store.put("sets/rows.jsonl", _lines(ROWS))
        source = read_rows(f"{place}/sets/rows.jsonl", store_opener=open_store)
        store.delete("sets/rows.jsonl")
        assert list(source) == ROWS == list(source)
        assert source.revision == f"sha256:{hashlib.sha256(_lines(ROWS)).hexdigest()}"


def test_a_folder_is_all_its_files_in_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "train-00001.parquet").write_bytes(_parquet(ROWS[2:]))
    (tmp_path / "train-00000.parquet").write_bytes(_parquet(ROWS[:2]))
    (tmp_path / "test-00000.parquet").write_bytes(_parquet(ROWS[:1]))
    (tmp_path / "README.md").write_text("card")
    store = open_store("memory://folder-of-files")
    for path in tmp_path.iterdir():
        store.upload(path, f"set/{path.name}")
    for uri in (str(tmp_path), "memory://folder-of-files/set", "memory://folder-of-files/set/"):
        whole = read_rows(uri, store_opener=open_store)
        train = read_rows(uri, split="train", store_opener=open_store)
        assert list(train) == ROWS and train.count == 3
        assert list(whole) == ROWS[:1] + ROWS and whole.revision != train.revision


@pytest.mark.parametrize(
    ("where", "problems"),
    [
        ({}, ["1+1", "2+2 é", "3+3"]),
        ({"level": "5"}, ["3+3"]),
        ({"level": 5}, ["3+3"]),
        ({"level": [1, "2"]}, ["1+1", "2+2 é"]),
        ({"level": ["1", "5"], "problem": "3+3"}, ["3+3"]),
        ({"level": "9"}, []),
        ({"level": True}, []),
    ],
)
def test_where_lets_only_matching_rows_through(tmp_path: Path, where: dict[str, Any], problems: list[str]) -> None:
    (tmp_path / "rows.jsonl").write_bytes(_lines(ROWS))
    assert [row["problem"] for row in read_rows(str(tmp_path / "rows.jsonl"), where=where)] == problems


def test_where_on_a_field_that_no_row_has_names_the_fields(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(_lines(ROWS))
    with pytest.raises(DataError, match=r"'lvl'.*Fields are level, problem, solution"):
        list(read_rows(str(tmp_path / "rows.jsonl"), where={"lvl": 5}))


BROKEN: dict[str, tuple[bytes, list[str]]] = {
    "cut.jsonl": (_lines(ROWS)[:-12], ["line 3", "not JSON", "column"]),
    "list.jsonl": (b'{"a": 1}\n[1, 2]\n', ["line 2", "a list"]),
    "null.jsonl": (b"null\n", ["line 1", "a null"]),
    "latin.jsonl": ('{"a": 1}\n{"a": "é"}\n'.encode("latin-1"), ["line 2", "not UTF-8", "byte 8"]),
    "deep.jsonl": (b'{"a": ' + b"[" * 100_000 + b"\n", ["line 1"]),
    "digits.jsonl": (b'{"a": ' + b"9" * 10_000 + b"}\n", ["line 1", "digits"]),
    "element.json": (b'[{"a": 1}, 7]', ["element 2", "a number"]),
    "object.json": (b'{\n "a": 1\n}\n', ["one object", "array"]),
    "text.json": (b'"hello"', ["one string"]),
    "cut.json": (b'[{"a": 1},\n {"a"', ["line 2"]),
    "empty.json": (b"", ["not JSON"]),
    "cut.jsonl.gz": (gzip.compress(_lines(ROWS) * 50)[:-20], ["Is the file whole?"]),
    "not.jsonl.gz": (_lines(ROWS), ["Is the file whole?"]),
    "not.jsonl.zst": (_lines(ROWS), ["Is the file whole?"]),
    "cut.parquet": (_parquet(ROWS)[:-30], ["as Parquet"]),
    "not.parquet": (_lines(ROWS), ["as Parquet"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_unreadable_place_is_named(tmp_path: Path, name: str) -> None:
    data, words = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        list(read_rows(str(tmp_path / name)))
    for word in [name, *words]:
        assert word in str(caught.value)


def test_rows_before_a_broken_line_still_come(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(_lines(ROWS) + b"{")
    rows = iter(read_rows(str(tmp_path / "rows.jsonl")))
    assert [next(rows) for _ in ROWS] == ROWS


def test_an_empty_file_of_lines_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b"")
    assert list(read_rows(str(tmp_path / "rows.jsonl"))) == []


def test_a_missing_file_brings_the_names_near_it(tmp_path: Path) -> None:
    (tmp_path / "math_train.jsonl").write_bytes(b"")
    store = open_store("memory://near-names")
    store.put("sets/math_train.jsonl", b"")
    for uri in (f"{tmp_path}/math-train.jsonl", "memory://near-names/sets/math-train.jsonl"):
        with pytest.raises(DataError, match=r"Near it in .*: math_train.jsonl"):
            read_rows(uri, store_opener=open_store)
    with pytest.raises(DataError, match="is not there either"):
        read_rows(f"{tmp_path}/nowhere/rows.jsonl")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rows.csv", "no known format"),
        ("rows.parquet.gz", "no known format"),
        ("rows", "no known format"),
    ],
)
def test_an_unknown_format_brings_the_known_ones(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=rf"{words}.*\.jsonl"):
        read_rows(str(tmp_path / name))


def test_a_folder_that_mixes_formats_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(_lines(ROWS))
    (tmp_path / "a.parquet").write_bytes(_parquet(ROWS))
    with pytest.raises(DataError, match="several formats"):
        read_rows(str(tmp_path))


def test_a_split_of_a_single_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(_lines(ROWS))
    with pytest.raises(DataError, match="one file has no splits"):
        read_rows(str(tmp_path / "a.jsonl"), split="train")
    with pytest.raises(DataError, match=r"no file there starts with 'train'.*a.jsonl"):
        read_rows(str(tmp_path), split="train")


def test_a_pinned_revision_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(_lines(ROWS))
    revision = read_rows(str(path)).revision
    assert read_rows(str(path), revision=revision).revision == revision
    path.write_bytes(_lines(ROWS[:1]))
    with pytest.raises(DataError, match=f"asks for {revision}"):
        read_rows(str(path), revision=revision)


def test_an_unknown_scheme_brings_the_known_ones() -> None:
    with pytest.raises(SpecError, match=r"ftp://.*s3://"):
        read_rows("ftp://host/rows.jsonl")
    with pytest.raises(SpecError, match=r"file:///rows.jsonl"):
        read_rows("file://rows.jsonl")


class _Set:
    revision, count = "c0ffee", 3

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(ROWS)


def test_a_data_set_of_the_hub_is_read_through_its_opener() -> None:
    asked: list[tuple[str, str | None, str | None]] = []

    def opener(uri: str, split: str | None, revision: str | None) -> _Set:
        asked.append((uri, split, revision))
        return _Set()

    source = read_rows("hf://o/math", split="train", where={"level": "5"}, dataset_opener=opener)
    assert asked == [("hf://o/math", "train", None)]
    assert (source.revision, source.count, list(source)) == ("c0ffee", 3, ROWS[2:])
