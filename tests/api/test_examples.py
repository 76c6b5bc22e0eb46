"""Every example is a declaration that this program takes."""

from pathlib import Path

import pytest

from dart_k8s.api import load_documents, template

EXAMPLES = sorted((Path(__file__).parents[2] / "manifests" / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_an_example_is_valid(path):
    assert list(load_documents(path.read_text(encoding="utf-8"), path.name))


def test_the_tool_integrated_example_runs_code():
    path = next(path for path in EXAMPLES if path.stem == "04-tool-integrated")
    [made] = load_documents(path.read_text(encoding="utf-8"), path.name)
    assert template(made.spec.prompt, made.spec.engine.api).tools


def test_an_example_for_a_cluster_says_how_to_apply_it_and_has_an_output_of_its_own():
    numbered = [path for path in EXAMPLES if path.stem[0].isdigit()]
    assert [path.stem[:2] for path in numbered] == [f"{number:02d}" for number in range(1, 11)]
    outputs = set()
    for path in numbered:
        text = path.read_text(encoding="utf-8")
        assert f"#   kubectl apply -f manifests/examples/{path.name}\n" in text
        [made] = load_documents(text, path.name)
        assert path.stem == f"{path.stem[:2]}-{made.metadata.name}"
        outputs.add(made.spec.output.uri)
    assert len(outputs) == len(numbered)
