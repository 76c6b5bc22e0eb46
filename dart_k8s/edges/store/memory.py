"""A store in this process's memory: the fake that ships, as strict as the strictest real one."""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Lock

from dart_k8s.edges.store.base import TEMPORARY, Blob, Entry, RequestCounter, check_key, check_prefix
from dart_k8s.errors import Conflict, NotFound, StoreError

Hook = Callable[[str, str], None]
"""Called with (operation, key); may raise, to play a failing store."""


class Contents:
    """The objects of one name, which stores on different prefixes of it share."""

    def __init__(self) -> None:
        self.objects: dict[bytes, tuple[bytes, str]] = {}
        self.keys: list[bytes] = []
        self.lock = Lock()


class MemoryStore:
    """Objects in a dictionary.

    `before` runs ahead of each request and `after` once it has taken effect but before it returns: raising
    StoreUnavailable in `before` is a request that never arrived, in `after` a reply that got lost. Both run outside
    the lock, so a hook may use the store itself. Like a folder, it refuses a key that is also the folder of another.
    """

    def __init__(
        self,
        uri: str = "memory://test",
        *,
        before: Hook | None = None,
        after: Hook | None = None,
        contents: Contents | None = None,
        prefix: str = "",
    ) -> None:
        self._uri = uri.rstrip("/")
        contents = contents or Contents()
        self._objects, self._keys, self._lock = contents.objects, contents.keys, contents.lock
        self._start = f"{check_key(prefix, uri=self._uri)}/".encode() if prefix else b""
        self._counter = RequestCounter()
        self.before = before
        self.after = after

    @property
    def uri(self) -> str:
        return self._uri

    def get(self, key: str) -> Blob:
        self._begin("get", key)
        with self._lock:
            found = self._objects.get(self._start + key.encode())
        self._end("get", key)
        if found is None:
            raise NotFound(f"No object {key!r} in {self._uri}.")
        return Blob(data=found[0], etag=found[1])

    def get_range(self, key: str, start: int, length: int) -> Blob:
        if start < 0 or length < 0:
            raise ValueError(f"start {start} and length {length} must not be negative")
        whole = self.get(key)
        return Blob(data=whole.data[start : start + length], etag=whole.etag)

    def head(self, key: str) -> Entry | None:
        self._begin("head", key)
        with self._lock:
            found = self._objects.get(self._start + key.encode())
        self._end("head", key)
        return None if found is None else Entry(key=key, size=len(found[0]), etag=found[1])

    def put(self, key: str, data: bytes) -> str:
        return self._put(key, data, lambda current: True)

    def put_if_absent(self, key: str, data: bytes) -> str:
        return self._put(key, data, lambda current: current is None)

    def put_if_match(self, key: str, data: bytes, etag: str) -> str:
        return self._put(key, data, lambda current: current == etag)

    def _put(self, key: str, data: bytes, allowed: Callable[[str | None], bool]) -> str:
        self._begin("put", key)
        name, data, etag = self._start + key.encode(), bytes(data), hashlib.sha256(data).hexdigest()
        with self._lock:
            current = self._objects.get(name)
            if not allowed(current[1] if current else None) and (current is None or current[0] != data):
                found = "nothing is there" if current is None else f"its etag is {current[1]}"
                raise Conflict(f"Conditional write of {key!r} in {self._uri} lost: {found}.")
            if current is None:
                self._check_folders(name)
                insort(self._keys, name)
            self._objects[name] = (data, etag)
        self._end("put", key)
        return etag

    def _check_folders(self, name: bytes) -> None:
        parts = name.split(b"/")
        holder = next((p for i in range(1, len(parts)) if (p := b"/".join(parts[:i])) in self._objects), None)
        inside = bisect_left(self._keys, name + b"/")
        if holder is None and inside < len(self._keys) and self._keys[inside].startswith(name + b"/"):
            holder = self._keys[inside]
        if holder is not None:
            raise StoreError(
                f"Cannot write {name.decode()!r} in {self._uri}: {holder.decode()!r} is there, and a key cannot be an "
                "object and a folder at once."
            )

    def delete(self, key: str) -> None:
        self._begin("delete", key)
        self._remove(self._start + key.encode())
        self._end("delete", key)

    def _remove(self, name: bytes) -> None:
        with self._lock:
            if self._objects.pop(name, None) is not None:
                del self._keys[bisect_left(self._keys, name)]

    def list(self, prefix: str = "", start_after: str = "") -> Iterator[Entry]:
        self._counter.add("list")
        if self.before:
            self.before("list", prefix)
        start, after = self._start + prefix.encode(), self._start + start_after.encode() if start_after else b""
        with self._lock:
            first = max(bisect_left(self._keys, start), bisect_right(self._keys, after) if after else 0)
            found = []
            for name in self._keys[first:]:
                if not name.startswith(start):
                    break
                data, etag = self._objects[name]
                found.append(Entry(key=name[len(self._start) :].decode(), size=len(data), etag=etag))
        self._end("list", prefix)
        return iter(found)

    def download(self, key: str, path: Path) -> None:
        data = self.get(key).data
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f"{TEMPORARY}{os.urandom(8).hex()}")
        half.write_bytes(data)
        half.replace(path)

    def upload(self, path: Path, key: str) -> str:
        return self.put(key, path.read_bytes())

    def delete_prefix(self, prefix: str) -> int:
        found = [entry.key for entry in self.list(check_prefix(prefix))]
        for key in found:
            self.delete(key)
        return len(found)

    def local_path(self, key: str) -> Path | None:
        return None

    def requests(self) -> Mapping[str, int]:
        return self._counter.snapshot()

    def _begin(self, operation: str, key: str) -> None:
        check_key(key, uri=self._uri)
        self._counter.add(operation)
        if self.before:
            self.before(operation, key)

    def _end(self, operation: str, key: str) -> None:
        if self.after:
            self.after(operation, key)
