"""Gauges of objects: bounded, and gone with their object, in the fake and in the real one."""

import pytest

from dart_k8s.edges.metrics import MemoryMetrics, Metric
from dart_k8s.edges.metrics.prometheus import PrometheusMetrics

TRIALS = Metric(name="dart_trials", kind="gauge", help="Trials.", objects=2)
PHASE = Metric(
    name="dart_phase", kind="gauge", help="Phase.", objects=2, labels={"phase": ("On", "Off")}, states=("phase",)
)
BANDS = Metric(name="dart_bands", kind="gauge", help="By band.", objects=2, labels={"band": ("easy", "hard")})
PLAIN = Metric(name="dart_plain", kind="gauge", help="Plain.")


@pytest.fixture(params=[MemoryMetrics, PrometheusMetrics])
def metrics(request):
    return request.param()


def lines(metrics, name: str = "dart_trials") -> list[str]:
    return [line for line in metrics.render()[0].decode().splitlines() if line.startswith(f"{name}{{")]


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


def test_of_a_state_an_object_has_one_series_at_a_time(metrics):
    for phase in ("On", "Off", "Off"):
        assert metrics.show(PHASE, ("ns", "one"), 1, phase=phase)
    (line,) = lines(metrics, "dart_phase")
    assert 'phase="Off"' in line
    metrics.show(PHASE, ("ns", "one"), 1, phase="never declared")
    (line,) = lines(metrics, "dart_phase")
    assert 'phase="other"' in line
    metrics.hide(("ns", "one"))
    assert lines(metrics, "dart_phase") == []


def test_series_of_an_object_by_another_label_go_with_it_together(metrics):
    for name in ("one", "two", "three"):
        shown = [metrics.show(BANDS, ("ns", name), 1, band=band) for band in ("easy", "hard")]
        assert shown == [name != "three"] * 2, "the third object is one too many"
    assert len(lines(metrics, "dart_bands")) == 4
    metrics.hide(("ns", "one"))
    assert len(lines(metrics, "dart_bands")) == 2
    with pytest.raises(ValueError, match="has the labels"):
        metrics.show(BANDS, ("ns", "one"), 1)


def test_it_is_known_beforehand_how_many_series_there_can_be():
    seconds = Metric(name="dart_s", kind="histogram", help="Time.", labels={"how": ("a", "b")}, buckets=(0.1, 1.0))
    build = Metric(name="dart_build", kind="gauge", help="1.", labels={"version": ("1.0",), "python": ("3.13",)})
    found = [metric.most_series for metric in (PLAIN, TRIALS, PHASE, BANDS, seconds, build)]
    assert found == [1, 2, 2, 6, 15, 1]
