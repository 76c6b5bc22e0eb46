"""Metrics by prometheus_client, in a registry of their own: the one importer of that package."""

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

from dart_k8s.edges.metrics.base import OF, Metric, check_objects, labels_of

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
        self._shown: dict[str, set[tuple[str, str]]] = {}
        """Gauge of objects -> the objects that it has series of."""
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

    def show(self, metric: Metric, of: tuple[str, str], value: float) -> None:
        """See `Metrics`."""
        check_objects(metric)
        with self._lock:
            shown = self._shown.setdefault(metric.name, set())
            if of not in shown and len(shown) >= metric.objects:
                return
            shown.add(of)
            self._get(metric).labels(*of).set(value)

    def hide(self, of: tuple[str, str]) -> None:
        """See `Metrics`."""
        with self._lock:
            for name, shown in self._shown.items():
                if of in shown:
                    shown.remove(of)
                    self._made[name].remove(*of)

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
        names = OF if metric.objects else tuple(metric.labels)
        if metric.kind == "counter":
            return Counter(metric.name, metric.help, names, registry=self._registry)
        if metric.kind == "gauge":
            return Gauge(metric.name, metric.help, names, registry=self._registry)
        return Histogram(metric.name, metric.help, names, registry=self._registry, buckets=metric.buckets)

    def render(self) -> tuple[bytes, str]:
        """See `Metrics`."""
        rest = generate_latest(REGISTRY) if self._others else b""
        return generate_latest(self._registry) + rest, CONTENT_TYPE_LATEST
