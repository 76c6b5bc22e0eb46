"""How long nobody works: after `kill -9` of the leader, after SIGTERM, after the network went silent; default times.

python -m tests.benchmarks.failing_over [--rounds N]
"""

import argparse
import json
import time
from typing import Any

from dart_k8s.edges.cluster.resources import JOBS, SYNTHESES
from dart_k8s.errors import ObjectNotFound
from dart_k8s.names import Stage, job_name

from .operators import Operator, Site, declaration, load, site, until

EVERY = 0.02
"""Seconds between two looks."""


def measure(*, rounds: int) -> dict[str, Any]:
    """Seconds of each round."""
    with site(live_pods=100, runs_for={Stage.PREPARE.value: "100ms"}) as place:
        settings = place.settings()
        found: dict[str, Any] = {"load": load()}
        place.admin.create(SYNTHESES, place.namespace, declaration("run-0", 2))
        leader, standby = _ready(place.operator(settings), leads=True), _ready(place.operator(settings))
        for how in ("killed", "stopped"):
            found[how] = []
            for _ in range(rounds):
                began = time.monotonic()
                if how == "killed":
                    leader.kill()
                else:
                    leader.process.terminate()
                until(lambda now=standby: now.metric("dart_reconcile_total"), f"the standby of one {how}", EVERY)
                found[how].append(time.monotonic() - began)
                leader.process.wait(60)
                leader, standby = standby, _ready(place.operator(settings))
                time.sleep(3)  # the new leader renews at least once
        leader.stop()
        standby.stop()
        found["silent"] = [_silent(place, number) for number in range(rounds)]
    return found


def _ready(operator: Operator, *, leads: bool = False) -> Operator:
    until(lambda: operator.metric("dart_cached_objects", 'kind="syntheses"'), "an operator to have listed")
    if leads:
        until(lambda: operator.metric("dart_reconcile_total"), "it to lead")
    return operator


def _silent(place: Site, number: int) -> float:
    """Every connection goes silent, new ones work; seconds until a Synthesis that is made then has its Job."""
    with place.plane.proxy() as proxy:
        operator = place.operator(place.settings(server=proxy.url))
        _ready(operator, leads=True)
        time.sleep(3)
        proxy.cut(new=False)
        began, name = time.monotonic(), f"silent-{number}"
        place.admin.create(SYNTHESES, place.namespace, declaration(name, 1))

        def made() -> bool:
            try:
                return bool(place.admin.get(JOBS, place.namespace, job_name(name, Stage.PREPARE, 1)))
            except ObjectNotFound:
                return False

        until(made, "a Job after the network went silent", EVERY)
        spent = time.monotonic() - began
        operator.stop()
    return spent


HEAD = """\
| what happens | seconds until somebody works again, each round |
| --- | --- |"""


def row(size: dict[str, Any], found: dict[str, Any]) -> str:
    """One run as rows under `HEAD`."""
    words = {
        "killed": "kill -9 of the leader",
        "stopped": "SIGTERM of the leader",
        "silent": "all its connections go silent",
    }
    return "\n".join(f"| {what} | {', '.join(f'{one:.1f}' for one in found[how])} |" for how, what in words.items())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    print(json.dumps(measure(**vars(parser.parse_args())), indent=1))
