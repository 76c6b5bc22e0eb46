"""Gauges of objects for prometheus_client, as bare numbers: there are tens of thousands, and a child of that package
for each takes six times the memory. Samples are made when they are asked for, a metric at a time."""

from collections.abc import Iterator
from threading import Lock

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from dart_k8s.edges.metrics.base import Metric, names_of, objects_of

__all__ = ["Objects"]

Of = tuple[str, str]
Values = tuple[str, ...]


class Objects(Collector):
    """See the module, and `Metrics` for what its methods promise."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}
        self._plain: dict[str, dict[Of, float]] = {}
        """Metric without labels of its own -> object -> where it stands."""
        self._labelled: dict[str, dict[Of, dict[Values, tuple[Values, float]]]] = {}
        """Metric -> object -> values of its fixed labels -> of all its own labels, and where it stands."""
        self._lock = Lock()

    def show(self, metric: Metric, of: Of, value: float, **labels: str) -> bool:
        """See `Metrics`."""
        values, fixed = objects_of(metric, labels)
        with self._lock:
            self._metrics[metric.name] = metric
            if not metric.labels:
                plain = self._plain.setdefault(metric.name, {})
                if room := of in plain or len(plain) < metric.objects:
                    plain[of] = value
                return room
            shown = self._labelled.setdefault(metric.name, {})
            if room := of in shown or len(shown) < metric.objects:
                shown.setdefault(of, {})[fixed] = values, value
            return room

    def hide(self, of: Of, begins: str = "") -> None:
        """See `Metrics`."""
        with self._lock:
            for name, plain in self._plain.items():
                if name.startswith(begins):
                    plain.pop(of, None)
            for name, shown in self._labelled.items():
                if name.startswith(begins):
                    shown.pop(of, None)

    def describe(self) -> Iterator[Family]:
        """Nothing: names are declared once, in `METRICS` of whoever measures."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """A family of samples for each metric."""
        with self._lock:
            metrics = list(self._metrics.values())
        for metric in metrics:
            family = GaugeMetricFamily(metric.name, metric.help, labels=names_of(metric))
            with self._lock:
                for of, value in self._plain.get(metric.name, {}).items():
                    family.add_metric(of, value)
                for of, shown in self._labelled.get(metric.name, {}).items():
                    for values, value in shown.values():
                        family.add_metric((*of, *values), value)
            yield family
