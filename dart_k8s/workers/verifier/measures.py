"""What the server measures. Labels are bounded by what is listed here."""

from dart_k8s.edges.metrics import Metric
from dart_k8s.edges.verification.blocks import OUTCOMES

ENDPOINTS = ("verify", "execute")
CODES = ("200", "400", "404", "405", "408", "409", "411", "413", "429", "499", "500", "503")
"""499: the client had gone before its answer was there."""
TIERS = ("extract", "text", "normal", "number", "structure", "kind", "numeric", "symbolic", "read", "limit")
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
ITEMS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)

_BY_ENDPOINT = {"endpoint": ENDPOINTS}

REQUESTS = Metric(
    name="dart_verifier_requests_total", kind="counter", help="Requests answered, by HTTP status.",
    labels={"endpoint": ENDPOINTS, "code": CODES},
)  # fmt: skip
REQUEST_SECONDS = Metric(
    name="dart_verifier_request_seconds", kind="histogram", help="Time from a request's head to its reply.",
    labels=_BY_ENDPOINT, buckets=SECONDS,
)  # fmt: skip
REQUEST_ITEMS = Metric(
    name="dart_verifier_request_items", kind="histogram", help="Items of one request.", labels=_BY_ENDPOINT,
    buckets=ITEMS,
)  # fmt: skip
IN_FLIGHT = Metric(name="dart_verifier_in_flight_requests", kind="gauge", help="Requests in hand.", labels=_BY_ENDPOINT)
QUEUED = Metric(
    name="dart_verifier_queue_items", kind="gauge", help="Items in hand, waiting or worked at.", labels=_BY_ENDPOINT
)
CAPACITY = Metric(
    name="dart_verifier_queue_capacity_items", kind="gauge", help="Items that fit into the queue.", labels=_BY_ENDPOINT
)
VERDICTS = Metric(
    name="dart_verifier_verdicts_total", kind="counter", help="Verdicts, by the tier that decided.",
    labels={"verdict": ("correct", "incorrect", "undecided"), "tier": TIERS},
)  # fmt: skip
KILLS = Metric(
    name="dart_verifier_child_kills_total", kind="counter", help="Child processes that died or were killed.",
    labels={"child": ("checker", "algebra", "execution")},
)  # fmt: skip
LAYERS = ("namespaces", "landlock", "seccomp", "user", "scratch")
PROMISES = ("network", "files", "writing", "processes", "memory", "environment", "libraries")
LAYER = Metric(
    name="dart_verifier_sandbox_layer", kind="gauge", help="1 for each mechanism that confines code here, else 0.",
    labels={"layer": LAYERS},
)  # fmt: skip
PROMISE = Metric(
    name="dart_verifier_sandbox_promise", kind="gauge",
    help="1 for each promise of the sandbox that an attempt at start could not break, else 0.",
    labels={"promise": PROMISES},
)  # fmt: skip
EXECUTIONS = Metric(
    name="dart_verifier_executions_total", kind="counter", help="Blocks of code run, by how they ended.",
    labels={"outcome": OUTCOMES},
)  # fmt: skip
EXECUTION_SECONDS = Metric(
    name="dart_verifier_execution_seconds", kind="histogram",
    help="Time of one block, with those that were run again before it.", labels={}, buckets=SECONDS,
)  # fmt: skip
REPLAYED = Metric(
    name="dart_verifier_replayed_blocks_total", kind="counter", help="Blocks run again because their session had gone.",
    labels={},
)  # fmt: skip
SESSIONS = Metric(name="dart_verifier_sessions", kind="gauge", help="Sessions held, running or not.", labels={})
EVICTED = Metric(
    name="dart_verifier_evicted_sessions_total", kind="counter", help="Sessions that made room for others.", labels={}
)
CHILDREN = Metric(
    name="dart_verifier_children", kind="gauge", help="Child processes that take work now.", labels=_BY_ENDPOINT
)
READY = Metric(name="dart_verifier_ready", kind="gauge", help="1 when it takes work, else 0.")
ISOLATED = Metric(
    name="dart_verifier_network_isolated", kind="gauge",
    help="1 when neither the API server nor DNS can be reached, 0 when one can; absent outside a cluster.",
)  # fmt: skip
METRICS = (
    REQUESTS, REQUEST_SECONDS, REQUEST_ITEMS, IN_FLIGHT, QUEUED, CAPACITY, VERDICTS, KILLS, LAYER, PROMISE, EXECUTIONS,
    EXECUTION_SECONDS, REPLAYED, SESSIONS, EVICTED, CHILDREN, READY, ISOLATED,
)  # fmt: skip
"""All that a verifier measures, but for what it says of its build (`application`)."""
