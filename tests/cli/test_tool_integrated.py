"""`dart run` with code in its responses: the real sandbox, real processes, the scripted engine."""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.declarations import declaration, write_declarations
from tests.cli.test_run import check_whole, dart, finish
from tests.edges.execution.confined import processes_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can confine code; run it in a container")

MEMORY_MIB = 317
"""As no other run has it, so that its processes can be told from those of others."""
SUMS = {n: f"What is {n} + {n}?" for n in range(1, 5)}


def write(folder: Path, **spec: object) -> Path:
    """A declaration with problems whose responses compute before they answer."""
    rows = [{"problem": text, "solution": str(2 * n)} for n, text in SUMS.items()]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    scripts = [
        {"match": text, "p": 0.7, "answer": str(2 * n), "code": [f"x = {n}", "from sympy import *\nprint(x + x)"]}
        for n, text in SUMS.items()
    ]
    (folder / "script.json").write_text(json.dumps({"version": 1, "scripts": scripts}))
    fields = {
        "queries": [
            {"name": "sums", "uri": str(folder / "queries.jsonl"), "fields": {"query": "problem", "answer": "solution"}}
        ],
        "prompt": {"template": "tool-integrated"},
        "strategy": {"kind": "uniform", "target": 3},
        "execution": {"memoryMiB": MEMORY_MIB},
    }
    return write_declarations(folder / "toy.yaml", declaration(folder, **{**fields, **spec}))


def test_a_run_with_code_ends_in_a_data_set_that_says_who_wrote_what(tmp_path):
    from dart_k8s.edges.store import open_store

    code, out = finish(dart("run", write(tmp_path), cache=tmp_path / "cache"))
    assert code == 0, out
    check_whole(open_store(str(tmp_path / "toy")))
    rows = pq.read_table(next((tmp_path / "toy" / "dataset").glob("*.parquet"))).to_pylist()
    assert len(rows) == 3 * len(SUMS)
    for row in rows:
        number = next(n for n, text in SUMS.items() if text == row["query"])
        assert [span["kind"] for span in row["spans"]] == ["model", "tool", "model", "tool", "model"]
        outputs = [row["response"][s["start"] : s["end"]] for s in row["spans"] if s["kind"] == "tool"]
        assert outputs == ["```output\n\n```\n", f"```output\n{2 * number}\n```\n"]
        assert "made up" not in row["response"]
        assert row["template"] == "tool-integrated"
    assert out.count("code of responses is confined by: ") == 1
    assert "| spans |" in (tmp_path / "toy" / "dataset" / "README.md").read_text()
    assert processes_of(f'"memory": {MEMORY_MIB << 20}') == []


def test_tuning_runs_the_code_as_well(tmp_path):
    code, out = finish(
        dart("tune", write(tmp_path), "--temperature", "1", "--queries", "2", "--samples", "2", cache=tmp_path / "c")
    )
    assert code == 0, out
    assert "2 queries, 2 trials each" in out


def test_a_plain_run_has_no_spans_column(tmp_path):
    path = write(tmp_path, prompt={"inline": "Problem: {query}\nSolution:"})
    document = json.loads((tmp_path / "script.json").read_text())
    for script in document["scripts"]:
        del script["code"]
    (tmp_path / "script.json").write_text(json.dumps(document))
    code, out = finish(dart("run", path, cache=tmp_path / "cache"))
    assert code == 0, out
    assert "spans" not in pq.read_schema(next((tmp_path / "toy" / "dataset").glob("*.parquet"))).names
