"""Folders with one JSON object in each file, as some sets are published: every file is a row."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from dart_k8s.edges.sources.formats import Row
from dart_k8s.edges.sources.rows import SourceRows, path_of
from dart_k8s.errors import DataError


def read_objects(uri: str) -> SourceRows | None:
    """The rows of all .json files below a local folder, by their paths; None for anything but a folder of such folders.

    Raises DataError for a folder that can't be read, and, while rows are read, for a file that holds no JSON object.
    """
    scheme, separator, _ = uri.partition("://")
    if separator and scheme != "file":
        return None
    folder = path_of(uri) if separator else Path(uri).expanduser()
    try:
        if not folder.is_dir() or any(entry.is_file() and not entry.name.startswith(".") for entry in folder.iterdir()):
            return None
        files = sorted(path for path in folder.rglob("*.json") if path.is_file())
        digest = hashlib.sha256()
        for path in files:
            digest.update(f"{path.relative_to(folder)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    except PermissionError as error:
        raise DataError(f"Cannot read {uri}: permission denied for user id {os.geteuid()}.") from error
    if not files:
        return None
    return SourceRows(
        uri=uri,
        revision=f"sha256:{digest.hexdigest()}",
        count=len(files),
        where={},
        rows=lambda: _rows(files),
    )


def _rows(files: list[Path]) -> Iterator[Row]:
    for path in files:
        try:
            row = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise DataError(f"Cannot read {path}: not JSON ({str(error).splitlines()[0]}).") from error
        if not isinstance(row, dict):
            raise DataError(f"Cannot read {path}: it holds a {type(row).__name__}, not one object.")
        yield row
