"""Files with documents of several kinds: all are checked, and done in the order of their references."""

from pathlib import Path

import pytest

from tests.cli.calling import dart, refused
from tests.cli.declarations import declaration, write_declarations, write_problems

TRAINING = {
    "apiVersion": "dart-k8s.io/v1alpha1",
    "kind": "Training",
    "metadata": {"name": "student"},
    "spec": {"recipe": "tiny", "data": {"fromSynthesis": "toy"}, "output": {"uri": "student"}},
}
EVALUATION = {
    "apiVersion": "dart-k8s.io/v1alpha1",
    "kind": "Evaluation",
    "metadata": {"name": "scores"},
    "spec": {"model": {"fromTraining": "student"}, "benchmarks": [{"name": "math"}], "output": {"uri": "scores"}},
}


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    write_problems(tmp_path)
    synthesis = declaration(tmp_path, strategy={"kind": "vanilla", "trials": 2})
    return write_declarations(tmp_path / "experiment.yaml", synthesis, TRAINING, EVALUATION)


def test_validate_knows_all_kinds(experiment):
    assert dart("validate", experiment).splitlines() == [
        "Synthesis 'toy' is valid: vanilla.",
        "Training 'student' is valid: on the data set of Synthesis toy.",
        "Evaluation 'scores' is valid: on math.",
    ]


def test_run_does_what_is_named(experiment):
    dart("run", experiment, "--name", "toy")
    assert (experiment.parent / "toy" / "dataset").exists()


def test_run_refuses_a_reference_to_what_is_not_in_the_file(tmp_path):
    code, words = refused("run", write_declarations(tmp_path / "student.yaml", TRAINING))
    assert code == 64
    assert "Training 'student' needs Synthesis 'toy', which is not in" in words


def test_a_fault_in_any_document_stops_the_run(experiment, tmp_path):
    bad = {**TRAINING, "spec": {**TRAINING["spec"], "nodes": 3}}
    write_problems(tmp_path)
    code, words = refused("run", write_declarations(tmp_path / "bad.yaml", declaration(tmp_path), bad))
    assert code == 64
    assert "can't be divided by 3 nodes" in words
    assert not (tmp_path / "toy").exists()


def test_recipes_are_shown_by_kind():
    assert dart("recipes", "list", "--kind", "Training").split() == ["dart-math", "tiny"]
    assert "optimisation:" in dart("recipes", "show", "dart-math", "--kind", "training")


def test_the_kinds_for_a_cluster_are_printed_and_written(tmp_path):
    printed = dart("crds")
    assert printed.count("kind: CustomResourceDefinition") == 3
    dart("crds", "--into", tmp_path)
    assert all(path.read_text() in printed for path in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 3
