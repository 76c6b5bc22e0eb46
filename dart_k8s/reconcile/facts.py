"""What is observed of an object of this group and its children: all that a decision may look at.

Everything here comes from the cluster's objects and from the last fold; nothing is remembered by the operator itself,
so a new one decides the same. Times are seconds since the epoch by the API server's clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dart_k8s.names import Kind, Stage

from .progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFact:
    """A Job of the object."""

    name: str
    uid: str
    owner: str
    """uid of the owning object: an earlier one of the same name is somebody else."""
    stage: Stage
    number: int
    parallelism: int
    suspended: bool
    """By Kueue or by a user; never by the operator."""
    deleting: bool
    created: float
    active: int = 0
    ready: int = 0
    succeeded: int = 0
    failed: int = 0
    """Pods that failed, those that podFailurePolicy ignores left out."""
    ended: Literal["", "Complete", "Failed"] = ""
    """Its terminal condition; pods are gone by then."""
    failing: bool = False
    """It has been given up, and its pods are being ended (FailureTarget): what became of them can still be seen."""
    reason: str = ""
    """Of that condition, or of FailureTarget: BackoffLimitExceeded, PodFailurePolicy, DeadlineExceeded, ..."""
    message: str = ""
    finished: float | None = None
    queued: bool = False
    """Kueue's queue label is on it."""
    asked: int = 0
    """Parallelism that it was created with (annotation); 0: not said."""
    generation: int = 0
    """metadata.generation of the object that it was created for (annotation); 0: not said."""
    digest: str = ""
    """Of what it was created to do (annotation)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFact:
    """A pod of a Job or of the verifiers' Deployment. Pods that ended well are not kept."""

    name: str
    uid: str
    stage: Stage
    number: int
    """Of its Job; 0 for verifiers."""
    phase: Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]
    created: float
    ready: bool = False
    started: bool = False
    """Its startup probe has passed: the engine has its model."""
    deleting: bool = False
    disrupted: str = ""
    """Reason of its DisruptionTarget condition: preempted, drained, evicted, node gone."""
    unschedulable: str = ""
    """The scheduler's words."""
    waiting: str = ""
    """Reason why its container does not run: ImagePullBackOff, CreateContainerConfigError, ..."""
    waiting_message: str = ""
    exit_code: int | None = None
    exit_reason: str = ""
    """OOMKilled, Error, Completed, ..."""
    said: str = ""
    """Its termination message: a finding of a worker as JSON (see `findings`), or the last lines of its log."""
    ended_at: float | None = None
    restarts: int = 0
    node: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildFact:
    """Any other child that is applied: ConfigMap, Service, NetworkPolicy, Deployment."""

    kind: str
    name: str
    uid: str
    owner: str
    digest: str
    deleting: bool = False
    replicas: int = 0
    """Deployments: pods asked for."""
    ready: int = 0
    """Deployments: pods that are ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The last thing that kept the operator from doing what was decided: a refused Job, a fold that failed."""

    what: str
    """Like "create Job math-sampler-1", "fold"."""
    reason: str
    """An error's kind: Forbidden, Invalid, AccessDenied, StoreUnavailable, ..."""
    message: str
    remedy: str = ""
    fault: Literal["user", "cluster", "store"] = "cluster"
    since: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Another object of this group that this one needs, or that it made: as it is now."""

    kind: Kind
    name: str
    uid: str = ""
    """"": there is none."""
    owner: str = ""
    output: str = ""
    """URI."""
    digest: str = ""
    """Of what it was applied to do (annotation)."""
    deleting: bool = False
    status: Mapping[str, Any] = field(default_factory=dict)
    """Its whole status; empty if it speaks of an older spec."""

    @property
    def phase(self) -> str:
        """In one word; "": there is no such object."""
        return str(self.status.get("phase") or "Pending") if self.uid else ""

    @property
    def complete(self) -> bool:
        """Whether its output is whole."""
        return self.phase == "Complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was read of an output: an object as JSON; None: it is not there."""

    key: str
    object: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """See the module."""

    object: Mapping[str, Any]
    """As the API server gives it, without managedFields."""
    now: float
    jobs: tuple[JobFact, ...] = ()
    pods: tuple[PodFact, ...] = ()
    children: tuple[ChildFact, ...] = ()
    references: tuple[Reference, ...] = ()
    """Objects that it names, and those that it made."""
    found: Found | None = None
    """What was last read of its output; None: nothing yet in this operator's life."""
    found_at: float = 0.0
    """When that was ordered, by the API server's clock."""
    progress: Progress | None = None
    """Of the last fold that ended; None: none yet in this operator's life."""
    progress_at: float = 0.0
    """When that fold began, by the API server's clock: it can't have seen what a Job wrote that ended later."""
    progress_ended: Mapping[str, int] = field(default_factory=dict)
    """What its order knew of samplers that had ended well."""
    progress_goal: str = ""
    """Digest of what the run was to make, by its order; "": not said."""
    folding: bool = False
    """A fold is under way, or the planner's role is being given back: the operator's own children write the output."""
    failures: tuple[Failure, ...] = field(default=())
    """At most a few; one goes when what it is about succeeds."""
