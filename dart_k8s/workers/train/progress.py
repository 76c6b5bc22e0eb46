"""Where a Training stands: from events of rank 0 to `state/progress.json`, the screen's line and the metrics."""

import json
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dart_k8s.training.flops import flops_per_token, peak_of
from dart_k8s.training.plan import Plan

KEY = "state/progress.json"
VERSION = 1
WINDOW = 20
"""Steps that rates are measured over."""
MOST_BYTES = 4096
HISTORY = "progress.json"
"""File in a checkpoint."""
KEPT = ("step", "loss", "tokens", "waited", "busy", "curve")
Phase = Literal["loading", "training", "saving", "verifying", "complete"]


@dataclass(slots=True, kw_only=True)
class Progress:
    """See the module."""

    plan: Plan
    parameters: int
    layers: int
    hidden: int
    span: float
    """See `training.flops.mean_span`."""
    attempt: int = 1
    phase: Phase = "loading"
    step: int = 0
    loss: float | None = None
    tokens: int = 0
    checkpoint: int | None = None
    device: str = ""
    engine: str = ""
    """What wrapped the model: DeepSpeed's engine, DDP, or the model itself."""
    processes: int = 1
    waited: float = 0.0
    """Seconds that rank 0 waited for data."""
    busy: float = 0.0
    """Seconds of its steps."""
    curve: list[tuple[int, float]] = field(default_factory=list)
    """Step and loss, each step once."""
    clock: Callable[[], float] = time.time
    _recent: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=WINDOW))
    """Tokens and seconds of the last steps."""

    def began(self, facts: Mapping[str, Any]) -> None:
        """The model is loaded."""
        self.phase = "training"
        self.device, self.processes = str(facts["device"]), int(facts["processes"])
        self._recent.clear()

    def stepped(self, facts: Mapping[str, Any]) -> None:
        """A step has ended."""
        self.phase = "training"
        self.step, self.loss = int(facts["step"]), float(facts["loss"])
        self.tokens += int(facts["tokens"])
        self.waited += float(facts["waited"])
        self.busy += float(facts["seconds"])
        while self.curve and self.curve[-1][0] >= self.step:
            self.curve.pop()
        self.curve.append((self.step, self.loss))
        self._recent.append((int(facts["tokens"]), float(facts["seconds"])))

    @property
    def tokens_per_second(self) -> float:
        """Over the last steps, of all processes."""
        seconds = sum(seconds for _, seconds in self._recent)
        return sum(tokens for tokens, _ in self._recent) / seconds if seconds > 0 else 0.0

    @property
    def mfu(self) -> float | None:
        """Part of the devices' peak; None where that is not known."""
        peak = peak_of(self.device)
        if peak is None:
            return None
        each = flops_per_token(self.parameters, self.layers, self.hidden, self.span)
        return self.tokens_per_second * each / (peak * self.processes)

    @property
    def eta(self) -> float | None:
        """Seconds of the steps to come."""
        if not self._recent:
            return None
        return (self.plan.steps - self.step) * sum(seconds for _, seconds in self._recent) / len(self._recent)

    def save(self, folder: Path) -> None:
        """Into a checkpoint: what is told of the steps before it when it is gone on from."""
        kept = {name: getattr(self, name) for name in KEPT}
        (folder / HISTORY).write_text(json.dumps(kept), "utf-8")

    def load(self, folder: Path) -> None:
        """What `save` wrote; steps after it are forgotten, they are done again."""
        for name, value in json.loads((folder / HISTORY).read_text("utf-8")).items():
            setattr(self, name, value)
        self.curve = [(int(step), float(loss)) for step, loss in self.curve]
        self._recent.clear()

    def encode(self) -> bytes:
        """`state/progress.json`: at most `MOST_BYTES`, warnings shortened if they are long."""
        document: dict[str, Any] = {
            "version": VERSION,
            "phase": self.phase,
            "attempt": self.attempt,
            "step": self.step,
            "steps": self.plan.steps,
            "epoch": round(self.plan.epochs * self.step / self.plan.steps, 4),
            "loss": self.loss if self.loss is not None and math.isfinite(self.loss) else None,
            "tokens": self.tokens,
            "tokensPerSecond": round(self.tokens_per_second, 2),
            "mfu": self.mfu,
            "etaSeconds": self.eta,
            "checkpoint": self.checkpoint,
            "rows": self.plan.rows,
            "droppedRows": self.plan.dropped_rows,
            "warnings": [warning[:600] for warning in self.plan.warnings[:4]],
            "updated": self.clock(),
        }
        return json.dumps(document).encode()


__all__ = ["KEY", "Phase", "Progress"]
