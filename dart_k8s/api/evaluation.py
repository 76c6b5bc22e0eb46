"""Evaluation: a model on benchmarks, as a user declares it."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import AtLeastOne, Listed, NotNegative, Part, Problem, Text, refuse
from .benchmarks import Benchmark, Trials
from .executing import Execution
from .generation import Engine, Prompt
from .lifecycle import DeletionPolicy, QueueName, ReferenceName
from .metadata import API_VERSION, Metadata, without_status
from .places import OutputPlace, Place, within
from .running import ModelCache, Preparing, Samplers, Verifiers


class EvaluatedModel(Part):
    """The model to evaluate: one that is there, or what a Training makes."""

    uri: Place | None = None
    """A folder in transformers' format: a path, file://, s3://bucket/prefix or hf://owner/model. Or fromTraining."""
    from_training: ReferenceName | None = None
    """Name of a Training in the same file or namespace; its model is waited for. This or uri."""
    revision: Text | None = None
    """Commit, tag or branch of a hub model. Default: the newest, pinned when the Evaluation is prepared."""
    trust_remote_code: bool = False
    """Run Python code that the model's folder brings along. Only for models whose code you have read."""

    @model_validator(mode="after")
    def _one_place(self) -> "EvaluatedModel":
        found = []
        if (self.uri is None) == (self.from_training is None):
            said = "both uri and fromTraining are" if self.uri else "neither uri nor fromTraining is"
            found.append(Problem((), f"{said} given; give exactly one of them"))
        if self.revision is not None and not (self.uri or "").startswith("hf://"):
            found.append(Problem(("revision",), "only a hub model (hf://OWNER/NAME) has one; remove revision"))
        refuse(found)
        return self


class Decoding(Part):
    """The greedy pass: one response a problem, at temperature 0."""

    greedy: bool = True
    """Do it. Without it, trials are needed."""
    max_tokens: AtLeastOne = 2048
    """Longest response, in tokens, in both passes. One that is cut off counts as incorrect."""


class Intervals(Part):
    """Bootstrap intervals over problems."""

    resamples: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000
    """Times that problems are drawn anew."""
    confidence: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.95
    """Share of the draws that an interval holds."""
    seed: NotNegative = 0
    """Of the draws."""


class EvaluationOutput(Part):
    """Where everything goes."""

    uri: OutputPlace
    """Folder for state/, pool/ and report/: a path, file:// or s3://bucket/prefix. All responses stay, so that a better
    verifier can score them again. One Evaluation per folder."""


class EvaluationSpec(Part):
    """What to evaluate on what, how, and where to."""

    model: EvaluatedModel | None = None
    """The model to evaluate. vllm needs it; for other engines it is what reports name."""
    engine: Engine = Engine()
    """What runs the model."""
    prompt: Prompt | None = None
    """How a problem is put to the model. Default: the template that a Training saved with its model, else alpaca."""
    benchmarks: Annotated[tuple[Benchmark, ...], Listed, Field(min_length=1, max_length=16)]
    """What to evaluate on."""
    decoding: Decoding = Decoding()
    """The greedy pass."""
    trials: Trials | None = None
    """A second pass, for maj@k and pass@k. Default: none."""
    intervals: Intervals = Intervals()
    """Bootstrap intervals over problems."""
    execution: Execution = Execution()
    """How code of tool-integrated responses is run."""
    output: EvaluationOutput
    """Where everything goes."""
    samplers: Samplers = Samplers()
    """The processes or pods that hold an engine each."""
    verifiers: Verifiers = Verifiers()
    """The processes or pods that judge responses."""
    model_cache: ModelCache = ModelCache()
    """Where samplers find the model; in a cluster only."""
    prepare: Preparing = Preparing()
    """The pod that checks model and benchmarks; in a cluster only."""
    suspend: bool = False
    """End all pods and wait; nothing is lost. In a cluster only."""
    ttl_seconds_after_finished: NotNegative | None = None
    """Delete this object so many seconds after it has finished. Default: keep it. In a cluster only."""
    deletion_policy: DeletionPolicy = "Retain"
    """What becomes of the output when this object is deleted. Retain: everything stays. Delete: state/, pool/ and
    report/ are deleted, if this object owns them. In a cluster only."""
    queue_name: QueueName | None = None
    """Kueue's LocalQueue for the samplers. Default: none. In a cluster only."""

    @model_validator(mode="after")
    def _fits_together(self) -> "EvaluationSpec":
        refuse(list(_check(self)))
        return self


def _check(spec: EvaluationSpec) -> Iterator[Problem]:
    if spec.engine.kind == "vllm" and spec.model is None:
        says = "required by engine kind vllm; add model: {uri: hf://OWNER/MODEL} or model: {fromTraining: NAME}"
        yield Problem(("model",), says)
    if not spec.decoding.greedy and spec.trials is None:
        says = "neither the greedy pass nor trials: nothing would be done; add trials: {count: 100, temperature: 1}"
        yield Problem(("decoding", "greedy"), says)
    times = Counter(benchmark.name for benchmark in spec.benchmarks)
    for index, benchmark in enumerate(spec.benchmarks):
        if times[benchmark.name] > 1:
            times[benchmark.name] = 0
            says = f"{benchmark.name!r} names several benchmarks; rename all but one"
            yield Problem(("benchmarks", index, "name"), says)
        if benchmark.uri and within(spec.output.uri, benchmark.uri):
            says = (
                f"{spec.output.uri} lies inside spec.benchmarks[{index}].uri ({benchmark.uri}); choose another folder"
            )
            yield Problem(("output", "uri"), says)


class Evaluation(Part):
    """A declaration of kind Evaluation: a model on benchmarks."""

    api_version: Literal["dart-k8s.io/v1alpha1"] = API_VERSION
    """Group and version."""
    kind: Literal["Evaluation"] = "Evaluation"
    """Kind of the object."""
    metadata: Metadata
    """Name and labels."""
    spec: EvaluationSpec
    """What the user wants."""

    @model_validator(mode="before")
    @classmethod
    def _only_ours(cls, value: object) -> object:
        return without_status(value)


__all__ = ["Evaluation", "EvaluationSpec"]
