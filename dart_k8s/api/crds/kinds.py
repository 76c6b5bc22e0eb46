"""The kinds of this group as a cluster sees them: names, columns, what may change, what the API server fills in."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from pydantic import BaseModel

from dart_k8s.api.change import changeable
from dart_k8s.api.evaluation import EvaluationSpec
from dart_k8s.api.status import EvaluationStatus, SynthesisStatus, TrainingStatus
from dart_k8s.api.synthesis import SynthesisSpec
from dart_k8s.api.training import TrainingSpec
from dart_k8s.names import GROUP

from .evaluation import EVALUATION
from .rules import Rule
from .synthesis import SYNTHESIS
from .training import TRAINING


class Column(NamedTuple):
    """A column of `kubectl get`."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False
    """Only with -o wide."""
    says: str = ""


class Kind(NamedTuple):
    """One kind of object."""

    kind: str
    plural: str
    short: tuple[str, ...]
    says: str
    spec: type[BaseModel]
    status: type[BaseModel]
    rules: tuple[Rule, ...]
    columns: tuple[Column, ...]
    changeable: Callable[[str], bool]
    """Whether a field of the spec may change once the object exists, by its path."""
    defaulted: tuple[str, ...]
    """Fields of the spec, with all below them, whose defaults the API server fills in: none that a recipe sets, none of
    which the models ask whether it was given."""
    made: tuple[str, ...] = ()
    """Parts of the spec that the API server makes where they are absent: what something reads a default through."""
    optional: tuple[str, ...] = ()
    """Required fields that a recipe may give."""
    scale: tuple[str, str, str] | None = None
    """Paths of replicas wanted, replicas there, and their selector."""

    @property
    def file(self) -> str:
        """Name of the file that holds it."""
        return f"{GROUP}_{self.plural}.yaml"


IN_PLACE = ("output.uri", "recipe")
"""What may change on one machine, and not in a cluster: there pods are at work on the output, and the API server does
not know what a recipe stands for."""


def changeable_in_a_cluster(path: str, kind: str) -> bool:
    """Whether a field of a spec may change once the object exists."""
    return changeable(path, kind) and path not in IN_PLACE


LIFECYCLE = ("suspend", "deletionPolicy")
SAMPLING_PODS = ("samplers", "verifiers", "prepare", "modelCache")
SCALE = (".spec.samplers.replicas", ".status.samplers.replicas", ".status.samplers.selector")
PHASE = Column("Phase", ".status.phase", says="Where it stands, in one word.")
PROGRESS = Column("Progress", ".status.progress.summary", says="Part of the work that is done.")
# No date: kubectl shows those as an age, and what lies ahead as invalid.
ETA = Column("ETA", ".status.estimatedFinish", says="When it will be done, by its rate so far.")
AGE = Column("Age", ".metadata.creationTimestamp", "date", says="Since when it exists.")
HELD = Column("Held", ".status.usage.gpuSecondsHeld", "number", True, "GPU-seconds reserved.")
OUTPUT = Column("Output", ".spec.output.uri", wide=True, says="Where everything goes.")
MESSAGE = Column("Message", ".status.message", wide=True, says="Where it stands, in one sentence.")

KINDS = (
    Kind(
        kind="Synthesis",
        plural="syntheses",
        short=("syn",),
        says="A Synthesis samples responses to problems, verifies them, and makes a data set that is balanced by "
        "difficulty.",
        spec=SynthesisSpec,
        status=SynthesisStatus,
        rules=tuple(SYNTHESIS),
        columns=(
            PHASE,
            PROGRESS,
            Column("Trials", ".status.progress.trials", "integer", says="Trials spent."),
            Column("Accepted", ".status.progress.accepted", "integer", says="Distinct correct responses."),
            ETA,
            AGE,
            Column("Strategy", ".spec.strategy.kind", wide=True, says="How many responses each query gets."),
            Column("Open", ".status.progress.open", "integer", True, "Queries that still take trials."),
            Column("Samplers", ".status.samplers.ready", "integer", True, "Samplers whose engine is ready."),
            HELD,
            OUTPUT,
            MESSAGE,
        ),
        changeable=partial(changeable_in_a_cluster, kind="Synthesis"),
        defaulted=(
            *SAMPLING_PODS,
            "curate",
            "queries.fields",
            "queries.reference",
            "queries.onInvalid",
            "queries.configMap",
            "verification",
            "execution",
            "sharding",
            "claims",
            "flush",
            *LIFECYCLE,
        ),
        made=("samplers",),
        optional=("queries", "model.uri", "prompt", "strategy", "strategy.kind"),
        scale=SCALE,
    ),
    Kind(
        kind="Training",
        plural="trainings",
        short=("dtrain",),
        says="A Training fine-tunes a base model on a data set, on one node or many.",
        spec=TrainingSpec,
        status=TrainingStatus,
        rules=tuple(TRAINING),
        columns=(
            PHASE,
            PROGRESS,
            Column("Step", ".status.progress.step", "integer", says="Optimiser steps done."),
            Column("Loss", ".status.progress.loss", "number", says="Mean over response tokens of the last steps."),
            ETA,
            AGE,
            Column("Nodes", ".spec.nodes", "integer", True, "Machines that train together."),
            Column("Restarts", ".status.restarts", "integer", True, "Ends of the group by its own fault."),
            HELD,
            OUTPUT,
            MESSAGE,
        ),
        changeable=partial(changeable_in_a_cluster, kind="Training"),
        defaulted=("nodes", "data.fields", "checkpoints", "tracking", "trainers", "prepare", "modelCache", *LIFECYCLE),
        optional=("model", "model.uri"),
    ),
    Kind(
        kind="Evaluation",
        plural="evaluations",
        short=("deval",),
        says="An Evaluation scores a model on benchmarks.",
        spec=EvaluationSpec,
        status=EvaluationStatus,
        rules=tuple(EVALUATION),
        columns=(
            PHASE,
            PROGRESS,
            Column("Average", ".status.averageText", says="Mean greedy accuracy over the benchmarks."),
            ETA,
            AGE,
            Column("Trials", ".status.progress.trials", "integer", True, "Trials spent."),
            Column("Samplers", ".status.samplers.ready", "integer", True, "Samplers whose engine is ready."),
            HELD,
            OUTPUT,
            MESSAGE,
        ),
        changeable=partial(changeable_in_a_cluster, kind="Evaluation"),
        defaulted=(*SAMPLING_PODS, "engine", "decoding", "trials", "intervals", "execution", *LIFECYCLE),
        made=("samplers",),
        scale=SCALE,
    ),
)
"""Every kind that this group has."""

__all__ = ["KINDS", "Column", "Kind", "changeable_in_a_cluster"]
