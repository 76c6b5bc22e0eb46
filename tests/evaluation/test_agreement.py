"""`dart benchmarks`: the list, and the verifier against a file's own references."""

import json

import pytest

from dart_k8s.benchmarks import BENCHMARKS
from dart_k8s.benchmarks.agreement import probes
from tests.cli.calling import dart, refused
from tests.evaluation.test_benchmarks import one


def test_the_list_has_every_benchmark_with_its_count_and_revision():
    told = json.loads(dart("benchmarks", "list", "--json"))
    assert [(row["name"], row["items"]) for row in told] == [(name, known.items) for name, known in BENCHMARKS.items()]
    assert all(row["revision"] for row in told if row["hub"] and row["name"] != "college-math")


def test_a_file_is_checked_against_its_own_references(tmp_path):
    path = tmp_path / "mine.jsonl"
    bad = "f(x)=ax, where $a$ is any of the numbers for which the claim holds"
    made = [{"problem": f"{n}+1?", "answer": str(n + 1)} for n in range(5)] + [{"problem": "f?", "answer": bad}]
    path.write_text("".join(json.dumps(row) + "\n" for row in made))
    arguments = ("--uri", str(path), "--query", "problem", "--answer", "answer", "--processes", "1", "--json")
    told = json.loads(dart("benchmarks", "check", "mine", *arguments))
    assert told["asked"]["strict boxed"] == 6 and told["asked"]["lenient changed"] == 6
    assert {one["reference"] for one in told["disagreements"]} <= {bad}
    assert "1 references can't be read by the verifier" in told["notes"][0]


def test_a_name_that_is_no_benchmark_is_refused_with_the_near_one():
    code, said = refused("benchmarks", "check", "theoremq")
    assert code == 64 and "did you mean theoremqa?" in said


@pytest.mark.parametrize(
    ("name", "given", "forms"),
    [
        ("math", {}, {"boxed", "sentence", "changed"}),
        ("theoremqa", {"Answer": True, "Answer_type": "bool"}, {"boxed", "sentence", "other"}),
        ("theoremqa", {"Answer": "(b)", "Answer_type": "option"}, {"boxed", "sentence", "other"}),
        (
            "theoremqa",
            {"Answer": [1, 4], "Answer_type": "list of integer"},
            {"boxed", "sentence", "shorter", "longer", "turned"},
        ),
        # Turned round, these are within the tolerance of 4 %.
        (
            "theoremqa",
            {"Answer": [1.0, 1.01], "Answer_type": "list of float"},
            {"boxed", "sentence", "shorter", "longer"},
        ),
        ("olympiadbench-oe", {"final_answer": ["2,2"], "is_multiple_answer": True}, {"boxed", "sentence", "longer"}),
    ],
)
def test_answers_are_made_wrong_only_where_they_are_wrong(name, given, forms):
    assert {probe.form for probe in probes(one(name, **given))} == forms
