"""`dart forecast` before, beside and after a run."""

import json
from pathlib import Path
from typing import Any

import pytest

from dart_k8s.errors import SpecError
from tests.cli.calling import dart
from tests.cli.conftest import FinishedRun
from tests.cli.declarations import declaration, write_declarations, write_problems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_problems(tmp_path)
    return tmp_path


def forecast(*arguments: object) -> dict[str, Any]:
    """The only document of a forecast."""
    return dict(json.loads(dart("forecast", *arguments, "--json")))


def test_before_a_run_all_pass_rates_are_possible_and_tokens_are_bounded_by_the_longest_response(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder))
    found = forecast(file, "--token-rate", 100)
    assert (found["phase"], found["queries"], found["spentTrials"]) == ("not begun", 12, 0)
    assert [outlook["eps"] for outlook in found["outlooks"]] == [0.0, 0.01, 0.05, 0.2, 0.5]
    first = found["outlooks"][0]
    assert first["trials"]["low"] < first["trials"]["high"]
    assert found["tokensPerTrial"] == 200 and "maxTokens" in found["tokensBasis"]
    assert first["tokens"]["mean"] == pytest.approx(200 * first["further"]["mean"])
    assert first["gpuHours"]["mean"] == pytest.approx(first["tokens"]["mean"] / 100 / 3600)
    assert len(first["rowsByDecile"]) == 10
    assert not (folder / "toy").exists()


def test_without_a_token_rate_there_are_no_gpu_hours(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder))
    found = forecast(file, "--tokens", 40)
    assert found["outlooks"][0]["gpuHours"] is None
    assert found["tokensPerTrial"] == 40


def test_fixed_difficulties_make_a_forecast_narrow(folder: Path) -> None:
    rates = [{"query_id": f"q{n}", "pass_rate": 0.5} for n in range(1, 13)]
    (folder / "rates.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rates))
    strategy = {
        "kind": "prop2diff",
        "target": 12,
        "minTrials": 1,
        "difficulty": {"uri": str(folder / "rates.jsonl"), "field": "pass_rate", "id": "query_id"},
    }
    found = forecast(write_declarations(folder / "toy.yaml", declaration(folder, strategy=strategy)))
    trials = found["outlooks"][0]["trials"]
    # Each of 12 queries wants 6 of 12 at a pass rate of 1/2.
    assert trials["mean"] == pytest.approx(144, rel=0.05)
    assert trials["high"] - trials["low"] < 60
    assert "strategy.difficulty" in found["basis"]


def test_other_queries_of_the_same_kind_narrow_a_forecast(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder))
    rows = [{"query_id": str(n), "tot_n_samples": 40, "tot_n_corrects": 30} for n in range(400)]
    (folder / "info.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    wide = forecast(file)["outlooks"][0]["trials"]
    narrow = forecast(file, "--like", folder / "info.jsonl")["outlooks"][0]["trials"]
    assert narrow["high"] - narrow["low"] < (wide["high"] - wide["low"]) / 2
    (folder / "info.jsonl").write_text('{"query_id": "a", "pass_rate": 0.5}\n')
    with pytest.raises(SpecError, match="tot_n_samples"):
        forecast(file, "--like", folder / "info.jsonl")


def test_after_a_run_nothing_is_to_come_and_tokens_are_those_seen(finished: FinishedRun) -> None:
    by_output, by_file = forecast(finished.output), forecast(finished.file)
    assert by_output == {**by_file, "output": by_output["output"]}
    assert by_output["phase"] == "closed"
    own = next(o for o in by_output["outlooks"] if o["eps"] == 0.05)
    assert own["further"]["mean"] == 0
    assert own["trials"]["mean"] == by_output["spentTrials"] > 0
    assert by_output["tokensBasis"] == "mean of the trials made"
    assert 10 < by_output["tokensPerTrial"] < 60


def test_a_raised_target_is_forecast_from_what_the_run_showed(finished: FinishedRun, tmp_path: Path) -> None:
    fields = declaration(
        finished.folder,
        output=str(finished.output),
        engine={
            "kind": "scripted", "script": str(finished.folder / "script.json"), "slots": 8,
            "args": {"verifier": "exact"},
        },
        strategy={"kind": "prop2diff", "target": 24, "minTrials": 4},
        budget={"maxTrialsPerQuery": 400},
    )  # fmt: skip
    found = forecast(write_declarations(tmp_path / "more.yaml", fields))
    assert found["outlooks"][0]["further"]["mean"] > 20


def test_an_earlier_pool_tells_a_forecast(finished: FinishedRun, tmp_path: Path) -> None:
    fields = declaration(
        finished.folder, "again", output=str(tmp_path / "again"), pool={"from": [str(finished.output)]},
        engine={
            "kind": "scripted", "script": str(finished.folder / "script.json"), "slots": 8,
            "args": {"verifier": "exact"},
        },
        strategy={"kind": "vanilla", "trials": 60},
    )  # fmt: skip
    found = forecast(write_declarations(tmp_path / "again.yaml", fields))
    assert f"trials of these queries in {finished.output}" in found["basis"]
    further = found["outlooks"][0]["further"]
    spent = forecast(finished.output)["spentTrials"]
    assert further["mean"] == further["low"] == further["high"] >= 60 * 12 - spent


def test_a_person_sees_a_column_for_each_stop_and_a_row_for_each_tenth(finished: FinishedRun) -> None:
    said = dart("forecast", finished.output)
    assert "0.05*" in said and "tenth 10" in said and "queries at target" in said
