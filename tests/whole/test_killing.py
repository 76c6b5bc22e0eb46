"""The operator is killed before and after every one of its writes, to Kubernetes and to the store."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .killing import all_of, attempt, differences, points

if TYPE_CHECKING:
    from tests.s3_server import S3Server

    from .runs import Setting

MOST = 60
"""Points of one small run in `make test`; every write of it has two."""
SIDE_BY_SIDE = int(os.environ.get("DART_SIDE_BY_SIDE", "4"))
"""Runs at a time: each waits more than it works. More than the machine has room for lose their Leases."""
SLOW = {"kind": "scripted", "slots": 2, "args": {"seconds_per_token": 0.02, "verifier": "exact"}}
RUNS: dict[str, dict[str, Any]] = {
    "uniform": {},
    "prop2diff": {"strategy": {"kind": "prop2diff", "target": 4, "minTrials": 2}},
    "vanilla": {"strategy": {"kind": "vanilla", "trials": 6}},
    "more queries": {"queries": 12, "sharding": {"trials": 12}},
    "one sampler": {"samplers": {"replicas": 1}},
    "paused": {"story": "paused", "queries": 8, "engine": SLOW},
    "given more": {"story": "given more"},
    "deleted": {"story": "deleted", "deletionPolicy": "Delete"},
}
"""Reference runs of `make soak`."""
RESULTS = Path(os.environ.get("DART_KILLING", ".cache/killing"))
"""Where `make soak` notes each point that ended well, and goes on after it was stopped."""


@pytest.fixture(autouse=True)
def reachable(s3_environment: S3Server) -> None:
    """The test itself reads the store."""


def test_killed_at_every_write_a_run_ends_as_if_nothing_had_been(setting: Setting) -> None:
    reference = attempt(setting, None)
    assert reference.ended is not None and not reference.wrong, reference.wrong
    chosen = points(reference, MOST)
    wrong: list[str] = []
    reached = 0
    for tried in all_of(setting, chosen, SIDE_BY_SIDE):
        found = differences(tried, reference.ended)
        print(tried, *found)
        wrong += [f"{tried.point}: {one}" for one in found]
        reached += tried.reached
    assert not wrong, "\n".join(wrong)
    # Some writes follow the clock, such as a planner's heartbeat: not every run has them.
    assert reached > 0.8 * len(chosen)


@pytest.mark.soak
@pytest.mark.parametrize("name", RUNS)
def test_killed_at_every_write_of_several_runs(setting: Setting, name: str) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    noted = RESULTS / f"{name.replace(' ', '-')}.jsonl"
    done = {json.loads(line)["point"] for line in noted.read_text().splitlines()} if noted.exists() else set()
    spec = dict(RUNS[name])
    reference = attempt(setting, None, **spec)
    assert reference.ended is not None and not reference.wrong, reference.wrong
    chosen = [point for point in points(reference, 1000) if str(point) not in done]
    wrong: list[str] = []
    for tried in all_of(setting, chosen, SIDE_BY_SIDE, **spec):
        found = differences(tried, reference.ended)
        print(tried, *found)
        if found:
            wrong += [f"{tried.point}: {one}" for one in found]
            continue
        with noted.open("a") as file:
            fields = {"point": str(tried.point), "killed": tried.reached, "seconds": round(tried.seconds, 1)}
            file.write(json.dumps({**fields, "operators": tried.operators}) + "\n")
    assert not wrong, "\n".join(wrong)
