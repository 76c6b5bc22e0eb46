"""What runs in the simulated pods: the real workers on a store in memory, each by a wire of its own that can fail."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dart_k8s.answers import Verdict
from dart_k8s.api import Synthesis, digest, to_dict
from dart_k8s.edges.engine.scripted import ScriptedEngine
from dart_k8s.edges.store import MemoryStore, Store
from dart_k8s.errors import (
    EXIT_CLOSED,
    EXIT_FAILED,
    EXIT_STOPPED,
    DartError,
    RunError,
    VerifierError,
)
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET, RUN
from dart_k8s.ledger.state import BudgetState, Phase
from dart_k8s.reconcile.findings import Doing, encode, finding
from dart_k8s.workers import record
from dart_k8s.workers.claiming import Claims
from dart_k8s.workers.pod.errands import clean
from dart_k8s.workers.prepare import Prepare
from dart_k8s.workers.record import RunRecord
from dart_k8s.workers.sample import Problems, Sampler
from dart_k8s.workers.snapshot import Query
from dart_k8s.workers.stopping import pause
from dart_k8s.workers.translate import sampler_settings
from dart_k8s.workers.verification import LateVerifier
from tests.workers.faults import Faults, FaultyEngine, Killed, SlowAccess, Wire, thaw

from .kubelet import Ended
from .world import World

__all__ = ["Line", "Process", "cleanup", "curate", "prepare", "sample", "verify"]

VERSION = "exact-1"
"""Of the verifier."""


class Line(Wire):
    """A wire that also deletes folders."""

    def delete_prefix(self, prefix: str) -> int:
        keys = [entry.key for entry in self.list(prefix)]
        for key in keys:
            self.delete(key)
        return len(keys)


def _nobody(end: Ended) -> None:
    """Nobody hears of an end that the kubelet has made."""


@dataclass(kw_only=True)
class Process:
    """A process in a pod: its work is a coroutine, which is asked to stop by `stopping`."""

    name: str
    number: int
    """Of all processes of a run; seeds follow from it."""
    synthesis: Synthesis
    stage: str
    uid: str
    store: MemoryStore
    world: World
    faults: Faults
    latency: float
    work: "Callable[[Process], Any]"
    happened: Counter[str]
    judged: Callable[[], bool] = lambda: True
    """Whether a verification pod is ready."""
    seed: int = 0
    doing: Doing = Doing.STARTING
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    wire: Line = field(init=False)
    ready: Callable[[], None] = lambda: None
    _ended: Callable[[Ended], None] = field(default=lambda end: None)

    def __post_init__(self) -> None:
        self.wire = Line(self.store, self.faults, self.seed * 9973 + self.number)

    def start(self, ready: Callable[[], None], ended: Callable[[Ended], None]) -> None:
        """See `PodProcess`."""
        self.ready, self._ended = ready, ended
        loop = asyncio.get_running_loop()
        if self.faults.stops_at is not None:
            loop.call_later(self.faults.stops_at, self.stop)
        self.wire.task = loop.create_task(self._main())

    def stop(self) -> None:
        """See `PodProcess`."""
        self.stopping.set()

    def kill(self) -> None:
        """See `PodProcess`."""
        self._ended = _nobody
        self.wire.die()

    async def _main(self) -> None:
        try:
            end = Ended(await self.work(self))
        except (Killed, asyncio.CancelledError):
            if not self.wire.dead:
                raise
            if self._ended is not _nobody:
                self.happened[f"{self.stage} killed at a request"] += 1
            end = Ended(137)
        except Exception as error:
            code = error.exit_code if isinstance(error, DartError) else EXIT_FAILED
            end = Ended(code, "" if code == EXIT_STOPPED else encode(finding(error, self.doing)))
            if not isinstance(error, DartError):
                self.world.tell("fault", process=self.name, error=repr(error))
        self._ended(end)

    def access(self, **options: Any) -> SlowAccess:
        """The store as this process reaches it."""
        return SlowAccess(
            self.wire, latency=self.latency, seed=self.seed * 77 + self.number, tell=self.world.tell, **options
        )


# prepare, curate, cleanup


@dataclass(slots=True, kw_only=True)
class Preparing(Prepare):
    """Prepare whose checks of sources, model and engine have passed."""

    size: int

    def _build(self, synthesis: Synthesis, store: Store, *, bring: bool) -> tuple[RunRecord, list[Query], BudgetState]:
        rows = [Query(id=str(n), source="sums", query=str(n), answer=str(n)) for n in range(self.size)]
        made = RunRecord(
            declaration=to_dict(synthesis), digest=digest(synthesis), queries=self.size, sources=(),
            model_revision=None, verifier=VERSION,
        )  # fmt: skip
        return made, rows, BudgetState.empty(self.size, verifier=VERSION)


async def prepare(process: Process) -> int:
    """As `workers.pod.errands.prepare` does."""
    await asyncio.sleep(1.0)
    await thaw(process.faults)
    made = Preparing(
        cache=Path(), uid=process.uid, connect=lambda uri: process.wire, size=int(process.world.rates.size)
    )
    try:
        made.prepare(process.synthesis)
    finally:
        process.doing = made.doing
    await asyncio.sleep(0.5)
    return EXIT_CLOSED


async def curate(process: Process) -> int:
    """What curation is here: it refuses a run that is not closed, and writes a data set."""
    process.doing = Doing.CURATING
    access = process.access(patience=30.0)
    blob = await access.call(process.wire.get, BUDGET)
    current = state.decode(blob.data)
    if current.phase is not Phase.CLOSED:
        raise RunError(f"Cannot curate {process.wire.uri}: it is not finished.")
    await asyncio.sleep(2.0)
    if process.stopping.is_set():
        return EXIT_STOPPED
    await access.call(process.wire.put, "dataset/rows", str(int(current.table.distinct.sum())).encode())
    await access.call(process.wire.put, "report/statistics.json", b"{}")
    return EXIT_CLOSED


async def cleanup(process: Process) -> int:
    """As `workers.pod.errands.cleanup` does."""
    process.doing = Doing.CLEANING
    await asyncio.sleep(0.5)
    await thaw(process.faults)
    clean(process.synthesis, process.uid, lambda uri: process.wire)
    return EXIT_CLOSED


# Samplers and verifiers


class Judging(LateVerifier):
    """The verification pods, as a sampler reaches them."""

    def __init__(self, process: Process) -> None:
        super().__init__(delay=process.world.late)
        self._process = process

    async def verify(self, response: str, reference: str, query: str) -> Verdict:
        if not self._process.judged():
            raise VerifierError("No verification pod answers.")
        verdict = await super().verify(response, reference, query)
        await thaw(self._process.faults)
        return verdict


async def sample(process: Process) -> int:
    """As `workers.pod.sample` does, with an engine that takes seconds to load."""
    process.doing = Doing.SAMPLING
    access, world, synthesis = process.access(), process.world, process.synthesis
    while await access.call(process.wire.head, RUN) is None:
        await pause(process.stopping, 2.0)
    run = await access.call(record.need, process.wire)
    await access.call(record.continued, process.wire, run, synthesis)
    if state.decode((await access.call(process.wire.get, BUDGET)).data).phase is Phase.CLOSED:
        return EXIT_CLOSED
    process.doing = Doing.ENGINE
    await _until(process.stopping, 4.0)
    if process.stopping.is_set():
        return EXIT_STOPPED
    process.ready()
    process.doing = Doing.SAMPLING
    engine = ScriptedEngine(
        world.script,
        slots=world.slots,
        seed=process.seed * 7919 + process.number,
        seconds_per_token=world.seconds_per_token,
        dies_after=process.faults.engine_dies_after,
    )
    settings = synthesis.spec.claims
    claims = Claims(access, process.name, heartbeat=settings.heartbeat_seconds, ttl=settings.ttl_seconds)
    sampler = Sampler(
        engine=FaultyEngine(engine, process.wire),
        verifier=Judging(process),
        access=access,
        claims=claims,
        settings=replace(sampler_settings(synthesis), max_tokens=1 << 30, flush_seconds=world.flush_seconds),
        problems=Problems(prompt=str, query=str, reference=str),
        tell=world.tell,
    )

    async def obey() -> None:
        await process.stopping.wait()
        sampler.stop()

    obeying = asyncio.create_task(obey())
    try:
        return await sampler.run()
    finally:
        obeying.cancel()


async def verify(process: Process) -> int:
    """A verification pod: it is ready, and that is all; judging is the samplers' `Judging`."""
    await _until(process.stopping, 1.0)
    process.ready()
    await process.stopping.wait()
    return EXIT_CLOSED


async def _until(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
