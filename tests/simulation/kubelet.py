"""Nodes: pods are placed, started, asked to stop, killed and lost, each with a process in simulated time."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from dart_k8s.edges.cluster import MemoryCluster, Object
from dart_k8s.edges.cluster.resources import PODS
from dart_k8s.names import CONTAINER, STAGE, Stage

from .books import Books
from .controllers import KUBELET, stamp

__all__ = ["Ended", "Kubelet", "PodProcess"]

GRACE = 30.0
"""Seconds from SIGTERM to SIGKILL."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    code: int
    said: str = ""
    """Termination message."""
    reason: str = ""


class PodProcess(Protocol):
    """What runs in a pod."""

    def start(self, ready: Callable[[], None], ended: Callable[[Ended], None]) -> None:
        """Begin; `ready` once, when the startup probe passes, `ended` once."""

    def stop(self) -> None:
        """SIGTERM."""

    def kill(self) -> None:
        """SIGKILL: nothing it does has any effect any more; `ended` is not called."""


@dataclass(slots=True)
class Place:
    """A pod that the kubelet knows."""

    name: str
    namespace: str
    stage: str
    process: PodProcess | None = None
    state: str = "waiting"
    """waiting, running, over."""
    stopping: bool = False


class Kubelet:
    """See the module. `make` makes the process of a pod; None: what it mounts is not there yet."""

    def __init__(
        self, books: Books, cluster: MemoryCluster, make: Callable[[Object], PodProcess | None], seed: int
    ) -> None:
        self.books, self.cluster, self.make = books, cluster, make
        self.places: dict[str, Place] = {}
        """By the pod's uid."""
        self.unplaceable_until = 0.0
        """Loop time until which no node takes a pod."""
        self._rng = random.Random(seed)

    # -- what happens to pods

    def look(self, kind: str, before: Object | None, after: Object | None) -> None:
        """A change in the cluster."""
        if kind != "Pod" or after is None or "status" not in after:
            return
        uid = after["metadata"]["uid"]
        place = self.places.get(uid)
        if place is None:
            about = after["metadata"]
            place = self.places[uid] = Place(about["name"], about["namespace"], about["labels"][STAGE])
            asyncio.get_running_loop().call_later(self._rng.uniform(0.1, 1.5), self._begin, uid)
        if "deletionTimestamp" in after["metadata"] and not place.stopping:
            place.stopping = True
            asyncio.get_running_loop().call_later(self._rng.uniform(0.01, 0.5), self._stop, uid)

    def running(self, stage: Stage) -> list[str]:
        """uids of a stage's pods with a process."""
        return [uid for uid, one in self.places.items() if one.stage == stage and one.state == "running"]

    def _begin(self, uid: str) -> None:
        place = self.places[uid]
        if place.stopping or place.state != "waiting":
            return
        loop = asyncio.get_running_loop()
        if loop.time() < self.unplaceable_until:
            loop.call_later(self.unplaceable_until - loop.time() + 0.1, self._begin, uid)
            return
        pod = self._pod(uid)
        if pod is None:
            return
        process = self.make(pod)
        if process is None:
            loop.call_later(2.0, self._begin, uid)
            return
        place.state, place.process = "running", process
        self._say(uid, phase="Running", container={"state": {"running": {}}, "started": False})
        process.start(lambda: self._ready(uid), lambda end: self._ended(uid, end))

    def _ready(self, uid: str) -> None:
        if self.places[uid].state == "running":
            self._say(uid, phase="Running", container={"state": {"running": {}}, "started": True}, ready=True)

    def _stop(self, uid: str) -> None:
        place = self.places[uid]
        if place.state == "waiting":
            # Never started: the pod garbage collector calls it failed.
            place.state = "over"
            self._say(uid, phase="Failed")
            self._gone(uid)
        elif place.state == "running" and place.process is not None:
            place.process.stop()
            asyncio.get_running_loop().call_later(GRACE, self.kill, uid)
        elif place.state == "over":
            self._gone(uid)

    def kill(self, uid: str, reason: str = "Error", code: int = 137) -> bool:
        """The process is killed where it stands (out of memory, end of grace); False: there is none."""
        place = self.places[uid]
        if place.state != "running" or place.process is None:
            return False
        place.process.kill()
        self._ended(uid, Ended(code, reason=reason))
        return True

    def drain(self, uid: str, reason: str = "EvictionByEvictionAPI") -> bool:
        """Evicted or preempted: the pod says so, then it is deleted."""
        pod = self._pod(uid)
        if pod is None or self.places[uid].state == "over" or self.places[uid].stopping:
            return False
        self._disrupt(pod, reason)
        self.cluster.delete(PODS, pod["metadata"]["namespace"], pod["metadata"]["name"])
        return True

    def lose(self, uid: str, after: float, lives: float = 0.0) -> bool:
        """Its node is gone: the cluster notices later. The process dies now; or it `lives` on for so many seconds,
        where only the control plane can't reach the node."""
        place, loop = self.places[uid], asyncio.get_running_loop()
        if place.state != "running" or place.process is None:
            return False
        if lives:
            loop.call_later(lives, place.process.kill)
        else:
            place.process.kill()
        place.process = None
        place.state = "lost"

        def notice() -> None:
            pod = self._pod(uid)
            if pod is None:
                return
            self._disrupt(pod, "DeletionByPodGC")
            place.state = "over"
            self._say(uid, phase="Failed")
            place.stopping = True
            self.cluster.delete(PODS, place.namespace, place.name)
            self._gone(uid)

        loop.call_later(after, notice)
        return True

    # -- what is said of them

    def _ended(self, uid: str, end: Ended) -> None:
        place = self.places[uid]
        if place.state != "running":
            return
        place.state, place.process = "over", None
        reason = end.reason or ("Completed" if end.code == 0 else "Error")
        over = {
            "exitCode": end.code, "reason": reason, "message": end.said, "finishedAt": stamp(self.cluster.now()),
        }  # fmt: skip
        self._say(
            uid,
            phase="Succeeded" if end.code == 0 else "Failed",
            container={"state": {"terminated": over}, "started": False},
        )
        if place.stopping:
            self._gone(uid)

    def _disrupt(self, pod: Object, reason: str) -> None:
        said = {"type": "DisruptionTarget", "status": "True", "reason": reason}
        others = [one for one in pod["status"].get("conditions") or () if one["type"] != "DisruptionTarget"]
        self._patch(pod, {"conditions": [*others, said]})

    def _say(self, uid: str, *, phase: str, container: dict[str, Any] | None = None, ready: bool = False) -> None:
        pod = self._pod(uid)
        if pod is None:
            return
        others = [one for one in pod["status"].get("conditions") or () if one["type"] != "Ready"]
        status: dict[str, Any] = {
            "phase": phase,
            "conditions": [*others, {"type": "Ready", "status": "True" if ready else "False"}],
        }
        if container is not None:
            status["containerStatuses"] = [{"name": CONTAINER, "restartCount": 0, **container}]
        self._patch(pod, status)

    def _gone(self, uid: str) -> None:
        """The kubelet is through with a pod."""
        pod = self._pod(uid)
        if pod is not None and KUBELET in pod["metadata"].get("finalizers", ()):
            kept = [one for one in pod["metadata"]["finalizers"] if one != KUBELET]
            about = pod["metadata"]
            self.cluster.patch(PODS, about["namespace"], about["name"], {"metadata": {"finalizers": kept}})

    def _pod(self, uid: str) -> Object | None:
        place = self.places[uid]
        pod = self.books.kind(PODS).objects.get((place.namespace, place.name))
        return pod if pod is not None and pod["metadata"]["uid"] == uid else None

    def _patch(self, pod: Object, status: dict[str, Any]) -> None:
        about = pod["metadata"]
        self.cluster.patch(PODS, about["namespace"], about["name"], {"status": status}, subresource="status")
