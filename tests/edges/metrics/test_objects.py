"""Gauges of objects: bounded, and gone with their object, in the fake and in the real one."""

import pytest

from dart_k8s.edges.metrics import MemoryMetrics, Metric
from dart_k8s.edges.metrics.prometheus import PrometheusMetrics

TRIALS = Metric(name="dart_trials", kind="gauge", help="Trials.", objects=2)
PLAIN = Metric(name="dart_plain", kind="gauge", help="Plain.")


@pytest.fixture(params=[MemoryMetrics, PrometheusMetrics])
def metrics(request):
    return request.param()


def lines(metrics) -> list[str]:
    return [line for line in metrics.render()[0].decode().splitlines() if line.startswith("dart_trials{")]


def test_an_object_has_a_series_with_its_namespace_and_name(metrics):
    metrics.show(TRIALS, ("ns", "one"), 7)
    metrics.show(TRIALS, ("ns", "one"), 8)
    (line,) = lines(metrics)
    assert 'namespace="ns"' in line and 'name="one"' in line and float(line.split()[-1]) == 8


def test_series_of_a_gone_object_disappear_and_make_room(metrics):
    for name in ("one", "two", "three"):
        metrics.show(TRIALS, ("ns", name), 1)
    assert len(lines(metrics)) == 2 and "three" not in str(lines(metrics))
    metrics.hide(("ns", "one"))
    metrics.hide(("ns", "never there"))
    metrics.show(TRIALS, ("ns", "three"), 1)
    assert "one" not in str(lines(metrics)) and "three" in str(lines(metrics))


def test_gauges_of_objects_and_others_are_not_mistaken_for_each_other(metrics):
    with pytest.raises(ValueError, match="no gauge of objects"):
        metrics.show(PLAIN, ("ns", "one"), 1)
    with pytest.raises(ValueError, match="is of objects"):
        metrics.set(TRIALS, 1)
