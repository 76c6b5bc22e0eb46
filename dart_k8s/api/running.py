"""How a run is carried out. None of it changes what the data set means."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import LARGEST, AtLeastOne, Part, Positive, Problem, refuse
from .pods import ObjectName, PodSettings, Quantity

SERVICE = r"^https?://[^/?#\s]+(/[^?#\s]*)?$"
"""What an address of a service looks like."""


Replicas = Annotated[int, Field(ge=0, le=10_000)]
"""A number of pods; the design's aim is 15,000 in a cluster."""


class Samplers(PodSettings):
    """The processes or pods that hold an engine each. Pod settings count in a cluster only."""

    replicas: Replicas = 1
    """How many samplers. Each loads the model once. 0 pauses."""
    idle_timeout: Positive = 300.0
    """Seconds that a sampler without work waits before it gives its GPU back."""
    startup_deadline_seconds: AtLeastOne = 1800
    """Seconds that a sampler has for loading its model; then EngineNotReady. In a cluster only."""
    stall_deadline_seconds: AtLeastOne = 600
    """A sampler whose engine made no step for so many seconds, with responses on their way, is started again. In a
    cluster only."""
    max_failures: AtLeastOne = 10
    """Samplers that may fail (a crash, too little memory) in a row, without a new result in between, before the
    Synthesis fails. Pods that a node's drain or a preemption ended are replaced and not counted. In a cluster only."""
    shared_memory: Quantity = "8Gi"
    """Size of /dev/shm, which engines on several GPUs talk through. Counts as memory. In a cluster only."""
    spot: bool = False
    """The nodes may vanish at any time: autoscalers may also consolidate them. Else pods are annotated against that. In
    a cluster only."""


class Verifiers(PodSettings):
    """The processes or pods that judge responses. Pod settings count in a cluster only."""

    url: Annotated[str, Field(pattern=SERVICE, max_length=2048)] | None = None
    """A verification service (`dart verifier serve`), like http://verifiers:8080. A name with several addresses stands
    for all of them. Default: children on the sampler's own machine."""
    replicas: Replicas | None = None
    """How many pods. Default: as samplers and queue need; in a cluster only."""
    processes: AtLeastOne | None = None
    """Killable children per verifier. Default: one per core it may use."""
    deadline_seconds: Positive = 10.0
    """Time for one response; then its child is killed and the verdict is undecided."""
    memory_mib: Annotated[int, Field(ge=64, le=LARGEST)] = Field(default=1024)
    """Memory of one child, in MiB; one that needs more is killed and the verdict is undecided."""


class Verification(Part):
    """How responses are judged."""

    policy: Literal["strict", "lenient"] = "strict"
    """strict: only a marked final answer counts, the rule for data sets. lenient: else the last number or formula."""
    max_pending: AtLeastOne = 20_000
    """Responses that may wait for a verdict before new trials pause."""


class Sharding(Part):
    """How a plan is cut into pieces that samplers take."""

    seconds: Positive = 120.0
    """Work in one shard, in seconds of one engine. Smaller ones balance better and cost more requests to the store."""
    trials: AtLeastOne | None = None
    """Trials in one shard. Default: from `seconds` and the rate seen so far."""


class Preparing(PodSettings):
    """The pod that checks everything that needs data or credentials, and writes the snapshot of the queries."""

    deadline_seconds: AtLeastOne = 7200
    """Seconds that it has, the model's download included; then PrepareDeadlineExceeded. In a cluster only."""


class Curating(PodSettings):
    """The pod that makes the data set from the pool."""

    deadline_seconds: AtLeastOne = 21_600
    """Seconds that it has; then CurateDeadlineExceeded. In a cluster only."""


class ModelCache(Part):
    """Where samplers find the model: it is fetched once, and they read it without a network."""

    kind: Literal["ephemeral", "claim", "image"] = "ephemeral"
    """ephemeral: each pod fetches its own copy. claim: a PersistentVolumeClaim that is filled once (ReadWriteMany, or
    ReadOnlyMany if it is filled already). image: the model is an image, mounted as a volume."""
    claim: ObjectName | None = None
    """claim: name of the PersistentVolumeClaim."""
    image: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    """image: its reference, best with a digest."""
    path: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^/]")] | None = None
    """Folder in the claim or the image, relative. Default: its top."""
    size: Quantity | None = None
    """ephemeral: the most that a pod's copy may take. Default: no limit but the node's."""

    @model_validator(mode="after")
    def _of_its_kind(self) -> "ModelCache":
        found = []
        for field, kinds in (("claim", ("claim",)), ("image", ("image",)), ("size", ("ephemeral",))):
            given = getattr(self, field) is not None
            if given and self.kind not in kinds:
                found.append(Problem((field,), f"not used by kind {self.kind}; remove it, or use kind: {kinds[0]}"))
            elif not given and field == self.kind:
                found.append(Problem((field,), f"required by kind {self.kind}; add {field}: NAME"))
        if self.path is not None and (self.kind == "ephemeral" or ".." in self.path.split("/")):
            says = "a folder inside the claim or image, without .." if self.kind != "ephemeral" else "not for ephemeral"
            found.append(Problem(("path",), f"{self.path!r} is {says}" if self.kind == "ephemeral" else f"give {says}"))
        refuse(found)
        return self


class Claims(Part):
    """How samplers hold shards."""

    heartbeat_seconds: Positive = 15.0
    """Time between two renewals of a claim."""
    ttl_seconds: Positive = 90.0
    """A claim that was not renewed for so long may be taken over. More than twice the heartbeat."""

    @model_validator(mode="after")
    def _renewed_in_time(self) -> "Claims":
        if self.ttl_seconds <= 2 * self.heartbeat_seconds:
            says = (
                f"ttlSeconds ({self.ttl_seconds:g}) must be more than twice heartbeatSeconds "
                f"({self.heartbeat_seconds:g}): a holder stops starting trials at half of it. Raise ttlSeconds"
            )
            refuse([Problem(("ttlSeconds",), says)])
        return self


class Flush(Part):
    """When finished responses are written to the store; whichever comes first."""

    seconds: Positive = 10.0
    """Longest time between two writes. What a killed sampler loses at most."""
    mebibytes: Positive = 4.0
    """Size of responses between two writes, in MiB."""


__all__ = [
    "Claims",
    "Curating",
    "Flush",
    "ModelCache",
    "Preparing",
    "Replicas",
    "Samplers",
    "Sharding",
    "Verification",
    "Verifiers",
]
