"""Small declarations for the tests of this folder."""

from typing import Any

from dart_k8s.api import Synthesis, load_one, write

PLAIN = {
    "queries": [{"name": "math", "uri": "math.jsonl"}],
    "model": {"uri": "model"},
    "prompt": {"template": "chat"},
    "strategy": {"kind": "uniform"},
    "output": {"uri": "out"},
}
"""The least that a spec needs."""


def text(name: str = "t", /, **fields: Any) -> str:
    """A declaration as YAML: the least one with these fields of the spec replaced; None removes a field."""
    spec = {key: value for key, value in {**PLAIN, **fields}.items() if value is not None}
    return write({"apiVersion": "dart-k8s.io/v1alpha1", "kind": "Synthesis", "metadata": {"name": name}, "spec": spec})


def declared(**fields: Any) -> Synthesis:
    """The same, loaded."""
    return load_one(text(**fields), "test.yaml")
