"""What users and nodes do to a run while it goes on."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from dart_k8s.edges.cluster.resources import JOBS, PODS, SYNTHESES
from dart_k8s.errors import ClusterError
from dart_k8s.names import FINALIZER, Stage

if TYPE_CHECKING:
    from .runs import Run

__all__ = ["Mischief"]

DISRUPTIONS = ("EvictionByEvictionAPI", "PreemptionByScheduler", "DeletionByTaintManager")


class Mischief:
    """See the module. `over` once nothing more will come."""

    def __init__(self, run: Run) -> None:
        self.run, self.case = run, run.case
        self.rng = random.Random(run.case.seed + 900_000)
        self.over = False
        self.wants: str = "Complete"
        """Phase that the run has to reach in the end; "gone": it was deleted for good."""
        self.deletes_output = False

    async def go(self) -> None:
        """All of it, in an order and at times that the seed has."""
        doings: list[Any] = []
        kinds, rng = self.case.kinds, self.rng
        if "pods" in kinds:
            doings += [self._pod] * rng.randint(1, 5)
        if "nodes" in kinds:
            doings += [self._no_nodes]
        if "compacted" in kinds:
            doings += [self._compact] * rng.randint(1, 3)
        if "users" in kinds:
            doings += rng.sample([self._suspend, self._target, self._replicas, self._job, self._policy], k=2)
        rng.shuffle(doings)
        for do in doings:
            await asyncio.sleep(rng.choice((rng.uniform(0.0, 5.0), rng.uniform(0.0, 25.0))))
            await self._safely(do)
        if "deleted" in kinds:
            await asyncio.sleep(rng.uniform(0.0, 40.0))
            await self._delete()
        self.over = True
        self.run.changed.set()

    async def _safely(self, do: Any) -> None:
        try:
            await do()
        except ClusterError as error:
            self.run.note(f"the user's request failed: {error}")

    def _did(self, what: str) -> None:
        self.run.happened[what] += 1
        self.run.note(what)

    # -- nodes

    async def _pod(self) -> None:
        kubelet, rng = self.run.kubelet, self.rng
        stages = [Stage.SAMPLER, Stage.SAMPLER, Stage.VERIFIER, Stage.PREPARE, Stage.CURATE]
        rng.shuffle(stages)
        uid = next((rng.choice(found) for stage in stages if (found := kubelet.running(stage))), None)
        if uid is None:
            return
        stage = kubelet.places[uid].stage
        kind = rng.randint(0, 4)
        if kind == 0 and kubelet.kill(uid, "OOMKilled"):
            self._did(f"{stage} out of memory")
        elif kind == 1 and kubelet.drain(uid, rng.choice(DISRUPTIONS)):
            self._did(f"{stage} drained")
        elif kind == 2 and kubelet.lose(uid, rng.uniform(5.0, 90.0)):
            self._did(f"{stage} lost with its node")
        elif kind == 3:
            place = kubelet.places[uid]
            self.run.user.delete(PODS, place.namespace, place.name)
            self._did(f"{stage} pod deleted by a user")
        elif kind == 4 and kubelet.lose(uid, rng.uniform(5.0, 90.0), lives=rng.uniform(10.0, 120.0)):
            self._did(f"{stage} on a node cut off")

    async def _no_nodes(self) -> None:
        self.run.kubelet.unplaceable_until = self.run.loop.time() + self.rng.uniform(5.0, 120.0)
        self._did("no node has room")

    async def _compact(self) -> None:
        self.run.user.expire()
        for operator in self.run.operators:
            operator.all_due()
        self._did("history compacted")

    # -- users

    def _change(self, what: str, **spec: Any) -> None:
        self.run.user.patch(SYNTHESES, "math", "s", {"spec": spec})
        self._did(what)

    async def _suspend(self) -> None:
        self._change("suspended", suspend=True)
        await asyncio.sleep(self.rng.uniform(0.1, 60.0))
        self._change("resumed", suspend=False)

    async def _target(self) -> None:
        strategy = dict(self.case.spec["strategy"])
        name = "trials" if strategy["kind"] == "vanilla" else "target"
        strategy[name] = max(1, strategy[name] + self.rng.choice((-1, 1, 2)))
        self._change(f"{name} changed", strategy=strategy)

    async def _replicas(self) -> None:
        wanted = self.rng.randint(0, 4)
        self._change("replicas changed", samplers={"replicas": wanted})
        if not wanted:
            await asyncio.sleep(self.rng.uniform(0.1, 60.0))
            self._change("replicas changed", samplers={"replicas": self.rng.randint(1, 3)})

    async def _policy(self) -> None:
        self._change("deletion policy changed", deletionPolicy=self.rng.choice(("Delete", "Retain")))

    async def _job(self) -> None:
        names = [name for _, name in self.run.books.kind(JOBS).objects]
        if names:
            name = self.rng.choice(names)
            self.run.user.delete(JOBS, "math", name)
            self._did(f"Job {name} deleted by a user")

    async def _delete(self) -> None:
        rng, run = self.rng, self.run
        policy = rng.choice(("Delete", "Retain", ""))
        if policy:
            self._change(f"deletion policy {policy}", deletionPolicy=policy)
            await asyncio.sleep(rng.uniform(0.0, 3.0))
        # A policy that the operator had no time to see leaves no finalizer, and so nobody who cleans up; a finalizer
        # that it had no time to take off deletes nothing.
        last = run.user.get(SYNTHESES, "math", "s")
        finalized = FINALIZER in last["metadata"].get("finalizers", ())
        self.deletes_output = finalized and last["spec"].get("deletionPolicy") == "Delete"
        run.user.delete(SYNTHESES, "math", "s", propagation=rng.choice(("Background", "Foreground")))
        self._did("Synthesis deleted")
        if rng.random() < 0.5:
            self.wants = "gone"
            return
        await run.until(lambda: run.phase == "gone")
        await asyncio.sleep(rng.choice((0.0, rng.uniform(0.0, 30.0))))
        run.user.create(SYNTHESES, "math", run.manifest())
        self._did("Synthesis made again")
