"""What a folder store needs of the file system: etags of files, folders that stay, errors in words."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dart_k8s.errors import AccessDenied, StoreError, StoreFull, StoreUnavailable

CHUNK = 1 << 20
"""Bytes copied or hashed at once."""

_ATTRIBUTE = "user.dart.etag"


@contextmanager
def explained(subject: str, where: Path) -> Iterator[None]:
    """Turns the system's errors into the store's, with the way out; a missing file stays FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        match error.errno:
            case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
                raise StoreFull(
                    f"{subject}: {error.strerror}; {_free(where)}.",
                    remedy="Free some space or choose another output, then run the same command again.",
                ) from error
            case errno.EACCES | errno.EPERM | errno.EROFS:
                raise AccessDenied(
                    f"{subject}: {error.strerror} for user id {os.geteuid()}.",
                    remedy=f"Make {where} readable and writable for this user or choose another output.",
                ) from error
            case errno.ENOTDIR | errno.EISDIR | errno.ENOTEMPTY | errno.EEXIST:
                raise StoreError(
                    f"{subject}: a part of that path is a file, or the path is a folder; a key cannot be an object "
                    "and a folder at once."
                ) from error
            case errno.EBADF | errno.ENOLCK | errno.ENOTSUP | errno.ENOSYS:
                raise StoreError(
                    f"{subject}: the file system cannot lock folders ({error.strerror}).",
                    remedy="Use a folder on a local disk, or s3://.",
                ) from error
            case errno.EIO | errno.ESTALE | errno.ETIMEDOUT | errno.EMFILE | errno.ENFILE:
                raise StoreUnavailable(f"{subject}: {error.strerror}.") from error
            case _:
                raise StoreError(f"{subject}: {error}.") from error


class FolderGone(Exception):
    """The folder was removed between making and using it."""


@contextmanager
def in_folder() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FolderGone from error


@contextmanager
def made_folder(path: Path) -> Iterator[int]:
    """The folder's descriptor; missing folders are made, and their names flushed to the disk."""
    missing: list[Path] = []
    while not path.is_dir():
        missing.append(path)
        if path.parent == path:
            break
        path = path.parent
    for step in reversed(missing):
        with suppress(FileExistsError), in_folder():
            step.mkdir()
        _flush_folder(step.parent)
        path = step
    with in_folder():
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _flush_folder(path: Path) -> None:
    # A folder that may be entered but not read cannot be flushed; its file system will do so in its own time.
    with suppress(PermissionError), in_folder():
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _free(path: Path) -> str:
    while not path.exists() and path.parent != path:
        path = path.parent
    with suppress(OSError):
        usage = shutil.disk_usage(path)
        return f"{usage.free / 1e6:.1f} MB of {usage.total / 1e9:.1f} GB are free at {path}"
    return f"the space left at {path} is unknown"


# -- etags


def current_etag(name: str, folder: int) -> str | None:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file_etag(file)


def file_etag(file: BinaryIO) -> str:
    """The SHA-256 of an open file, remembered or computed; leaves the position anywhere."""
    stamp = _stamp(file.fileno())
    if hasattr(os, "getxattr"):
        with suppress(OSError, ValueError):
            etag, _, remembered = os.getxattr(file.fileno(), _ATTRIBUTE).decode().partition(" ")
            if remembered == stamp:
                return etag
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def remember_etag(descriptor: int, etag: str) -> None:
    if hasattr(os, "setxattr"):
        with suppress(OSError):
            os.setxattr(descriptor, _ATTRIBUTE, f"{etag} {_stamp(descriptor)}".encode())


def _stamp(descriptor: int) -> str:
    status = os.fstat(descriptor)
    return f"{status.st_size} {status.st_mtime_ns}"
