"""Every example is a declaration that this program takes."""

from pathlib import Path

import pytest

from dart_k8s.api import load_documents, template

EXAMPLES = sorted((Path(__file__).parents[2] / "manifests" / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_an_example_is_valid(path):
    assert list(load_documents(path.read_text(encoding="utf-8"), path.name))


def test_the_tool_integrated_example_runs_code():
    path = next(path for path in EXAMPLES if path.stem == "tool-integrated")
    [made] = load_documents(path.read_text(encoding="utf-8"), path.name)
    assert template(made.spec.prompt, made.spec.engine.api).tools
