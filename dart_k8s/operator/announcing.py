"""Events on the resource: what a user finds in `kubectl describe`. Never more than a few, and never in the way."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from dart_k8s.edges.cluster import Cluster
from dart_k8s.edges.cluster.resources import EVENTS
from dart_k8s.errors import ClusterError, ObjectExists
from dart_k8s.names import OPERATOR
from dart_k8s.reconcile.decision import Announcement

from .keys import Key

__all__ = ["Announcer"]

BURST, REFILL_SECONDS = 25, 300.0
"""Events of one object: so many at once, then one in five minutes. client-go's numbers."""
REMEMBERED = 5000
"""Objects whose rates are remembered."""
LONGEST_MESSAGE = 1024
"""The API's limit."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


@dataclass(slots=True, kw_only=True)
class Announcer:
    """See the module. The same announcement has the same name: said again, its count goes up."""

    cluster: Cluster
    identity: str
    now: Callable[[], float]
    """Seconds since the epoch."""
    clock: Callable[[], float] = time.monotonic
    tell: Callable[..., None] = lambda event, **facts: None
    _buckets: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def announce(self, item: Mapping[str, Any], said: Announcement) -> bool:
        """Write an Event; False if the object has had too many, or the server would not take it."""
        about = item["metadata"]
        if not self._allowed(about["uid"]):
            return False
        stamp = datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        message = said.message[:LONGEST_MESSAGE]
        digest = hashlib.sha256("\0".join((about["uid"], said.reason, message)).encode()).hexdigest()[:16]
        name, namespace = f"{about['name']}.{digest}", about["namespace"]
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": item["apiVersion"],
                "kind": item["kind"],
                "name": about["name"],
                "namespace": namespace,
                "uid": about["uid"],
            },
            "type": said.kind,
            "reason": said.reason,
            "message": message,
            "source": {"component": OPERATOR},
            "reportingComponent": OPERATOR,
            "reportingInstance": self.identity,
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        }
        try:
            try:
                self.cluster.create(EVENTS, namespace, event)
            except ObjectExists:
                known = self.cluster.get(EVENTS, namespace, name)
                patch = {"count": int(known.get("count") or 1) + 1, "lastTimestamp": stamp}
                self.cluster.patch(EVENTS, namespace, name, patch)
        except ClusterError as error:
            self.tell(
                "event-failed", **Key(namespace, about["name"], item["kind"]).said, reason=said.reason, why=str(error)
            )
            return False
        return True

    def _allowed(self, uid: str) -> bool:
        now = self.clock()
        with self._lock:
            bucket = self._buckets.setdefault(uid, _Bucket(BURST, now))
            self._buckets.move_to_end(uid)
            if len(self._buckets) > REMEMBERED:
                self._buckets.popitem(last=False)
            bucket.left = min(BURST, bucket.left + (now - bucket.at) / REFILL_SECONDS)
            bucket.at = now
            if bucket.left < 1:
                return False
            bucket.left -= 1
            return True
