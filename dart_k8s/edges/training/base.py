"""What every trainer promises: a job in, events and folders out.

A job is done by a group of processes (ranks). Each calls `train` with the same job; what they say goes through `tell`:

    loaded      processes, device, precision, attention, parameters, seconds: rank 0
    step        step, loss, gradientNorm, learningRate, tokens, seconds, waited: rank 0, after each optimiser step
    checkpoint  step, folder: the first rank of each node, once its files are whole
    stopped     step: the first rank of each node, told to stop; the checkpoint of that step was told before
    saved       folder, step, engine (what wrapped the model): rank 0; the model is whole, `expected.json` beside it

`step` counts over resumes. A step's data follow from its number alone, whatever the number of processes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Precision = Literal["auto", "bf16", "fp32"]
Attention = Literal["auto", "flash", "sdpa", "eager"]


class Tell(Protocol):
    """Where a rank says what happens."""

    def __call__(self, event: str, **facts: object) -> None:
        """Say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that a rank needs, in plain values: it is handed over as JSON. Paths are of this machine."""

    model: str
    """Folder of the base model."""
    trust_remote_code: bool = False
    data: str
    """Folder with the rows and their packs; see `rows.py`."""
    work: str
    """Folder for checkpoints (checkpoint-STEP) and the model (model); this node's own."""
    resume: str | None = None
    """Folder of the checkpoint to go on from."""
    stop: str
    """A file: when it appears on any node, all ranks save a checkpoint after the step and end."""
    tokenizer: str
    """Folder of the student's tokenizer, saved with the model."""
    steps: int
    warmup_steps: int
    at_once: int
    accumulation: int
    learning_rate: float
    schedule: str
    weight_decay: float
    clipping: float
    seed: int
    precision: Precision = "auto"
    attention: Attention = "auto"
    gradient_checkpointing: bool = False
    deepspeed: Mapping[str, Any] = field(default_factory=dict)
    """DeepSpeed's configuration; empty for DDP."""
    every_steps: int | None = None
    every_seconds: float = 1800.0
    tensorboard: str | None = None
    """Folder of event files."""
    wandb: str | None = None
    """Project."""
    name: str = "training"

    def write(self, path: Path) -> None:
        """To a file."""
        path.write_text(json.dumps(asdict(self), indent=1), "utf-8")

    @classmethod
    def read(cls, path: Path) -> "Job":
        """What `write` wrote."""
        return cls(**json.loads(path.read_text("utf-8")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The processes of a job, seen from one node."""

    nodes: int = 1
    node: int = 0
    """This node's rank."""
    per_node: int = 1
    host: str = "127.0.0.1"
    """Of node 0."""
    port: int = 0
    """Where rank 0 listens; 0 on a single node: any that is free."""
    threads: int = 1
    """Of each process, where it computes on a CPU."""

    @property
    def processes(self) -> int:
        """Ranks over all nodes."""
        return self.nodes * self.per_node


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How a node's part of the group is started."""

    arguments: Sequence[str]
    environment: Mapping[str, str]


class Trainer(Protocol):
    """One way to train."""

    def command(self, job: Path, group: Group, *, deepspeed: bool) -> Command:
        """The command that runs a job's file on this node."""

    def train(self, job: Job, tell: Tell) -> None:
        """In a rank: do the job. Returns when the model is saved, or when told to stop."""

    def verify(self, folder: Path) -> Mapping[str, object]:
        """Load the saved model again and compare it with `expected.json`: facts for the report.

        TrainingFailed if it is not what was trained.
        """


__all__ = ["Attention", "Command", "Group", "Job", "Precision", "Tell", "Trainer"]
