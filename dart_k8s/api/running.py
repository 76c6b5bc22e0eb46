"""How a run is carried out. None of it changes what the data set means."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import AtLeastOne, Free, NotNegative, Part, Positive, Problem, refuse

SERVICE = r"^https?://[^/?#\s]+(/[^?#\s]*)?$"
"""What an address of a service looks like."""


class Samplers(Part):
    """The processes or pods that hold an engine each."""

    replicas: NotNegative = 1
    """How many samplers. Each loads the model once. 0 pauses."""
    idle_timeout: Positive = 300.0
    """Seconds that a sampler without work waits before it gives its GPU back."""
    resources: Free = Field(default_factory=dict)
    """Kubernetes resource requests and limits of one sampler; in a cluster only."""
    pod: Free = Field(default_factory=dict)
    """More pod settings, merged into the pod template (nodeSelector, tolerations, ...); in a cluster only."""


class Verifiers(Part):
    """The processes or pods that judge responses."""

    url: Annotated[str, Field(pattern=SERVICE)] | None = None
    """A verification service (`dart verifier serve`), like http://verifiers:8080. A name with several addresses stands
    for all of them. Default: children on the sampler's own machine."""
    replicas: NotNegative | None = None
    """How many pods. Default: as samplers and queue need; in a cluster only."""
    processes: AtLeastOne | None = None
    """Killable children per verifier. Default: one per core it may use."""
    deadline_seconds: Positive = 10.0
    """Time for one response; then its child is killed and the verdict is undecided."""
    memory_mib: Annotated[int, Field(ge=64)] = Field(default=1024)
    """Memory of one child, in MiB; one that needs more is killed and the verdict is undecided."""
    resources: Free = Field(default_factory=dict)
    """Kubernetes resource requests and limits of one verifier; in a cluster only."""
    pod: Free = Field(default_factory=dict)
    """More pod settings, merged into the pod template; in a cluster only."""


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


__all__ = ["Claims", "Flush", "Samplers", "Sharding", "Verification", "Verifiers"]
