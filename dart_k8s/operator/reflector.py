"""Reflectors: each keeps a cache like one kind in one namespace, or in all, and says which keys that concerns.

A reflector lists in pages, watches from there with bookmarks, watches again where a watch ended, lists anew when its
version is too old, and after anything else waits: longer each time, never in step with others.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dart_k8s.edges.cluster import Cluster, Resource
from dart_k8s.errors import ClusterError, ClusterUnavailable, Expired

from .cache import Cache
from .keys import Key
from .queue import BackOff

__all__ = ["Reflector"]

PAGE = 200
"""A pod with managedFields has 26 KB, and several times that while its page is read: larger pages would be most of the
memory of a cold start. 10,000 pods and 1,000 resources are still fewer requests than a burst."""
SHORTEST_WATCH, LONGEST_WATCH = 240.0, 300.0
"""Seconds after which a watch is ended and begun anew; drawn, so that all do not come at once."""
SHORTEST_PAUSE = 1.0
"""Seconds between the beginnings of two watches."""
LASTED = 1.0
"""Seconds after which a watch that ended in an error had begun well."""
ERRORS = BackOff(first=0.5, most=30.0)


@dataclass(slots=True, kw_only=True)
class Reflector:
    """See the module. `step` is one list or one watch; a thread repeats it."""

    cluster: Cluster
    resource: Resource
    namespace: str | None
    cache: Cache[Any]
    changed: Callable[[Key], None]
    labels: str = ""
    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random
    tell: Callable[..., None] = lambda event, **facts: None
    synced: bool = False
    """It has listed once: the cache holds everything there was."""
    beat: float = field(init=False)
    """When it last did anything: heard, listed, or failed in a bounded time. A thread that hangs has none."""
    heard: float = field(init=False)
    """When the server last said anything: an event, a bookmark, a list."""
    failures: int = 0
    _version: str = ""

    def __post_init__(self) -> None:
        self.beat = self.heard = self.clock()

    @property
    def name(self) -> str:
        """For logs and health."""
        return f"{self.resource.plural}/{self.namespace or '*'}"

    def step(self) -> float:
        """Do one thing; seconds to wait before the next."""
        began = self.clock()
        try:
            if self._version:
                self._watch()
                # A server that ends watches at once must not be asked for them without a pause.
                pause = max(0.0, SHORTEST_PAUSE - (self.clock() - began))
            else:
                self._list()
                pause = 0.0
            self.failures = 0
        except Expired as error:
            self.tell("list-again", of=self.name, why=str(error))
            # With a pause: a version that is too old as soon as it is listed is a server in trouble.
            self.failures += 1
            pause = ERRORS.pause(self.failures, self.draw)
            self._version = ""
        except ClusterError as error:
            if self._version and self.clock() - began >= LASTED and self._answers():
                self.tell("watch-again", of=self.name, why=str(error))
                self.failures, self.beat = 0, self.clock()
                return SHORTEST_PAUSE * self.draw()
            self.failures += 1
            asked = error.retry_after if isinstance(error, ClusterUnavailable) else 0.0
            pause = max(asked, ERRORS.pause(self.failures, self.draw))
            self.tell("watch-failed", of=self.name, why=str(error), again_in=round(pause, 1), failures=self.failures)
        self.beat = self.clock()
        return pause

    def _answers(self) -> bool:
        """Whether the server speaks.

        Of a kind that has had no event since it started it sends no bookmarks: such a watch is silent, and well.
        """
        try:
            self.cluster.list(self.resource, self.namespace, labels=self.labels, limit=1)
        except ClusterError:
            return False
        self._hear()
        return True

    def _list(self) -> None:
        space, listed, after = self.namespace or "", [], ""
        while True:
            page = self.cluster.list(self.resource, self.namespace, labels=self.labels, limit=PAGE, after=after)
            self._hear()
            for item in page.items:
                listed.append((item["metadata"].get("namespace", ""), item["metadata"]["name"]))
                self._notify(self.cache.put(item, told=space))
            after = page.next
            if not after:
                break
        for key in self.cache.keep(space, listed, page.version):
            self.changed(key)
        self._version = page.version
        self.synced = True

    def _watch(self) -> None:
        space = self.namespace or ""
        seconds = SHORTEST_WATCH + self.draw() * (LONGEST_WATCH - SHORTEST_WATCH)
        for change in self.cluster.watch(
            self.resource, self.namespace, version=self._version, labels=self.labels, seconds=seconds
        ):
            self._hear()
            self.failures = 0
            self._version = change.object["metadata"]["resourceVersion"]
            if change.type == "BOOKMARK":
                self.cache.told(space, self._version)
            elif change.type == "DELETED":
                self._notify(self.cache.remove(change.object, told=space))
            else:
                self._notify(self.cache.put(change.object, told=space))

    def _notify(self, key: Key | None) -> None:
        if key is not None:
            self.changed(key)

    def _hear(self) -> None:
        self.beat = self.heard = self.clock()
