"""What can be decided: a few kinds of action, a status, and when to look again. `render` makes objects of actions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dart_k8s.names import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateJob:
    """Create a stage's Job. One that is there with our uid as its owner counts as success."""

    stage: Stage
    number: int
    parallelism: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleJob:
    """Set a Job's parallelism; only while it has not begun to end."""

    name: str
    uid: str
    parallelism: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyDeclaration:
    """Apply the ConfigMap with the declaration."""


VERIFIERS = frozenset({"Deployment", "NetworkPolicy", "Service"})
"""Kinds of what belongs to the verification pods."""
TRAINERS = frozenset({"NetworkPolicy", "Service"})
"""Kinds of what trainers find each other by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyVerifiers:
    """Apply the verification Deployment at a size, its Service and its NetworkPolicy."""

    replicas: int
    kinds: frozenset[str] = VERIFIERS
    """Those that are not as they should be: another size is one request, not three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteChild:
    """Delete a child, with its uid as a precondition; its own children go with it."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFinalizer:
    """Put the finalizer on the object, or take it off."""

    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteObject:
    """Delete the object itself: its time to live after the end is over."""

    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyTrainers:
    """Apply what the trainers of a Training find each other by: their headless Service and their NetworkPolicy."""

    kinds: frozenset[str] = TRAINERS
    """Those that are not as they should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPass:
    """Apply the Synthesis that makes a pass of an Evaluation."""

    name: str
    suspend: bool = False


Action = (
    CreateJob
    | ScaleJob
    | ApplyDeclaration
    | ApplyVerifiers
    | ApplyTrainers
    | ApplyPass
    | DeleteChild
    | SetFinalizer
    | DeleteObject
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldOrder:
    """Have the run folded and planned by a child process."""

    samplers: int
    """Samplers that a plan is cut for."""
    after: float = 0.0
    """Seconds from now at the earliest."""
    ended: Mapping[str, int] = field(default_factory=dict)
    """Sampler Job -> its pods that have ended well: the fold reads the state as they left it."""
    goal: str = ""
    """Digest of what the run is to make: a run that is closed is so for this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOrder:
    """Have an object of the output read by a child process."""

    key: str
    after: float = 0.0
    """Seconds from now at the earliest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """An Event on the object."""

    kind: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done about an object now. Actions are done in their order; the status is written last."""

    actions: tuple[Action, ...] = ()
    status: Mapping[str, Any] = field(default_factory=dict)
    """The whole status, as it should be; not written if it is so already."""
    urgent: bool = True
    """False: only progress differs from the status that is there, which may wait for its turn (30 s)."""
    fold: FoldOrder | None = None
    read: ReadOrder | None = None
    after: float | None = None
    """Look again after so many seconds even if nothing happens; None: no need."""
    announcements: tuple[Announcement, ...] = ()
    why: str = ""
    """One sentence for the log."""
