"""A Training on one machine: all of its processes run here, and the group starts again when one dies."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from dart_k8s.api import Training
from dart_k8s.edges.store import open_store
from dart_k8s.edges.training.base import Group, Trainer
from dart_k8s.edges.training.real import TrlTrainer
from dart_k8s.errors import SpecError
from dart_k8s.workers.access import Tell
from dart_k8s.workers.stopping import unless_stopped

from .finish import REPORT
from .prepare import PrepareTraining
from .progress import Progress
from .supervise import Supervisor


async def train(
    training: Training,
    *,
    cache: Path,
    offline: bool,
    tell: Tell,
    stop: asyncio.Event,
    command: str = "",
    stepped: Callable[[Progress, Mapping[str, Any]], None] = lambda _progress, _facts: None,
    trainer: Trainer | None = None,
) -> Mapping[str, Any]:
    """Prepare and train; the report. Goes on where an earlier run stopped."""
    group, bf16 = await unless_stopped(stop, partial(group_here, training))
    work = PrepareTraining(cache=cache, offline=offline, tell=tell, processes=group.processes)
    prepared = await unless_stopped(stop, partial(work.prepare, training))
    plan = prepared.record.plan
    tell(
        "training-plan", name=training.metadata.name, rows=plan.rows, dropped=plan.dropped_rows, tokens=plan.tokens,
        packs=plan.packs, steps=plan.steps, warmup=plan.warmup_steps, warnings=list(plan.warnings),
        processes=group.processes,
    )  # fmt: skip
    store = open_store(training.spec.output.uri)
    name = hashlib.sha256(training.spec.output.uri.encode()).hexdigest()[:16]
    supervisor = Supervisor(
        training=training,
        prepared=prepared,
        store=store,
        trainer=trainer or TrlTrainer(),
        group=group,
        work=(cache / "trainings" / name).absolute(),
        bf16=bf16,
        tell=tell,
        stop=stop,
        restarts=training.spec.trainers.max_restarts,
        command=command,
        stepped=stepped,
    )
    await supervisor.run()
    report: Mapping[str, Any] = json.loads(store.get(REPORT).data)
    return report


def group_here(training: Training) -> tuple[Group, bool]:
    """All processes of a Training as a group on this machine, and whether they compute in bf16."""
    try:
        from dart_k8s.edges.training.hardware import bf16_of, cores, devices
    except ModuleNotFoundError as error:
        raise SpecError(
            f"Cannot train: the package '{error.name}' is not installed.", remedy="Install dart-k8s[trainer]."
        ) from error
    spec = training.spec
    each = spec.processes_per_node or max(1, devices())
    processes = spec.nodes * each
    if devices() and processes > devices():
        raise SpecError(
            f"Cannot train with {spec.nodes} nodes x {each} processes here: this machine has {devices()} GPUs.",
            remedy="Lower spec.nodes or spec.processesPerNode, or use a cluster.",
        )
    threads = max(1, cores() // processes)
    return Group(per_node=processes, threads=threads), bf16_of(spec.optimisation.precision)


__all__ = ["group_here", "train"]
