"""An Evaluation on one machine: prepared, its passes sampled one after the other by the same samplers, scored."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dart_k8s.api import Evaluation, Synthesis
from dart_k8s.edges.store import open_store
from dart_k8s.workers.access import Tell, silent
from dart_k8s.workers.finish import compacted
from dart_k8s.workers.local import Fleet, Show, curate, sample
from dart_k8s.workers.prepare import Prepare
from dart_k8s.workers.stopping import unless_stopped, until_stopped

from .prepare import PrepareEvaluation
from .record import EvaluationRecord
from .score import Scored, is_current, report_in, score

Seen = Callable[[str, Show], None]
"""Called with a pass's name and where it stands."""


async def evaluate(
    evaluation: Evaluation,
    *,
    cache: Path,
    offline: bool = False,
    tell: Tell = silent,
    stop: asyncio.Event,
    seen: Seen = lambda name, show: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scored:
    """Do what the declaration says; goes on where an earlier run stopped.

    Raises StoppedError when `stop` is set, and what preparing, sampling and scoring raise.
    """
    work = PrepareEvaluation(cache=cache, offline=offline, tell=tell)
    prepared = await unless_stopped(stop, partial(work.prepare, evaluation))
    store = open_store(evaluation.spec.output.uri)
    found = await asyncio.to_thread(report_in, store)
    if found is not None and is_current(found, prepared.record):
        return Scored(report=found, uri=store.uri)
    await _sample(prepared.passes, evaluation, cache=cache, offline=offline, tell=tell, stop=stop, seen=seen)
    return await until_stopped(stop, _score(evaluation, prepared.record, tell, progress))


async def _score(
    evaluation: Evaluation, record: EvaluationRecord, tell: Tell, progress: Callable[[int, int], None]
) -> Scored:
    store = open_store(evaluation.spec.output.uri)
    return await score(store, record, tell=tell, progress=progress, keep_earlier=True)


async def _sample(
    passes: tuple[Synthesis, ...],
    evaluation: Evaluation,
    *,
    cache: Path,
    offline: bool,
    tell: Tell,
    stop: asyncio.Event,
    seen: Seen,
) -> None:
    """All passes with one start of the engine; each pool is made whole when its pass is closed."""
    prepare = Prepare(cache=cache, offline=offline, tell=tell)
    fleet = Fleet(replicas=max(1, evaluation.spec.samplers.replicas), cache=cache, offline=offline, tell=tell)
    try:
        for number, one in enumerate(passes):
            prepared = await unless_stopped(stop, partial(prepare.prepare, one))
            if not prepared.closed:
                await fleet.start([other.spec.output.uri for other in passes[number:]])
                shows: asyncio.Queue[Show] = asyncio.Queue()
                showing = asyncio.create_task(_show(one.metadata.name, shows, seen))
                try:
                    await sample(one, prepared, fleet, tell=tell, stop=stop, show=shows)
                finally:
                    showing.cancel()
            await curate(one, partial(compacted, one.spec.output.uri, tell=tell), tell=tell, stop=stop)
    finally:
        await fleet.stop()


async def _show(name: str, shows: "asyncio.Queue[Show]", seen: Seen) -> None:
    while True:
        seen(name, await shows.get())


__all__ = ["Seen", "evaluate"]
