"""`dart tune` with the scripted engine."""

import json
from pathlib import Path

import pytest

from dart_k8s.errors import SpecError
from tests.cli.calling import dart
from tests.cli.declarations import declaration, write_declarations, write_problems

QUICK = {"slots": 16, "args": {"verifier": "exact"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_problems(tmp_path)
    engine = {"kind": "scripted", "script": str(tmp_path / "script.json"), **QUICK}
    return write_declarations(tmp_path / "toy.yaml", declaration(tmp_path, engine=engine))


def test_a_grid_of_temperatures_gives_a_table_and_a_recommendation(file: Path) -> None:
    said = dart("tune", file, "--temperature", 0.7, "--temperature", 1.2, "--queries", 6, "--samples", 10)
    assert "toy: 6 queries, 10 trials each" in said
    assert "coverage@10" in said and "tokens per row" in said
    assert "costs" in said and "tokens per distinct correct response" in said
    assert "set spec.sampling.temperature to" in said
    assert not (file.parent / "toy").exists()


def test_the_same_seed_gives_the_same_json(file: Path) -> None:
    grid = ("--temperature", 1.2, "--temperature", 0.7, "--temperature", 0.7)
    arguments = ("tune", file, *grid, "-n", 4, "--queries", 5, "--seed", 3, "--json")
    found = json.loads(dart(*arguments))
    assert found["name"] == "toy"
    assert [reading["temperature"] for reading in found["readings"]] == [0.7, 1.2]
    assert {reading["trials"] for reading in found["readings"]} == {20}
    assert found["queries"] == json.loads(dart(*arguments))["queries"]


def test_a_file_with_several_syntheses_needs_a_name(file: Path) -> None:
    fields = declaration(file.parent, "other")
    write_declarations(file, declaration(file.parent), fields)
    with pytest.raises(SpecError, match=r"toy, other.*--name"):
        dart("tune", file)
