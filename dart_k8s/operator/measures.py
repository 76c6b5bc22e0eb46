"""What the operator measures, named after the conventions of Kubernetes controllers."""

import platform
from typing import Any, Protocol

from dart_k8s.edges.metrics import Metric, Metrics
from dart_k8s.reconcile.progress import Progress

from .keys import Key

__all__ = ["Measures"]

KINDS = (
    "syntheses", "jobs", "pods", "configmaps", "deployments", "networkpolicies", "services", "events", "leases",
)  # fmt: skip
VERBS = ("get", "list", "watch", "create", "patch", "update", "delete")
CODES = ("200", "201", "202", "400", "401", "403", "404", "405", "409", "410", "422", "429", "500", "502", "503", "504")
SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
MOST_OBJECTS = 5000
"""Syntheses with series of their own; more are left out, and counted."""

RECONCILES = Metric(
    name="dart_reconcile_total",
    kind="counter",
    help="Reconciles by how they ended.",
    labels={"result": ("done", "failed", "gone", "deposed")},
)
RECONCILE_SECONDS = Metric(
    name="dart_reconcile_duration_seconds", kind="histogram", help="Length of a reconcile.", buckets=SECONDS
)
QUEUE_DEPTH = Metric(name="dart_workqueue_depth", kind="gauge", help="Keys that are due and wait for a worker.")
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
    help="Folds of budget states by child processes, by how they ended.",
    labels={"result": ("done", "failed")},
)
FOLD_SECONDS = Metric(name="dart_fold_duration_seconds", kind="histogram", help="Length of a fold.", buckets=SECONDS)
UNSHOWN = Metric(
    name="dart_objects_without_series",
    kind="gauge",
    help=f"Resources without series of their own, because there are over {MOST_OBJECTS}.",
)
BUILD = Metric(
    name="dart_build_info",
    kind="gauge",
    help="1; its labels say what runs.",
    labels={"version": (), "python": ()},
)


def _of_object(name: str, words: str) -> Metric:
    return Metric(name=f"dart_synthesis_{name}", kind="gauge", help=words, objects=MOST_OBJECTS)


TRIALS = _of_object("trials", "Trials spent.")
CORRECT = _of_object("correct", "Correct trials.")
OPEN = _of_object("open_queries", "Queries that still take trials.")
QUERIES = _of_object("queries", "Queries of the run.")
ACCEPTED = _of_object("accepted", "Rows that a data set would have now.")
WANTED = _of_object("wanted", "Rows wanted in all.")
PENDING = _of_object("pending", "Trials that wait for a verdict.")
TOKENS = _of_object("tokens", "Tokens generated.")
HELD = _of_object("engine_held_seconds", "Time for which samplers held an engine.")
GENERATING = _of_object("engine_generating_seconds", "Time in which held engines generated.")
PROGRESS = (
    (TRIALS, "trials"), (CORRECT, "correct"), (OPEN, "open"), (QUERIES, "queries"), (ACCEPTED, "accepted"),
    (WANTED, "wanted"), (PENDING, "pending"), (TOKENS, "tokens"), (HELD, "held_seconds"),
    (GENERATING, "generating_seconds"),
)  # fmt: skip


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
        build = Metric(
            name=BUILD.name,
            kind=BUILD.kind,
            help=BUILD.help,
            labels={"version": (version,), "python": (platform.python_version(),)},
        )
        metrics.set(build, 1, version=version, python=platform.python_version())
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

    def show(self, key: Key, progress: Progress) -> None:
        """Where a Synthesis stands."""
        of: tuple[str, str] = (key.namespace, key.name)
        for metric, field in PROGRESS:
            self.metrics.show(metric, of, float(getattr(progress, field)))

    def hide(self, key: Key) -> None:
        """It is gone, and so are its series."""
        self.metrics.hide((key.namespace, key.name))

    def set(self, metric: Metric, value: float, **labels: Any) -> None:
        """A gauge."""
        self.metrics.set(metric, value, **labels)
