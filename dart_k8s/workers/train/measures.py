"""What a trainer pod measures. Labels have values that are known beforehand."""

from collections.abc import Mapping
from typing import Any

from dart_k8s import __version__
from dart_k8s.edges.metrics import Metric, Metrics

from .progress import Progress

BUILD = Metric(
    name="dart_trainer_build_info", kind="gauge", help="1, with the version as label.",
    labels={"version": (__version__,)},
)  # fmt: skip
STARTED = Metric(name="dart_trainer_started", kind="gauge", help="1 once all processes have loaded the model.")
STEP = Metric(name="dart_trainer_step", kind="gauge", help="Optimiser steps done.")
STEPS = Metric(name="dart_trainer_steps", kind="gauge", help="Optimiser steps in all.")
LOSS = Metric(name="dart_trainer_loss", kind="gauge", help="Mean loss over the learnt tokens of the last step.")
RATE = Metric(name="dart_trainer_tokens_per_second", kind="gauge", help="Tokens a second over the last 20 steps.")
MFU = Metric(
    name="dart_trainer_mfu_ratio", kind="gauge", help="Part of the devices' peak FLOP/s; absent where it is not known."
)
TOKENS = Metric(name="dart_trainer_tokens_total", kind="counter", help="Tokens trained on.")
BUSY = Metric(name="dart_trainer_step_seconds_total", kind="counter", help="Time in steps.")
WAITED = Metric(
    name="dart_trainer_data_wait_seconds_total", kind="counter", help="The part of it in which rank 0 waited for data."
)
CHECKPOINT = Metric(name="dart_trainer_checkpoint_step", kind="gauge", help="Step of the newest whole checkpoint.")
METRICS = (BUILD, STARTED, STEP, STEPS, LOSS, RATE, MFU, TOKENS, BUSY, WAITED, CHECKPOINT)
"""All that a trainer measures itself."""


class Measures:
    """Brings the metrics up to date."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        metrics.set(BUILD, 1, version=__version__)
        metrics.set(STARTED, 0)

    def stepped(self, progress: Progress, facts: Mapping[str, Any]) -> None:
        """After each step; `facts` are the event's."""
        set_ = self._metrics.set
        set_(STARTED, 1)
        set_(STEP, progress.step)
        set_(STEPS, progress.plan.steps)
        set_(RATE, progress.tokens_per_second)
        if progress.loss is not None:
            set_(LOSS, progress.loss)
        if progress.mfu is not None:
            set_(MFU, progress.mfu)
        if progress.checkpoint is not None:
            set_(CHECKPOINT, progress.checkpoint)
        self._metrics.add(TOKENS, float(facts["tokens"]))
        self._metrics.add(BUSY, float(facts["seconds"]))
        self._metrics.add(WAITED, float(facts["waited"]))


__all__ = ["METRICS", "Measures"]
