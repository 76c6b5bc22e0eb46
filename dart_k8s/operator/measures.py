"""What the operator measures, named after the conventions of Kubernetes controllers."""

import platform
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, get_args

from dart_k8s.api.conditions import REASONS
from dart_k8s.api.status import SynthesisPhase
from dart_k8s.edges.metrics import Metric, Metrics
from dart_k8s.reconcile.progress import BANDS, Progress

from .gauges import GAUGES, of_status
from .keys import Key

__all__ = ["Measures"]

KINDS = (
    "syntheses", "trainings", "evaluations",
    "jobs", "pods", "configmaps", "deployments", "networkpolicies", "services", "events", "leases",
)  # fmt: skip
VERBS = ("get", "list", "watch", "create", "patch", "update", "delete")
CODES = ("200", "201", "202", "400", "401", "403", "404", "405", "409", "410", "422", "429", "500", "502", "503", "504")
SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
MOST_OBJECTS = 2000
"""Syntheses with series of their own; more are left out, and counted."""
MOST_BY_DIFFICULTY = 200
"""Syntheses with series for each tenth of difficulty."""
OVER = ("Complete", "Failed", "Deleting")
SHOWN_CONDITIONS = ("Degraded", "EngineReady", "NetworkIsolation")
"""Conditions that alerts are about; phases tell the rest."""

RECONCILES = Metric(
    name="dart_reconcile_total",
    kind="counter",
    help="Reconciles by how they ended.",
    labels={"result": ("done", "failed", "gone", "deposed")},
)
RECONCILE_SECONDS = Metric(
    name="dart_reconcile_duration_seconds", kind="histogram", help="Length of a reconcile.", buckets=SECONDS
)
QUEUE_DEPTH = Metric(
    name="dart_workqueue_depth", kind="gauge", help="Keys that are due and wait for a worker; 0 while it stands by."
)
QUEUE_WAIT = Metric(
    name="dart_workqueue_queue_duration_seconds",
    kind="histogram",
    help="Time that a key stood in the queue after it was due.",
    buckets=SECONDS,
)
RETRIES = Metric(name="dart_workqueue_retries_total", kind="counter", help="Keys that were put back after a failure.")
WORKING = Metric(name="dart_workqueue_working", kind="gauge", help="Keys that workers have.")
WATCH_AGE = Metric(
    name="dart_watch_age_seconds",
    kind="gauge",
    help="Time since the API server last said anything about a kind: an event, a bookmark or a list; the oldest watch.",
    labels={"kind": KINDS},
)
CACHED = Metric(
    name="dart_cached_objects",
    kind="gauge",
    help="Objects that the operator holds facts about.",
    labels={"kind": KINDS},
)
REQUESTS = Metric(
    name="dart_api_requests_total",
    kind="counter",
    help="Requests to the API server, by verb and HTTP status (error: none came).",
    labels={"verb": VERBS, "code": (*CODES, "error")},
)
REQUEST_SECONDS = Metric(
    name="dart_api_request_duration_seconds",
    kind="histogram",
    help="Time until the API server's answer began.",
    labels={"verb": VERBS},
    buckets=SECONDS,
)
THROTTLED = Metric(
    name="dart_api_throttling_seconds",
    kind="histogram",
    help="Waits of requests for the client's own limit (qps and burst).",
    buckets=SECONDS,
)
LEADER = Metric(name="dart_leader", kind="gauge", help="1 while this process leads, 0 while it stands by.")
TRANSITIONS = Metric(
    name="dart_lease_transitions", kind="gauge", help="Changes of the Lease's holder, as the Lease counts them."
)
FOLDS = Metric(
    name="dart_folds_total",
    kind="counter",
    help="Folds of budget states by child processes: done, or whose fault it is that one failed.",
    labels={"result": ("done", "store", "cluster", "user")},
)
FOLD_SECONDS = Metric(name="dart_fold_duration_seconds", kind="histogram", help="Length of a fold.", buckets=SECONDS)
UNSHOWN = Metric(
    name="dart_objects_without_series",
    kind="gauge",
    help="Objects without series of their own, because there are more of their kind than have room.",
)
BUILD = Metric(
    name="dart_build_info",
    kind="gauge",
    help="1; its labels say what runs.",
    labels={"version": (), "python": ()},
)


def _of_object(name: str, words: str, objects: int = MOST_OBJECTS, **labels: tuple[str, ...]) -> Metric:
    return Metric(name=f"dart_synthesis_{name}", kind="gauge", help=words, objects=objects, labels=labels)


PROGRESS = tuple(
    (_of_object(name, words), field)
    for field, name, words in (
        ("queries", "queries", "Queries of the run."),
        ("open", "open_queries", "Queries that still take trials."),
        ("covered", "covered_queries", "Queries with a correct response."),
        ("trials", "trials", "Trials spent."),
        ("correct", "correct", "Correct trials."),
        ("undecided", "undecided", "Trials whose verifier hit its limit."),
        ("pending", "pending", "Trials that wait for a verdict."),
        ("surplus", "surplus_trials", "Trials that finished behind a gap: paid for, in no count."),
        ("overhead", "overhead_trials", "Trials beyond the sequential bound, as estimated; with the surplus ones."),
        ("remaining", "remaining_trials", "Trials expected to come; 0 while another process plans."),
        ("accepted", "accepted", "Rows that a data set would have now."),
        ("wanted", "wanted", "Rows wanted in all."),
        ("tokens", "tokens", "Tokens of trials."),
        ("aborted", "aborted", "Generations that were aborted."),
        ("wasted_tokens", "wasted_tokens", "Tokens of aborted generations."),
        ("held_seconds", "engine_held_seconds", "Time for which samplers held an engine."),
        ("generating_seconds", "engine_generating_seconds", "Time in which held engines generated."),
        ("live_claims", "live_claims", "Shards that samplers work at."),
        ("unclaimed_shards", "unclaimed_shards", "Shards of the plan in force that nobody has taken."),
        ("set_aside_total", "shards_set_aside", "Shards that killed their samplers again and again."),
    )
)
"""What a fold says: gauges with their field of `Progress`."""
DIFFICULTY = tuple(
    (_of_object(f"difficulty_{of}", f"{words}, by tenth of difficulty.", MOST_BY_DIFFICULTY, difficulty=BANDS), of)
    for of, words in (
        ("queries", "Queries"), ("trials", "Trials spent"), ("correct", "Correct trials"),
        ("accepted", "Rows that a data set would have now"), ("wanted", "Rows wanted"),
    )
)  # fmt: skip
"""By the posterior fail rate of queries: gauges with their key of `Progress.by_difficulty`."""
GPU_HELD = _of_object("gpu_held_seconds", "Time for which GPUs were held, summed over them.")
GPU_GENERATING = _of_object("gpu_generating_seconds", "Of it the part in which their engines generated.")
FAILURES = _of_object("sampler_failures", "Samplers that failed since the last result.")
SAMPLERS = _of_object("samplers", "Sampler pods that wait or run.")
SAMPLERS_READY = _of_object("samplers_ready", "Sampler pods whose engine has its model.")
VERIFIERS = _of_object("verifiers", "Verification pods that wait or run.")
VERIFIERS_READY = _of_object("verifiers_ready", "Verification pods that take work.")
PHASE = Metric(
    name="dart_synthesis_phase", kind="gauge", help="1, with the phase as label.", objects=MOST_OBJECTS,
    labels={"phase": get_args(SynthesisPhase)}, states=("phase",),
)  # fmt: skip
CONDITION = Metric(
    name="dart_synthesis_condition", kind="gauge", help="1, with a condition's status and reason as labels.",
    objects=MOST_OBJECTS, states=("status", "reason"),
    labels={"condition": SHOWN_CONDITIONS, "status": ("True", "False", "Unknown"), "reason": tuple(REASONS)},
)  # fmt: skip
OF_OBJECTS = (
    *(metric for metric, _ in (*PROGRESS, *DIFFICULTY)), GPU_HELD, GPU_GENERATING, FAILURES, SAMPLERS, SAMPLERS_READY,
    VERIFIERS, VERIFIERS_READY, PHASE, CONDITION, *GAUGES,
)  # fmt: skip
METRICS = (
    RECONCILES, RECONCILE_SECONDS, QUEUE_DEPTH, QUEUE_WAIT, RETRIES, WORKING, WATCH_AGE, CACHED, REQUESTS,
    REQUEST_SECONDS, THROTTLED, LEADER, TRANSITIONS, FOLDS, FOLD_SECONDS, UNSHOWN, BUILD, *OF_OBJECTS,
)  # fmt: skip
"""All that an operator measures."""


Said = tuple[Metric, float, tuple[tuple[str, str], ...]]
"""A gauge of an object, where it stands, and its own labels."""


class Request(Protocol):
    """What the edge says of a request (`edges.cluster.kube.Sent`)."""

    @property
    def verb(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def throttled(self) -> float: ...


class Measures:
    """The operator's measurements, in words of its own."""

    def __init__(self, metrics: Metrics, version: str) -> None:
        self.metrics = metrics
        self._left_out: set[Key] = set()
        """Objects without series of their own."""
        self._shown: dict[Key, tuple[Progress | None, tuple[Said, ...]]] = {}
        """What each object's series were made from."""
        build = Metric(
            name=BUILD.name,
            kind=BUILD.kind,
            help=BUILD.help,
            labels={"version": (version,), "python": (platform.python_version(),)},
        )
        metrics.set(build, 1, version=version, python=platform.python_version())
        # From 0: of a counter that begins at 1 nobody sees the first.
        metrics.add(RETRIES, 0)
        for counter in (RECONCILES, FOLDS):
            for result in counter.labels["result"]:
                metrics.add(counter, 0, result=result)
        metrics.set(LEADER, 0)
        metrics.set(TRANSITIONS, 0)

    def reconciled(self, result: str, seconds: float) -> None:
        """A reconcile ended."""
        self.metrics.add(RECONCILES, result=result)
        self.metrics.observe(RECONCILE_SECONDS, seconds)

    def waited(self, seconds: float) -> None:
        """A key stood in the queue."""
        self.metrics.observe(QUEUE_WAIT, seconds)

    def retried(self) -> None:
        """A key was put back."""
        self.metrics.add(RETRIES)

    def sent(self, request: Request) -> None:
        """A request ended."""
        self.metrics.add(REQUESTS, verb=request.verb, code=request.code)
        self.metrics.observe(REQUEST_SECONDS, request.seconds, verb=request.verb)
        if request.throttled > 0:
            self.metrics.observe(THROTTLED, request.throttled)

    def folded(self, seconds: float, result: str) -> None:
        """A fold ended."""
        self.metrics.add(FOLDS, result=result)
        self.metrics.observe(FOLD_SECONDS, seconds)

    def show(self, key: Key, progress: Progress | None, status: Mapping[str, Any]) -> None:
        """Where an object stands: what the last fold said, if there was one, and its status."""
        of: tuple[str, str] = (key.namespace, key.name)
        said = tuple(_of_status(status) if key.kind == "Synthesis" else of_status(key.kind, status))
        before, said_before = self._shown.get(key, (None, ()))
        # Most reconciles find nothing new, and there are some eighty series.
        if said != said_before:
            for metric, value, labels in said:
                room = self.metrics.show(metric, of, value, **dict(labels))
            (self._left_out.discard if room else self._left_out.add)(key)
            self.metrics.set(UNSHOWN, len(self._left_out))
        if progress is not None and progress is not before:
            for metric, field in PROGRESS:
                self.metrics.show(metric, of, float(getattr(progress, field)))
            # Those that are over when a process first hears of them take no other's place.
            for metric, field in DIFFICULTY if before is not None or status["phase"] not in OVER else ():
                for band, number in zip(BANDS, progress.by_difficulty.get(field, ()), strict=False):
                    self.metrics.show(metric, of, float(number), difficulty=band)
        if key not in self._left_out:
            self._shown[key] = progress, said

    def hide(self, key: Key) -> None:
        """It is gone, and so are its series."""
        of: tuple[str, str] = (key.namespace, key.name)
        self.metrics.hide(of, f"dart_{key.kind.lower()}_")
        self._shown.pop(key, None)
        self._left_out.discard(key)
        self.metrics.set(UNSHOWN, len(self._left_out))

    def set(self, metric: Metric, value: float, **labels: Any) -> None:
        """A gauge."""
        self.metrics.set(metric, value, **labels)


def _of_status(status: Mapping[str, Any]) -> Iterator[Said]:
    """What a status says."""
    for item in status.get("conditions") or ():
        if (kind := item["type"]) in SHOWN_CONDITIONS:
            yield CONDITION, 1.0, (("condition", kind), ("status", item["status"]), ("reason", item["reason"]))
    for metric, name in ((GPU_HELD, "gpuSecondsHeld"), (GPU_GENERATING, "gpuSecondsGenerating")):
        if name in (usage := status.get("usage") or {}):
            yield metric, float(usage[name]), ()
    for metric, ready, name in (
        (SAMPLERS, SAMPLERS_READY, "samplers"), (VERIFIERS, VERIFIERS_READY, "verifiers"),
    ):  # fmt: skip
        pods = status.get(name) or {}
        yield metric, float(pods.get("replicas", 0)), ()
        yield ready, float(pods.get("ready", 0)), ()
    yield FAILURES, float(status.get("failures") or 0), ()
    yield PHASE, 1.0, (("phase", status["phase"]),)
