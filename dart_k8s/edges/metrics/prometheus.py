"""Metrics by prometheus_client, in a registry of their own: with `objects` the one importer of that package."""

from threading import Lock
from typing import Any

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from dart_k8s.edges.metrics.base import Metric, labels_of
from dart_k8s.edges.metrics.objects import Objects

__all__ = ["PrometheusMetrics"]


class PrometheusMetrics:
    """See `Metrics`. Also says what every Prometheus client says of its process: memory, CPU, descriptors."""

    def __init__(self, *, others: bool = False) -> None:
        """`others`: what libraries measure in this process (vLLM) is rendered too, from the default registry."""
        # A series more for each counter, with the time of its first use: nobody asks for it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry(auto_describe=True)
        self._others = others
        if not others:
            # The default registry has both.
            ProcessCollector(registry=self._registry)
            PlatformCollector(registry=self._registry)
        self._made: dict[str, Any] = {}
        self._objects = Objects()
        self._registry.register(self._objects)
        self._lock = Lock()

    def add(self, metric: Metric, value: float = 1.0, **labels: str) -> None:
        """See `Metrics`."""
        self._child(metric, "counter", labels).inc(value)

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """See `Metrics`."""
        self._child(metric, "gauge", labels).set(value)

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """See `Metrics`."""
        self._child(metric, "histogram", labels).observe(value)

    def show(self, metric: Metric, of: tuple[str, str], value: float, **labels: str) -> bool:
        """See `Metrics`."""
        return self._objects.show(metric, of, value, **labels)

    def hide(self, of: tuple[str, str], begins: str = "") -> None:
        """See `Metrics`."""
        self._objects.hide(of, begins)

    def _child(self, metric: Metric, kind: str, given: dict[str, str]) -> Any:
        values = labels_of(metric, kind, given)
        with self._lock:
            made = self._get(metric)
        return made.labels(*values) if values else made

    def _get(self, metric: Metric) -> Any:
        made = self._made.get(metric.name)
        if made is None:
            made = self._made[metric.name] = self._make(metric)
        return made

    def _make(self, metric: Metric) -> Counter | Gauge | Histogram:
        names = tuple(metric.labels)
        if metric.kind == "counter":
            return Counter(metric.name, metric.help, names, registry=self._registry)
        if metric.kind == "gauge":
            return Gauge(metric.name, metric.help, names, registry=self._registry)
        return Histogram(metric.name, metric.help, names, registry=self._registry, buckets=metric.buckets)

    def render(self) -> tuple[bytes, str]:
        """See `Metrics`."""
        rest = generate_latest(REGISTRY) if self._others else b""
        return generate_latest(self._registry) + rest, CONTENT_TYPE_LATEST
