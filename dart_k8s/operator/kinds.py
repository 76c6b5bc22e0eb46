"""The kinds that the operator carries out: where their APIs are, and which objects each looks at besides its own."""

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from dart_k8s.edges.cluster import Object, Resource
from dart_k8s.edges.cluster.resources import EVALUATIONS, SYNTHESES, TRAININGS
from dart_k8s.names import DIGEST, Kind
from dart_k8s.reconcile import Reference
from dart_k8s.reconcile.references import made, needed

from .keys import Key

__all__ = ["OBJECTS", "Dependents", "looks_at", "own_key", "reference"]

OBJECTS: Mapping[Kind, Resource] = {"Synthesis": SYNTHESES, "Training": TRAININGS, "Evaluation": EVALUATIONS}
"""Kind -> its API."""


def own_key(item: Object) -> Key:
    """The key of an object of this group."""
    return Key(item["metadata"]["namespace"], item["metadata"]["name"], item["kind"])


def looks_at(item: Mapping[str, Any]) -> list[Key]:
    """The objects that a decision about this one looks at: the one that it names, and those that it makes."""
    space, wanted = item["metadata"]["namespace"], needed(item)
    named = [Key(space, wanted.name, wanted.kind)] if wanted is not None else []
    return [*named, *(Key(space, name, "Synthesis") for name in made(item))]


def reference(key: Key, item: Object | None) -> Reference:
    """An object as others see it."""
    if item is None:
        return Reference(kind=key.kind, name=key.name)
    about, status = item["metadata"], item.get("status") or {}
    owners = about.get("ownerReferences") or ()
    current = status.get("observedGeneration", 0) == about.get("generation", 0)
    return Reference(
        kind=key.kind,
        name=key.name,
        uid=about["uid"],
        owner=next((one["uid"] for one in owners if one.get("controller")), ""),
        output=str((item["spec"].get("output") or {}).get("uri", "")),
        digest=(about.get("annotations") or {}).get(DIGEST, ""),
        deleting="deletionTimestamp" in about,
        status=status if current else {},
    )


class Dependents:
    """Who looks at whom: what changes concerns them too. Safe for many threads."""

    def __init__(self) -> None:
        self._looks: dict[Key, tuple[Key, ...]] = {}
        self._seen_by: dict[Key, set[Key]] = {}
        self._lock = Lock()

    def note(self, key: Key, at: Iterable[Key]) -> None:
        """A key looks at these, and at no others any more."""
        new = tuple(at)
        with self._lock:
            old = self._looks.get(key, ())
            if new == old:
                return
            for one in old:
                seen_by = self._seen_by[one]
                seen_by.discard(key)
                if not seen_by:
                    del self._seen_by[one]
            self._looks.pop(key, None)
            if new:
                self._looks[key] = new
            for one in new:
                self._seen_by.setdefault(one, set()).add(key)

    def of(self, key: Key) -> list[Key]:
        """Those that look at a key."""
        with self._lock:
            return sorted(self._seen_by.get(key, ()))
