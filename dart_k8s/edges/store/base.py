"""What every object store here promises, and the rules for keys.

Conditional writes are the only locks of the whole system, so their rule is stated once, for all stores: content that
is written conditionally carries its writer's nonce, and a conditional write that finds *exactly its own bytes* under
the key has succeeded. A reply that got lost on the way can therefore be repeated safely, by the store or by its caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from dart_k8s.errors import StoreError

TEMPORARY = ".dart-tmp-"
"""Start of the names of half-written files in a folder store; no key may have a part that starts so."""

MAX_KEY_BYTES = 1024
"""S3's limit for a key in UTF-8 bytes, the store's own prefix included."""

MAX_PART_BYTES = 255
"""The limit of common file systems for one name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Blob:
    """An object's bytes, or a range of them."""

    data: bytes
    etag: str
    """Version of the whole object, also for a range; opaque, without quotes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An object without its bytes."""

    key: str
    size: int
    """Bytes."""
    etag: str


class Store(Protocol):
    """Objects under keys. Synchronous, safe to use from many threads.

    A version's etag is the same string from `put`, `get`, `head` and `list`. Every method may raise `AccessDenied`,
    `StoreUnavailable` (the outcome of a write is then unknown: repeat it with the same bytes) or `StoreError`; writes
    also `StoreFull`. A write is seen whole or not at all, and has reached the disk when the method returns.
    """

    @property
    def uri(self) -> str:
        """Where the store is, without a trailing slash."""

    def get(self, key: str) -> Blob:
        """The object; `NotFound`."""

    def get_range(self, key: str, start: int, length: int) -> Blob:
        """`length` bytes from `start`, fewer (or none) where the object is shorter; `NotFound`."""

    def head(self, key: str) -> Entry | None:
        """The object without its bytes, or None."""

    def put(self, key: str, data: bytes) -> str:
        """Writes, whatever was there; returns the etag."""

    def put_if_absent(self, key: str, data: bytes) -> str:
        """Writes if nothing is there; `Conflict` if other bytes are. Returns the etag."""

    def put_if_match(self, key: str, data: bytes, etag: str) -> str:
        """Writes if the object's etag is still `etag`; `Conflict` if it moved on or is gone. Returns the new etag."""

    def delete(self, key: str) -> None:
        """Deletes; nothing there is fine."""

    def list(self, prefix: str = "", start_after: str = "") -> Iterator[Entry]:
        """Objects whose key starts with the string `prefix` and is greater than `start_after`, ascending by key
        (as UTF-8 bytes). What is written or deleted meanwhile may or may not show."""

    def download(self, key: str, path: Path) -> None:
        """Writes the object to a file, streaming; the file appears whole or not at all. `NotFound`."""

    def upload(self, path: Path, key: str) -> str:
        """Writes a file as object, streaming; returns the etag."""

    def delete_prefix(self, prefix: str) -> int:
        """Deletes all objects whose key starts with `prefix` (never empty: ValueError); returns how many."""

    def local_path(self, key: str) -> Path | None:
        """The file behind the key (there or not) if the store is a folder, else None."""

    def requests(self) -> Mapping[str, int]:
        """Requests since the start by operation: get, head, put, list, delete."""


class RequestCounter:
    """Thread-safe counts by operation."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter({"get": 0, "head": 0, "put": 0, "list": 0, "delete": 0})

    def add(self, operation: str) -> None:
        with self._lock:
            self._counts[operation] += 1

    def snapshot(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._counts)


def check_key(key: str, *, uri: str) -> str:
    """Returns the key if every store can hold it, else raises StoreError that says why not.

    The rules are the strictest of S3 and a folder: no empty, `.` or `..` part, no control character or
    backslash, nothing that is not UTF-8, at most 255 bytes a part and 1024 in all. Letters of any script are fine.
    """
    reason = _key_fault(key)
    if reason:
        raise StoreError(f"Cannot use the key {key!r} in {uri}: {reason}.")
    return key


def check_prefix(prefix: str) -> str:
    """Returns the prefix if it is safe to delete under, else raises ValueError."""
    if not prefix.strip("/"):
        raise ValueError("delete_prefix needs a prefix: an empty one would delete everything in the store")
    return prefix


def _key_fault(key: str) -> str:
    try:
        encoded = key.encode()
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    if not key:
        return "it is empty"
    if len(encoded) > MAX_KEY_BYTES:
        return f"it has {len(encoded)} bytes, at most {MAX_KEY_BYTES} are possible"
    if any(ord(letter) < 0x20 or ord(letter) == 0x7F for letter in key):
        return "it holds a control character"
    if "\\" in key:
        return "some servers take a backslash for a slash"
    for part in key.split("/"):
        if part in {"", ".", ".."}:
            return f"{part!r} cannot be a part of a key"
        if len(part.encode()) > MAX_PART_BYTES:
            return f"a part has {len(part.encode())} bytes, at most {MAX_PART_BYTES} are possible"
        if part.startswith(TEMPORARY):
            return f"names that start with {TEMPORARY} are for half-written files"
    return ""
