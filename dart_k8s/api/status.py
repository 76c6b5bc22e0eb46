"""What the operator writes into status: small at any size of a run, at most 16 KiB."""

import json
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .base import Listed, NotNegative, Part, Share
from .conditions import ConditionType
from .pods import keyed

MOST_BYTES = 16_384
"""Size of a status as JSON. Every write of one goes through etcd and to all who watch."""
MESSAGE_BYTES = 400
"""Bytes of a text for people, as JSON."""
MOST_CONDITIONS = 12
MOST_SOURCES = 32
"""As many as a spec may have: counts per source are everywhere."""

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


def _bytes(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")[1:-1]


Message = Annotated[str, Field(max_length=MESSAGE_BYTES), AfterValidator(clip)]
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


class Pods(Part):
    """Pods of one role."""

    replicas: NotNegative = 0
    """Pods there are."""
    ready: NotNegative = 0
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
    plan: Annotated[str, Field(max_length=32)] | None = None
    """The plan in force: its number and its planner's epoch."""
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


__all__ = [
    "MESSAGE_BYTES",
    "MOST_BYTES",
    "MOST_CONDITIONS",
    "Base",
    "Condition",
    "EvaluationPhase",
    "Message",
    "Pods",
    "Progress",
    "SourceCounts",
    "Stopped",
    "SynthesisPhase",
    "SynthesisStatus",
    "Time",
    "TrainingPhase",
    "Usage",
    "clip",
]
