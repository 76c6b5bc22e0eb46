"""The facts, sorted: what policies look at."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dart_k8s.names import FINALIZER, Kind, Stage, jobs_name

from . import digests, moments
from .decision import Action, FoldOrder, ReadOrder
from .facts import Facts, Failure, JobFact, PodFact
from .progress import Progress
from .settings import Settings
from .wishes import SynthesisWishes, Wishes, kind_of, wishes

ConditionStatus = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a policy says under a condition's type."""

    type: str
    status: ConditionStatus
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one phase's policy wants."""

    phase: str
    message: str
    """Where it stands, in one sentence: the status' message, and the log's."""
    actions: tuple[Action, ...] = ()
    said: tuple[Said, ...] = ()
    """Conditions that are not as their defaults have them; of two of one type the first counts."""
    fold: FoldOrder | None = None
    read: ReadOrder | None = None
    after: float | None = None
    failures: int | None = None
    """Samplers that failed since the last result."""
    counted: int | None = None
    """Failed pods of the sampler Job named by the status as `attempt` that were looked at."""
    rows: int | None = None


class View:
    """See the module: of an object of any kind. Made once per decision."""

    def __init__(self, facts: Facts, settings: Settings) -> None:
        self.facts, self.settings, self.now = facts, settings, facts.now
        self.kind: Kind = kind_of(facts.object)
        self.wishes: Wishes = self._wishes()
        self.status: Mapping[str, Any] = facts.object.get("status") or {}
        self.metadata: Mapping[str, Any] = facts.object.get("metadata") or {}
        self.conditions: dict[str, Mapping[str, Any]] = {
            item["type"]: item for item in self.status.get("conditions") or () if item.get("type")
        }
        self.goal = digests.goal(facts.object)
        self.finalized = FINALIZER in (self.metadata.get("finalizers") or ())
        self.deleting_since = moments.seconds(self.metadata.get("deletionTimestamp"))

    def _wishes(self) -> Wishes:
        raise NotImplementedError

    def jobs(self, stage: Stage) -> list[JobFact]:
        """The stage's Jobs that are ours and stay, by number."""
        ours = (job for job in self.facts.jobs if job.stage is stage and not self._goes(job))
        return sorted(ours, key=lambda job: job.number)

    def going(self, *stages: Stage) -> list[JobFact]:
        """Jobs that are being deleted or belong to an earlier object of this name, which the cluster will delete."""
        return [job for job in self.facts.jobs if job.stage in stages and self._goes(job)]

    def _goes(self, job: JobFact) -> bool:
        return job.deleting or job.owner != self.wishes.uid

    def next_number(self, stage: Stage) -> int:
        """One above all that are known of."""
        seen = [job.number for job in self.facts.jobs if job.stage is stage]
        noted = self.noted("attempt") if stage in (Stage.SAMPLER, Stage.TRAINER) else 0
        return 1 + max([noted, *seen], default=0)

    def pods(self, stage: Stage, number: int | None = None) -> list[PodFact]:
        """The stage's pods, or those of one Job, oldest first."""
        found = (p for p in self.facts.pods if p.stage is stage and (number is None or p.number == number))
        return sorted(found, key=lambda pod: (pod.created, pod.name))

    def noted(self, field: str) -> int:
        """A number in the status; 0 if it is not there."""
        value = self.status.get(field)
        return value if isinstance(value, int) else 0

    def holds(self, condition: str, *, now: bool = True) -> bool:
        """Whether the status has the condition as True; `now`: for the spec as it is now."""
        found = self.conditions.get(condition, {})
        current = found.get("observedGeneration", 0) == self.wishes.generation
        return found.get("status") == "True" and (current or not now)

    def failure(self, what: str) -> Failure | None:
        """The first of the operator's own failures whose `what` starts like this."""
        return next((failure for failure in self.facts.failures if failure.what.startswith(what)), None)

    def refused(self, stage: Stage) -> Failure | None:
        """What keeps a stage's Job, or the declaration that its pods need, from being created."""
        return self.failure(f"create Job {jobs_name(self.wishes.name, stage, self.kind)}-") or self.failure(DECLARING)


DECLARING = "apply the declaration"
"""A failure of the operator's own, by its first words."""


class SynthesisView(View):
    """Of a Synthesis."""

    wishes: SynthesisWishes

    def _wishes(self) -> SynthesisWishes:
        return wishes(self.facts.object)

    @property
    def progress(self) -> Progress | None:
        """Of the last fold, unless a prepare Job may have written something that it has not seen, or it found the run
        closed for another goal than there is now."""
        finished = [job.finished or 0.0 for job in self.jobs(Stage.PREPARE) if job.ended == "Complete"]
        found = self.facts.progress if self.facts.progress_at >= max(finished, default=0.0) else None
        if found is not None and found.phase == "closed" and self.facts.progress_goal not in ("", self.goal):
            return None
        return found

    @property
    def ended(self) -> dict[str, int]:
        """Sampler Job -> its pods that have ended well."""
        return {job.name: job.succeeded for job in self.jobs(Stage.SAMPLER) if job.succeeded}

    @property
    def stale(self) -> bool:
        """Whether samplers have ended well since the last fold was ordered: they do so only when they have read that
        the run is closed."""
        known = self.facts.progress_ended
        return any(count > known.get(name, 0) for name, count in self.ended.items())


@dataclass(slots=True)
class Clock:
    """Gathers when to look again."""

    now: float
    _at: list[float] = field(default_factory=list)

    def passed(self, moment: float) -> bool:
        """Whether the moment is over; if not, it is one to look at."""
        if self.now >= moment:
            return True
        self._at.append(moment)
        return False

    @property
    def after(self) -> float | None:
        """Seconds to the next of them, rounded up so that it is over then."""
        return max(1.0, math.ceil(min(self._at) - self.now)) if self._at else None


def soonest(*afters: float | None) -> float | None:
    """The least of the times that there are."""
    return min((after for after in afters if after is not None), default=None)


def back_off(failures: int, settings: Settings) -> float:
    """Seconds between a failed Job and its successor, after so many failures in a row."""
    if failures < 1:
        return 0.0
    return min(settings.retry_most, settings.retry_first * 2.0 ** min(failures - 1, 16))


def names(items: Iterable[str], most: int = 3) -> str:
    """The first few, for a message."""
    listed = list(items)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


__all__ = [
    "DECLARING",
    "Clock",
    "ConditionStatus",
    "Said",
    "Step",
    "SynthesisView",
    "View",
    "back_off",
    "names",
    "soonest",
]
