"""Training: from a data set to a fine-tuned model, as a user declares it."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from .base import AtLeastOne, NotNegative, Part, Problem, Text, refuse
from .generation import Model
from .lifecycle import DeletionPolicy, QueueName, ReferenceName
from .metadata import API_VERSION, Metadata, without_status
from .optimising import Checkpoints, DeepSpeed, Optimisation, Push, StudentPrompt, Tracking, Trainers
from .places import OutputPlace, Place, within
from .recipes import TRAINING_RECIPES, TrainingRecipeName, apply_recipe
from .running import ModelCache, Preparing


class Columns(Part):
    """Which column of a data set holds what."""

    query: Text = "query"
    """Column with the problem."""
    response: Text = "response"
    """Column with the response."""
    spans: Text = "spans"
    """Column that says what a tool wrote in a response; those tokens are not learnt. Need not exist."""


class TrainingData(Part):
    """The rows to train on: a data set, or what a Synthesis made."""

    uri: Place | None = None
    """Parquet or JSON Lines: a path, file://, s3://bucket/key or hf://owner/dataset. This or fromSynthesis."""
    from_synthesis: ReferenceName | None = None
    """Name of a Synthesis in the same file or namespace; its data set is waited for. This or uri."""
    split: Text | None = None
    """Split of a hub data set. Default: train."""
    revision: Text | None = None
    """Commit, tag or branch of a hub data set. Default: the newest, pinned when the Training is prepared."""
    fields: Columns = Columns()
    """Which column holds what."""
    rows: AtLeastOne | None = None
    """Rows to take, by a seeded choice that keeps the shape of the set: equal for two Trainings, say. Default: all."""

    @model_validator(mode="after")
    def _one_place(self) -> "TrainingData":
        found = []
        if (self.uri is None) == (self.from_synthesis is None):
            said = "both uri and fromSynthesis are" if self.uri else "neither uri nor fromSynthesis is"
            found.append(Problem((), f"{said} given; give exactly one of them"))
        for field in ("split", "revision"):
            if getattr(self, field) is not None and not (self.uri or "").startswith("hf://"):
                says = f"only a hub data set (hf://OWNER/NAME) has one; remove {field}"
                found.append(Problem((field,), says))
        refuse(found)
        return self


class TrainingOutput(Part):
    """Where everything goes."""

    uri: OutputPlace
    """Folder for checkpoints/, model/ and report/: a path, file:// or s3://bucket/prefix. One Training per folder."""


class TrainingSpec(Part):
    """What to train on what, how, and where to."""

    recipe: TrainingRecipeName | None = None
    """Start from a recipe's settings (`dart recipes show --kind Training`); fields given here override its fields."""
    data: TrainingData
    """The rows to train on."""
    model: Model
    """The base model: the student."""
    prompt: StudentPrompt = StudentPrompt()
    """The template that the student is trained with."""
    optimisation: Optimisation = Optimisation()
    """Batch, schedule and precision."""
    nodes: Annotated[int, Field(ge=1, le=4096)] = 1
    """Machines, or pods, that train together."""
    processes_per_node: Annotated[int, Field(ge=1, le=256)] | None = None
    """Processes on each. Default: one for each GPU."""
    deepspeed: DeepSpeed = DeepSpeed()
    """How parameters, gradients and the optimiser's state are spread over processes."""
    checkpoints: Checkpoints = Checkpoints()
    """Checkpoints in the store."""
    tracking: Tracking = Tracking()
    """Where curves go besides the metrics."""
    push: Push | None = None
    """A repository at a hub that gets the finished model. Default: none."""
    output: TrainingOutput
    """Where everything goes."""
    trainers: Trainers = Trainers()
    """The pods that train, one a node."""
    model_cache: ModelCache = ModelCache()
    """Where trainers find the base model; in a cluster only."""
    prepare: Preparing = Preparing()
    """The pod that checks model and data; in a cluster only."""
    suspend: bool = False
    """Write a checkpoint, end all pods and wait. In a cluster only."""
    ttl_seconds_after_finished: NotNegative | None = None
    """Delete this object so many seconds after it has finished. Default: keep it. In a cluster only."""
    deletion_policy: DeletionPolicy = "Retain"
    """What becomes of the output when this object is deleted. Retain: everything stays. Delete: checkpoints/, model/
    and report/ are deleted, if this object owns them. In a cluster only."""
    queue_name: QueueName | None = None
    """Kueue's LocalQueue for the trainers: they start together or not at all. Default: none. In a cluster only."""

    @model_validator(mode="before")
    @classmethod
    def _start_from_recipe(cls, value: Any) -> Any:
        return apply_recipe(value, TRAINING_RECIPES) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _fits_together(self) -> "TrainingSpec":
        refuse(list(_check(self)))
        return self


def _check(spec: TrainingSpec) -> Iterator[Problem]:
    batch, each = spec.optimisation.batch, spec.optimisation.per_process or 1
    if spec.processes_per_node is not None:
        at_once = spec.nodes * spec.processes_per_node * each
        if batch % at_once:
            says = (
                f"{batch} sequences can't be divided by {at_once} ({spec.nodes} nodes x {spec.processes_per_node} "
                f"processes x {each} at once); change one of them"
            )
            yield Problem(("optimisation", "batch"), says)
    elif batch % (spec.nodes * each):
        says = f"{batch} sequences can't be divided by {spec.nodes} nodes x {each} at once; change one of them"
        yield Problem(("optimisation", "batch"), says)
    for path, uri in (("spec.data.uri", spec.data.uri), ("spec.model.uri", spec.model.uri)):
        if uri and within(spec.output.uri, uri):
            says = f"{spec.output.uri} lies inside {path} ({uri}): a Training would write into its own input"
            yield Problem(("output", "uri"), f"{says}; choose another folder")


class Training(Part):
    """A declaration of kind Training: from a data set to a fine-tuned model."""

    api_version: Literal["dart-k8s.io/v1alpha1"] = API_VERSION
    """Group and version."""
    kind: Literal["Training"] = "Training"
    """Kind of the object."""
    metadata: Metadata
    """Name and labels."""
    spec: TrainingSpec
    """What the user wants."""

    @model_validator(mode="before")
    @classmethod
    def _only_ours(cls, value: object) -> object:
        return without_status(value)


__all__ = ["Columns", "Training", "TrainingData", "TrainingOutput", "TrainingSpec"]
