"""What the operator knows of the cluster: facts by object, found by the object of this group that they belong to.

A cache is filled by reflectors, and by the answers to the operator's own writes, so that the next decision knows of
them before the watch has told.
"""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Generic, TypeVar

from dart_k8s.edges.cluster import Object

from .keys import Key

__all__ = ["Cache"]

Fact = TypeVar("Fact")
Id = tuple[str, str]
"""Namespace and name of an object."""


class Cache(Generic[Fact]):
    """Facts about the objects of one kind. Safe for many threads."""

    def __init__(self, trim: Callable[[Object], Fact | None], key_of: Callable[[Object], Key | None]) -> None:
        """`trim`: the facts of an object; None: it does not count. `key_of`: whom it belongs to."""
        self._trim, self._key_of = trim, key_of
        self._lock = Lock()
        self._facts: dict[Id, tuple[int, Key, Fact]] = {}
        self._of: dict[Key, dict[Id, None]] = {}
        self._told: dict[str, int] = {}
        """Namespace ("": all) -> the version up to which its watch has told everything."""

    def facts(self, key: Key) -> list[Fact]:
        """Of all objects that belong to a key, by name."""
        with self._lock:
            return [self._facts[one][2] for one in sorted(self._of.get(key, ()))]

    def count(self, key: Key) -> int:
        """How many objects belong to a key."""
        with self._lock:
            return len(self._of.get(key, ()))

    def __len__(self) -> int:
        return len(self._facts)

    def known(self) -> list[Key]:
        """Every key that something here belongs to."""
        with self._lock:
            return list(self._of)

    def put(self, item: Object, *, told: str | None = None) -> Key | None:
        """An object as it is now; the key if that changed a fact. An older version than the known one changes nothing.

        `told`: the watch of this namespace says so. None: it is the answer to a write, and is left out if the watch is
        past it: the object may be gone by now.
        """
        about = item["metadata"]
        one: Id = (about.get("namespace", ""), about["name"])
        version, key = int(about["resourceVersion"]), self._key_of(item)
        fact = self._trim(item) if key is not None else None
        with self._lock:
            if told is None:
                if version <= max(self._told.get("", 0), self._told.get(one[0], 0)):
                    return None
            else:
                self._told[told] = max(version, self._told.get(told, 0))
            known = self._facts.get(one)
            if known is not None and known[0] > version:
                return None
            if key is None or fact is None:
                return self._drop(one)
            if known is not None and known[1:] == (key, fact):
                self._facts[one] = (version, key, known[2])
                return None
            if known is not None and known[1] != key:
                self._drop(one)
            self._facts[one] = (version, key, fact)
            self._of.setdefault(key, {})[one] = None
            return key

    def change(self, one: Id, change: Callable[[Fact], Fact]) -> None:
        """What this process has just done to an object, until the watch tells of it; nothing if it is not known."""
        with self._lock:
            known = self._facts.get(one)
            if known is not None:
                self._facts[one] = (known[0], known[1], change(known[2]))

    def remove(self, item: Object, *, told: str) -> Key | None:
        """An object is gone, as a watch says; the key if it was known."""
        about = item["metadata"]
        one: Id = (about.get("namespace", ""), about["name"])
        version = int(about["resourceVersion"])
        with self._lock:
            self._told[told] = max(version, self._told.get(told, 0))
            known = self._facts.get(one)
            return self._drop(one) if known is not None and known[0] <= version else None

    def told(self, namespace: str, version: str) -> None:
        """The watch of a namespace has told everything up to a version: a bookmark, or a whole list."""
        with self._lock:
            self._told[namespace] = max(int(version), self._told.get(namespace, 0))

    def keep(self, namespace: str, listed: Iterable[Id], version: str) -> list[Key]:
        """A whole list of a namespace ("": all) has been put: what is not in it and not newer is gone; their keys."""
        present, limit = set(listed), int(version)
        with self._lock:
            gone = [
                one
                for one, (known, _, _) in self._facts.items()
                if (not namespace or one[0] == namespace) and one not in present and known <= limit
            ]
            self._told[namespace] = max(limit, self._told.get(namespace, 0))
            return [key for one in gone if (key := self._drop(one)) is not None]

    def _drop(self, one: Id) -> Key | None:
        known = self._facts.pop(one, None)
        if known is None:
            return None
        others = self._of[known[1]]
        del others[one]
        if not others:
            del self._of[known[1]]
        return known[1]
