"""What the fake API server holds: objects by kind, one counter of versions, and a history to watch and look back in."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from dart_k8s.edges.cluster.base import Object, Resource
from dart_k8s.edges.cluster.ownership import Path
from dart_k8s.errors import Expired

__all__ = ["Contents", "Key", "Record"]

Key = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class Record:
    """A change that happened. Objects in it are never changed again."""

    version: int
    key: Key
    before: Object | None
    after: Object | None


@dataclass(slots=True)
class Kind:
    """The objects of one kind."""

    objects: dict[Key, Object] = field(default_factory=dict)
    history: list[Record] = field(default_factory=list)


class Contents:
    """See the module. Objects in it are shared with the history: never changed, only replaced."""

    def __init__(self) -> None:
        self.version = 1
        self.oldest = 0
        """Versions before it are forgotten."""
        self.made = 0
        """Objects created ever; their uids come from it."""
        self.owned: dict[str, dict[tuple[str, str], frozenset[Path]]] = {}
        """uid -> (manager, subresource) -> fields."""
        self._kinds: dict[tuple[str, str], Kind] = {}

    def kind(self, resource: Resource) -> Kind:
        """The objects of a kind, an empty one if there are none yet."""
        name = (resource.group, resource.plural)
        found = self._kinds.get(name)
        if found is None:
            found = self._kinds[name] = Kind()
        return found

    def kinds(self) -> Iterator[Kind]:
        """All kinds that something was ever asked about."""
        return iter(list(self._kinds.values()))

    def write(self, kind: Kind, key: Key, new: Object | None) -> None:
        """Put, replace or (None) remove an object, as one version."""
        self.version += 1
        old = kind.objects.get(key)
        if new is not None:
            new["metadata"]["resourceVersion"] = str(self.version)
            kind.objects[key] = new
        else:
            del kind.objects[key]
        kind.history.append(Record(self.version, key, old, new))

    def at(self, kind: Kind, version: int) -> dict[Key, Object]:
        """The objects as they were at a version. Raises Expired."""
        if version < self.oldest:
            raise Expired(f"Cannot look back to version {version}: {self.oldest} is the oldest.")
        if not kind.history or kind.history[-1].version <= version:
            return kind.objects
        objects = dict(kind.objects)
        for record in reversed(kind.history):
            if record.version <= version:
                break
            if record.before is None:
                del objects[record.key]
            else:
                objects[record.key] = record.before
        return objects

    def after(self, kind: Kind, version: int) -> Iterator[Record]:
        """What happened to a kind after a version, oldest first. Raises Expired."""
        if version < self.oldest:
            raise Expired(f"Cannot watch from version {version}: {self.oldest} is the oldest.")
        first = len(kind.history)
        while first and kind.history[first - 1].version > version:
            first -= 1
        return iter(kind.history[first:])

    def forget(self) -> None:
        """Compact: only the present is left."""
        self.oldest = self.version
        for kind in self.kinds():
            kind.history.clear()
