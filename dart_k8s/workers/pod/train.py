"""prepare and train of a Training: one pod a node of an Indexed Job.

train ends with 0 only when `model/COMPLETE.json` is there. It starts nothing again: a process that dies ends its pod,
the Job fails as a whole, and the operator makes the next one, which goes on from the newest whole checkpoint. At
SIGTERM all ranks of all nodes end their step, save a checkpoint, and every pod ends with 75.
"""

import os
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from dart_k8s.api import Training
from dart_k8s.edges.store import open_store
from dart_k8s.edges.training.base import Group
from dart_k8s.edges.training.real import TrlTrainer
from dart_k8s.errors import EXIT_CLOSED, SpecError
from dart_k8s.reconcile.findings import Doing
from dart_k8s.training.division import divide
from dart_k8s.workers.stopping import unless_stopped
from dart_k8s.workers.train import record
from dart_k8s.workers.train.measures import Measures
from dart_k8s.workers.train.prepare import Prepared, PrepareTraining
from dart_k8s.workers.train.progress import Progress
from dart_k8s.workers.train.rendezvous import meet
from dart_k8s.workers.train.supervise import Supervisor, environment_attempt

from .errand import Errand
from .health import Health, Pulse
from .sample import metrics_of_process

PORT = 29500
"""Where rank 0 listens; PyTorch's default."""
SPARE_SECONDS = 5.0
"""Of the grace after SIGTERM that are left when the process leaves by itself."""


def _training(errand: Errand) -> Training:
    if not isinstance(errand.document, Training):
        raise SpecError(f"The declaration is of a {errand.document.kind}.", remedy="A Training is wanted here.")
    return errand.document


async def prepare(errand: Errand, *, cache: Path, offline: bool, uid: str | None) -> int:
    """Check all that needs data or credentials, fill the model cache, tokenise, plan, and write the first objects."""
    training = _training(errand)
    work = PrepareTraining(cache=cache, offline=offline, tell=errand.tell, uid=uid)
    try:
        prepared = await unless_stopped(errand.stopping, partial(work.prepare, training))
    finally:
        errand.doing = work.doing
    plan = prepared.record.plan
    errand.tell("prepared", rows=plan.rows, steps=plan.steps, warnings=list(plan.warnings))
    return EXIT_CLOSED


async def train(errand: Errand, *, cache: Path, offline: bool, port: int) -> int:
    """Do this node's part; see the module."""
    training = _training(errand)
    errand.leave_seconds = max(1.0, training.spec.trainers.grace_seconds - SPARE_SECONDS)
    errand.doing = Doing.TRAINING
    store = open_store(training.spec.output.uri)
    found = await unless_stopped(errand.stopping, partial(record.need, store))
    record.continued(store, found, training)
    metrics = metrics_of_process()
    measures = Measures(metrics)
    pulse = Pulse()
    health = Health(pulse, metrics.render)
    errand.tell("listening", port=health.start(port))

    def stepped(progress: Progress, facts: Mapping[str, Any]) -> None:
        pulse.started = True
        measures.stepped(progress, facts)

    try:
        group, bf16 = await unless_stopped(errand.stopping, partial(group_of_pod, training, os.environ))
        divide(training.spec.optimisation.batch, group.processes, training.spec.optimisation.per_process)
        errand.doing = Doing.MODEL
        work = PrepareTraining(cache=cache, offline=offline, tell=errand.tell)
        model = await unless_stopped(errand.stopping, partial(work.model, training, found.model_revision))
        errand.doing = Doing.TRAINING
        seconds = float(training.spec.trainers.rendezvous_deadline_seconds)
        await meet(node=group.node, nodes=group.nodes, host=group.host, port=group.port, seconds=seconds)
        supervisor = Supervisor(
            training=training,
            prepared=Prepared(record=found, model=model),
            store=store,
            trainer=TrlTrainer(),
            group=group,
            work=_work(cache),
            bf16=bf16,
            tell=errand.tell,
            stop=errand.stopping,
            attempt=environment_attempt(),
            command=f"kubectl apply of Training {training.metadata.name}",
            stepped=stepped,
        )
        await supervisor.run()
        errand.tell("trained", steps=found.plan.steps)
        return EXIT_CLOSED
    finally:
        health.close()


def _work(cache: Path) -> Path:
    """Where packs and checkpoints lie on the disk: a cache that only prepare fills is mounted read-only."""
    return (
        cache if os.access(cache, os.W_OK) or not cache.exists() else Path(tempfile.gettempdir())
    ).absolute() / "training"


def group_of_pod(training: Training, environment: Mapping[str, str]) -> tuple[Group, bool]:
    """This pod's part of the group, from the environment that its Job gives it, and whether it computes in bf16.

    SpecError for a number that is none.
    """
    from dart_k8s.edges.training.hardware import bf16_of, cores, devices

    spec = training.spec
    try:
        node, nodes = int(environment.get("JOB_COMPLETION_INDEX", "0")), int(environment.get("DART_NODES", spec.nodes))
        port = int(environment.get("DART_RENDEZVOUS_PORT", PORT))
    except ValueError as error:
        raise SpecError(f"Cannot tell this pod's place among the nodes: {error}.") from error
    host = environment.get("DART_RENDEZVOUS", "")
    if nodes > 1 and not host:
        raise SpecError(f"Cannot find the other {nodes - 1} nodes: DART_RENDEZVOUS names no host of node 0.")
    each = spec.processes_per_node or max(1, devices())
    group = Group(
        nodes=nodes, node=node, per_node=each, host=host or "127.0.0.1", port=port if nodes > 1 else 0,
        threads=max(1, cores() // each),
    )  # fmt: skip
    return group, bf16_of(spec.optimisation.precision)


__all__ = ["group_of_pod", "prepare", "train"]
