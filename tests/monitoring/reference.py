"""docs/reference/metrics.md, from what is declared: every metric, its labels, and the most series of a process."""

from collections.abc import Sequence

from dart_k8s.edges.metrics import Metric
from dart_k8s.operator import gauges
from dart_k8s.operator import measures as operator
from dart_k8s.workers.pod import measures as sampler
from dart_k8s.workers.verifier import application
from dart_k8s.workers.verifier import measures as verifier

__all__ = ["METRICS", "page"]

PROCESSES: dict[str, tuple[str, Sequence[Metric]]] = {
    "Operator": (
        "Port 8080, `/metrics`. A replica that stands by has `dart_leader` 0 and none of objects.",
        operator.METRICS,
    ),
    "Samplers": ("Port 8081, `/metrics`. vLLM's own metrics (`vllm:*`) are there too.", sampler.METRICS),
    "Verifiers": ("Port 8080, `/metrics`.", (*verifier.METRICS, application.BUILD)),
}
METRICS = tuple(metric for _, metrics in PROCESSES.values() for metric in metrics)
ABOUT = """# Metrics

All that each process measures itself, besides what every Prometheus client says of its process (`process_*`,
`python_info`). Labels have values that are known beforehand; any other value is `other`. So the most series that a
process can have is known too, and is in the last column. Metrics of an object carry its `namespace` and `name`, for
at most {most:,} Syntheses ({by_difficulty} by difficulty), {others} Trainings and {others} Evaluations, and vanish
with it. No label names a pod, a shard or a query. [Monitoring](../monitoring.md) says how to scrape them."""
NAMED = 9
"""Values of a label that are listed; of more, how many there are."""


def page() -> str:
    """The whole page."""
    lines = [
        ABOUT.format(most=operator.MOST_OBJECTS, by_difficulty=operator.MOST_BY_DIFFICULTY, others=gauges.MOST_OBJECTS)
    ]
    for name, (where, metrics) in PROCESSES.items():
        total = sum(metric.most_series for metric in metrics)
        lines += ["", f"## {name}", "", f"{where} At most {total:,} series of these."]
        if name == "Operator":
            each = [
                sum(_of_each(metric) for metric in metrics if metric.name.startswith(f"dart_{kind}_"))
                for kind in ("synthesis", "training", "evaluation")
            ]
            lines[-1] += " A Synthesis has {}, a Training {}, an Evaluation {}.".format(*each)
        lines += ["", "| metric | kind | labels | meaning | series |", "| --- | --- | --- | --- | ---: |"]
        lines += [_row(metric) for metric in sorted(metrics, key=lambda metric: metric.name)]
    return "\n".join(lines) + "\n"


def _of_each(metric: Metric) -> int:
    """Series of one object, without the values that were not declared."""
    if not metric.objects:
        return 0
    most = 1
    for name, values in metric.labels.items():
        most *= 1 if name in metric.states else len(values)
    return most


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{name}`: {_values(values)}" for name, values in metric.labels.items())
    if metric.objects:
        labels = "`namespace`, `name`" + (f", {labels}" if labels else "")
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} | {metric.most_series:,} |"


def _values(values: Sequence[str]) -> str:
    if len(values) < 2:
        return "one"
    return ", ".join(values) if len(values) <= NAMED else f"{len(values)} values"
