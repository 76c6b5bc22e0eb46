"""Operators in simulated time: the real runtime, lease and folds, with a process around them that dies and freezes."""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from dart_k8s.edges.cluster import MemoryCluster, Resource
from dart_k8s.edges.metrics import MemoryMetrics
from dart_k8s.edges.store import MemoryStore
from dart_k8s.errors import ClusterUnavailable
from dart_k8s.operator.folders import failure_of
from dart_k8s.operator.folding import Order
from dart_k8s.operator.lease import Elector, LeaseTimes
from dart_k8s.operator.measures import Measures
from dart_k8s.operator.runtime import Runtime
from dart_k8s.reconcile import Failure, Progress, Settings
from dart_k8s.workers.access import Access, Tell
from dart_k8s.workers.folding.folds import PATIENCE, Folds
from tests.workers.faults import Faults, SlowAccess

from .processes import Line

__all__ = ["LEASE", "Child", "Children", "Gone", "Operator", "Troubles"]

LEASE = ("dart", "operator")
WRITES = {"create", "patch", "update", "delete"}


class Gone(BaseException):
    """The operator's process was killed here."""


@dataclass(kw_only=True)
class Troubles:
    """What goes wrong with one operator process. Times are seconds of its life, writes are counted from 0."""

    dies_at: int | None = None
    """The write to the API server at which it is killed."""
    dies_after_effect: bool = False
    lives: float | None = None
    """Killed after so long."""
    lossy: float = 0.0
    """Chance that a request to the API server, or its reply, is lost."""
    frozen: tuple[float, float] | None = None
    lingers: int = 0
    """So many writes it still makes after it has lost its lead: they were on their way, one of each worker."""
    lag: int = 0
    """It sees what was so many versions ago, ..."""
    lag_until: float = 0.0
    """... until then."""
    deaf: tuple[float, float] | None = None
    """Events of its watches are lost between these times; then it must list anew."""
    delay: float = 0.2
    """Longest time that an event takes."""
    child: Faults = field(default_factory=Faults)
    """Of its first folding child's way to the store."""
    between: float = 0.0
    """Chance that others do what they have to do between two of its requests."""


class Child:
    """A folding child: the real folds, in tasks."""

    def __init__(self, store: Callable[[str], MemoryStore], faults: Faults, *, latency: float, seed: int, tell: Tell):
        self.faults, self.latency, self.seed = faults, latency, seed
        self._store = store
        self._wires: list[Line] = []
        self._waiting: dict[int, Callable[[Progress | Failure], None]] = {}
        self._numbers = 0
        self.dead = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._folds = Folds(answer=self._answer, tell=self._say, connect=self._connect)
        self._tell = tell

    def ask(self, request: Mapping[str, Any], ended: Callable[[Progress | Failure], None] | None = None) -> None:
        """A line on its standard input."""
        self._numbers += 1
        if ended is not None:
            self._waiting[self._numbers] = ended
        self._spawn(self._folds.serve(json.dumps({"id": self._numbers, **request})))

    def kill(self) -> None:
        """Nothing it does has any effect any more; what was asked of it ends as a failure."""
        if self.dead:
            return
        self.dead = True
        for wire in self._wires:
            wire.dead = True
        waiting, self._waiting = self._waiting, {}
        for ended in waiting.values():
            ended(failure_of({"kind": "FoldChildDied", "message": "The process that folded ended (SIGKILL)."}))

    def close(self) -> None:
        """Its standard input has ended: roles are given back."""
        self._waiting.clear()
        self._spawn(self._folds.close())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _connect(self, uri: str, tell: Tell) -> Access:
        wire = Line(self._store(uri), self.faults, self.seed * 31 + len(self._wires))
        self._wires.append(wire)
        return SlowAccess(wire, latency=self.latency, seed=self.seed * 77, tell=tell, patience=PATIENCE)

    def _say(self, event: str, **facts: object) -> None:
        # What it says of being killed is nothing that a killed process could say.
        if not any(wire.dead for wire in self._wires):
            self._tell(event, **facts)

    def _answer(self, fields: Mapping[str, Any]) -> None:
        if not self.dead and any(wire.dead for wire in self._wires):
            self.kill()
        ended = self._waiting.pop(fields["id"], None)
        if ended is None:
            return
        if "forgotten" in fields:
            ended(Progress(prepared=False))
        elif "progress" in fields:
            ended(Progress.from_json(json.loads(json.dumps(fields["progress"]))))
        else:
            ended(failure_of(fields["error"]))


class Children:
    """The operator's pool of one child, replaced by one without memory when it dies; a `Folder`."""

    def __init__(self, make: Callable[[int], Child]) -> None:
        self._make = make
        self.made = 0
        self.child: Child | None = None
        self.wake: Callable[[], None] = lambda: None
        self.killed = 0
        """Children that died of a fault of theirs."""

    def start(self, order: Order, ended: Callable[[Progress | Failure], None]) -> bool:
        """See `Folder`."""
        if self.child is None or self.child.dead:
            self.killed += self.child is not None
            self.child = self._make(self.made)
            self.made += 1

        def told(what: Progress | Failure) -> None:
            ended(what)
            self.wake()

        asked = {"output": order.output, "declaration": order.declaration, "samplers": order.samplers}
        self.child.ask({**asked, "lease": "/".join(LEASE), "cause": order.cause}, told)
        return True

    def forget(self, output: str, ended: Callable[[], None]) -> None:
        """See `Folder`."""
        if self.child is None or self.child.dead:
            ended()
            return

        def told(what: Progress | Failure) -> None:
            ended()
            self.wake()

        self.child.ask({"forget": output}, told)


class Operator:
    """One process of the operator."""

    def __init__(
        self,
        name: str,
        cluster: MemoryCluster,
        children: Children,
        settings: Settings,
        troubles: Troubles,
        *,
        seed: int,
        elected: bool,
        ended: Callable[["Operator", str], None],
        others: Callable[[], None],
        tell: Callable[..., None],
    ) -> None:
        self.name, self.cluster, self.children, self.troubles = name, cluster, children, troubles
        children.wake = self.wake
        self.dead = False
        self.writes = 0
        self.happened: list[str] = []
        """Faults that really came about."""
        self._ended, self._others, self._tell = ended, others, tell
        self._rng = random.Random(seed)
        self._loop = asyncio.get_running_loop()
        self.began = self._loop.time()
        self._offset, self._rate = self._rng.uniform(0.0, 1e5), self._rng.uniform(0.98, 1.02)
        self._lost_at: float | None = None
        self._late = 0
        cluster.before, cluster.after = self._before, self._after
        cluster.keeps = self._keeps
        self.elector = Elector(
            cluster=cluster, namespace=LEASE[0], name=LEASE[1], identity=name, times=LeaseTimes(),
            clock=self.clock, now=lambda: cluster.now() + self._rng.uniform(-500.0, 500.0), draw=self._rng.random,
        ) if elected else None  # fmt: skip
        self.runtime = Runtime(
            cluster=cluster,
            folder=children,
            settings=settings,
            measures=Measures(MemoryMetrics(), "simulation"),
            identity=name,
            clock=self.clock,
            draw=self._rng.random,
            may_write=self._may_write,
            tell=self._hear,
        )
        self._due = dict.fromkeys(range(len(self.runtime.reflectors)), self.began)
        self._elects_at = self.began
        self._begun = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        if troubles.lives is not None:
            self._loop.call_later(troubles.lives, self.die, "killed at a moment")
        if troubles.lag_until:
            cluster.lag = troubles.lag
            self.happened.append("stale view")
            self._loop.call_later(troubles.lag_until, self._see_clearly)
        if troubles.delay > 1.0:
            self.happened.append("slow events")
        if troubles.deaf is not None:
            self._loop.call_later(troubles.deaf[1], self._list_again)
        self._wake(self.began)

    # -- its clock and its life

    def clock(self) -> float:
        """Its monotonic clock: begins anywhere, and goes a little too fast or too slow."""
        return self._offset + self._loop.time() * self._rate

    def _when(self, clock: float) -> float:
        return (clock - self._offset) / self._rate + 1e-6

    def die(self, why: str) -> None:
        """Killed where it stands."""
        if self.dead:
            return
        self.dead = True
        self.happened.append(why)
        child = self.children.child
        if child is not None and self._rng.random() < 0.5:
            child.kill()
        elif child is not None:
            child.close()
        self._ended(self, why)

    def account(self) -> list[str]:
        """The faults that really came about."""
        return [*self.happened, *["folding child killed"] * self.children.killed]

    def _happens_once(self, what: str) -> None:
        if what not in self.happened:
            self.happened.append(what)

    def _see_clearly(self) -> None:
        self.cluster.lag = 0
        self.all_due()

    def _list_again(self) -> None:
        for reflector in self.runtime.reflectors:
            reflector._version = ""
        self.all_due()

    def all_due(self) -> None:
        """Let every reflector look now."""
        now = self._loop.time()
        self._due = {number: min(at, now) for number, at in self._due.items()}
        self._wake(now)

    def _may_write(self) -> bool:
        if self.elector is None or self.elector.leads:
            return True
        return self._lost_at is not None and self._late < self.troubles.lingers

    # -- faults of its requests

    def _before(self, verb: str, resource: Resource, namespace: str, name: str) -> None:
        if self.dead:
            raise Gone
        if verb in WRITES and resource.kind != "Lease":
            number, self.writes = self.writes, self.writes + 1
            if number == self.troubles.dies_at and not self.troubles.dies_after_effect:
                self.die("killed before a write")
                raise Gone
            if self._lost_at is not None:
                self._late += 1
                self.happened.append("write of a deposed leader")
        if self.troubles.between and self._rng.random() < self.troubles.between:
            self.happened.append("others between two requests")
            self._others()
        if self.troubles.lossy and self._rng.random() < self.troubles.lossy / 2:
            self.happened.append(f"{'write' if verb in WRITES else 'read'} refused")
            raise ClusterUnavailable("The request was lost.")

    def _after(self, verb: str, resource: Resource, namespace: str, name: str) -> None:
        counts = verb in WRITES and resource.kind != "Lease"
        if counts and self.writes - 1 == self.troubles.dies_at and self.troubles.dies_after_effect:
            self.die("killed after a write")
            raise Gone
        if self.troubles.lossy and self._rng.random() < self.troubles.lossy / 2:
            if verb in WRITES:
                self.happened.append("reply to a write lost")
            raise ClusterUnavailable("The reply was lost.")

    def _keeps(self, change: Any) -> bool:
        deaf = self.troubles.deaf
        if deaf is None or not deaf[0] <= self._loop.time() - self.began < deaf[1]:
            return True
        self.happened.append("event lost")
        return False

    def _hear(self, event: str, **facts: Any) -> None:
        self._tell(event, operator=self.name, **facts)

    # -- what it does

    def look(self, kind: str) -> None:
        """Something of a kind has changed in the cluster."""
        if self.dead:
            return
        for number, reflector in enumerate(self.runtime.reflectors):
            if reflector.resource.kind == kind:
                at = self._loop.time() + self._rng.uniform(0.01, self.troubles.delay)
                if at < self._due[number]:
                    self._due[number] = at
                    self._wake(at)

    def wake(self) -> None:
        """Look at what is due."""
        self._wake(self._loop.time())

    def _wake(self, at: float) -> None:
        if self.dead or self._timer_at <= at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._turn)

    def _turn(self) -> None:
        self._timer, self._timer_at = None, float("inf")
        if self.dead:
            return
        frozen, now = self.troubles.frozen, self._loop.time()
        if frozen is not None and frozen[0] <= now - self.began < frozen[1]:
            self._happens_once("frozen")
            self._wake(self.began + frozen[1] + 0.01)
            return
        try:
            self._work(now)
        except Gone:
            return
        dues = [*self._due.values()]
        if self.elector is not None:
            dues.append(self._elects_at)
        if self._begun:
            dues += [
                self._when(at)
                for at in (self.runtime.queue.next_due(), self.runtime.folds.next_due())
                if at is not None
            ]
        self._wake(max(self._loop.time() + 1e-6, min(dues)))

    def _work(self, now: float) -> None:
        runtime = self.runtime
        if self.elector is not None:
            if now >= self._elects_at:
                self._elects_at = now + self.elector.step() / self._rate
            if self.elector.lost and self._lost_at is None:
                self._lost_at = now
                self.happened.append("deposed")
                self._loop.call_later(10.0 if self.troubles.lingers else 0.0, self.die, "exit")
                if not self.troubles.lingers:
                    return
        for number, reflector in enumerate(runtime.reflectors):
            if self._due[number] <= now:
                pause = reflector.step()
                again = reflector.failures or not reflector._version
                self._due[number] = now + pause / self._rate if again else float("inf")
                if not again and not reflector.synced:
                    self._due[number] = now
        leads = self.elector is None or self.elector.leads or self._lost_at is not None
        if not leads or not runtime.synced:
            return
        if not self._begun:
            self._begun = True
            runtime.begin()
        runtime.folds.step()
        key = runtime.queue.take()
        while key is not None:
            runtime.work(key)
            key = runtime.queue.take()
        runtime.folds.step()
