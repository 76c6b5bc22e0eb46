"""A fake that ships: the same promises without a package, for tests and for processes that nobody scrapes."""

from collections import defaultdict
from threading import Lock

from dart_k8s.edges.metrics.base import Metric, labels_of, names_of, objects_of

__all__ = ["MemoryMetrics"]


class MemoryMetrics:
    """See `Metrics`; `value` and `values` say what was measured."""

    def __init__(self) -> None:
        self._numbers: defaultdict[tuple[str, tuple[str, ...]], float] = defaultdict(float)
        self._observed: defaultdict[tuple[str, tuple[str, ...]], list[float]] = defaultdict(list)
        self._metrics: dict[str, Metric] = {}
        self._shown: defaultdict[str, dict[tuple[str, str], dict[tuple[str, ...], tuple[str, ...]]]]
        self._shown = defaultdict(dict)
        """Gauge of objects -> object -> values of its fixed labels -> of all its own labels."""
        self._lock = Lock()

    def add(self, metric: Metric, value: float = 1.0, **labels: str) -> None:
        """See `Metrics`."""
        key = self._key(metric, "counter", labels)
        if value < 0:
            raise ValueError(f"{metric.name} is a counter and can't be changed by {value}")
        with self._lock:
            self._numbers[key] += value

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """See `Metrics`."""
        key = self._key(metric, "gauge", labels)
        with self._lock:
            self._numbers[key] = value

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """See `Metrics`."""
        key = self._key(metric, "histogram", labels)
        with self._lock:
            self._observed[key].append(value)

    def show(self, metric: Metric, of: tuple[str, str], value: float, **labels: str) -> bool:
        """See `Metrics`."""
        values, fixed = objects_of(metric, labels)
        with self._lock:
            self._metrics[metric.name] = metric
            shown = self._shown[metric.name]
            if of not in shown and len(shown) >= metric.objects:
                return False
            old = shown.setdefault(of, {}).get(fixed)
            if old is not None:
                del self._numbers[metric.name, (*of, *old)]
            shown[of][fixed] = values
            self._numbers[metric.name, (*of, *values)] = value
            return True

    def hide(self, of: tuple[str, str], begins: str = "") -> None:
        """See `Metrics`."""
        with self._lock:
            for name, shown in self._shown.items():
                if not name.startswith(begins):
                    continue
                for values in shown.pop(of, {}).values():
                    del self._numbers[name, (*of, *values)]

    def _key(self, metric: Metric, kind: str, labels: dict[str, str]) -> tuple[str, tuple[str, ...]]:
        values = labels_of(metric, kind, labels)
        self._metrics[metric.name] = metric
        return metric.name, values

    def value(self, metric: Metric, **labels: str) -> float:
        """Where a counter or gauge stands."""
        return self._numbers[metric.name, labels_of(metric, metric.kind, labels)]

    def values(self, metric: Metric, **labels: str) -> list[float]:
        """What a histogram was given, in order."""
        return list(self._observed[metric.name, labels_of(metric, metric.kind, labels)])

    def render(self) -> tuple[bytes, str]:
        """See `Metrics`."""
        lines = []
        for name, metric in sorted(self._metrics.items()):
            lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} {metric.kind}"]
            for (other, values), number in sorted(self._numbers.items()):
                if other == name:
                    lines.append(f"{name}{_shown(metric, values)} {number}")
            for (other, values), numbers in sorted(self._observed.items()):
                if other == name:
                    for bound in (*metric.buckets, float("inf")):
                        edge = "+Inf" if bound == float("inf") else str(bound)
                        inside = sum(number <= bound for number in numbers)
                        lines.append(f"{name}_bucket{_shown(metric, values, le=edge)} {inside}.0")
                    lines.append(f"{name}_sum{_shown(metric, values)} {sum(numbers)}")
                    lines.append(f"{name}_count{_shown(metric, values)} {len(numbers)}.0")
        return ("\n".join(lines) + "\n").encode(), "text/plain; version=0.0.4; charset=utf-8"


def _shown(metric: Metric, values: tuple[str, ...], **more: str) -> str:
    pairs = [*zip(names_of(metric), values, strict=True), *more.items()]
    return "{" + ",".join(f'{name}="{value}"' for name, value in pairs) + "}" if pairs else ""
