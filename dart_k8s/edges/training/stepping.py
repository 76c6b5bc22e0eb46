"""What happens at the end of a step: all ranks agree whether to save or to stop, and rank 0 says how it goes."""

import math
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from transformers import TrainerCallback

from dart_k8s.edges.training.base import Job, Tell
from dart_k8s.edges.training.rows import Rows
from dart_k8s.errors import SpecError


class Stepping(TrainerCallback):  # type: ignore[misc]
    """See the module. `trainer` is set once there is one."""

    def __init__(self, *, job: Job, rows: Rows, batch: int, tell: Tell) -> None:
        self.trainer: Any = None
        self._job, self._rows, self._batch, self._tell = job, rows, batch, tell
        self._stop = Path(job.stop)
        self._began = self._saved = time.monotonic()

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note when a resumed training begins."""
        if self._began == self._saved:
            self._began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Whether one rank was told to stop, or is due to save, is so for all of them."""
        stop = self._stop.exists()
        due = time.monotonic() - self._saved >= self._job.every_seconds
        stop, due = self._agree(stop, due, args.device)
        every = self._job.every_steps
        due = due or (every is not None and state.global_step % every == 0)
        last = state.global_step >= self._job.steps
        control.should_save = (stop or due) and not last
        control.should_training_stop = stop or last

    def _agree(self, stop: bool, due: bool, device: Any) -> tuple[bool, bool]:
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return stop, due
        # The clock that counts is rank 0's.
        due = due and torch.distributed.get_rank() == 0
        flags = torch.tensor([stop, due], dtype=torch.int32, device=device)
        torch.distributed.all_reduce(flags, torch.distributed.ReduceOp.MAX)
        return bool(flags[0]), bool(flags[1])

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """All ranks have written their files when the first of the node says so."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.barrier()
        self._saved = time.monotonic()
        if self.trainer.is_local_process_zero():
            folder = Path(self._job.work) / f"checkpoint-{state.global_step}"
            self._tell("checkpoint", step=state.global_step, folder=str(folder))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """One step: its loss, and what it took."""
        waited, self.trainer.waited = self.trainer.waited, 0.0
        now = time.monotonic()
        seconds, self._began = now - self._began, now
        if logs and "loss" in logs and not math.isfinite(logs["loss"]):
            raise SpecError(
                f"The loss is {logs['loss']} at step {state.global_step}: the training has come apart.",
                remedy="Lower optimisation.learningRate, or set gradientClipping; look at the rows.",
            )
        if not logs or "loss" not in logs or not self.trainer.is_world_process_zero():
            return
        step = state.global_step
        self._tell(
            "step",
            step=step,
            loss=logs["loss"],
            gradientNorm=logs.get("grad_norm"),
            learningRate=logs.get("learning_rate"),
            tokens=self._rows.tokens_of((step - 1) * self._batch, step * self._batch),
            seconds=seconds,
            waited=waited,
        )


__all__ = ["Stepping"]
