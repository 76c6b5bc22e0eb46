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

from dart_k8s.edges.metrics.base import Metric, labels_of, names_of, objects_of

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
        self._shown: dict[str, dict[tuple[str, str], dict[tuple[str, ...], tuple[str, ...]]]] = {}
        """Gauge of objects -> object -> values of its fixed labels -> of all its own labels."""
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
        values, fixed = objects_of(metric, labels)
        with self._lock:
            shown = self._shown.setdefault(metric.name, {})
            if of not in shown and len(shown) >= metric.objects:
                return False
            made, old = self._get(metric), shown.setdefault(of, {}).get(fixed)
            if old is not None and old != values:
                made.remove(*of, *old)
            shown[of][fixed] = values
            made.labels(*of, *values).set(value)
            return True

    def hide(self, of: tuple[str, str]) -> None:
        """See `Metrics`."""
        with self._lock:
            for name, shown in self._shown.items():
                for values in shown.pop(of, {}).values():
                    self._made[name].remove(*of, *values)

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
        names = names_of(metric)
        if metric.kind == "counter":
            return Counter(metric.name, metric.help, names, registry=self._registry)
        if metric.kind == "gauge":
            return Gauge(metric.name, metric.help, names, registry=self._registry)
        return Histogram(metric.name, metric.help, names, registry=self._registry, buckets=metric.buckets)

    def render(self) -> tuple[bytes, str]:
        """See `Metrics`."""
        rest = generate_latest(REGISTRY) if self._others else b""
        return generate_latest(self._registry) + rest, CONTENT_TYPE_LATEST
