"""Synthesis: from problems to a verified, difficulty-balanced data set, as a user declares it."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from .base import Listed, NotNegative, Part, refuse
from .checks import check
from .curating import Curation, Output
from .executing import Execution
from .generation import Engine, Model, Prompt, Sampling
from .lifecycle import DeletionPolicy, QueueName
from .metadata import API_VERSION, GROUP, Metadata, without_status
from .recipes import RecipeName, apply_recipe
from .running import (
    Claims,
    Curating,
    Flush,
    ModelCache,
    Preparing,
    Samplers,
    Sharding,
    Verification,
    Verifiers,
)
from .sources import Pool, QuerySource
from .spending import Budget, Strategy


class SynthesisSpec(Part):
    """What to synthesise, how, and where to."""

    recipe: RecipeName | None = None
    """Start from a recipe's settings (`dart recipes show`); fields given here override its fields."""
    queries: Annotated[tuple[QuerySource, ...], Listed, Field(min_length=1, max_length=32)]
    """Problems with reference answers, from one source or several."""
    model: Model | None = None
    """The model that writes responses. vllm needs it; for other engines it is what reports name."""
    engine: Engine = Engine()
    """What runs the model."""
    prompt: Prompt
    """How a problem is put to the model."""
    sampling: Sampling = Sampling()
    """How tokens are drawn."""
    strategy: Strategy
    """How many responses each query gets."""
    budget: Budget = Budget()
    """What may be spent, and when to give up on a query."""
    samplers: Samplers = Samplers()
    """The processes or pods that hold an engine each."""
    verifiers: Verifiers = Verifiers()
    """The processes or pods that judge responses."""
    verification: Verification = Verification()
    """How responses are judged."""
    execution: Execution = Execution()
    """How code of tool-integrated responses is run."""
    sharding: Sharding = Sharding()
    """How a plan is cut into pieces that samplers take."""
    claims: Claims = Claims()
    """How samplers hold shards."""
    flush: Flush = Flush()
    """When finished responses are written to the store."""
    curation: Curation = Curation()
    """Which of the correct responses become rows."""
    pool: Pool = Pool()
    """Responses that exist already."""
    output: Output
    """Where everything goes."""
    model_cache: ModelCache = ModelCache()
    """Where samplers find the model; in a cluster only."""
    prepare: Preparing = Preparing()
    """The pod that prepares the run; in a cluster only."""
    curate: Curating = Curating()
    """The pod that makes the data set; in a cluster only."""
    suspend: bool = False
    """End all pods and wait; nothing is lost. In a cluster only."""
    ttl_seconds_after_finished: NotNegative | None = None
    """Delete this object so many seconds after it has finished. Default: keep it. In a cluster only."""
    deletion_policy: DeletionPolicy = "Retain"
    """What becomes of the output when this object is deleted. Retain: everything stays. Delete: state/, pool/ and
    all data sets with their reports are deleted, if this object owns them. In a cluster only."""
    queue_name: QueueName | None = None
    """Kueue's LocalQueue for the samplers. Default: none. In a cluster only."""

    @model_validator(mode="before")
    @classmethod
    def _start_from_recipe(cls, value: Any) -> Any:
        return apply_recipe(value) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _fits_together(self) -> "SynthesisSpec":
        strategy = self.strategy
        if self.budget.total_trials and strategy.kind != "vanilla" and "target" not in strategy.model_fields_set:
            # A total decides the scale; the paper's target would only stop it from being spent.
            target = self.budget.max_trials_per_query
            self.__dict__["strategy"] = strategy.model_copy(update={"target": target})
        refuse(check(self))
        return self


class Synthesis(Part):
    """A declaration of kind Synthesis."""

    api_version: Literal["dart-k8s.io/v1alpha1"] = API_VERSION
    """Group and version."""
    kind: Literal["Synthesis"] = "Synthesis"
    """Kind of the object."""
    metadata: Metadata
    """Name and labels."""
    spec: SynthesisSpec
    """What the user wants."""

    @model_validator(mode="before")
    @classmethod
    def _only_ours(cls, value: object) -> object:
        return without_status(value)


__all__ = ["API_VERSION", "GROUP", "Metadata", "Synthesis", "SynthesisSpec"]
