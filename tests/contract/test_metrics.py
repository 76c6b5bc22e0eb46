"""What every implementation of Metrics promises, the fake as the real one."""

from typing import Any

import pytest

from dart_k8s.edges.metrics import MemoryMetrics, Metric, Metrics

DONE = Metric(name="dart_done_total", kind="counter", help="Things done.", labels={"how": ("well", "badly")})
DEPTH = Metric(name="dart_depth_items", kind="gauge", help="Things to do.")
SECONDS = Metric(name="dart_seconds", kind="histogram", help="Time.", buckets=(0.1, 1.0))


@pytest.fixture(params=["memory", "prometheus"])
def metrics(request: pytest.FixtureRequest) -> Metrics:
    if request.param == "memory":
        return MemoryMetrics()
    pytest.importorskip("prometheus_client", reason="pip install dart-k8s[verifier]")
    from dart_k8s.edges.metrics.prometheus import PrometheusMetrics

    return PrometheusMetrics()


def rendered(metrics: Metrics) -> dict[str, float]:
    body, media_type = metrics.render()
    assert media_type.startswith("text/plain")
    lines = [line for line in body.decode().splitlines() if line and not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_counters_add_up_by_label(metrics: Metrics) -> None:
    metrics.add(DONE, how="well")
    metrics.add(DONE, 2, how="well")
    metrics.add(DONE, how="badly")
    assert rendered(metrics)['dart_done_total{how="well"}'] == 3
    assert rendered(metrics)['dart_done_total{how="badly"}'] == 1


def test_a_gauge_stands_where_it_was_set_last(metrics: Metrics) -> None:
    metrics.set(DEPTH, 5)
    metrics.set(DEPTH, 2)
    assert rendered(metrics)["dart_depth_items"] == 2


def test_a_histogram_counts_what_is_within_each_bound(metrics: Metrics) -> None:
    for value in (0.05, 0.1, 0.5, 3.0):
        metrics.observe(SECONDS, value)
    found = rendered(metrics)
    assert [found[f'dart_seconds_bucket{{le="{bound}"}}'] for bound in ("0.1", "1.0", "+Inf")] == [2, 3, 4]
    assert found["dart_seconds_count"] == 4
    assert found["dart_seconds_sum"] == pytest.approx(3.65)


def test_a_value_that_was_not_declared_makes_no_series_of_its_own(metrics: Metrics) -> None:
    for number in range(1000):
        metrics.add(DONE, how=f"like {number}")
    found = {name: value for name, value in rendered(metrics).items() if name.startswith("dart_done")}
    assert found == {'dart_done_total{how="other"}': 1000}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda metrics: metrics.add(DEPTH),
        lambda metrics: metrics.set(DONE, 1, how="well"),
        lambda metrics: metrics.observe(DEPTH, 1),
        lambda metrics: metrics.add(DONE),
        lambda metrics: metrics.add(DONE, how="well", when="now"),
        lambda metrics: metrics.add(DONE, -1, how="well"),
    ],
)
def test_what_was_not_declared_is_a_fault_of_the_program(metrics: Metrics, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"dart_|negative"):
        wrong(metrics)


def test_help_and_kind_are_there_for_people(metrics: Metrics) -> None:
    metrics.set(DEPTH, 5)
    text = metrics.render()[0].decode()
    assert "# HELP dart_depth_items Things to do." in text
    assert "# TYPE dart_depth_items gauge" in text
