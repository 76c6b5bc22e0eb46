"""When a new plan is due."""

from dataclasses import replace

import pytest

from dart_k8s.budget.replan import Standing, reason_to_plan

STEADY = Standing(
    planned=True,
    unclaimed_shards=20,
    unclaimed_trials=20_000.0,
    demand=20_000.0,
    samplers=2,
    stopped_trials=0.0,
    sweeps=0,
    least=16.0,
)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({}, None, id="the plan in force serves"),
        pytest.param({"planned": False, "unclaimed_shards": 0, "unclaimed_trials": 0.0}, "no plan yet", id="first"),
        pytest.param({"demand": 20_900.0}, None, id="demand up by less than 5 %"),
        pytest.param({"demand": 21_100.0}, "demand of unclaimed work changed", id="demand up by over 5 %"),
        pytest.param({"demand": 18_900.0}, "demand of unclaimed work changed", id="demand down by over 5 %"),
        pytest.param({"unclaimed_trials": 100.0, "demand": 110.0}, None, id="over 5 % but under a shard"),
        pytest.param({"stopped_trials": 900.0}, None, id="few queries must stop"),
        pytest.param({"stopped_trials": 1100.0}, "must stop", id="queries must stop"),
        pytest.param({"unclaimed_shards": 3, "demand": 20_100.0}, "only 3 shards", id="under two shards per sampler"),
        pytest.param({"unclaimed_shards": 3, "demand": 20_010.0}, None, id="few shards but nothing to add"),
        pytest.param({"unclaimed_shards": 4, "demand": 20_100.0}, None, id="two shards per sampler"),
        pytest.param({"unclaimed_shards": 0, "unclaimed_trials": 0.0, "demand": 1.0}, "all shards", id="all claimed"),
        pytest.param({"unclaimed_shards": 0, "unclaimed_trials": 0.0, "demand": 0.0}, None, id="nothing left to do"),
        pytest.param(
            {"unclaimed_shards": 0, "unclaimed_trials": 0.0, "demand": 0.0, "sweeps": 2}, "2 attempts", id="sweeping"
        ),
        pytest.param({"sweeps": 2}, None, id="sweeping waits while there is work"),
        pytest.param({"demand": 0.0}, "demand of unclaimed work changed", id="everything else is done"),
    ],
)
def test_reasons_to_plan(change, why):
    found = reason_to_plan(replace(STEADY, **change))
    assert found is None if why is None else why in (found or "")
