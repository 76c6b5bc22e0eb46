"""One object of this group, once around: gather facts, decide, carry the actions out, write the status.

A plain function of what is cached; threads only call it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dart_k8s.edges.cluster import Cluster, Object
from dart_k8s.edges.cluster.resources import JOBS
from dart_k8s.errors import (
    ClusterError,
    ClusterUnavailable,
    ObjectConflict,
    ObjectNotFound,
    ObjectRefused,
)
from dart_k8s.names import Kind
from dart_k8s.reconcile import Decision, Facts, Failure, Settings, decide
from dart_k8s.reconcile.decision import DeleteChild
from dart_k8s.reconcile.facts import ChildFact, JobFact, PodFact
from dart_k8s.reconcile.progress import Progress
from dart_k8s.render import objects

from .announcing import Announcer
from .applying import Applier, what
from .cache import Cache
from .folding import Folds, Order
from .keys import Key
from .kinds import OBJECTS, Dependents, looks_at, own_key, reference
from .trimming import child_fact, job_fact, key_of, pod_fact, shared

__all__ = ["Caches", "Controller", "Result"]

PROGRESS_SECONDS = 30.0
"""Between two writes of a status in which only progress differs."""
FAILURES_KEPT = 600.0
"""Seconds after which a failure of something that is no longer tried is forgotten."""
ENDED = {"Complete", "Failed", "Suspended", "Deleting"}
"""Phases in which nothing is folded: the planner's role is given back."""
KEPT = {"Complete", "Deleting"}
"""Of these: what the last fold told stays known."""


@dataclass(frozen=True, slots=True)
class Caches:
    """All that is known of the cluster."""

    objects: Mapping[Kind, Cache[Object]] = field(
        default_factory=lambda: {kind: Cache(shared, own_key) for kind in OBJECTS}
    )
    """Of this group, by kind."""
    jobs: Cache[JobFact] = field(default_factory=lambda: Cache(job_fact, key_of))
    pods: Cache[PodFact] = field(default_factory=lambda: Cache(pod_fact, key_of))
    children: Mapping[str, Cache[ChildFact]] = field(
        default_factory=lambda: {
            kind: Cache(child_fact, key_of) for kind in ("ConfigMap", "Deployment", "NetworkPolicy", "Service")
        }
    )
    """By kind."""

    dependents: Dependents = field(default_factory=Dependents)

    def object(self, key: Key) -> Object | None:
        """The object itself; None: there is none."""
        return next(iter(self.objects[key.kind].facts(key)), None)

    def wrote(self, item: Object) -> bool:
        """The answer to a write of ours; whether it changed a fact."""
        if item["kind"] in self.objects:
            return self.objects[item["kind"]].put(item) is not None
        if item["kind"] == JOBS.kind:
            return self.jobs.put(item) is not None
        if item["kind"] in self.children:
            return self.children[item["kind"]].put(item) is not None
        return False

    def deleted(self, key: Key, child: DeleteChild) -> None:
        """A child was deleted: that is not asked for again while the watch has not told of it yet."""

        def going(fact: Any) -> Any:
            return replace(fact, deleting=True) if fact.uid == child.uid else fact

        # An object of this group is kept whole, and is looked at through its own reconciles.
        cache: Cache[Any] | None = self.jobs if child.kind == JOBS.kind else self.children.get(child.kind)
        if cache is not None:
            cache.change((key.namespace, child.name), going)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a reconcile ended."""

    outcome: Literal["done", "failed", "gone", "deposed"]
    after: float | None = None
    """Look again after so many seconds."""
    at_least: float = 0.0
    """After a failure: what the server asked to wait."""
    why: str = ""


@dataclass(slots=True)
class _Memory:
    """What is remembered of an object. Losing it costs a request or two, never a wrong decision."""

    uid: str
    generation: int = 0
    failures: dict[str, tuple[Failure, float]] = field(default_factory=dict)
    """Words -> the failure, and when it last happened by the clock."""
    mended: bool = False
    """A failure is gone that the decision still knew of."""
    unseen: bool = False
    """The answer to a write may hold what others did and the decision did not know of: the watch has no news of it any
    more."""
    written_at: float = float("-inf")
    written: Mapping[str, Any] | None = None
    """The status that was decided when it was last written, and what the server made of it."""
    stored: Mapping[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class Controller:
    """See the module. One call at a time for one key; several for several keys may run in threads."""

    cluster: Cluster
    caches: Caches
    folds: Folds
    announcer: Announcer
    settings: Settings
    now: Callable[[], float]
    """Seconds since the epoch, by the API server's clock."""
    clock: Callable[[], float] = time.monotonic
    may_write: Callable[[], bool] = lambda: True
    """Whether this process still leads: asked before each write."""
    tell: Callable[..., None] = lambda event, **facts: None
    show: Callable[[Key, Progress | None, Mapping[str, Any]], None] = lambda key, progress, status: None
    """For the metrics of an object: what the last fold said, and its status."""
    hide: Callable[[Key], None] = lambda key: None
    concerns: Callable[[Key], None] = lambda key: None
    """Told of others that are to be looked at for what was written: the watch has no news of it for them any more."""
    _memory: dict[Key, _Memory] = field(default_factory=dict)

    def reconcile(self, key: Key) -> Result:
        """Once around."""
        facts = self.gather(key)
        if facts is None:
            self._forget(key)
            return Result(outcome="gone")
        memory = self._memory[key]
        try:
            decision = decide(facts, self.settings)
        except Exception as error:  # decisions are total; if one is not, others must go on
            return self._broken(key, memory, "decide", error)
        failed = self._act(key, memory, facts, decision)
        if failed is not None and failed.outcome == "deposed":
            return failed
        self._fold(key, facts, decision)
        late = self._write(key, memory, facts, decision)
        result = self._result(decision, failed, late)
        if memory.mended or memory.unseen:
            memory.mended = memory.unseen = False
            return replace(result, after=0.0)
        return result

    def gather(self, key: Key) -> Facts | None:
        """All that a decision may look at; None: there is no such object."""
        item = self.caches.object(key)
        if item is None:
            return None
        about = item["metadata"]
        memory = self._memory.get(key)
        if memory is None or memory.uid != about["uid"]:
            if memory is not None:
                self._forget(key)
            memory = self._memory[key] = _Memory(about["uid"])
        if memory.generation != about.get("generation", 0):
            memory.generation = about.get("generation", 0)
            memory.failures.clear()
        looks = looks_at(item)
        self.caches.dependents.note(key, looks)
        fold = self.folds.outcome(key)
        failures = [failure for failure, _ in memory.failures.values()]
        children = [fact for cache in self.caches.children.values() for fact in cache.facts(key)]
        return Facts(
            object=item,
            now=self.now(),
            jobs=tuple(self.caches.jobs.facts(key)),
            pods=tuple(self.caches.pods.facts(key)),
            children=tuple(children),
            references=tuple(reference(other, self.caches.object(other)) for other in looks),
            found=fold.found,
            found_at=fold.found_at,
            progress=fold.progress,
            progress_at=fold.progress_at,
            progress_ended=fold.ended,
            progress_goal=fold.goal,
            folding=fold.under_way,
            failures=(*([fold.failure] if fold.failure else []), *failures),
        )

    def _act(self, key: Key, memory: _Memory, facts: Facts, decision: Decision) -> Result | None:
        """Carry the actions out, in order; None: all of them were."""

        def wrote(item: Object) -> None:
            changed = self.caches.wrote(item)
            memory.unseen |= changed
            if changed and item["kind"] in OBJECTS and own_key(item) != key:
                self.concerns(own_key(item))

        applier = Applier(cluster=self.cluster, wrote=wrote)
        for action in decision.actions:
            if not self.may_write():
                return Result(outcome="deposed")
            words = what(action, key)
            try:
                applier.apply(action, facts.object, objects(action, facts, self.settings))
            except ClusterError as error:
                self.tell("action-failed", **key.said, action=words, why=str(error))
                self._fail(memory, words, error)
                # Later actions may rest on this one.
                return _failed(error)
            except Exception as error:
                return self._broken(key, memory, words, error)
            if isinstance(action, DeleteChild):
                self.caches.deleted(key, action)
            self.tell("action", **key.said, action=words, why=decision.why)
            memory.mended |= memory.failures.pop(words, None) is not None
        now = self.clock()
        for words, (_, at) in list(memory.failures.items()):
            if now - at > FAILURES_KEPT:
                del memory.failures[words]
                memory.mended = True
        return None

    def _fold(self, key: Key, facts: Facts, decision: Decision) -> None:
        if decision.read is not None:
            order = Order(key=key, output=facts.object["spec"]["output"]["uri"], read=decision.read.key)
            self.folds.order(order, decision.read.after)
        elif decision.fold is None and decision.status.get("phase") in ENDED:
            # What a user suspends or mends may have been told wrong: it is read anew.
            self.folds.forget(key, keep=decision.status["phase"] in KEPT or key.kind != "Synthesis")
        elif decision.fold is None:
            self.folds.cancel(key)
        else:
            about, spec = facts.object["metadata"], facts.object["spec"]
            names = {name: about[name] for name in ("name", "namespace", "labels", "annotations") if name in about}
            head = {"apiVersion": facts.object["apiVersion"], "kind": key.kind}
            order = Order(
                key=key,
                output=spec["output"]["uri"],
                declaration={**head, "metadata": names, "spec": spec},
                samplers=decision.fold.samplers,
                ended=decision.fold.ended,
                goal=decision.fold.goal,
            )
            self.folds.order(order, decision.fold.after)
        self.show(key, facts.progress, decision.status)

    def _write(self, key: Key, memory: _Memory, facts: Facts, decision: Decision) -> float | Result | None:
        """Write the status if it is another one; seconds until it may be, or the failure."""
        known = facts.object.get("status") or {}
        same = decision.status == memory.written and known == memory.stored
        if same or decision.status == known:
            memory.failures.pop("write the status", None)
            return None
        left = memory.written_at + PROGRESS_SECONDS - self.clock()
        if not decision.urgent and left > 0:
            return left
        if not self.may_write():
            return Result(outcome="deposed")
        about = facts.object["metadata"]
        manifest = {
            "apiVersion": facts.object["apiVersion"],
            "kind": facts.object["kind"],
            # The uid is a condition: another object of this name does not get it.
            "metadata": {"name": key.name, "uid": about["uid"]},
            "status": decision.status,
        }
        try:
            written = self.cluster.apply(OBJECTS[key.kind], key.namespace, key.name, manifest, subresource="status")
        except (ObjectNotFound, ObjectConflict):
            return None  # deleted meanwhile; the watch will tell
        except ClusterError as error:
            self.tell("status-failed", **key.said, why=str(error))
            self._fail(memory, "write the status", error)
            return _failed(error)
        memory.failures.pop("write the status", None)
        if self.caches.wrote(written):
            memory.unseen |= _but_status(written) != _but_status(facts.object)
        for other in self.caches.dependents.of(key):
            self.concerns(other)
        # Mostly it is stored as it was decided and is what the cache has: then one copy is enough for all three.
        stored, cached = written.get("status") or {}, (self.caches.object(key) or {}).get("status")
        memory.stored = cached if cached == stored else stored
        memory.written_at = self.clock()
        memory.written = memory.stored if memory.stored == decision.status else decision.status
        for said in decision.announcements:
            self.announcer.announce(facts.object, said)
        return None

    def _result(self, decision: Decision, failed: Result | None, late: float | Result | None) -> Result:
        if failed is not None:
            return failed
        if isinstance(late, Result):
            return late
        afters = [after for after in (decision.after, late) if after is not None]
        return Result(outcome="done", after=min(afters, default=None), why=decision.why)

    def _fail(self, memory: _Memory, words: str, error: ClusterError) -> None:
        old = memory.failures.get(words)
        reason = type(error).__name__
        failure = Failure(
            what=words,
            reason=reason,
            message=error.message[:1000],
            remedy=error.remedy,
            fault="user" if isinstance(error, ObjectRefused) else "cluster",
            since=old[0].since if old and old[0].reason == reason else self.now(),
        )
        memory.failures[words] = (failure, self.clock())

    def _broken(self, key: Key, memory: _Memory, words: str, error: Exception) -> Result:
        """A fault of the program: said with its trace, and tried again, since it may depend on what changes."""
        self.tell("fault", **key.said, doing=words, exc_info=error)
        wrapped = ClusterError(
            f"{type(error).__name__} while trying to {words}: {error}",
            remedy="This is a fault of the operator: please report it with its log.",
        )
        self._fail(memory, words, wrapped)
        if (found := memory.failures.get(words)) is not None:
            memory.failures[words] = (replace(found[0], reason="InternalError"), found[1])
        return Result(outcome="failed")

    def _forget(self, key: Key) -> None:
        self._memory.pop(key, None)
        self.caches.dependents.note(key, ())
        self.folds.forget(key)
        self.hide(key)


def _but_status(item: Mapping[str, Any]) -> dict[str, Any]:
    """What others write of an object."""
    about = {name: value for name, value in item["metadata"].items() if name != "resourceVersion"}
    return {**item, "metadata": about, "status": None}


def _failed(error: ClusterError) -> Result:
    asked = error.retry_after if isinstance(error, ClusterUnavailable) else 0.0
    return Result(outcome="failed", at_least=asked)
