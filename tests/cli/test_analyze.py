"""`dart analyze` over files, outputs and pools."""

import json
from pathlib import Path
from typing import Any

import pytest

from dart_k8s.errors import DataError, SpecError
from tests.cli.calling import dart
from tests.cli.conftest import FinishedRun


def analysis(*arguments: object) -> dict[str, Any]:
    return dict(json.loads(dart("analyze", *arguments, "--json")))


def write_rows(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_an_output_stands_for_its_data_set_and_for_its_difficulties(finished: FinishedRun) -> None:
    found = analysis(finished.output)
    (one,) = found["sets"]
    assert (one["name"], one["unmatchedRows"]) == ("toy", 0)
    assert found["queries"] == 12
    assert found["difficulties"] == "a run's posterior means"
    assert one["rows"] == sum(line["toy rows"] for line in found["byDecile"][:-1])
    assert "verdicts" in one["reachRefused"]
    assert found["counts"]["reach"]["queries"] > 0


def test_a_public_set_stands_beside_ours_by_the_original_of_its_rewritten_queries(
    finished: FinishedRun, tmp_path: Path
) -> None:
    rows = [{"q": f"Rewritten {n}", "from": "What is 1 + 1?", "a": "2"} for n in range(7)]
    public = write_rows(tmp_path / "public.jsonl", *rows, {"q": "x", "from": "Not ours", "a": "?"})
    figure = tmp_path / "figure.png"
    fields = ("--query", "query", "--query", "q", "--original", "", "--original", "from")
    found = analysis(finished.output, public, *fields, "--response", "response", "--response", "a", "--figure", figure)
    ours, theirs = found["sets"]
    assert (theirs["name"], theirs["rows"], theirs["matchedRows"]) == ("public", 8, 7)
    assert theirs["unmatchedExamples"] == ["Not ours"]
    assert theirs["queriesWithoutRow"] == 11 > ours["queriesWithoutRow"]
    assert theirs["meanDifficultyOfRows"] < ours["meanDifficultyOfRows"]
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "figure-coverage.png").read_bytes().startswith(b"\x89PNG")


def test_a_pool_has_all_verdicts_and_tells_coverage(finished: FinishedRun) -> None:
    found = analysis(finished.output / "pool")
    (one,) = found["sets"]
    assert one["name"] == "toy pool"
    assert one["reach"]["m"] > 0
    assert one["unmatchedRows"] == 0


def test_a_query_info_file_or_a_column_gives_the_difficulties_as_well(finished: FinishedRun) -> None:
    for against in (finished.output / "pool" / "query-info.parquet", "column:difficulty"):
        found = analysis(finished.output / "dataset", "--against", against)
        assert found["sets"][0]["unmatchedRows"] == 0
        assert found["byDecile"][-1]["toy dataset rows"] == found["sets"][0]["rows"]


def test_rows_with_an_empty_response_do_not_count(tmp_path: Path) -> None:
    rows = [{"query": "A", "text": "yes", "p": 0.5}, {"query": "A", "text": "", "p": 0.5}, {"query": "B", "p": 1.0}]
    file = write_rows(tmp_path / "mine.jsonl", *rows)
    with pytest.raises(DataError, match="row 3 has no field 'text'"):
        analysis(file, "--against", "pass-rate:p", "--response", "text")
    file = write_rows(tmp_path / "mine.jsonl", *rows[:2], {**rows[2], "text": "no"})
    found = analysis(file, "--against", "pass-rate:p", "--response", "text")
    assert found["sets"][0]["rows"] == 2


def test_a_person_sees_the_sets_side_by_side(finished: FinishedRun) -> None:
    said = dart("analyze", finished.output, finished.output / "dataset", "--name", "one", "--name", "two")
    assert "queries without any row" in said
    assert "coverage @1" in said
    assert said.count("per query") == 2


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["mine.jsonl"], SpecError, "query-info file"),
        (["nowhere.jsonl", "--against", "column:d"], DataError, "no file"),
        (["mine.jsonl", "--against", "column:e"], DataError, "'e'"),
        (["mine.jsonl", "--query", "q", "--against", "column:d"], DataError, "'q'"),
        (["mine.jsonl", "--query", "a", "--query", "b", "--against", "column:d"], SpecError, "1 sets and 2 values"),
        (["mine.jsonl", "--against", "mine.jsonl"], DataError, "tot_n_samples"),
        (["mine.jsonl", "--against", "column:d", "--figure", "no/folder.png"], SpecError, "there is no folder"),
    ],
)
def test_what_cannot_be_analyzed_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], error: type[Exception], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "mine.jsonl", {"query": "A", "d": 0.5})
    with pytest.raises(error, match=words):
        dart("analyze", *arguments)
