"""How a Training trains: batch, schedule, precision, memory. The defaults are DART-Math's (Tong et al. 2024)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import AtLeastOne, LongText, NotNegative, Part, Positive, Problem, Share, Text, refuse
from .generation import PLACEHOLDER
from .pods import PodSettings, Quantity


class StudentPrompt(Part):
    """The template that the student is trained with; saved with the model, and used by an Evaluation of it."""

    template: Literal["alpaca", "deepseek-math", "chat"] | None = None
    """A built-in template. alpaca: as DART-Math's students. chat: the base model's own, which it must have. This or
    inline. Default: alpaca."""
    inline: LongText | None = None
    """A template of your own; `{query}` in it becomes the problem, and the response follows. This or template."""

    @model_validator(mode="after")
    def _one_template(self) -> "StudentPrompt":
        found = []
        if self.template is not None and self.inline is not None:
            found.append(Problem((), "both template and inline are given; remove one of them"))
        if self.inline is not None and PLACEHOLDER not in self.inline:
            says = f"the placeholder {PLACEHOLDER} is missing, so the student would never see a problem; add it"
            found.append(Problem(("inline",), says))
        refuse(found)
        return self


class Optimisation(Part):
    """Batch, schedule and precision."""

    epochs: Annotated[float, Field(gt=0.0, le=1000.0)] = 3.0
    """Times that every row is seen. Packs are drawn anew each time."""
    max_steps: AtLeastOne | None = None
    """Most optimiser steps: what makes two Trainings equal in steps. Default: as many as the epochs take."""
    batch: Annotated[int, Field(ge=1, le=1_048_576)] = 64
    """Packed sequences in one optimiser step, over all processes and accumulation."""
    length: Annotated[int, Field(ge=16, le=1_048_576)] = 4096
    """Tokens of a packed sequence. Longer rows are dropped and counted, never cut."""
    per_process: AtLeastOne | None = None
    """Packed sequences that one process holds at once; the rest of the batch is accumulated. Default: 1."""
    learning_rate: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    """Highest learning rate. Default: the paper's, 5e-5, and 2e-5 for models of 70 B and more."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How the learning rate falls after the warm-up."""
    warmup: Share = 0.03
    """Part of all steps in which the learning rate rises."""
    weight_decay: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """AdamW's weight decay."""
    gradient_clipping: Annotated[float, Field(ge=0.0, le=1e6)] = 1.0
    """Largest norm of a gradient; 0 switches clipping off."""
    packing: Literal["bfd", "none"] = "bfd"
    """bfd: rows are packed by best fit decreasing, and attention never looks across rows. none: one row a sequence."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """auto: bf16 where the hardware has it."""
    attention: Literal["auto", "flash", "sdpa", "eager"] = "auto"
    """How attention is computed. auto: FlashAttention where it is installed, else SDPA."""
    gradient_checkpointing: bool = True
    """Compute activations again instead of keeping them: a third slower, and far less memory."""
    seed: NotNegative = 0
    """Order of rows, and what else is drawn."""

    @model_validator(mode="after")
    def _divides(self) -> "Optimisation":
        if self.per_process and self.batch % self.per_process:
            says = f"batch ({self.batch}) can't be divided by perProcess ({self.per_process}); change one of the two"
            refuse([Problem(("batch",), says)])
        return self


class DeepSpeed(Part):
    """How parameters, gradients and the optimiser's state are spread over processes."""

    stage: Annotated[int, Field(ge=0, le=3)] = 0
    """ZeRO stage. 0: nothing is spread. 1: the optimiser's state. 2: gradients too. 3: parameters too."""
    offload: Literal["none", "optimizer", "all"] = "none"
    """What is kept in the host's memory. all: parameters too, which needs stage 3."""

    @model_validator(mode="after")
    def _possible(self) -> "DeepSpeed":
        if self.offload == "all" and self.stage != 3:
            refuse([Problem(("offload",), f"all needs stage 3 (it is {self.stage}); use optimizer, or stage: 3")])
        if self.offload == "optimizer" and self.stage == 0:
            refuse([Problem(("offload",), "optimizer needs stage 1 or more; use none, or stage: 2")])
        return self


class Checkpoints(Part):
    """Checkpoints in the store, under checkpoints/ of the output."""

    every_steps: AtLeastOne | None = None
    """Steps between two. Default: by time alone."""
    every_minutes: Positive = 30.0
    """Minutes between two: what a lost node costs at most."""
    keep: Annotated[int, Field(ge=1, le=1000)] = 2
    """Complete ones that are kept; older ones are deleted."""


class Tracking(Part):
    """Where curves go besides the metrics."""

    tensorboard: bool = False
    """Write event files under report/ of the output."""
    wandb: Text | None = None
    """Project at Weights & Biases; the key comes from WANDB_API_KEY in the pods' environment."""


class Push(Part):
    """A repository at a hub that gets the finished model."""

    repository: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][-_.A-Za-z0-9]*/[A-Za-z0-9][-_.A-Za-z0-9]*$", max_length=200)
    ]
    """OWNER/NAME; the token comes from HF_TOKEN in the pods' environment."""
    private: bool = True
    """Make a new repository a private one."""


class Trainers(PodSettings):
    """The pods that train, one a node. Pod settings count in a cluster only."""

    shared_memory: Quantity = "16Gi"
    """Size of /dev/shm, which processes on one node talk through. Counts as memory. In a cluster only."""
    rendezvous_deadline_seconds: AtLeastOne = 900
    """Seconds in which all nodes must have reached rank 0; then RendezvousTimeout. In a cluster only."""
    grace_seconds: Annotated[int, Field(ge=1, le=3600)] = 120
    """Seconds between SIGTERM and the end: enough to write a checkpoint. In a cluster only."""
    max_restarts: Annotated[int, Field(ge=0, le=1000)] = 3
    """Restarts of the whole group by its own fault; those by the cluster's (drained, preempted) are not counted."""


__all__ = ["Checkpoints", "DeepSpeed", "Optimisation", "Push", "StudentPrompt", "Tracking", "Trainers"]
