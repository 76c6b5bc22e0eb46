"""What the operator says of each Synthesis to Prometheus."""

import pytest

from dart_k8s.edges.metrics import MemoryMetrics
from dart_k8s.operator import measures
from dart_k8s.operator.keys import Key
from dart_k8s.operator.measures import Measures
from dart_k8s.reconcile.progress import BANDS, Progress

ONE = Key("ns", "one")
PROGRESS = Progress(
    prepared=True, queries=20, trials=100, remaining=40.0, by_difficulty={"trials": tuple(range(10))}, aborted=3
)  # fmt: skip


def status(phase="Sampling", **more):
    degraded = {"type": "Degraded", "status": "False", "reason": "AllWell"}
    return {"phase": phase, "conditions": [degraded, {"type": "Ready", "status": "True", "reason": "Accepted"}], **more}


@pytest.fixture
def here():
    return Measures(MemoryMetrics(), "test")


def series(here, name: str = "dart_synthesis") -> dict[str, float]:
    lines = [line for line in here.metrics.render()[0].decode().splitlines() if line.startswith(name)]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_a_synthesis_has_series_of_its_progress_its_status_and_by_difficulty(here):
    here.show(ONE, PROGRESS, status(usage={"gpuSecondsHeld": 7.5}, samplers={"replicas": 3, "ready": 1}, failures=2))
    found = series(here)
    of = 'namespace="ns",name="one"'
    wanted = {
        f"dart_synthesis_trials{{{of}}}": 100,
        f"dart_synthesis_remaining_trials{{{of}}}": 40,
        f"dart_synthesis_aborted{{{of}}}": 3,
        f"dart_synthesis_gpu_held_seconds{{{of}}}": 7.5,
        f"dart_synthesis_samplers{{{of}}}": 3,
        f"dart_synthesis_samplers_ready{{{of}}}": 1,
        f"dart_synthesis_sampler_failures{{{of}}}": 2,
        f'dart_synthesis_phase{{{of},phase="Sampling"}}': 1,
        f'dart_synthesis_condition{{{of},condition="Degraded",status="False",reason="AllWell"}}': 1,
        f'dart_synthesis_difficulty_trials{{{of},difficulty="{BANDS[9]}"}}': 9,
    }
    assert wanted.items() <= found.items()


def test_before_the_first_fold_only_the_status_is_shown(here):
    here.show(ONE, None, status("Preparing"))
    found = series(here)
    assert 'dart_synthesis_phase{namespace="ns",name="one",phase="Preparing"}' in found
    assert not any("trials" in name for name in found)


def test_phase_and_conditions_change_their_series_and_leave_no_old_ones(here):
    bad = {"type": "Degraded", "status": "True", "reason": "StoreUnavailable"}
    here.show(ONE, PROGRESS, status())
    here.show(ONE, PROGRESS, {**status("Failed"), "conditions": [bad]})
    found = [name for name in series(here) if "phase" in name or "condition" in name]
    assert len(found) == 2 and "Failed" in str(found) and "StoreUnavailable" in str(found)


def test_a_synthesis_that_is_gone_has_no_series_and_makes_room(here):
    most = measures.MOST_OBJECTS
    for number in range(most + 2):
        here.show(Key("ns", f"s{number}"), None, status())
    assert len(series(here, "dart_synthesis_phase")) == most
    assert series(here, "dart_objects_without") == {"dart_objects_without_series": 2}
    here.hide(Key("ns", "s0"))
    here.show(Key("ns", f"s{most}"), None, status())
    assert series(here, "dart_objects_without") == {"dart_objects_without_series": 1}
    assert 'name="s0"' not in str(series(here)) and f'name="s{most}"' in str(series(here))
    for number in range(1, most + 2):
        here.hide(Key("ns", f"s{number}"))
    assert series(here) == {} and series(here, "dart_objects_without") == {"dart_objects_without_series": 0}


def test_objects_of_two_kinds_and_one_name_have_series_of_their_own(here):
    training = Key("ns", "one", "Training")
    said = {"phase": "Training", "progress": {"step": 3, "steps": 12, "loss": 1.5}, "restarts": 1, "disruptions": 2}
    here.show(ONE, PROGRESS, status())
    here.show(training, None, said)
    shown = series(here, "dart_training")
    assert shown['dart_training_step{namespace="ns",name="one"}'] == 3
    assert shown['dart_training_disruptions{namespace="ns",name="one"}'] == 2
    here.hide(ONE)
    assert series(here) == {} and series(here, "dart_training") == shown
    here.hide(training)
    assert series(here, "dart_training") == {}


def test_a_synthesis_that_was_over_before_takes_no_place_by_difficulty(here):
    here.show(ONE, PROGRESS, status("Complete"))
    assert "difficulty" not in str(series(here)) and "dart_synthesis_trials" in str(series(here))
    two = Key("ns", "two")
    here.show(two, PROGRESS, status())
    here.show(two, Progress(prepared=True, by_difficulty={"trials": tuple(range(10, 20))}), status("Complete"))
    [hardest] = [value for name, value in series(here).items() if BANDS[9] in name]
    assert hardest == 19, "its last numbers stay"
