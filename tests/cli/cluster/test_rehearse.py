"""`dart rehearse` on a cluster in memory: what it makes, what it says, what it leaves."""

from typing import Any

import pytest
import yaml

from dart_k8s.api import load_one
from dart_k8s.cli.cluster.reaching import Reach
from dart_k8s.cli.cluster.rehearse import PROBLEMS, problems, rehearsed, synthesis
from dart_k8s.edges.cluster import MemoryCluster
from dart_k8s.edges.cluster.resources import CONFIG_MAPS, SYNTHESES
from dart_k8s.edges.engine.script import read_scripts
from dart_k8s.errors import RunError

from .objects import memory

NAME, OUTPUT = "dart-rehearsal", "s3://bucket/rehearsals/1"


class Told:
    """A rehearsal in virtual time; `stages`: what the status says, look by look, the last one for ever."""

    def __init__(self, *stages: dict[str, Any], place: Reach | None = None) -> None:
        self.place = place or memory()
        self.stages, self.lines, self.now = list(stages), [], 0.0
        assert isinstance(self.place.cluster, MemoryCluster)

    lines: list[str]

    def run(self, *, keep: bool = False) -> None:
        made = synthesis(NAME, OUTPUT)
        rehearsed(
            self.place, NAME, made, seconds=60.0, keep=keep, say=self.lines.append,
            clock=lambda: self.now, sleep=self._later,
        )  # fmt: skip

    def _later(self, seconds: float) -> None:
        self.now += seconds
        if self.stages and self.there():
            status = self.stages.pop(0) if len(self.stages) > 1 else self.stages[0]
            self.place.cluster.patch(SYNTHESES, "a", NAME, {"status": status}, subresource="status")

    def there(self) -> list[str]:
        """Which of its objects exist."""
        return [
            resource.kind
            for resource in (SYNTHESES, CONFIG_MAPS)
            if any(item["metadata"]["name"] == NAME for item in self.place.cluster.list(resource, "a").items)
        ]


DONE = {"phase": "Complete", "progress": {"trials": 130, "accepted": 60}}


def test_what_it_makes_is_a_declaration_without_anything_to_download(tmp_path):
    made = load_one(yaml.safe_dump(synthesis(NAME, OUTPUT, "writer")), "rehearsal.yaml")
    assert made.spec.model is None and made.spec.queries[0].config_map.name == NAME
    assert made.spec.deletion_policy == "Delete"
    assert {made.spec.prepare.service_account_name, made.spec.samplers.service_account_name} == {"writer"}
    assert made.spec.verifiers.service_account_name is None
    data = problems(NAME)["data"]
    assert len(data["queries.jsonl"].splitlines()) == PROBLEMS
    script = tmp_path / "script.json"
    script.write_text(data["script.json"])
    assert read_scripts(script)("Problem: What is 1 + 2?\nSolution:").answer == "3"


def test_each_stage_is_told_once_and_all_of_it_goes():
    here = Told({"phase": "Preparing", "message": "Waiting."}, {"phase": "Sampling", "message": ""}, DONE)
    here.run()
    assert "Preparing: Waiting." in here.lines and here.lines.count("Sampling") == 1
    assert "130 trials, 60 rows." in here.lines and here.lines[-1] == "Everything that it made is deleted."
    assert here.there() == []


def test_one_that_was_killed_before_is_cleared_away_first():
    here = Told(DONE)
    here.place.cluster.create(CONFIG_MAPS, "a", problems(NAME))
    here.place.cluster.create(SYNTHESES, "a", synthesis(NAME, OUTPUT))
    here.run()
    assert here.there() == []


def test_one_that_fails_shows_the_conditions_and_goes_too():
    condition = {"type": "Ready", "status": "False", "reason": "BadConfiguration", "message": "No such\nbucket."}
    here = Told({"phase": "Failed", "conditions": [condition]})
    with pytest.raises(RunError, match="is Failed and not Complete"):
        here.run()
    assert "  Ready=False BadConfiguration: No such bucket." in here.lines
    assert here.there() == []


def test_without_an_operator_it_says_so_when_its_time_is_over():
    here = Told()
    with pytest.raises(RunError, match="without a status"):
        here.run()
    assert "not seen by an operator yet" in here.lines and 60 <= here.now < 70


def test_what_is_to_be_kept_stays():
    here = Told(DONE)
    here.run(keep=True)
    assert here.there() == ["Synthesis", "ConfigMap"]
