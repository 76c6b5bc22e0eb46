"""The simulated cluster's contents, and the books that are kept of them: what was created and deleted how often."""

from collections import Counter
from collections.abc import Callable

from dart_k8s.edges.cluster import MemoryCluster, Object
from dart_k8s.edges.cluster.contents import Contents, Key, Kind

__all__ = ["EPOCH", "Books", "client"]

EPOCH = 1_800_000_000.0
"""Seconds since the epoch at which runs begin, by the API server's clock."""

Look = Callable[[str, Object | None, Object | None], None]
"""Called with (kind, before, after) of each change."""


class Books(Contents):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.created: Counter[tuple[str, str]] = Counter()
        """(kind, name) -> how often an object of that name was made."""
        self.deleted: Counter[tuple[str, str]] = Counter()
        self.writes = 0
        self.looks: list[Look] = []

    def write(self, kind: Kind, key: Key, new: Object | None) -> None:
        old = kind.objects.get(key)
        super().write(kind, key, new)
        self.writes += 1
        item = new or old
        assert item is not None
        name = (str(item["kind"]), key[1])
        if old is None:
            self.created[name] += 1
        if new is None:
            self.deleted[name] += 1
        for look in self.looks:
            look(name[0], old, new)


def client(books: Books, now: Callable[[], float], manager: str) -> MemoryCluster:
    """A client of the cluster with faults of its own."""
    made = MemoryCluster(now=now, manager=manager)
    made.contents = books
    return made
