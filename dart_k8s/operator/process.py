"""The operator's process: a `Runtime` with threads, a Lease, health, and a graceful end."""

import os
import socket
import threading
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from dart_k8s import __version__
from dart_k8s.edges.cluster import Cluster
from dart_k8s.edges.metrics import Metrics
from dart_k8s.errors import EXIT_FAILED

from .folders import FOLDING, Children
from .health import Health, HealthServer
from .keys import Key
from .lease import Elector
from .measures import LEADER, TRANSITIONS, Measures
from .reflector import Reflector
from .runtime import Runtime
from .settings import OperatorSettings

__all__ = ["Process"]

HANGS = 180.0
"""Seconds without a sign of a reflector's thread: a silent watch (75), a pause (30) and a slow answer (30) fit in."""
WORKS = 600.0
"""Seconds of one reconcile: some tens of requests of at most 30 seconds."""
OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Process:
    """See the module. `exit` ends the process at once; it is called when leadership was lost."""

    def __init__(
        self,
        settings: OperatorSettings,
        *,
        cluster: Callable[[Callable[..., None]], Cluster],
        lease_cluster: Cluster,
        metrics: Metrics,
        tell: Callable[..., None],
        exit_now: Callable[[int], Any] = os._exit,
    ) -> None:
        """`cluster`: makes the client, given who is told of its requests. `lease_cluster`: the Lease's own client."""
        self.settings, self._tell, self._exit = settings, tell, exit_now
        self._metrics = metrics
        self.measures = Measures(metrics, __version__)
        identity = f"{socket.gethostname()}_{uuid.uuid4()}"
        self.elector = Elector(
            cluster=lease_cluster,
            namespace=lease_namespace(settings),
            name=settings.lease_name,
            identity=identity,
            times=settings.lease,
            now=lease_cluster.now,
            tell=tell,
        )
        self.children = Children(
            lease=f"{self.elector.namespace}/{self.elector.name}",
            most=settings.folding.processes,
            memory_mib=settings.folding.memory_mib,
            deadline=settings.folding.deadline,
            command=settings.folding.command or FOLDING,
            tell=tell,
        )
        self.runtime = Runtime(
            cluster=cluster(self.measures.sent),
            folder=self.children,
            settings=settings.decisions,
            measures=self.measures,
            namespaces=settings.namespaces,
            identity=identity,
            may_write=lambda: self.elector.leads,
            tell=tell,
        )
        self._stopping, self._ending = threading.Event(), threading.Event()
        """No new work; no Lease any more."""
        self._busy: dict[int, tuple[Key, float]] = {}
        """Thread -> the key that it works on, and since when."""
        self._workers: list[threading.Thread] = []
        self._listed = threading.Event()
        """The caches hold all there was, so decisions can be made."""
        self._health = self._checks()
        self.server = HealthServer(self._health, metrics.render, settings.health_host, settings.health_port)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then finish what is under way, give roles and Lease back, and return."""
        self.server.start()
        self._tell("started", version=__version__, identity=self.elector.identity, health_port=self.server.port)
        for reflector in self.runtime.reflectors:
            self._thread(f"watch {reflector.name}", partial(self._repeat, reflector.step))
        lease = self._thread("lease", self._elect)
        self._thread("gauges", lambda: self._repeat(self._look))
        stop.wait()
        self._stop(lease)

    def _stop(self, lease: threading.Thread) -> None:
        self._tell("stopping", under_way=self.runtime.queue.working())
        self._stopping.set()
        self.runtime.queue.close()
        ends = self.runtime.clock() + self.settings.stop_seconds
        for worker in self._workers:
            worker.join(max(0.0, ends - self.runtime.clock()))
        # The Lease is renewed until the last role is given back: nobody else folds before that.
        self.children.stop(max(1.0, ends - self.runtime.clock()))
        self._ending.set()
        lease.join(self.settings.lease.retry + 5.0)
        if not any(worker.is_alive() for worker in self._workers):
            self.elector.release()
        self.server.stop()
        self._tell("stopped")

    # -- threads

    def _thread(self, name: str, target: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread

    def _repeat(self, step: Callable[[], float]) -> None:
        while not self._stopping.is_set():
            try:
                pause = step()
            except Exception as error:  # a thread that ends unseen is a deaf operator
                self._tell("fault", thread=threading.current_thread().name, exc_info=error)
                pause = 5.0
            self._stopping.wait(pause)

    def _elect(self) -> None:
        while not self._ending.is_set():
            pause = self.elector.step()
            self._check_lead()
            if self.elector.leads and not self._workers and not self._stopping.is_set():
                self._lead()
            self.measures.set(LEADER, float(self.elector.leads))
            self.measures.set(TRANSITIONS, self.elector.transitions)
            self._ending.wait(pause)

    def _check_lead(self) -> None:
        if self.elector.lost and not self._ending.is_set():
            lease = f"{self.elector.namespace}/{self.elector.name}"
            self._tell("lost", lease=lease, renewed_ago=round(self.elector.renewed_ago, 1))
            self._exit(EXIT_FAILED)

    def _lead(self) -> None:
        self._workers = [self._thread(f"worker {number}", self._work) for number in range(self.settings.workers)]
        self._workers.append(self._thread("begin", self._begin))
        self._workers.append(self._thread("folds", lambda: self._repeat(self._fold)))

    def _begin(self) -> None:
        while not self.runtime.synced:
            if self._stopping.wait(0.05):
                return
        self.runtime.begin()
        self._listed.set()

    def _work(self) -> None:
        runtime = self.runtime
        while not self._listed.wait(0.2):
            if self._stopping.is_set():
                return
        while not self._stopping.is_set():
            key = runtime.queue.get(1.0)
            if key is None:
                continue
            me = threading.get_ident()
            self._busy[me] = key, runtime.clock()
            try:
                runtime.work(key)
            finally:
                del self._busy[me]

    def _fold(self) -> float:
        self.runtime.folds.step()
        due = self.runtime.folds.next_due()
        return 0.5 if due is None else min(0.5, max(0.02, due - self.runtime.clock()))

    def _look(self) -> float:
        # A lease thread that hangs can't tell that it has lost; this one can.
        self._check_lead()
        self.children.kill_late()
        self.runtime.measure()
        return 1.0

    # -- health

    def _checks(self) -> Health:
        health, clock = Health(), self.runtime.clock

        def old(what: str, since: Callable[[], float], most: float) -> Callable[[], str]:
            def check() -> str:
                age = clock() - since()
                return f"{what} has shown no sign for {age:.0f} s" if age > most else ""

            return check

        for reflector in self.runtime.reflectors:
            most = max(HANGS, self.settings.silence_seconds * 2)
            health.alive[f"watch {reflector.name}"] = old("the watch", partial(getattr, reflector, "beat"), most)
            health.ready[f"watch {reflector.name}"] = partial(_unlisted, reflector)
        times = self.settings.lease
        health.alive["lease"] = old("the lease's thread", lambda: self.elector.beat, 2 * times.duration + 10)
        health.alive["workers"] = old(
            "a reconcile", lambda: min((since for _, since in list(self._busy.values())), default=clock()), WORKS
        )
        health.details = lambda: {"leader": self.elector.leads, "version": __version__}
        return health


def _unlisted(reflector: Reflector) -> str:
    return "" if reflector.synced else "not listed yet"


def lease_namespace(settings: OperatorSettings) -> str:
    """Where the Lease is."""
    if settings.lease_namespace:
        return settings.lease_namespace
    if OWN_NAMESPACE.is_file():
        return OWN_NAMESPACE.read_text(encoding="utf-8").strip()
    return settings.namespaces[0] if settings.namespaces else "default"
