"""The operator without threads: reflectors, queue, controller and folds put together, and one step of each.

A simulation drives exactly this in simulated time; `process` drives it with threads.
"""

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from dart_k8s.edges.cluster import Cluster, Resource
from dart_k8s.edges.cluster.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    NETWORK_POLICIES,
    PODS,
    SERVICES,
)
from dart_k8s.names import MANAGED_BY, OPERATOR
from dart_k8s.reconcile import Settings

from .announcing import Announcer
from .cache import Cache
from .controller import Caches, Controller
from .folding import Folder, Folds
from .keys import Key
from .kinds import OBJECTS
from .measures import CACHED, QUEUE_DEPTH, WATCH_AGE, WORKING, Measures
from .queue import Queue
from .reflector import Reflector

__all__ = ["Runtime"]

OURS = f"{MANAGED_BY}={OPERATOR}"
REST_PER_POD, FEW_PODS, LONGEST_REST = 0.01, 20, 1.0
"""Seconds that an object of many pods is left alone after a reconcile, for each pod over a few: each of them changes
half a dozen times as it comes and goes, and a look at all of them costs by their number."""
CHILDREN = (CONFIG_MAPS, DEPLOYMENTS, NETWORK_POLICIES, SERVICES)


def _silent(event: str, **facts: Any) -> None:
    """Says nothing."""


@dataclass(slots=True)
class Runtime:
    """See the module."""

    cluster: Cluster
    folder: Folder
    settings: Settings
    measures: Measures
    namespaces: Iterable[str] = ()
    """None: all of them."""
    identity: str = OPERATOR
    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random
    may_write: Callable[[], bool] = lambda: True
    tell: Callable[..., None] = _silent
    caches: Caches = field(init=False)
    queue: Queue = field(init=False)
    reflectors: list[Reflector] = field(init=False)
    folds: Folds = field(init=False)
    controller: Controller = field(init=False)

    def __post_init__(self) -> None:
        self.caches = Caches()
        self.queue = Queue(clock=self.clock, draw=self.draw, waited=self.measures.waited)
        self.folds = Folds(
            self.folder,
            clock=self.clock,
            now=self.cluster.now,
            changed=self.queue.add,
            took=self.measures.folded,
            rest=self.settings.fold_rest,
        )
        self.controller = Controller(
            cluster=self.cluster,
            caches=self.caches,
            folds=self.folds,
            announcer=Announcer(
                cluster=self.cluster, identity=self.identity, now=self.cluster.now, clock=self.clock, tell=self.tell
            ),
            settings=self.settings,
            now=self.cluster.now,
            clock=self.clock,
            may_write=self.may_write,
            tell=self.tell,
            show=self.measures.show,
            hide=self.measures.hide,
            concerns=self.changed,
        )
        self.reflectors = [
            self._reflector(resource, cache, namespace)
            for namespace in (tuple(self.namespaces) or (None,))
            for resource, cache in self._watched()
        ]

    @property
    def synced(self) -> bool:
        """Every cache holds all there was."""
        return all(reflector.synced for reflector in self.reflectors)

    def begin(self) -> None:
        """Look at every object: what it led to is unknown to a new process, or a new leader."""
        self.queue.begin()
        for cache in self.caches.objects.values():
            for key in cache.known():
                self.queue.add(key)

    def changed(self, key: Key) -> None:
        """What is known of a key is another thing: that concerns it, and those that look at it."""
        self.queue.add(key)
        for other in self.caches.dependents.of(key):
            self.queue.add(other)

    def work(self, key: Key) -> str:
        """Reconcile a key that was taken from the queue, and put it back as that says; how it ended."""
        began = self.clock()
        try:
            result = self.controller.reconcile(key)
            outcome = result.outcome
            if outcome == "failed":
                self.measures.retried()
                self.queue.retry(key, result.at_least)
            else:
                self.queue.succeeded(key)
                if result.after is not None and outcome == "done":
                    self.queue.add(key, result.after)
        except Exception as error:  # one key must not stop the others
            self.tell("fault", **key.said, exc_info=error)
            outcome = "failed"
            self.queue.retry(key)
        finally:
            self.queue.done(key, self._rest(key))
        self.measures.reconciled(outcome, self.clock() - began)
        self.tell("reconciled", **key.said, result=outcome, seconds=round(self.clock() - began, 4))
        return outcome

    def _rest(self, key: Key) -> float:
        return min(LONGEST_REST, max(0, self.caches.pods.count(key) - FEW_PODS) * REST_PER_POD)

    def measure(self) -> None:
        """Set the gauges."""
        now = self.clock()
        # Who stands by has all keys in its queue and no workers: that is no backlog.
        self.measures.set(QUEUE_DEPTH, self.queue.depth() if self.may_write() else 0)
        self.measures.set(WORKING, self.queue.working())
        ages: dict[str, float] = {}
        for reflector in self.reflectors:
            kind = reflector.resource.plural
            ages[kind] = max(ages.get(kind, 0.0), now - reflector.heard)
        for resource, cache in self._watched():
            self.measures.set(WATCH_AGE, ages[resource.plural], kind=resource.plural)
            self.measures.set(CACHED, len(cache), kind=resource.plural)

    def settle(self, rounds: int = 100) -> int:
        """Without threads: let everything happen that is due now; reconciles that were done. For simulations."""
        done = 0
        for _ in range(rounds):
            for reflector in self.reflectors:
                reflector.step()
            self.folds.step()
            key, some = self.queue.take(), False
            while key is not None:
                self.work(key)
                done, some = done + 1, True
                key = self.queue.take()
            if not some:
                return done
        return done

    def _watched(self) -> list[tuple[Resource, Cache[Any]]]:
        caches = self.caches
        children = [(resource, caches.children[resource.kind]) for resource in CHILDREN]
        own = [(resource, caches.objects[kind]) for kind, resource in OBJECTS.items()]
        return [*own, (JOBS, caches.jobs), (PODS, caches.pods), *children]

    def _reflector(self, resource: Resource, cache: Cache[Any], namespace: str | None) -> Reflector:
        return Reflector(
            cluster=self.cluster,
            resource=resource,
            namespace=namespace,
            cache=cache,
            changed=self.changed if resource in OBJECTS.values() else self.queue.add,
            labels="" if resource in OBJECTS.values() else OURS,
            clock=self.clock,
            draw=self.draw,
            tell=self.tell,
        )
