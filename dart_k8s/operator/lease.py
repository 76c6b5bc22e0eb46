"""Leader election by a Lease. Times are client-go's: 15 s of validity, 10 s to renew in, a try every 2 s.

No clock is compared with another machine's: a Lease has run out when this process has seen the same record for its
whole validity, by its own monotonic clock. Who leads and could not renew in time says `lost`, and the process must exit
at once: threads that work for a leader can't be called back. Writes of a deposed leader that was paused are harmless
all the same: they are idempotent, deletes carry uids, and planning is fenced in the store by the planner's epoch.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dart_k8s.edges.cluster import Cluster, Object
from dart_k8s.edges.cluster.resources import LEASES
from dart_k8s.errors import ClusterError, ObjectConflict, ObjectExists, ObjectNotFound

__all__ = ["Elector", "LeaseTimes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimes:
    """Seconds. renew < duration, so that a leader is gone before another one may come."""

    duration: float = 15.0
    renew: float = 10.0
    retry: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.retry < self.renew < self.duration:
            raise ValueError(f"0 < retry ({self.retry}) < renew ({self.renew}) < duration ({self.duration}) must hold")


@dataclass(slots=True, kw_only=True)
class Elector:
    """See the module. `step` is one try; a thread of its own repeats it, and shares nothing with other work."""

    cluster: Cluster
    """With few and short requests: answers later than `renew` are useless."""
    namespace: str
    name: str
    identity: str
    times: LeaseTimes = field(default_factory=LeaseTimes)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    draw: Callable[[], float] = random.random
    tell: Callable[..., None] = lambda event, **facts: None
    beat: float = field(init=False)
    """When the last try ended."""
    transitions: int = 0
    """Of the Lease, as last seen."""
    _renewed: float | None = None
    """When the last successful renewal began; None: not leading."""
    _held: Object | None = None
    """The Lease as this process wrote it last: to renew it at that version takes one request instead of two."""
    _record: tuple[str, Any, Any] | None = None
    """Holder and times that were seen last, and since when unchanged."""
    _seen: float = 0.0

    def __post_init__(self) -> None:
        self.beat = self.clock()

    @property
    def leads(self) -> bool:
        """The Lease is this process's, for sure: by its own clock, since the last renewal began."""
        return self._renewed is not None and self.clock() - self._renewed < self.times.renew

    @property
    def lost(self) -> bool:
        """It led and could not renew in time."""
        return self._renewed is not None and not self.leads

    @property
    def renewed_ago(self) -> float:
        """Seconds since the last successful renewal began; 0 for one that does not lead."""
        return self.clock() - self._renewed if self._renewed is not None else 0.0

    def step(self) -> float:
        """Take, renew or look at the Lease; seconds until the next step."""
        began = self.clock()
        try:
            self._try(began)
        except ClusterError as error:
            self.tell("lease-failed", lease=f"{self.namespace}/{self.name}", why=str(error), leads=self.leads)
        self.beat = self.clock()
        # Drawn for those who wait, so that they do not collide; a leader renews in step.
        return self.times.retry * (1.0 if self._renewed is not None else 1.0 + 0.2 * self.draw())

    def release(self) -> None:
        """Give the Lease up, so that the next one need not wait. Only after all work for it has ended."""
        if self._renewed is None:
            return
        self._renewed = None
        try:
            found = self.cluster.get(LEASES, self.namespace, self.name)
            if found["spec"].get("holderIdentity") == self.identity:
                spec = {**found["spec"], "holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": self._time()}
                self.cluster.replace(LEASES, self.namespace, self.name, {**found, "spec": spec})
                self.tell("lease-released", lease=f"{self.namespace}/{self.name}")
        except ClusterError as error:
            self.tell("lease-failed", lease=f"{self.namespace}/{self.name}", why=str(error), leads=False)

    def _try(self, began: float) -> None:
        held, self._held = self._held, None
        if held is not None and self._renewed is not None and self._won(began, lambda: self._replace(held, {})):
            return
        try:
            found = self.cluster.get(LEASES, self.namespace, self.name)
        except ObjectNotFound:
            self._won(began, self._create)
            return
        spec = found.get("spec") or {}
        self.transitions = spec.get("leaseTransitions") or 0
        record = (spec.get("holderIdentity") or "", spec.get("acquireTime"), spec.get("renewTime"))
        if record != self._record:
            self._record, self._seen = record, self.clock()
        if record[0] == self.identity:
            self._won(began, lambda: self._replace(found, {}))
        elif not record[0] or self.clock() - self._seen >= (spec.get("leaseDurationSeconds") or self.times.duration):
            if self._renewed is not None:
                return  # another process took it, and let it lapse: this one has lost it all the same
            more = {"acquireTime": self._time(), "leaseTransitions": self.transitions + 1}
            self._won(began, lambda: self._replace(found, more))
        elif self._renewed is not None:
            # Taken by another one while this one thought it led: do not wait for the deadline.
            self._renewed = began - self.times.renew

    def _won(self, began: float, write: Callable[[], Object]) -> bool:
        try:
            written = write()
        except (ObjectConflict, ObjectExists, ObjectNotFound):
            return False  # somebody else was quicker, or it was deleted: the next look tells
        if self._renewed is None:
            self.tell("leading", lease=f"{self.namespace}/{self.name}", identity=self.identity)
        self.transitions = (written.get("spec") or {}).get("leaseTransitions") or 0
        self._renewed, self._held = began, written
        return True

    def _create(self) -> Object:
        about = {"name": self.name, "namespace": self.namespace}
        spec = {"acquireTime": self._time(), "leaseTransitions": 0, **self._mine()}
        manifest = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": about, "spec": spec}
        return self.cluster.create(LEASES, self.namespace, manifest)

    def _replace(self, found: Object, more: dict[str, Any]) -> Object:
        # At the version that was read: of two who try at once, one loses.
        spec = {**(found.get("spec") or {}), **self._mine(), **more}
        return self.cluster.replace(LEASES, self.namespace, self.name, {**found, "spec": spec})

    def _mine(self) -> dict[str, Any]:
        # The API wants whole seconds, of at least one.
        seconds = max(1, round(self.times.duration))
        return {"holderIdentity": self.identity, "leaseDurationSeconds": seconds, "renewTime": self._time()}

    def _time(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
