"""One node's part of a Training: starts its processes, keeps its checkpoints, says how it goes, finishes the model.

On one machine it also starts the group again, from the newest whole checkpoint, when a process has died. In a cluster
the pod ends then, and the operator makes the next Job.
"""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dart_k8s.api import Training
from dart_k8s.edges.store import Store
from dart_k8s.edges.training.base import Group, Job, Trainer
from dart_k8s.edges.training.rows import Rows
from dart_k8s.errors import DartError, RestartsExhausted, SpecError, StoppedError, TrainingFailed
from dart_k8s.training import deepspeed
from dart_k8s.training.checkpoints import COMPLETE, MODEL
from dart_k8s.training.division import Division, divide
from dart_k8s.training.flops import mean_span
from dart_k8s.training.packing import draw_epochs
from dart_k8s.workers.access import Tell, silent

from . import progress as progress_
from . import pushing, record, rows
from .finish import finish
from .keeping import Keeper
from .prepare import Prepared, student_files
from .progress import Progress

PROGRESS_SECONDS = 10.0
"""Between two writes of progress, but at a change of phase."""
SAID = 30
"""Last lines of what libraries said that a failure repeats."""


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """See the module."""

    training: Training
    prepared: Prepared
    store: Store
    trainer: Trainer
    group: Group
    work: Path
    """A folder of this run's own, on this machine."""
    bf16: bool
    """Whether it will compute in bf16."""
    tell: Tell = silent
    stop: asyncio.Event
    restarts: int = 0
    """Most restarts by this supervisor; 0 in a pod."""
    attempt: int = 1
    command: str = ""
    """How the user started it, for the card."""
    stepped: Callable[[Progress, Mapping[str, Any]], None] = lambda _progress, _facts: None
    """Called after each step, for metrics."""
    progress: Progress = field(init=False)
    division: Division = field(init=False)
    _keeper: Keeper = field(init=False)
    _uploads: asyncio.Queue[tuple[int, Path]] = field(default_factory=asyncio.Queue)
    _written: float = 0.0
    _phase: str = ""
    _error: DartError | None = None
    _saved: bool = False
    _stopped: bool = False
    _said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        spec, found = self.training.spec, self.prepared.record
        self.division = divide(spec.optimisation.batch, self.group.processes, spec.optimisation.per_process)
        self.progress = Progress(
            plan=found.plan, parameters=found.parameters, layers=found.layers, hidden=found.hidden, span=0.0,
            attempt=self.attempt,
        )  # fmt: skip
        self._keeper = Keeper(
            store=self.store,
            digest=found.digest,
            processes=self.group.processes,
            stage=spec.deepspeed.stage,
            nodes=self.group.nodes,
            node=self.group.node,
            keep=spec.checkpoints.keep,
        )

    async def run(self) -> None:
        """Train until the model is in the store. StoppedError when told to stop, after a checkpoint;
        CheckpointUnusable, TrainingFailed, RestartsExhausted, and the store's errors."""
        if await asyncio.to_thread(self.store.head, MODEL + COMPLETE) is not None:
            await self._push()
            return
        if self.group.node == 0:
            pushing.check(self.training)
        await asyncio.to_thread(self._lay_out)
        failures = 0
        while True:
            try:
                await self._attempt()
                break
            except TrainingFailed as error:
                failures += 1
                if failures > self.restarts:
                    if not self.restarts:
                        raise
                    raise RestartsExhausted(
                        f"Gave up after {self.restarts} restarts: {error.message}", remedy=error.remedy
                    ) from error
                self.tell("training-restart", restart=failures, most=self.restarts, why=error.message)
                self.progress.attempt += 1
        if self.group.node == 0:
            await finish(self)
            await self._push()
        else:
            while await asyncio.to_thread(self.store.head, MODEL + COMPLETE) is None:
                await asyncio.sleep(1.0)

    async def _push(self) -> None:
        if self.group.node == 0:
            await asyncio.to_thread(pushing.push_model, self.training, self.store, self.tell)

    def _lay_out(self) -> None:
        """What all attempts read: rows and packs as arrays, the student's tokenizer."""
        shutil.rmtree(self.work, ignore_errors=True)
        data = self.work / "data"
        data.mkdir(parents=True)
        plan, settings = self.prepared.record.plan, self.training.spec.optimisation
        tokens, learnt, offsets = rows.decode(self.store.get(record.ROWS).data)
        lengths = offsets[1:] - offsets[:-1]
        packs = draw_epochs(lengths, plan.length, plan.steps * plan.batch, seed=settings.seed, kind=settings.packing)
        Rows(tokens, learnt, offsets, packs.rows, packs.starts).save(data)
        self.progress.span = mean_span(lengths.tolist())
        student_files(self.training, self.prepared.model.path, self.work / "student")
        if self.group.node == 0:
            self._keeper.sweep()

    async def _attempt(self) -> None:
        self._saved = self._stopped = False
        self._error = None
        self._said.clear()
        with suppress(FileNotFoundError):
            (self.work / "stop").unlink()
        job = await asyncio.to_thread(self._job)
        await self._write("loading")
        settings = self.trainer.command(job, self.group, deepspeed=self.training.spec.deepspeed.stage > 0)
        with (self.work / "ranks.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *settings.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=dict(settings.environment),
                limit=1 << 20,
            )
        keeping = asyncio.create_task(self._keep(), name="keep")
        writing = asyncio.create_task(self._write_often(), name="progress")
        obeying = asyncio.create_task(self._obey(process), name="obey")
        listening = asyncio.create_task(self._listen(process), name="listen")
        ending = asyncio.create_task(self._end(process, listening), name="end")
        try:
            # It keeps for ever: when it is done, the store has failed.
            await asyncio.wait({ending, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                await keeping
            code = await ending
            await self._write(self.progress.phase)
            self._judge(code)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
                with suppress(TimeoutError):
                    async with asyncio.timeout(10.0):
                        await process.wait()
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            tasks = (keeping, writing, obeying, listening, ending)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _end(self, process: asyncio.subprocess.Process, listening: asyncio.Task[None]) -> int:
        """The exit code, once all that was said is heard and all checkpoints are uploaded."""
        code = await process.wait()
        await listening
        await self._uploads.join()
        return code

    def _judge(self, code: int) -> None:
        # Rank 0 saves for all: elsewhere a good end is all there is to see.
        if self._saved or (self.group.node > 0 and code == 0 and not self._stopped):
            return
        if self._stopped or self.stop.is_set():
            raise StoppedError()
        if self._error is not None:
            raise self._error
        last = " | ".join(self._said[-3:])
        raise TrainingFailed(
            f"A process of the group ended (exit code {code}) at step {self.progress.step} of "
            f"{self.progress.plan.steps}{': ' + last if last else ''}.",
            remedy=f"What it said is in {self.work / 'ranks.log'}.",
        )

    def _job(self) -> Path:
        """Write the job's file; a checkpoint to go on from is fetched."""
        spec, plan = self.training.spec, self.prepared.record.plan
        settings = spec.optimisation
        for left in self.work.glob("checkpoint-*"):
            shutil.rmtree(left)
        resume = self.work / "resume"
        shutil.rmtree(resume, ignore_errors=True)
        mark = self._keeper.newest()
        if mark is not None:
            self.tell("step", step="fetching the checkpoint of step", where=str(mark.step))
            self._keeper.fetch(mark, resume)
            self.progress.load(resume)
            self.progress.checkpoint = mark.step
        every = spec.checkpoints
        job = Job(
            model=str(self.prepared.model.path),
            trust_remote_code=spec.model.trust_remote_code,
            data=str(self.work / "data"),
            work=str(self.work),
            resume=str(resume) if mark is not None else None,
            stop=str(self.work / "stop"),
            tokenizer=str(self.work / "student"),
            steps=plan.steps,
            warmup_steps=plan.warmup_steps,
            at_once=self.division.at_once,
            accumulation=self.division.accumulation,
            learning_rate=plan.learning_rate,
            schedule=settings.schedule,
            weight_decay=settings.weight_decay,
            clipping=settings.gradient_clipping,
            seed=settings.seed,
            precision=settings.precision,
            attention=settings.attention,
            gradient_checkpointing=settings.gradient_checkpointing,
            deepspeed=deepspeed.configuration(spec.deepspeed, settings, self.division, bf16=self.bf16),
            every_steps=every.every_steps,
            every_seconds=every.every_minutes * 60,
            tensorboard=str(self.work / "tensorboard") if spec.tracking.tensorboard else None,
            wandb=spec.tracking.wandb,
            name=self.training.metadata.name,
        )
        path = self.work / "job.json"
        job.write(path)
        return path

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        while line := await process.stdout.readline():
            try:
                facts = json.loads(line)
                event = str(facts.pop("event"))
            except (ValueError, KeyError, TypeError, AttributeError):
                self._said = [*self._said[-SAID:], line.decode("utf-8", "replace").strip()[:400]]
                continue
            await self._hear(event, facts)

    async def _hear(self, event: str, facts: dict[str, Any]) -> None:
        match event:
            case "loaded":
                self.progress.began(facts)
                self.tell("training-loaded", **facts)
                await self._write("training")
            case "step":
                self.progress.stepped(facts)
                self.stepped(self.progress, facts)
                self.tell("training-step", steps=self.progress.plan.steps, eta=self.progress.eta, **facts)
            case "checkpoint":
                await self._uploads.put((int(facts["step"]), Path(facts["folder"])))
            case "stopped":
                self._stopped = True
            case "saved":
                self._saved = True
                self.progress.engine = str(facts["engine"])
                await self._write("saving")
            case "error" if self._error is None:
                kinds: dict[str, type[DartError]] = {"SpecError": SpecError}
                kind = kinds.get(str(facts["kind"]), TrainingFailed)
                self._error = kind(f"Rank {facts['rank']}: {facts['message']}", remedy=str(facts["remedy"]))

    async def _keep(self) -> None:
        """Upload checkpoints one after the other, while training goes on."""
        while True:
            step, folder = await self._uploads.get()
            try:
                if self.group.node == 0:
                    self.progress.save(folder)
                await asyncio.to_thread(self._keeper.put, step, folder)
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                self.progress.checkpoint = step
                self.tell("training-checkpoint", step=step)
            finally:
                self._uploads.task_done()

    async def _obey(self, process: asyncio.subprocess.Process) -> None:
        """Told to stop: so is every rank, by a file that it looks for after each step; at once before the first."""
        await self.stop.wait()
        (self.work / "stop").touch()
        if self.progress.phase == "loading":
            with suppress(ProcessLookupError):
                process.terminate()

    async def _write_often(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            await self._write(self.progress.phase)

    async def _write(self, phase: progress_.Phase) -> None:
        self.progress.phase = phase
        if self.group.node == 0:
            data = self.progress.encode()
            with suppress(DartError):
                await asyncio.to_thread(self.store.put, progress_.KEY, data)

    async def say_phase(self, phase: progress_.Phase) -> None:
        """Change the phase, and write it."""
        await self._write(phase)


def environment_attempt() -> int:
    """Number of the Job that this pod is of."""
    return int(os.environ.get("DART_ATTEMPT", "1"))


__all__ = ["Supervisor", "environment_attempt"]
