"""What a process may measure, and the promise that it stays small.

Every label says beforehand which values it can take; any other value is counted as `OTHER`. So no text from outside
(a name, a path, a response) can make a new time series, and the number of series is known when the program starts.
Gauges of objects name what users have made themselves; they say how many there can be, and vanish with their object.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Literal, Protocol

__all__ = ["OF", "OTHER", "Metric", "Metrics", "labels_of", "names_of", "objects_of"]

OTHER = "other"
"""The value of a label whose real value was not declared."""


OF = ("namespace", "name")
"""Labels of a gauge of objects."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One measurement, declared."""

    name: str
    """As Prometheus names it: a unit at the end (seconds, bytes), counters with _total."""
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    """One sentence."""
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Label -> the values it can take."""
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, ascending, in the metric's unit."""
    objects: int = 0
    """Above 0: a gauge for each of at most so many objects, by the labels `namespace` and `name` besides its own."""
    states: tuple[str, ...] = ()
    """Of a gauge of objects: labels of which an object has one value at a time. A new value takes the old one's place.
    """

    @property
    def most_series(self) -> int:
        """Most series that a process has of it; a histogram has one for each bucket, their sum and their count."""
        series = prod(len(values) + 1 for name, values in self.labels.items() if name not in self.states)
        if not self.objects and all(len(values) == 1 for values in self.labels.values()):
            series = 1  # what a build says of itself
        width = len(self.buckets) + 3 if self.kind == "histogram" else 1
        return series * width * max(1, self.objects)


class Metrics(Protocol):
    """Measurements of one process. All methods are quick, never block, and may be called from any thread."""

    def add(self, metric: Metric, value: float = 1.0, **labels: str) -> None:
        """Count `value` (not negative) more. Raises ValueError for another kind or other labels than declared."""
        ...

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """A gauge stands at `value` now. Raises ValueError for another kind or other labels than declared."""
        ...

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """One more value of a histogram. Raises ValueError for another kind or other labels than declared."""
        ...

    def show(self, metric: Metric, of: tuple[str, str], value: float, **labels: str) -> bool:
        """An object's gauge stands at `value` now; `of`: its namespace and name.

        Beyond the metric's `objects` further ones are left out: False. Raises ValueError for a metric that is not of
        objects, and for other labels than declared.
        """
        ...

    def hide(self, of: tuple[str, str], begins: str = "") -> None:
        """An object is gone: no gauge whose name begins like this has a series of it any more."""
        ...

    def render(self) -> tuple[bytes, str]:
        """Everything in the Prometheus text format, and its media type."""
        ...


def labels_of(metric: Metric, kind: str, given: Mapping[str, str]) -> tuple[str, ...]:
    """The label values of one measurement in the order declared, undeclared values as `OTHER`.

    Raises ValueError if the metric is of another kind or declares other labels: a fault of the program, not of its
    input.
    """
    if metric.objects:
        raise ValueError(f"{metric.name} is of objects: use show")
    if metric.kind != kind:
        raise ValueError(f"{metric.name} is a {metric.kind}, not a {kind}")
    return _values(metric, given)


def objects_of(metric: Metric, given: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of a gauge of objects: the values of all its own labels in order, and of those alone that are no `states`.

    Raises ValueError unless the metric is a gauge of objects with these labels.
    """
    if metric.objects < 1 or metric.kind != "gauge":
        raise ValueError(f"{metric.name} is no gauge of objects")
    values = _values(metric, given)
    fixed = (value for name, value in zip(metric.labels, values, strict=True) if name not in metric.states)
    return values, tuple(fixed)


def names_of(metric: Metric) -> tuple[str, ...]:
    """All label names of its series, in order."""
    return (*(OF if metric.objects else ()), *metric.labels)


def _values(metric: Metric, given: Mapping[str, str]) -> tuple[str, ...]:
    if given.keys() != metric.labels.keys():
        raise ValueError(f"{metric.name} has the labels {sorted(metric.labels)}, not {sorted(given)}")
    return tuple(given[name] if given[name] in values else OTHER for name, values in metric.labels.items())
