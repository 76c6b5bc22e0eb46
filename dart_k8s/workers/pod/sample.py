"""sample: a sampler in a pod of the sampler Job.

It ends with 0 only after reading that the state is closed; a run that is closed already needs no engine. In a Job that
a queue admits it also ends with 0 when no shard has been left for it for `idleTimeout`: nobody may scale that Job down,
and after any other end the Job controller would have another pod load the model for nothing. At SIGTERM it stops
admitting, aborts, flushes, gives its claims back and ends with 75, at once while the model still loads: no claim is
held then.
"""

import asyncio
import math
from contextlib import suppress
from pathlib import Path

from dart_k8s.edges.engine.base import Engine
from dart_k8s.edges.metrics import Metrics
from dart_k8s.edges.store import Store, open_store
from dart_k8s.errors import EXIT_CLOSED, EXIT_STOPPED, EngineNotReady, EngineStalled
from dart_k8s.ledger.keys import BUDGET, RUN
from dart_k8s.ledger.state import Phase, pointer
from dart_k8s.reconcile.findings import Doing
from dart_k8s.workers import record
from dart_k8s.workers.sample import Sampler
from dart_k8s.workers.sampling import facts_of, make_engine, sampler_of
from dart_k8s.workers.shards import HEAD
from dart_k8s.workers.stopping import pause, unless_stopped

from .errand import Errand
from .health import Health, Pulse
from .journal import Journal
from .measures import Measures

LOOK_SECONDS = 1.0
"""Between two looks at what is measured."""
PREPARED_POLL = 2.0
FLUSH_SECONDS = 20.0
"""For writing what is finished and giving claims back, before a sampler with a stalled engine ends."""


def metrics_of_process() -> Metrics:
    """Prometheus where it is installed, else nothing that anybody could scrape."""
    try:
        from dart_k8s.edges.metrics.prometheus import PrometheusMetrics
    except ImportError:
        from dart_k8s.edges.metrics import MemoryMetrics

        return MemoryMetrics()
    return PrometheusMetrics(others=True)


async def sample(errand: Errand, *, cache: Path, offline: bool, port: int, log: Path | None = None) -> int:
    """Sample until the run is closed (0), until told to stop or idle for long (75)."""
    synthesis = errand.synthesis
    store = open_store(synthesis.spec.output.uri)
    journal = Journal(errand.tell)
    errand.tell = journal.tell
    metrics = metrics_of_process()
    measures = Measures(metrics)
    pulse = Pulse(patience=float(synthesis.spec.samplers.stall_deadline_seconds))
    health = Health(pulse, metrics.render)
    errand.tell("listening", port=health.start(port))
    engine: Engine | None = None
    try:
        errand.doing = Doing.SAMPLING
        while await asyncio.to_thread(store.head, RUN) is None:
            await pause(errand.stopping, PREPARED_POLL)
        run = await asyncio.to_thread(record.need, store)
        run = await asyncio.to_thread(record.continued, store, run, synthesis)
        # From here on the output is known to be ours.
        journal.open(store)
        if await asyncio.to_thread(_closed, store):
            errand.tell("left", code=EXIT_CLOSED, why="the run is closed")
            return EXIT_CLOSED
        errand.doing = Doing.MODEL

        def make() -> Engine:
            return make_engine(synthesis, run, cache=cache, offline=offline, log=log, measured=True)

        engine = await unless_stopped(errand.stopping, make)
        errand.doing = Doing.ENGINE
        errand.tell("loading", engine=synthesis.spec.engine.kind)
        if not await start(errand, engine, seconds=float(synthesis.spec.samplers.startup_deadline_seconds)):
            errand.tell("left", code=EXIT_STOPPED, why="told to stop while the engine started")
            return EXIT_STOPPED
        pulse.started = True
        measures.started()
        errand.doing = Doing.SAMPLING
        async with sampler_of(store, synthesis, run, engine, errand.tell) as sampler:
            code = await _run(errand, sampler, engine, store, measures, pulse)
        if code == EXIT_STOPPED and synthesis.spec.queue_name and not errand.stopping.is_set():
            errand.tell("drained", why=f"no shard was left, and queue {synthesis.spec.queue_name} gets its quota back")
            code = EXIT_CLOSED
        errand.tell("left", code=code, **store.requests())
        return code
    except Exception as error:
        errand.tell("failed", doing=errand.doing.value, kind=type(error).__name__, error=str(error))
        raise
    finally:
        if engine is not None and pulse.started:
            await engine.close()
        await asyncio.to_thread(journal.close)
        health.close()


def _closed(store: Store) -> bool:
    phase, _, _ = pointer(store.get_range(BUDGET, 0, HEAD).data)
    return phase is Phase.CLOSED


async def start(errand: Errand, engine: Engine, *, seconds: float = math.inf) -> bool:
    """Start the engine; False if told to stop meanwhile. Its start is called off then, and not waited for.

    EngineNotReady after so many seconds: said here, because to one that the kubelet ends for it that looks like any
    other request to stop.
    """
    starting = asyncio.create_task(engine.start(), name="engine")
    stop = asyncio.create_task(errand.stopping.wait(), name="stop")
    try:
        patience = None if math.isinf(seconds) else seconds
        await asyncio.wait({starting, stop}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            with suppress(asyncio.CancelledError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await starting
            if not stop.done():
                raise EngineNotReady(
                    f"The engine did not load its model within {seconds:g} s.",
                    remedy="Raise spec.samplers.startupDeadlineSeconds, or use a model cache.",
                )
            return False
        errand.tell("engine", **facts_of(starting.result()))
        return True
    finally:
        stop.cancel()


async def _run(errand: Errand, sampler: Sampler, engine: Engine, store: Store, measures: Measures, pulse: Pulse) -> int:
    async def look() -> None:
        while True:
            standing, counters = sampler.standing, engine.counters
            pulse.look(
                standing.running,
                (counters.requests, counters.tokens, counters.aborted, counters.retries, counters.steps),
            )
            measures.engine(engine.slots, counters)
            measures.sampler(standing)
            measures.away(store_waiting=sampler.access.waiting, verifier_out=sampler.judge.out)
            measures.store(dict(store.requests()))
            if pulse.stalled:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def obey() -> None:
        await errand.stopping.wait()
        sampler.stop()

    background = [asyncio.create_task(look(), name="look"), asyncio.create_task(obey(), name="obey")]
    work = asyncio.create_task(sampler.run(), name="work")
    try:
        await asyncio.wait({work, background[0]}, return_when=asyncio.FIRST_COMPLETED)
        if work.done() or not pulse.stalled:
            if not work.done():
                await background[0]
            return await work
        # What is finished is kept; the rest belongs to an engine that answers nothing any more.
        stalled = pulse.stalled
        sampler.stop()
        await asyncio.wait({work}, timeout=FLUSH_SECONDS)
        raise EngineStalled(
            f"The engine made no step for {stalled:.0f} s although responses were on their way.",
            remedy="Look at its log, and at the GPU.",
        )
    finally:
        for task in (work, *background):
            task.cancel()
        await asyncio.gather(work, *background, return_exceptions=True)


__all__ = ["sample", "start"]
