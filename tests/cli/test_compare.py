"""`dart compare` over reports and outputs, with what went into their models."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dart_k8s.edges.store import open_store
from dart_k8s.errors import DataError, SpecError
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET
from dart_k8s.workers.evaluate.report import FORMAT, REPORT
from tests.cli.calling import dart, refused
from tests.cli.conftest import FinishedRun


def write_report(output: Path, name: str, model: str, right: str, *, benchmark: str = "math") -> Path:
    """A report with one digit an item, as `dart run` writes it."""
    ids = " ".join(f"i{n}" for n in range(len(right)))
    one = {"name": benchmark, "revision": "r", "perItem": {"ids": ids, "strict": right, "lenient": "1" * len(right)}}
    report = {
        "format": FORMAT,
        "name": name,
        "model": {"uri": model, "served": None, "engine": "vllm"},
        "benchmarks": [one],
    }
    (output / "report").mkdir(parents=True)
    (output / REPORT).write_text(json.dumps(report))
    return output


def write_training(output: Path, data: str, *, rows: int, steps: int = 60) -> str:
    """What `dart compare` reads of a Training; the place of its model."""
    (output / "state").mkdir(parents=True)
    (output / "report").mkdir()
    spec = {"data": {"uri": data}, "model": {"uri": "hf://mistralai/Mistral-7B-v0.1"}}
    plan = {"rows": rows, "droppedRows": 0, "tokens": 500 * rows, "steps": steps}
    (output / "state" / "training.json").write_text(json.dumps({"declaration": {"spec": spec}, "plan": plan}))
    (output / "report" / "training.json").write_text(json.dumps({"busySeconds": 1800.0, "processes": 4}))
    return f"{output}/model"


@pytest.fixture
def pair(tmp_path: Path, finished: FinishedRun) -> tuple[Path, Path]:
    """Two evaluated students of one Synthesis's data set."""
    models = [
        write_training(tmp_path / f"training-{n}", f"{finished.output}/dataset", rows=rows)
        for n, rows in ((1, 1000), (2, 1200))
    ]
    return (
        write_report(tmp_path / "a", "a", models[0], "1111000000"),
        write_report(tmp_path / "b", "b", models[1], "1111110000"),
    )


def compared(*arguments: object) -> dict[str, Any]:
    return dict(json.loads(dart("compare", *arguments, "--json")))


def test_what_went_into_a_model_is_followed_to_the_trials(pair: tuple[Path, Path], finished: FinishedRun) -> None:
    found = compared(*pair)
    first = found["models"][0]["cost"]
    spent = state.decode(open_store(str(finished.output)).get(BUDGET).data)
    assert (first["rows"], first["steps"], first["tokens"]) == (1000, 60, 500_000)
    assert first["trials"] == int(spent.spent().sum())
    assert first["queries"] == int((spent.table.distinct > 0).sum())
    assert first["training_hours"] == 2.0
    assert first["sampling_hours"] > 0


def test_trials_of_earlier_pools_count_for_a_set_that_rests_on_them(
    tmp_path: Path, pair: tuple[Path, Path], finished: FinishedRun
) -> None:
    shutil.copytree(finished.output, tmp_path / "reused")
    statistics = tmp_path / "reused" / "report" / "statistics.json"
    fields = json.loads(statistics.read_text())
    own = fields["trials"]
    statistics.write_text(json.dumps(fields | {"trials": own + 500}))
    model = write_training(tmp_path / "training-3", f"{tmp_path}/reused/dataset", rows=1000)
    found = compared(pair[0], write_report(tmp_path / "c", "c", model, "1111000000"))["models"]
    assert [one["cost"]["trials"] for one in found] == [own, own + 500]
    [note] = found[1]["notes"]
    assert f"its own run made {own:,}" in note and found[0]["notes"] == []


def test_unequal_rows_are_not_like_for_like(pair: tuple[Path, Path]) -> None:
    [against] = compared(*pair)["against"]
    assert against["likeForLike"] is False
    assert "rows differ by 17%: 1,000 and 1,200" in against["unlike"]
    [line] = against["strict"]
    assert line["difference"]["value"] == pytest.approx(0.2)
    assert (line["only_first"], line["only_other"]) == (0, 2)


def test_a_report_stands_for_its_output_and_names_can_be_given(pair: tuple[Path, Path]) -> None:
    found = compared(pair[0] / REPORT, pair[1], "--name", "vanilla", "--name", "prop2diff")
    assert [one["name"] for one in found["models"]] == ["vanilla", "prop2diff"]
    assert found["against"] == compared(*pair, "--name", "vanilla", "--name", "prop2diff")["against"]


def test_the_table_is_for_people_with_the_papers_rows_beside(pair: tuple[Path, Path]) -> None:
    said = dart("compare", *pair)
    assert "NOT like for like: rows differ by 17%" in said
    assert "DART-Math-Mistral-7B (Prop2Diff)" in said
    assert "45.5" in said
    assert "+20.0" in said
    assert "raw trials" in said


def test_of_an_untrained_model_nothing_is_known(tmp_path: Path) -> None:
    a = write_report(tmp_path / "a", "a", "hf://hkust-nlp/dart-math-llama3-8b-uniform", "10")
    b = write_report(tmp_path / "b", "b", "models/b", "01")
    found = compared(a, b)
    assert found["against"][0]["likeForLike"] is None
    assert found["against"][0]["unknown"] == ["rows", "steps"]
    assert [row["name"] for row in found["paper"]] == ["DART-Math-Llama-3-8B (Uniform)"]


def test_what_is_no_evaluation_is_refused_in_words(tmp_path: Path) -> None:
    a = write_report(tmp_path / "a", "a", "m", "10")
    with pytest.raises(SpecError, match="There is 1 evaluation to compare"):
        dart("compare", a)
    with pytest.raises(SpecError, match="there is no report of an Evaluation"):
        dart("compare", a, tmp_path / "nothing")
    with pytest.raises(SpecError, match="Several evaluations are called 'a'"):
        dart("compare", a, write_report(tmp_path / "c", "a", "m", "10"))
    (tmp_path / "x.json").write_text("{}")
    assert refused("compare", a, tmp_path / "x.json")[0] == 64
    broken = write_report(tmp_path / "d", "d", "m", "10")
    text = (broken / REPORT).read_text().replace('"strict": "10"', '"strict": "101"')
    (broken / REPORT).write_text(text)
    with pytest.raises(DataError, match="3 values for 2 items"):
        dart("compare", a, broken)
