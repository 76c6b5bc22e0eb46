"""`dart verify`: verdicts on files, killed and gone on with, compared with another verifier."""

import gzip
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.calling import dart, refused

WAIT = 60.0
ROWS = [
    {"problem": "1/2?", "response": r"so \boxed{0.5}", "answer": r"\frac12"},
    {"problem": "1/2?", "response": r"so \boxed{0.6}", "answer": r"\frac12"},
    {"problem": "2+2?", "response": "I do not know.\nSorry.", "answer": 4},
    {"problem": "2+2?", "response": None, "answer": "4"},
    {"problem": "area?", "response": r"\boxed{\int_0^1 x^2 dx}", "answer": r"\frac13"},
    {"problem": "?", "response": r"\boxed{\sum_{n=1}^{\infty} \frac{\sin(n^2)}{n!+\sqrt{n}}}",
     "answer": r"\sum_{n=1}^{\infty} \frac{\cos(n^3)}{n!+\sqrt{n+1}}"},
]  # fmt: skip
VERDICTS = ["correct", "incorrect", "incorrect", "incorrect", "correct", "undecided"]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist([{**row, "answer": str(row["answer"])} for row in rows]), path)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(lines.encode()))
    else:
        path.write_text(lines)
    return path


def many(count: int) -> list[dict[str, str]]:
    return [{"response": rf"\boxed{{{n}}}", "reference": str(n - n % 2)} for n in range(count)]


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet", "a.jsonl.gz"])
def test_verdicts_lie_beside_the_file_in_its_order(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / name, ROWS)
    said = dart("verify", file)
    found = pq.read_table(tmp_path / "a.verdicts.parquet").to_pylist()
    assert [row["row"] for row in found] == list(range(len(ROWS)))
    assert [row["verdict"] for row in found] == VERDICTS
    assert [row["answer"] for row in found[:3]] == ["0.5", "0.6", None]
    assert [found[4]["tier"], found[5]["tier"]] == ["symbolic", "limit"]
    assert all(row["reason"] for row in found)
    assert "correct" in said and "33.3%" in said and "symbolic 1" in said
    assert not (tmp_path / "a.verdicts.parquet.part").exists()


def test_scripts_get_json(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", ROWS[:4])
    out = tmp_path / "v.jsonl"
    found = json.loads(dart("verify", file, "--out", out, "--json"))
    assert found["verdicts"] == {"correct": 1, "incorrect": 3}
    assert found["tiers"]["incorrect"]["extract"] == 2
    assert (found["rows"], found["checked"], found["finished"]) == (4, 4, True)
    assert found["perSecond"] > 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["verdict"] for line in lines] == VERDICTS[:4]
    assert json.loads((tmp_path / "v.summary.json").read_text())["counts"]["rows"] == 4


def test_fields_can_be_named_and_references_be_read_in_three_ways(tmp_path: Path) -> None:
    rows = [
        {"text": r"\boxed{5}", "gold": "Some.\n#### 5"},
        {"text": r"\boxed{5}", "gold": "Some.\n#### 6"},
        {"text": r"\boxed{5}", "gold": "none here"},
    ]
    file = write(tmp_path / "a.jsonl", rows)
    options = ("--response", "text", "--reference", "gold", "--form", "after-hashes", "--json")
    found = json.loads(dart("verify", file, *options))
    assert found["verdicts"] == {"correct": 1, "incorrect": 1, "no reference": 1}
    last = pq.read_table(tmp_path / "a.verdicts.parquet").to_pylist()[2]
    assert last["verdict"] is None and "none here" in last["reason"]


def test_lenient_takes_the_last_number(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [{"response": "First 2.\nThen we get 5 of them.\nThanks.", "answer": "5"}])
    assert json.loads(dart("verify", file, "--json"))["verdicts"] == {"incorrect": 1}
    assert json.loads(dart("verify", file, "--json", "--lenient", "--anew"))["verdicts"] == {"correct": 1}


SAID = "Let me see.\n```python\nprint(5)\n```\n"
PRINTED = "```output\n\\boxed{5}\n```\n"


def with_code(last: str, **spans: int) -> dict[str, Any]:
    """A tool-integrated response whose code prints the box of 5."""
    parts = [("model", SAID), ("tool", PRINTED), ("model", last)]
    found, at = [], 0
    for kind, text in parts:
        found.append({"kind": kind, "start": at, "end": at + len(text)})
        at += len(text)
    found[-1] |= spans
    return {"response": SAID + PRINTED + last, "reference": "5", "spans": found}


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_what_code_printed_is_no_answer(tmp_path: Path, name: str) -> None:
    plain = {"response": "√2² is 2, so \\boxed{5}", "reference": "5", "spans": None}
    rows = [plain, with_code("I do not know."), with_code("So ∎ \\boxed{5}."), with_code("So ∎ \\boxed{6}.")]
    file = tmp_path / name
    if name == "a.parquet":
        pq.write_table(pa.Table.from_pylist(rows), file)
    else:
        write(file, [{key: value for key, value in row.items() if value is not None} for row in rows])
    dart("verify", file)
    found = pq.read_table(tmp_path / "a.verdicts.parquet")["verdict"].to_pylist()
    assert found == ["correct", "incorrect", "correct", "incorrect"]
    dart("verify", file, "--spans", "none", "--anew")
    assert pq.read_table(tmp_path / "a.verdicts.parquet")["verdict"].to_pylist()[1] == "correct"


def test_done_is_done(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", many(10))
    first = json.loads(dart("verify", file, "--json"))
    moved = file.rename(tmp_path / "a.ndjson")
    again = json.loads(dart("verify", moved, "--json"))
    assert (first["checked"], again["checked"]) == (10, 0)
    assert again["tiers"] == first["tiers"]


@pytest.mark.parametrize(
    ("name", "rows", "options", "words"),
    [
        ("a.jsonl", [], [], "holds no rows"),
        ("a.jsonl", [{"response": "5"}], [], "no field for the reference"),
        ("a.jsonl", [{"answer": "5"}], [], "no field for the response"),
        ("a.jsonl", many(1), ["--response", "text"], "no field 'text'"),
        ("a.jsonl", [*many(1), {"response": ["5"], "reference": "5"}], [], "Row 2"),
        ("a.jsonl", [*many(1), with_code("5", end=7)], [], "Row 2 of"),
        ("a.jsonl", [*many(1), with_code("5", start=0)], [], "part 3 does not go on"),
        ("a.jsonl", [{**many(1)[0], "spans": "none"}], [], "--spans none"),
        ("a.jsonl", [*many(1), {"response": "5", "reference": "5", "s": [1]}], ["--spans", "s"], "no field 's'"),
        ("a.jsonl", many(1), ["--form", "boxed"], "no form 'boxed'"),
        ("a.jsonl", many(1), ["--compare", "sympy"], "no verifier 'sympy'"),
        ("a.jsonl", many(1), ["--out", "verdicts.csv"], "ending says no format"),
        ("a.txt", many(1), [], "ending says no known format"),
        ("a.jsonl", [{"response": "5", "answer": "5", "verdict": "correct", "tier": "text", "response_hash": 1,
                      "query_number": 0}], [], "dart reverify"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_words(
    tmp_path: Path, name: str, rows: list[dict[str, Any]], options: list[str], words: str
) -> None:
    code, said = refused("verify", write(tmp_path / name, rows), *options)
    assert (code, words in said) == (64, True), said
    assert [path.name for path in tmp_path.iterdir()] == [name], "something was left behind"


def test_another_input_or_other_settings_are_not_mixed_in(tmp_path: Path) -> None:
    out = tmp_path / "v.parquet"
    dart("verify", write(tmp_path / "a.jsonl", many(5)), "--out", out)
    other = write(tmp_path / "b.jsonl", many(6))
    code, said = refused("verify", other, "--out", out)
    assert code == 64 and "begun with content" in said and "--anew" in said
    code, said = refused("verify", tmp_path / "a.jsonl", "--out", out, "--lenient")
    assert code == 64 and "begun with lenient false, and this is true" in said
    assert json.loads(dart("verify", other, "--out", out, "--anew", "--json"))["rows"] == 6


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    out = write(tmp_path / "v.parquet", ROWS)
    before = out.read_bytes()
    code, said = refused("verify", write(tmp_path / "a.jsonl", many(5)), "--out", out)
    assert code == 64 and "not from `dart verify`" in said
    assert out.read_bytes() == before


def begin(file: Path, *options: str) -> "subprocess.Popen[str]":
    """`dart verify` that writes every piece at once."""
    program = (
        "from dart_k8s.workers.verdicts import job; job.PART_SECONDS = 0.0; "
        "from dart_k8s.cli.main import entry; entry()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, "verify", str(file), "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )


def until_parts(folder: Path, count: int, process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + WAIT
    while time.monotonic() < end and process.poll() is None:
        if len(list(folder.glob("*.parquet"))) >= count:
            return
        time.sleep(0.01)
    raise AssertionError(process.communicate())


def test_killed_it_goes_on_and_a_torn_file_is_no_problem(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", many(20_000))
    parts = tmp_path / "a.verdicts.parquet.part"
    killed = begin(file)
    until_parts(parts, 3, killed)
    code, said = refused("verify", file)
    assert code == 1 and "Another process is writing" in said
    killed.kill()
    killed.communicate()
    (parts / "000000000000.tmp").write_bytes(b"PAR1 torn")
    (parts / "000000019999.parquet").write_bytes(b"beyond a gap")
    found = json.loads(dart("verify", file, "--json"))
    assert found["finished"] and 0 < found["checked"] < 20_000
    assert found["verdicts"] == {"correct": 10_000, "incorrect": 10_000}
    table = pq.read_table(tmp_path / "a.verdicts.parquet")
    assert table["row"].to_pylist() == list(range(20_000))
    assert table["answer"].to_pylist() == [str(n) for n in range(20_000)]


def test_stopped_it_says_so_and_goes_on(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", many(20_000))
    stopped = begin(file)
    until_parts(tmp_path / "a.verdicts.parquet.part", 2, stopped)
    stopped.send_signal(signal.SIGTERM)
    out, _ = stopped.communicate(timeout=WAIT)
    assert stopped.returncode == 75
    assert json.loads(out)["finished"] is False
    assert json.loads(dart("verify", file, "--json"))["verdicts"] == {"correct": 10_000, "incorrect": 10_000}


def test_disagreements_with_another_verifier_are_listed_side_by_side(tmp_path: Path) -> None:
    pytest.importorskip("math_verify", reason="pip install dart-k8s[dev]")
    rows = [
        {"response": r"\boxed{5}", "answer": "5"},
        {"response": r"\boxed{2^{-89}}", "answer": r"2^{-88}"},
        {"response": "We get 7 and then\nstop before", "answer": "7"},
    ]
    file = write(tmp_path / "a.jsonl", rows)
    said = dart("verify", file, "--compare", "math-verify")
    assert "judged otherwise by math-verify" in said
    assert "a.verdicts.disagreements.jsonl" in said
    found = pq.read_table(tmp_path / "a.verdicts.parquet").to_pylist()
    assert found[0]["math_verify"] == "correct"
    listed = [json.loads(line) for line in (tmp_path / "a.verdicts.disagreements.jsonl").read_text().splitlines()]
    assert [row["row"] for row in listed] == [row["row"] for row in found if row["verdict"] != row["math_verify"]]
    assert {row["verdict"] for row in listed} == {"incorrect"}
    again = json.loads(dart("verify", file, "--compare", "math-verify", "--json"))
    assert again["mathVerify"]["disagreements"] == len(listed) > 0


def test_the_other_verifier_has_to_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "math_verify" else there(name))
    code, said = refused("verify", write(tmp_path / "a.jsonl", many(1)), "--compare", "math-verify")
    assert code == 64 and "pip install" in said


def test_more_than_the_rules_for_data_sets_is_asked_for_by_name(tmp_path: Path) -> None:
    rows = [
        {"response": r"\boxed{3.15}", "answer": "3.14"},
        {"response": r"\boxed{2, 1}", "answer": "(1, 2)"},
        {"response": r"\boxed{Yes}", "answer": "True"},
    ]
    file = write(tmp_path / "a.jsonl", rows)
    assert json.loads(dart("verify", file, "--json"))["verdicts"] == {"incorrect": 3}
    code, said = refused("verify", file, "--ask", "truth")
    assert code == 64 and "begun with" in said
    asks = [word for ask in ("relative=0.01", "kind=set", "truth") for word in ("--ask", ask)]
    assert json.loads(dart("verify", file, "--json", "--anew", *asks))["verdicts"] == {"correct": 3}


@pytest.mark.parametrize(
    ("asks", "complaint"),
    [
        (["kinds=set"], "for 'kinds': it knows no such thing. Did you mean kind?"),
        (["kind=bag"], "for kind=bag. Its value is one of list, set, tuple, interval"),
        (["relative=-1"], "for relative=-1: its value is a number above 0"),
        (["relative"], "for relative=: its value is a number above 0"),
        (["truth=yes"], "for truth=yes: it has no value"),
        (["unit", "unit"], "for unit twice"),
    ],
)
def test_what_cannot_be_asked_for_is_named(tmp_path: Path, asks: list[str], complaint: str) -> None:
    file = write(tmp_path / "a.jsonl", [{"response": "1", "answer": "1"}])
    code, said = refused("verify", file, *(word for ask in asks for word in ("--ask", ask)))
    assert code == 64 and f"Cannot ask the verifier {complaint}" in said
