"""A folder as object store, safe for several processes of one machine.

A write goes to a temporary file beside its target, is flushed to the disk, and renamed over it, so no reader and no
crash ever meets half an object. Writers hold `flock` on the target's folder between looking at the etag and renaming:
that makes conditional writes atomic, needs no lock files, and ends with the process, however it dies.

The etag is the SHA-256 of the content. It is kept in an extended attribute of the file together with size and
modification time, so that listing does not read every file; where the file system has none, or somebody changed the
file in place, the content is hashed again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dart_k8s.edges.store.base import TEMPORARY, Blob, Entry, RequestCounter, check_key, check_prefix
from dart_k8s.edges.store.files import (
    CHUNK,
    FolderGone,
    current_etag,
    explained,
    file_etag,
    in_folder,
    made_folder,
    remember_etag,
)
from dart_k8s.errors import Conflict, NotFound, StoreError

STALE_AFTER = 3600.0
"""Seconds after its last change when a temporary file counts as left behind by a process that died. Long beside any
pause of a writer that lives, since removing a living one's file fails its write."""

_FOLDER_TRIES = 20
"""How often a folder may vanish under a writer (a deletion prunes empty ones) before the writer gives up."""


class LocalStore:
    """Objects as files under `root`, which is made at the first write if it is not there."""

    def __init__(self, root: Path, *, wall_clock: Callable[[], float] = time.time) -> None:
        self._root = Path(root).resolve()
        self._uri = self._root.as_uri().rstrip("/")
        self._counter = RequestCounter()
        self._wall_clock = wall_clock
        self._made: set[Path] = set()
        """The root and folders above it that were missing at a write: they go again with their last object."""

    @property
    def uri(self) -> str:
        return self._uri

    def local_path(self, key: str) -> Path | None:
        return self._path(key)

    def requests(self) -> Mapping[str, int]:
        return self._counter.snapshot()

    def get(self, key: str) -> Blob:
        with self._reading("get", key) as file:
            data = file.read()
        return Blob(data=data, etag=hashlib.sha256(data).hexdigest())

    def get_range(self, key: str, start: int, length: int) -> Blob:
        if start < 0 or length < 0:
            raise ValueError(f"start {start} and length {length} must not be negative")
        with self._reading("get", key) as file:
            etag = file_etag(file)
            file.seek(start)
            return Blob(data=file.read(length), etag=etag)

    def head(self, key: str) -> Entry | None:
        try:
            with self._reading("head", key) as file:
                return Entry(key=key, size=os.fstat(file.fileno()).st_size, etag=file_etag(file))
        except NotFound:
            return None

    def download(self, key: str, path: Path) -> None:
        path = Path(path)
        with self._reading("get", key) as source, self._explained("download to", str(path), path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            half = path.with_name(_temporary_name())
            try:
                with half.open("xb") as target:
                    shutil.copyfileobj(source, target, CHUNK)
                half.replace(path)
            except BaseException:
                half.unlink(missing_ok=True)
                raise

    def put(self, key: str, data: bytes) -> str:
        return self._put(key, _of_bytes(data), None)

    def put_if_absent(self, key: str, data: bytes) -> str:
        return self._put(key, _of_bytes(data), lambda current: current is None)

    def put_if_match(self, key: str, data: bytes, etag: str) -> str:
        return self._put(key, _of_bytes(data), lambda current: current == etag)

    def upload(self, path: Path, key: str) -> str:
        def write(target: BinaryIO) -> str:
            digest = hashlib.sha256()
            with path.open("rb") as source:
                while piece := source.read(CHUNK):
                    digest.update(piece)
                    target.write(piece)
            return digest.hexdigest()

        return self._put(key, write, None)

    def delete(self, key: str) -> None:
        self._counter.add("delete")
        self._remove(key)

    def delete_prefix(self, prefix: str) -> int:
        count = 0
        for key in [key for key, _ in self._walk(check_prefix(prefix), "")]:
            self._counter.add("delete")
            count += self._remove(key)
        return count

    def list(self, prefix: str = "", start_after: str = "") -> Iterator[Entry]:
        self._counter.add("list")
        for key, path in self._walk(prefix, start_after):
            entry = None
            with self._explained("list", key), suppress(FileNotFoundError), path.open("rb") as file:
                entry = Entry(key=key, size=os.fstat(file.fileno()).st_size, etag=file_etag(file))
            if entry:
                yield entry

    # -- how

    def _path(self, key: str) -> Path:
        return self._root / check_key(key, uri=self._uri)

    @contextmanager
    def _reading(self, operation: str, key: str) -> Iterator[BinaryIO]:
        path = self._path(key)
        self._counter.add(operation)
        with self._explained("read", key):
            try:
                file = path.open("rb")
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                raise NotFound(f"No object {key!r} in {self._uri}.") from None
            with file:
                yield file

    def _put(self, key: str, write: Callable[[BinaryIO], str], allowed: Callable[[str | None], bool] | None) -> str:
        path = self._path(key)
        self._counter.add("put")
        with self._explained("write", key):
            if not self._root.exists():
                self._made |= {step for step in (self._root, *self._root.parents) if not step.exists()}
            for _ in range(_FOLDER_TRIES):
                with suppress(FolderGone), made_folder(path.parent) as folder:
                    return self._replace(key, path.name, folder, write, allowed)
        raise StoreError(
            f"Cannot write {key!r} in {self._uri}: {path.parent} is not there and cannot be made.",
            remedy="If it is a link, make its target, or choose another output.",
        )

    def _replace(
        self,
        key: str,
        name: str,
        folder: int,
        write: Callable[[BinaryIO], str],
        allowed: Callable[[str | None], bool] | None,
    ) -> str:
        half = _temporary_name()
        with in_folder():
            descriptor = os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                etag = write(file)
                file.flush()
                remember_etag(file.fileno(), etag)
                os.fsync(file.fileno())
            # Only this is done under the lock: a slow write of one object must not hold up its neighbours.
            fcntl.flock(folder, fcntl.LOCK_EX)
            if allowed is not None:
                current = current_etag(name, folder)
                if not allowed(current) and current != etag:
                    found = "nothing is there" if current is None else f"its etag is {current}"
                    raise Conflict(f"Conditional write of {key!r} in {self._uri} lost: {found}.")
            with in_folder():
                os.rename(half, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
            return etag
        except BaseException:
            with suppress(OSError):
                os.unlink(half, dir_fd=folder)
            raise

    def _remove(self, key: str) -> bool:
        path = self._path(key)
        with self._explained("delete", key):
            try:
                folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                return False
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                os.unlink(path.name, dir_fd=folder)
                os.fsync(folder)
                removed = True
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                removed = False
            finally:
                os.close(folder)
            self._prune(path.parent)
            return removed

    def _prune(self, folder: Path) -> None:
        """Removes folders that became empty, so that a key may later be what was a folder. The root stays if it was
        there before this store's first write.
        """
        while folder in self._made or self._root in folder.parents:
            try:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:
                return
            try:
                # A writer that waits for this lock finds its folder gone and makes it again.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                folder.rmdir()
            except OSError:
                return
            finally:
                os.close(descriptor)
            folder = folder.parent

    def _walk(self, prefix: str, start_after: str) -> Iterator[tuple[str, Path]]:
        """Keys in order of their UTF-8 bytes; temporary files are skipped, and removed when stale."""
        above = prefix.rpartition("/")[0]
        if above:
            check_key(above, uri=self._uri)
        yield from self._walk_folder(self._root / above, f"{above}/" if above else "", prefix, start_after)

    def _walk_folder(self, folder: Path, start: str, prefix: str, start_after: str) -> Iterator[tuple[str, Path]]:
        with self._explained("list", start):
            try:
                with os.scandir(folder) as found:
                    entries = [(entry.name, entry.is_dir()) for entry in found]
            except (FileNotFoundError, NotADirectoryError):
                return
        # A folder sorts as its name and a slash: "a-b" comes before "a/b".
        keys = [(start + name + "/" * is_folder, name, is_folder) for name, is_folder in entries if _is_utf8(name)]
        for key, name, is_folder in sorted(keys, key=lambda item: item[0].encode()):
            if name.startswith(TEMPORARY):
                self._sweep(folder / name)
            elif is_folder:
                relevant = key.startswith(prefix) or prefix.startswith(key)
                if relevant and (key.encode() > start_after.encode() or start_after.startswith(key)):
                    yield from self._walk_folder(folder / name, key, prefix, start_after)
            elif key.startswith(prefix) and key.encode() > start_after.encode():
                yield key, folder / name

    def _sweep(self, path: Path) -> None:
        with suppress(OSError):
            if self._wall_clock() - path.stat().st_mtime > STALE_AFTER:
                path.unlink()

    def _explained(self, what: str, key: str, folder: Path | None = None) -> AbstractContextManager[None]:
        return explained(f"Cannot {what} {key!r} in {self._uri}", folder or self._root)


def _of_bytes(data: bytes) -> Callable[[BinaryIO], str]:
    def write(file: BinaryIO) -> str:
        file.write(data)
        return hashlib.sha256(data).hexdigest()

    return write


def _temporary_name() -> str:
    return f"{TEMPORARY}{os.urandom(12).hex()}"


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
