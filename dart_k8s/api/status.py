"""What the operator writes into status: small at any size of a run, at most 16 KiB."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .base import Listed, NotNegative, Part, Share
from .conditions import ConditionType
from .pods import keyed

MOST_BYTES = 16_384
"""Size of a status as JSON. Every write of one goes through etcd and to all who watch."""
MESSAGE_BYTES = 400
"""Bytes of a text for people, as JSON."""
MESSAGE_LENGTH = 1024
"""Characters that an API server takes: more than are ever written, or it would refuse a status for its words."""
MOST_CONDITIONS = 12
MOST_SOURCES = 32
"""As many as a spec may have: counts per source are everywhere."""
MOST_SCORES = 16
"""As many as an Evaluation may have benchmarks."""

SynthesisPhase = Literal[
    "Pending", "Waiting", "Preparing", "Sampling", "Curating", "Complete", "Failed", "Suspended", "Deleting"
]
TrainingPhase = Literal["Pending", "Waiting", "Preparing", "Training", "Complete", "Failed", "Suspended", "Deleting"]
EvaluationPhase = Literal[
    "Pending", "Waiting", "Preparing", "Sampling", "Scoring", "Complete", "Failed", "Suspended", "Deleting"
]


def clip(text: str, most: int = MESSAGE_BYTES) -> str:
    """The text, cut so that it takes at most so many bytes as JSON; what was cut shows as dots."""
    if len(text) <= most // 6 or len(_bytes(text)) <= most:
        return text
    kept = text[:most]
    while kept and len(_bytes(kept + "...")) > most:
        # At most 6 bytes a character: what is over is taken off in steps that can't take off too much by far.
        kept = kept[: len(kept) - max(1, (len(_bytes(kept + "...")) - most) // 6)]
    return kept + "..."


def _clipped(value: object) -> object:
    return clip(value) if isinstance(value, str) else value


def bounded(status: Mapping[str, Any]) -> dict[str, Any]:
    """A status as the operator may write it: texts cut to `MESSAGE_BYTES`, lists to what the schema takes. With the
    fields of the models below it is at most `MOST_BYTES` as JSON."""
    made = dict(status)
    if isinstance(made.get("message"), str):
        made["message"] = clip(made["message"])
    if "conditions" in made:
        made["conditions"] = [
            {**condition, "message": clip(condition.get("message", ""))}
            for condition in made["conditions"][:MOST_CONDITIONS]
        ]
    if isinstance(made.get("progress"), Mapping) and "sources" in made["progress"]:
        made["progress"] = {**made["progress"], "sources": list(made["progress"]["sources"])[:MOST_SOURCES]}
    return made


def _bytes(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")[1:-1]


Message = Annotated[str, Field(max_length=MESSAGE_LENGTH), BeforeValidator(_clipped)]
Time = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
"""RFC 3339, in UTC."""
Seconds = Annotated[float, Field(ge=0.0)]


class Condition(Part):
    """One thing that is so, is not so, or is not known (metav1.Condition)."""

    type: ConditionType
    """What it is about; docs/reference/conditions.md lists all."""
    status: Literal["True", "False", "Unknown"]
    """Whether it is so."""
    reason: Annotated[str, Field(pattern=r"^[A-Za-z]+$", min_length=1, max_length=64)]
    """Why, in one word; docs/reference/conditions.md says what to do."""
    message: Message = ""
    """Why, in a sentence with names and values."""
    last_transition_time: Time
    """When the status last changed."""
    observed_generation: NotNegative | None = None
    """The metadata.generation that it speaks of."""


class Base(Part):
    """What every kind tells."""

    observed_generation: NotNegative | None = None
    """The metadata.generation that all of this speaks of."""
    message: Message | None = None
    """Where it stands, in one sentence."""
    conditions: Annotated[
        tuple[Condition, ...], Listed, Field(max_length=MOST_CONDITIONS, json_schema_extra=keyed("type"))
    ] = ()
    """What is so and what is not, with reasons."""
    output: Annotated[str, Field(max_length=2048)] | None = None
    """URI of what was made; set when it is Complete."""
    started_at: Time | None = None
    """When the first pod was wanted."""
    finished_at: Time | None = None
    """When it became Complete or Failed."""
    estimated_finish: Time | None = None
    """When it will be done, by its rate so far."""
    attempt: NotNegative | None = None
    """Number of the Job that does the main work, from 1; another one after suspension, growth or failures."""
    failures: NotNegative | None = None
    """Pods that failed by their own fault, without a result since."""
    counted: NotNegative | None = None
    """Failed pods of the Job `attempt` that were looked at: those in `failures`, and those before the last result."""
    replaced: NotNegative | None = None
    """Pods that the cluster took (drained, preempted, deleted); never counted as failures."""


PodCount = Annotated[int, Field(ge=0, le=1_000_000)]
"""An API server asks for 32 bits at most where it scales."""


class Pods(Part):
    """Pods of one role."""

    replicas: PodCount = 0
    """Pods there are."""
    ready: PodCount = 0
    """Pods that work: for samplers, those whose engine has loaded its model."""
    selector: Annotated[str, Field(max_length=256)] | None = None
    """Label selector of the pods, for autoscalers."""


class Stopped(Part):
    """Queries that take no more trials, by reason."""

    target: NotNegative = 0
    """Reached their target."""
    trials: NotNegative = 0
    """Had their number of trials (vanilla)."""
    cap: NotNegative = 0
    """Reached budget.maxTrialsPerQuery."""
    hopeless: NotNegative = 0
    """Out of reach of their target, by the posterior."""
    saturated: NotNegative = 0
    """Write hardly any new texts."""
    budget: NotNegative = 0
    """The run's total is spent."""
    set_aside: NotNegative = 0
    """Ended their sampler again and again."""


class SourceCounts(Part):
    """Counts of one source."""

    name: Annotated[str, Field(max_length=63)]
    """Name of the source."""
    queries: NotNegative = 0
    """Queries in it."""
    open: NotNegative = 0
    """Queries that still take trials."""
    covered: NotNegative = 0
    """Queries with at least one correct response."""
    trials: NotNegative = 0
    """Trials spent."""
    accepted: NotNegative = 0
    """Distinct correct responses towards targets."""


class Progress(Part):
    """How far sampling is."""

    fraction: Share | None = None
    """Part of the work that is done, 0 to 1."""
    summary: Annotated[str, Field(max_length=32)] | None = None
    """The same for people: 63%."""
    queries: NotNegative = 0
    """Queries of the snapshot."""
    open: NotNegative = 0
    """Queries that still take trials."""
    covered: NotNegative = 0
    """Queries with at least one correct response."""
    trials: NotNegative = 0
    """Trials spent."""
    correct: NotNegative = 0
    """Correct ones among them."""
    accepted: NotNegative = 0
    """Distinct correct responses towards targets: rows, before curation."""
    wanted: NotNegative = 0
    """Sum of all targets; moves while prop2diff learns what is hard."""
    undecided: NotNegative = 0
    """Trials on which the verifier hit its own limit."""
    pending: NotNegative = 0
    """Responses that wait for a verdict."""
    expected_trials: NotNegative | None = None
    """Trials of the whole run by the forecast."""
    stopped: Stopped = Stopped()
    """Queries that take no more trials, by reason."""
    sources: Annotated[
        tuple[SourceCounts, ...], Listed, Field(max_length=MOST_SOURCES, json_schema_extra=keyed("name"))
    ] = ()
    """The same per source."""


class Usage(Part):
    """What was spent."""

    tokens: NotNegative = 0
    """Tokens of trials."""
    wasted_tokens: NotNegative = 0
    """Tokens of aborted and failed generations."""
    gpu_seconds_held: Seconds = 0.0
    """Seconds in which a GPU was reserved, summed over GPUs."""
    gpu_seconds_generating: Seconds = 0.0
    """Those in which its engine generated."""


class SynthesisStatus(Base):
    """Where a Synthesis stands."""

    phase: SynthesisPhase | None = None
    """Where it stands, in one word. Conditions say why."""
    plan: NotNegative | None = None
    """Number of the plan in force."""
    epoch: NotNegative | None = None
    """Count of planners so far: fences a deposed operator."""
    progress: Progress | None = None
    """How far sampling is."""
    usage: Usage | None = None
    """What was spent."""
    samplers: Pods | None = None
    """Pods with an engine."""
    verifiers: Pods | None = None
    """Verification pods."""
    rows: NotNegative | None = None
    """Rows of the data set; set when it is Complete."""


class TrainingProgress(Part):
    """How far a Training is."""

    fraction: Share | None = None
    """Part of the steps that are done, 0 to 1."""
    summary: Annotated[str, Field(max_length=32)] | None = None
    """The same for people: 63%."""
    step: NotNegative = 0
    """Optimiser steps done."""
    steps: NotNegative = 0
    """Optimiser steps in all."""
    epoch: Seconds = 0.0
    """Times that the rows were seen, with a fraction."""
    rows: NotNegative = 0
    """Rows trained on."""
    dropped: NotNegative = 0
    """Rows left out because they are longer than a sequence."""
    tokens: NotNegative = 0
    """Tokens of one epoch."""
    tokens_per_second: Seconds = 0.0
    """Over all processes."""
    utilisation: Share | None = None
    """MFU: part of the hardware's arithmetic that trains."""
    loss: Annotated[float, Field(ge=-1e12, le=1e12)] | None = None
    """Mean over response tokens of the last steps."""


class Checkpoint(Part):
    """The newest complete checkpoint."""

    step: NotNegative
    """Optimiser steps in it."""


class TrainingStatus(Base):
    """Where a Training stands."""

    phase: TrainingPhase | None = None
    """Where it stands, in one word. Conditions say why."""
    progress: TrainingProgress | None = None
    """How far it is."""
    usage: Usage | None = None
    """What was spent."""
    checkpoint: Checkpoint | None = None
    """The newest complete checkpoint: where it would go on."""
    trainers: Pods | None = None
    """Pods that train."""
    restarts: NotNegative | None = None
    """Ends of the group by its own fault, which trainers.maxRestarts limits."""
    disruptions: NotNegative | None = None
    """Ends of the group that the cluster caused (drained, preempted, a node gone); never limited."""
    judged: NotNegative | None = None
    """Number of the last Job whose end is in one of the two."""
    scheduling: Annotated[str, Field(max_length=64)] | None = None
    """What starts pods together: Kueue, native (spec.scheduling of the Job), or none."""


class Score(Part):
    """Result on one benchmark."""

    name: Annotated[str, Field(max_length=63)]
    """Name of the benchmark."""
    items: NotNegative = 0
    """Problems."""
    strict: Share | None = None
    """Greedy accuracy where only a marked final answer counts."""
    lenient: Share | None = None
    """Greedy accuracy where else the last number or formula counts, as in the paper's code."""
    low: Share | None = None
    """Lower end of the lenient one's interval."""
    high: Share | None = None
    """Upper end of the lenient one's interval."""
    majority: Share | None = None
    """maj@k at the largest k."""
    pass_at_1: Share | None = None
    """pass@1: share of the trials that are correct."""


class EvaluationProgress(Part):
    """How far an Evaluation is."""

    fraction: Share | None = None
    """Part of the trials that are done, 0 to 1."""
    summary: Annotated[str, Field(max_length=32)] | None = None
    """The same for people: 63%."""
    items: NotNegative = 0
    """Problems of all benchmarks."""
    open: NotNegative = 0
    """Problems that still take trials."""
    trials: NotNegative = 0
    """Trials spent, in both passes."""
    correct: NotNegative = 0
    """Correct ones among them, by the strict rule."""
    pending: NotNegative = 0
    """Responses that wait for a verdict."""
    wanted: NotNegative = 0
    """Trials in all."""


class EvaluationStatus(Base):
    """Where an Evaluation stands."""

    phase: EvaluationPhase | None = None
    """Where it stands, in one word. Conditions say why."""
    progress: EvaluationProgress | None = None
    """How far it is."""
    usage: Usage | None = None
    """What was spent."""
    samplers: Pods | None = None
    """Pods with an engine."""
    verifiers: Pods | None = None
    """Verification pods."""
    scores: Annotated[tuple[Score, ...], Listed, Field(max_length=MOST_SCORES, json_schema_extra=keyed("name"))] = ()
    """Results by benchmark; the report has all of them."""
    average: Share | None = None
    """Mean of the lenient greedy accuracies."""
    average_text: Annotated[str, Field(max_length=32)] | None = None
    """The same for people: 52.9%."""


__all__ = [
    "MESSAGE_BYTES",
    "MOST_BYTES",
    "MOST_CONDITIONS",
    "Base",
    "Checkpoint",
    "Condition",
    "EvaluationPhase",
    "EvaluationProgress",
    "EvaluationStatus",
    "Message",
    "Pods",
    "Progress",
    "Score",
    "SourceCounts",
    "Stopped",
    "SynthesisPhase",
    "SynthesisStatus",
    "Time",
    "TrainingPhase",
    "TrainingProgress",
    "TrainingStatus",
    "Usage",
    "bounded",
    "clip",
]
