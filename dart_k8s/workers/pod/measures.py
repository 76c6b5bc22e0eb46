"""What a sampler pod measures. Labels have values that are known beforehand: no shard, no query, no pod."""

from dart_k8s import __version__
from dart_k8s.edges.engine.base import EngineCounters
from dart_k8s.edges.metrics import Metric, Metrics
from dart_k8s.workers.meter import Standing

OPERATIONS = ("get", "head", "put", "list", "delete")

BUILD = Metric(
    name="dart_sampler_build_info", kind="gauge", help="1, with the version as label.",
    labels={"version": (__version__,)},
)  # fmt: skip
SLOTS = Metric(name="dart_sampler_slots", kind="gauge", help="Responses that the engine runs at once.")
RUNNING = Metric(name="dart_sampler_running", kind="gauge", help="Responses being generated.")
CLAIMS = Metric(name="dart_sampler_claims", kind="gauge", help="Shards held.")
VERIFYING = Metric(name="dart_sampler_verifying", kind="gauge", help="Responses that wait for their verdict.")
UNSETTLED = Metric(
    name="dart_sampler_unsettled", kind="gauge", help="Responses that wait for their verdict or to be written."
)
STARTED = Metric(name="dart_sampler_engine_started", kind="gauge", help="1 once the engine has its model.")
HELD = Metric(name="dart_sampler_engine_held_seconds_total", kind="counter", help="Time the engine was held.")
GENERATING = Metric(
    name="dart_sampler_engine_generating_seconds_total", kind="counter",
    help="The part of it in which the engine generated, weighted by slots in use.",
)  # fmt: skip
TOKENS = Metric(name="dart_sampler_tokens_total", kind="counter", help="Tokens of finished responses.")
PROMPT_TOKENS = Metric(
    name="dart_sampler_prompt_tokens_total", kind="counter", help="Tokens of the prompts of finished responses."
)
REQUESTS = Metric(name="dart_sampler_engine_requests_total", kind="counter", help="Requests to the engine.")
ABORTED = Metric(name="dart_sampler_aborted_total", kind="counter", help="Responses that were aborted.")
WASTED = Metric(name="dart_sampler_wasted_tokens_total", kind="counter", help="Tokens of aborted responses.")
RETRIES = Metric(name="dart_sampler_engine_retries_total", kind="counter", help="Requests that were repeated.")
STEPS = Metric(name="dart_sampler_engine_steps_total", kind="counter", help="Steps of the engine, if it tells.")
STORE_WAITING = Metric(
    name="dart_sampler_store_waiting", kind="gauge", help="Calls that wait for an object store that is unavailable."
)
VERIFIER_OUT = Metric(
    name="dart_sampler_verifier_unavailable", kind="gauge", help="1 while the verifier gives no verdicts, else 0."
)
STORE = Metric(
    name="dart_sampler_store_requests_total", kind="counter", help="Requests to the object store.",
    labels={"operation": OPERATIONS},
)  # fmt: skip
METRICS = (
    BUILD, SLOTS, RUNNING, CLAIMS, VERIFYING, UNSETTLED, STARTED, HELD, GENERATING, TOKENS, PROMPT_TOKENS, REQUESTS,
    ABORTED, WASTED, RETRIES, STEPS, STORE_WAITING, VERIFIER_OUT, STORE,
)  # fmt: skip
"""All that a sampler measures itself."""


class Measures:
    """Brings the metrics up to date: sums that others keep become counters."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._last: dict[tuple[str, str], float] = {}
        metrics.set(BUILD, 1, version=__version__)
        metrics.set(STARTED, 0)

    def engine(self, slots: int, counters: EngineCounters) -> None:
        """What the engine counts."""
        self._metrics.set(SLOTS, slots)
        for metric, value in (
            (TOKENS, counters.tokens), (PROMPT_TOKENS, counters.prompt_tokens), (REQUESTS, counters.requests),
            (ABORTED, counters.aborted), (WASTED, counters.wasted_tokens), (RETRIES, counters.retries),
            (STEPS, counters.steps),
        ):  # fmt: skip
            self._sum(metric, value)

    def started(self) -> None:
        """The engine has its model."""
        self._metrics.set(STARTED, 1)

    def sampler(self, standing: Standing) -> None:
        """What the sampler is at."""
        for metric, value in (
            (RUNNING, standing.running), (CLAIMS, standing.claims), (VERIFYING, standing.verifying),
            (UNSETTLED, standing.unsettled),
        ):  # fmt: skip
            self._metrics.set(metric, value)
        self._sum(HELD, standing.held_seconds)
        self._sum(GENERATING, standing.generating_seconds)

    def away(self, *, store_waiting: int, verifier_out: bool) -> None:
        """Calls that wait for the store, and whether the verifier gives no verdicts."""
        self._metrics.set(STORE_WAITING, store_waiting)
        self._metrics.set(VERIFIER_OUT, float(verifier_out))

    def store(self, requests: dict[str, int]) -> None:
        """Requests so far by operation."""
        for operation, count in requests.items():
            self._sum(STORE, count, operation=operation)

    def _sum(self, metric: Metric, value: float, **labels: str) -> None:
        key = (metric.name, "".join(labels.values()))
        more = value - self._last.get(key, 0.0)
        self._last[key] = value
        if more >= 0:
            self._metrics.add(metric, more, **labels)


__all__ = ["Measures"]
