"""One call from a URI to rows and a pinned revision."""

from __future__ import annotations

import difflib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from dart_k8s.edges.sources.formats import Row, count_rows, describe_formats, format_of, read_file
from dart_k8s.errors import DataError, NotFound, SpecError

Where = Mapping[str, Any]
"""Field name -> the value it must have, or a list of such values."""


class _Entry(Protocol):
    @property
    def key(self) -> str: ...


class ObjectStore(Protocol):
    """What reading needs of a store."""

    def download(self, key: str, path: Path) -> None: ...
    def list(self, prefix: str = "", start_after: str = "") -> Iterator[_Entry]: ...


class Dataset(Protocol):
    """A data set of the hub: rows that can be read again, their number, and the commit."""

    @property
    def revision(self) -> str: ...
    @property
    def count(self) -> int | None: ...
    def __iter__(self) -> Iterator[Row]: ...


StoreOpener = Callable[[str], ObjectStore]
DatasetOpener = Callable[[str, str | None, str | None], Dataset]
"""(hf:// URI, split, revision) -> the data set."""


@dataclass(frozen=True, kw_only=True)
class SourceRows:
    """Rows that can be read again and again, from content that is pinned."""

    uri: str
    revision: str
    """sha256:... of the file's content (of names and contents, for a folder), or the hub's commit."""
    count: int | None
    """Rows before `where`, where the source tells without being read."""
    where: Where
    rows: Callable[[], Iterator[Row]]
    keep: object = None
    """What must live as long as the rows do (a temporary folder)."""

    def __iter__(self) -> Iterator[Row]:
        """The rows that `where` lets through. DataError at an unreadable place, or if no row has a field of `where`."""
        unseen, seen = set(self.where), set[str]()
        for row in self.rows():
            if unseen:
                unseen -= row.keys()
                seen |= row.keys()
            if all(field in row and _allowed(row[field], wanted) for field, wanted in self.where.items()):
                yield row
        if unseen and seen:
            raise DataError(
                f"Cannot filter {self.uri}: no row has the field {sorted(unseen)[0]!r}.",
                remedy=f"Fields are {', '.join(sorted(seen))}.",
            )


def read_rows(
    uri: str,
    *,
    split: str | None = None,
    revision: str | None = None,
    where: Where | None = None,
    store_opener: StoreOpener | None = None,
    dataset_opener: DatasetOpener | None = None,
) -> SourceRows:
    """The rows of a file, of all files of a folder, or of a data set of the hub.

    `uri` is a plain path, file://, s3:// (through `store_opener`) or hf://owner/name (through `dataset_opener`). A
    revision that is given must be the one found. Everything but the rows themselves is checked here: raises DataError
    for a missing file (with names near it), an unknown format or another revision, SpecError for another scheme, and
    the store's errors.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme == "file":
        return _from_path(Path(uri).expanduser() if not separator else path_of(uri), uri, split, revision, where or {})
    if scheme in {"s3", "memory"}:
        if store_opener is None:
            raise ValueError(f"reading {uri} needs a store_opener")
        return _from_store(store_opener, scheme, rest, split, revision, where or {})
    if scheme == "hf":
        if dataset_opener is None:
            raise ValueError(f"reading {uri} needs a dataset_opener")
        found = dataset_opener(uri, split, revision)
        return SourceRows(
            uri=uri, revision=found.revision, count=found.count, where=where or {}, rows=lambda: iter(found), keep=found
        )
    raise SpecError(
        f"Cannot read {uri}: no source speaks {scheme}://.",
        remedy="Sources are s3://bucket/key, file:///path, a plain path, or hf://owner/dataset.",
    )


def path_of(uri: str) -> Path:
    parts = urlsplit(uri, allow_fragments=False)
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise SpecError(
            f"Cannot read {uri}: a file URI needs an absolute path and no host.",
            remedy=f"Write file:///{unquote(parts.netloc + parts.path).lstrip('/')} or a plain path.",
        )
    return Path(unquote(parts.path + (f"?{parts.query}" if parts.query else "")))


def _from_path(path: Path, uri: str, split: str | None, revision: str | None, where: Where) -> SourceRows:
    try:
        if path.is_dir():
            names = sorted(entry.name for entry in path.iterdir() if entry.is_file())
            files = [path / name for name in _chosen(names, uri, split)]
        elif path.is_file():
            _check_file(path.name, uri, split)
            files = [path]
        else:
            raise DataError(f"Cannot read {uri}: there is no file {path}.", remedy=_near(path))
        return _of_files(files, [str(file) for file in files], uri, revision, where)
    except PermissionError as error:
        raise DataError(f"Cannot read {uri}: permission denied for user id {os.geteuid()}.") from error


def _from_store(
    opener: StoreOpener, scheme: str, rest: str, split: str | None, revision: str | None, where: Where
) -> SourceRows:
    uri = f"{scheme}://{rest}"
    place, _, name = rest.rstrip("/").rpartition("/")
    if not place:
        raise SpecError(f"Cannot read {uri}: it names no object.", remedy=f"Write {scheme}://bucket/key.")
    store = opener(f"{scheme}://{place}")
    # SourceRows.keep holds the folder: the files go when the last reader does.
    folder = tempfile.TemporaryDirectory(prefix="dart-source-")
    target = Path(folder.name)
    try:
        if format_of(name):
            _check_file(name, uri, split)
            store.download(name, target / name)
            names, labels = [name], [uri]
        else:
            prefix = f"{name}/"
            below = [entry.key.removeprefix(prefix) for entry in store.list(prefix)]
            if not below:
                raise NotFound(f"No object {name!r}.")
            names = _chosen([key for key in below if "/" not in key], uri, split)
            for one in names:
                store.download(prefix + one, target / one)
            labels = [f"{uri.rstrip('/')}/{one}" for one in names]
    except NotFound as error:
        others = [entry.key for entry, _ in zip(store.list(), range(1000), strict=False) if "/" not in entry.key]
        raise DataError(
            f"Cannot read {uri}: there is no such object.", remedy=_nearest(name, others, f"{scheme}://{place}")
        ) from error
    return _of_files([target / one for one in names], labels, uri, revision, where, keep=folder)


def _check_file(name: str, uri: str, split: str | None) -> None:
    if format_of(name) is None:
        raise DataError(f"Cannot read {uri}: its ending says no known format.", remedy=describe_formats())
    if split is not None:
        raise DataError(
            f"Cannot read the split {split!r} of {uri}: one file has no splits.",
            remedy="Leave out `split`, name a folder whose files start with their split's name, or use `where`.",
        )


def _chosen(names: Sequence[str], uri: str, split: str | None) -> list[str]:
    """The files of a folder that make the data set; with a split, those whose name starts with it."""
    readable = [name for name in names if format_of(name) and not name.startswith((".", "_"))]
    if not readable:
        raise DataError(f"Cannot read {uri}: the folder holds no file of a known format.", remedy=describe_formats())
    chosen = [name for name in readable if split is None or name.startswith((f"{split}.", f"{split}-", f"{split}_"))]
    if not chosen:
        raise DataError(
            f"Cannot read {uri}: no file there starts with {split!r}.", remedy=f"Files are {_listed(readable)}."
        )
    kinds = sorted({str(format_of(name)) for name in chosen})
    if len(kinds) > 1:
        raise DataError(
            f"Cannot read {uri}: its files are of several formats ({', '.join(kinds)}), which could hold rows twice.",
            remedy="Name one file, or keep one format in the folder.",
        )
    return chosen


def _of_files(
    files: Sequence[Path], names: Sequence[str], uri: str, revision: str | None, where: Where, keep: object = None
) -> SourceRows:
    found = _revision(files)
    if revision is not None and revision != found:
        raise DataError(
            f"Cannot read {uri}: its content is {found}, the declaration asks for {revision}.",
            remedy="Restore that content, or drop `revision` to take what is there now.",
        )
    counts = [count_rows(file, name) for file, name in zip(files, names, strict=True)]

    def rows() -> Iterator[Row]:
        for file, name in zip(files, names, strict=True):
            yield from read_file(file, name)

    known = [count for count in counts if count is not None]
    count = sum(known) if len(known) == len(counts) else None
    return SourceRows(uri=uri, revision=found, count=count, where=where, rows=rows, keep=keep)


def _revision(files: Sequence[Path]) -> str:
    digests = []
    for path in files:
        with path.open("rb") as file:
            digests.append((path.name, hashlib.file_digest(file, "sha256").hexdigest()))
    if len(digests) == 1:
        return f"sha256:{digests[0][1]}"
    lines = "".join(f"{digest}  {name}\n" for name, digest in digests)
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def _allowed(value: Any, wanted: Any) -> bool:
    choices = wanted if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]
    return any(_same(value, choice) for choice in choices)


def _same(value: Any, wanted: Any) -> bool:
    """Equal, or a number and its text: declarations say `level: 5` where files say "5"."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, str) != isinstance(wanted, str):
        return str(value) == str(wanted)
    return bool(value == wanted)


def _near(path: Path) -> str:
    folder = path.parent
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return f"The folder {folder} is not there either." if not folder.exists() else ""
    return _nearest(path.name, names, str(folder))


def _nearest(name: str, names: Iterable[str], place: str) -> str:
    names = sorted(names)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f"Near it in {place}: {_listed(near)}."
    readable = [other for other in names if format_of(other)]
    return f"{place} holds {_listed(readable)}." if readable else f"{place} holds no readable file."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
