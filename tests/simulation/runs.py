"""One run: a cluster, a store, operators and pods in simulated time, from submission to rest, and what must hold."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

import yaml

from dart_k8s.api import Synthesis
from dart_k8s.api.load import load_value
from dart_k8s.edges.clock import run_virtual
from dart_k8s.edges.cluster import Object
from dart_k8s.edges.cluster.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    LEASES,
    NETWORK_POLICIES,
    PODS,
    SERVICES,
    SYNTHESES,
)
from dart_k8s.edges.store import MemoryStore
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET
from dart_k8s.ledger.state import BudgetState
from dart_k8s.names import STAGE, Stage, declaration_name
from dart_k8s.reconcile import Settings
from dart_k8s.workers.translate import goal_of
from tests.workers.faults import Faults, check

from .books import EPOCH, Books, client
from .cases import Case, Luck
from .controllers import Controllers
from .kubelet import Kubelet
from .mischief import Mischief
from .operators import Child, Children, Operator
from .processes import Process, cleanup, curate, prepare, sample, verify
from .world import World

__all__ = ["Run", "simulate"]

NAMESPACE, NAME = "math", "s"
LONGEST = 20_000.0
"""Simulated seconds after which a run is stuck."""
REST = 3_000.0
"""Simulated seconds for which nothing may happen at the end."""
MOST_STATUS = 16 << 10
AGAIN = {"Synthesis made again", "target changed", "trials changed", "suspended", "replicas changed"}
WORK = {
    Stage.PREPARE: prepare, Stage.SAMPLER: sample, Stage.CURATE: curate, Stage.CLEANUP: cleanup, Stage.VERIFIER: verify,
}  # fmt: skip


@lru_cache(maxsize=64)
def _loaded(text: str) -> Synthesis:
    return load_value(yaml.load(text, Loader=yaml.CSafeLoader), "a pod's declaration")


@lru_cache(maxsize=64)
def _declared(text: str) -> Synthesis:
    return load_value(json.loads(text), "the case")


class Run:
    """See the module."""

    def __init__(self, case: Case) -> None:
        self.case, self.rng = case, case.rng
        self.told: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()
        self.history: list[str] = []
        """Phases, operators' ends and what users did, in order, with times."""
        self.broken: list[str] = []
        """Invariants that did not hold."""
        self.books = Books()
        self.loop = asyncio.get_running_loop()
        self.store = MemoryStore("s3://bucket/runs/s", after=self._stored)
        self.controllers = Controllers(self.books, client(self.books, self.now, "kubernetes"), case.seed)
        self.kubelet = Kubelet(self.books, client(self.books, self.now, "kubelet"), self._process, case.seed + 1)
        self.user = client(self.books, self.now, "user")
        self.settings = Settings(allowed_outputs={"*": ("s3://bucket/",)})
        self.world = self._world()
        self.books.looks += [self._look, self.kubelet.look]
        self.operators: list[Operator] = []
        self.starts = self.processes = 0
        self._controllers_due = self._controlling = False
        self.luck, self.mischief = Luck(case), Mischief(self)
        self._state: BudgetState | None = None
        self.phase = ""
        self.mended = 0
        self.changed = asyncio.Event()

    def now(self) -> float:
        """Seconds since the epoch by the API server's clock."""
        return EPOCH + self.loop.time()

    def manifest(self) -> dict[str, Any]:
        """What the user applies."""
        head = {"apiVersion": SYNTHESES.api_version, "kind": "Synthesis", "metadata": {"name": NAME}}
        return {**head, "spec": json.loads(json.dumps(self.case.spec))}

    def _world(self) -> World:
        case = self.case
        world = World(
            rates=case.rates, goal=goal_of(_declared(json.dumps(self.manifest()))), slots=case.slots, tokens=40.0,
            late=case.late, flush_seconds=case.flush_seconds, seed=case.seed,
        )  # fmt: skip
        world.store = self.store
        return world

    # -- the parts' doings

    def _look(self, kind: str, before: Object | None, after: Object | None) -> None:
        for operator in self.operators:
            operator.look(kind)
        if kind == "Synthesis":
            self._look_at_synthesis(before, after)
        if kind not in ("Lease", "Event") and not self._controllers_due:
            self._controllers_due = True
            self.loop.call_later(self.rng.uniform(0.05, 0.4), self._control)

    def _control(self) -> None:
        self._controllers_due, self._controlling = False, True
        due = self.controllers.step()
        self._controlling = False
        if due is not None and not self._controllers_due:
            self.loop.call_later(max(0.01, due - self.now() + 0.01), self._control_again)

    def _control_now(self) -> None:
        if not self._controlling:
            self._controlling = True
            self.controllers.step()
            self._controlling = False

    def _control_again(self) -> None:
        if not self._controllers_due:
            self._control()

    def _look_at_synthesis(self, before: Object | None, after: Object | None) -> None:
        status = (after or {}).get("status") or {}
        size = len(json.dumps(status))
        if size > MOST_STATUS:
            self.broken.append(f"a status of {size} bytes")
        phase = status.get("phase", "") if after is not None else "gone"
        if phase != self.phase:
            self.note(f"phase {phase}: {status.get('message', '')[:100]}")
        self.phase = phase
        self.changed.set()

    def _stored(self, operation: str, key: str) -> None:
        if operation == "delete" and key == BUDGET:
            self._state = None
        if operation != "put" or key != BUDGET:
            return
        found = self.store._objects.get(BUDGET.encode())
        if found is None:
            return
        new, old = state.decode(found[0]), self._state
        self._state = new
        if old is None:
            return
        if new.epoch < old.epoch:
            self.broken.append(f"the epoch went from {old.epoch} to {new.epoch}")
        numbers = [0 if one.plan is None else one.plan.number for one in (old, new)]
        if numbers[1] < numbers[0]:
            self.broken.append(f"the plan went from {old.plan} to {new.plan}")
        if (new.spent() < old.spent()).any():
            self.broken.append(f"trials went from {old.spent()} to {new.spent()}")

    def _process(self, pod: Object) -> Process | None:
        about = pod["metadata"]
        stage = Stage(about["labels"][STAGE])
        mounted = self.books.kind(CONFIG_MAPS).objects.get((NAMESPACE, declaration_name(NAME)))
        if mounted is None and stage is not Stage.VERIFIER:
            return None
        self.processes += 1
        env = {one["name"]: one.get("value") for one in pod["spec"]["containers"][0].get("env", ())}
        text = mounted["data"]["declaration.yaml"] if mounted else json.dumps(self.manifest())
        return Process(
            name=about["name"],
            number=self.processes,
            synthesis=_loaded(text),
            uid=env.get("DART_UID") or "",
            store=self.store,
            world=self.world,
            faults=self.luck.worker(stage),
            latency=self.case.latency,
            work=WORK[stage],
            stage=stage.value,
            happened=self.happened,
            judged=self.judged,
            seed=self.case.seed,
        )

    def judged(self) -> bool:
        """Whether a verification pod is ready."""
        deployments = self.books.kind(DEPLOYMENTS).objects.values()
        return any((one.get("status") or {}).get("readyReplicas") for one in deployments)

    def begin_operator(self) -> None:
        """Another process of the operator."""
        if self.broken:
            return
        self.starts += 1
        number = self.starts
        troubles = self.luck.operator()

        def make(child: int) -> Child:
            faults = troubles.child if not child else Faults(outages=troubles.child.outages)
            seed = self.case.seed * 1000 + number * 10 + child
            return Child(lambda uri: self.store, faults, latency=self.case.latency, seed=seed, tell=self.tell)

        operator = Operator(
            f"operator-{number}",
            client(self.books, self.now, "dart-operator"),
            Children(make),
            self.settings,
            troubles,
            seed=self.case.seed * 100 + number,
            elected=self.case.operators > 1,
            ended=self._operator_ended,
            others=self._control_now,
            tell=self.tell,
        )
        self.operators.append(operator)

    def _operator_ended(self, operator: Operator, why: str) -> None:
        self.operators.remove(operator)
        self.happened.update(operator.account())
        self.note(f"{operator.name} {why}")
        self.loop.call_later(self.rng.uniform(0.5, 6.0), self.begin_operator)

    def tell(self, event: str, **facts: Any) -> None:
        """What anybody says."""
        self.told[event] += 1
        if event == "action":
            self.note(f"{facts['operator']}: {facts['action']}: {facts['why'][:60]}")
        if event == "store-unavailable":
            self.happened["store unavailable"] += 1
        if event == "fault":
            self.broken.append(f"fault: {facts}")

    def note(self, what: str) -> None:
        """For the story of a failing run."""
        self.history.append(f"{self.loop.time():8.1f} {what}")

    # -- from beginning to end

    async def whole(self) -> "Run":
        """Submit, wait for the end, then for rest, and check everything."""
        for _ in range(self.case.operators):
            self.begin_operator()
        self.user.create(SYNTHESES, NAMESPACE, self.manifest())
        mischief = asyncio.create_task(self.mischief.go())
        await self.until(lambda: mischief.done() and self._ended())
        mischief.result()
        await asyncio.sleep(400.0)
        assert self._ended(), f"after the end it is in phase {self.phase}"
        await self._rest()
        self._check()
        return self

    def _ended(self) -> bool:
        if self.phase != self.mischief.wants:
            return False
        item = self.books.kind(SYNTHESES).objects.get((NAMESPACE, NAME))
        return item is None or item["status"]["observedGeneration"] == item["metadata"]["generation"]

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait, and mend what takes a person: a run that has failed is suspended and resumed."""
        ends = self.loop.time() + LONGEST
        while not done():
            if self.broken:
                raise AssertionError(self.broken[0])
            if self.loop.time() > ends:
                raise AssertionError(f"stuck in phase {self.phase!r}")
            self.changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(60.0):
                    await self.changed.wait()
            if self.phase == "Failed":
                await self._mend()

    async def _mend(self) -> None:
        item = self.books.kind(SYNTHESES).objects[NAMESPACE, NAME]
        failed = next(one for one in item["status"]["conditions"] if one["type"] == "Failed")
        self.happened[f"failed: {failed['reason']}"] += 1
        self.note(f"failed: {failed['reason']}: {failed['message']}")
        self.mended += 1
        if self.mended > 6:
            raise AssertionError(f"failed again and again: {failed}")
        await asyncio.sleep(20.0)
        for suspend in (True, False):
            if self.phase != "gone":
                self.user.patch(SYNTHESES, NAMESPACE, NAME, {"spec": {"suspend": suspend}})
            await asyncio.sleep(20.0)

    async def _rest(self) -> None:
        """Nothing is written and nothing is asked of the store; a new operator finds nothing to do either."""
        writes, requests = self.books.writes, dict(self.store.requests())
        leases = self._lease_writes()
        await asyncio.sleep(REST if self.case.operators == 1 else 100.0)
        self.luck.calm = True
        for operator in list(self.operators):
            operator.die("replaced at rest")
        await asyncio.sleep(100.0)
        asked = {name: n - requests[name] for name, n in self.store.requests().items() if n != requests[name]}
        written = self.books.writes - writes - (self._lease_writes() - leases)
        if asked:
            self.broken.append(f"requests to the store at rest: {asked}")
        if written:
            self.broken.append(f"{written} writes at rest")
        if self.broken:
            raise AssertionError(self.broken[0])

    def _check(self) -> None:
        """The state against the segments, and what is left of the cluster's objects."""
        left = {f"{kind} {name}" for kind, name in self._objects()}
        if self.mischief.wants == "gone":
            assert not left, f"left behind: {sorted(left)}"
            stored = [entry.key for entry in self.store.list()]
            assert not self.mischief.deletes_output or not stored, f"left in the store: {stored}"
            return
        assert f"Synthesis {NAME}" in left and f"ConfigMap {NAME}-declaration" in left, left
        others = [one for one in left if one.startswith(("Pod", "Deployment", "Service", "NetworkPolicy"))]
        assert not [one for one in others if "-curate-" not in one], f"left behind: {sorted(left)}"
        item = self.books.kind(SYNTHESES).objects[NAMESPACE, NAME]
        spec = {**self.manifest(), "spec": item["spec"]}
        self.world.goal = goal_of(_declared(json.dumps(spec)))
        # Who was frozen, or cut off, for longer than its claim lives may write what is too late to count.
        check(self.world, late=bool({"workers", "pods", "store"} & self.case.kinds))
        # A name is used again only after a user's doing. What belongs to an object that is gone the cluster deletes.
        if "deleted" in self.case.kinds:
            return
        again = sum(n for what, n in self.happened.items() if what in AGAIN or what.endswith("deleted by a user"))
        for name, number in self.books.created.items():
            assert name[0] != "Job" or number <= 1 + again + self.mended, f"{name} was created {number} times"

    def _lease_writes(self) -> int:
        return len(self.books.kind(LEASES).history)

    def _objects(self) -> list[tuple[str, str]]:
        found = []
        for resource in (SYNTHESES, JOBS, PODS, CONFIG_MAPS, DEPLOYMENTS, SERVICES, NETWORK_POLICIES):
            found += [(resource.kind, key[1]) for key in self.books.kind(resource).objects]
        return found

    def story(self) -> str:
        """What happened, for a failing run."""
        lines = [
            f"kinds {', '.join(sorted(self.case.kinds))}",
            *self.history,
            f"faults {dict(self.happened)}",
            f"said {dict(self.told)}",
        ]
        lines += [f"created {dict(self.books.created)}", f"left {self._objects()}"]
        return "\n".join(lines)


def simulate(case: Case) -> Run:
    """Run a case in simulated time. AssertionError with the story of the run if anything that must hold does not."""
    made: list[Run] = []

    async def main() -> Run:
        run = Run(case)
        made.append(run)
        return await run.whole()

    try:
        return run_virtual(main())
    except AssertionError as error:
        story = made[0].story() if made else ""
        raise AssertionError(f"seed {case.seed}: {error}\n{story}") from None
