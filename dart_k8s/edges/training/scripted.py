"""A fake that ships: the same promises in milliseconds, without torch. Its "model" is a number that each step changes.

It keeps what callers rely on: steps that follow from their number alone, checkpoints that are resumed, a stop file that
ends it after a step, a saved model that is verified. A file `crash` beside the work folder holds steps, one a line:
the process is killed when it reaches the first, and next time the second.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from dart_k8s.edges.training.base import Command, Group, Job, Tell
from dart_k8s.edges.training.rows import Rows
from dart_k8s.errors import SpecError, TrainingFailed

STATE = "state.json"


class ScriptedTrainer:
    """See the module. `pause`: seconds that a step takes."""

    def __init__(self, *, pause: float = 0.0) -> None:
        self._pause = pause

    def command(self, job: Path, group: Group, *, deepspeed: bool) -> Command:
        """See `Trainer`: one process stands for all."""
        if group.nodes > 1:
            raise SpecError("The scripted trainer has one node.")
        arguments = [sys.executable, "-m", "dart_k8s.workers.train.rank", str(job), "--scripted", str(self._pause)]
        return Command(arguments=arguments, environment=os.environ)

    def train(self, job: Job, tell: Tell) -> None:
        """See `Trainer`."""
        rows, work = Rows.open(Path(job.data)), Path(job.work)
        step, weight = 0, 1.0
        if job.resume:
            state = json.loads((Path(job.resume) / STATE).read_text("utf-8"))
            step, weight = int(state["step"]), float(state["weight"])
        batch = rows.packs // job.steps
        tell("loaded", processes=1, device="none", precision="fp32", attention="none", parameters=1, seconds=0.0)
        saved = time.monotonic()
        while step < job.steps:
            time.sleep(self._pause)
            tokens = rows.tokens_of(step * batch, (step + 1) * batch)
            step += 1
            weight *= 1 - 1 / (1 + step * tokens)
            tell(
                "step", step=step, loss=weight, gradientNorm=0.0, learningRate=job.learning_rate, tokens=tokens,
                seconds=max(self._pause, 1e-6), waited=0.0,
            )  # fmt: skip
            self._crash(work, step)
            stop = Path(job.stop).exists()
            due = bool(job.every_steps and step % job.every_steps == 0)
            if (stop or due or time.monotonic() - saved >= job.every_seconds) and step < job.steps:
                folder = work / f"checkpoint-{step}"
                folder.mkdir(parents=True, exist_ok=True)
                (folder / STATE).write_text(json.dumps({"step": step, "weight": weight}), "utf-8")
                tell("checkpoint", step=step, folder=str(folder))
                saved = time.monotonic()
            if stop and step < job.steps:
                tell("stopped", step=step)
                return
        folder = work / "model"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"model_type": "scripted", "weight": weight}), "utf-8")
        (work / "expected.json").write_text(json.dumps({"weight": weight}), "utf-8")
        tell("saved", folder=str(folder), step=step, engine="none")

    @staticmethod
    def _crash(work: Path, step: int) -> None:
        planned = work.with_name("crash")
        steps = planned.read_text().split() if planned.exists() else []
        if steps and int(steps[0]) == step:
            planned.write_text("\n".join(steps[1:]))
            os.kill(os.getpid(), signal.SIGKILL)

    def verify(self, folder: Path) -> Mapping[str, object]:
        """See `Trainer`."""
        expected = json.loads(folder.with_name("expected.json").read_text("utf-8"))["weight"]
        found = json.loads((folder / "config.json").read_text("utf-8")).get("weight")
        if found != expected:
            raise TrainingFailed(f"The saved model in {folder} is not the one that was trained: {found}, {expected}.")
        return {"logits": 1, "largestDifference": 0.0, "tolerance": 0.0}


__all__ = ["ScriptedTrainer"]
