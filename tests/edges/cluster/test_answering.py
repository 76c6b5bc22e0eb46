"""What an API server's refusals mean to people."""

from typing import Any

import pytest

from dart_k8s.edges.cluster.answering import explain
from dart_k8s.errors import ClusterUnavailable, ObjectRefused


def invalid(*causes: tuple[str, str]) -> dict[str, Any]:
    listed = [{"field": field, "message": message} for field, message in causes]
    return {"reason": "Invalid", "message": "a lot of text", "details": {"causes": listed}}


@pytest.mark.parametrize(
    ("field", "said", "shown"),
    [
        ("spec.model", 'Invalid value: "object": spec.model can\'t change', "spec.model can't change"),
        ("spec.model", "Invalid value: spec.model can't change", "spec.model can't change"),
        (
            "spec.strategy",
            "Invalid value: vanilla has no target; use: x",
            "spec.strategy: vanilla has no target; use: x",
        ),
        ("spec.n", "Invalid value: -1: should be greater", "spec.n: should be greater (it is -1)"),
        ("spec.n", 'Invalid value: "a: \\"b": too long', 'spec.n: too long (it is "a: \\"b")'),
        ("spec.n", f'Invalid value: "{"x" * 99}": too long', "spec.n: too long"),
        ("spec.kind", 'Unsupported value: "x": supported values: "y"', 'spec.kind: Unsupported value: "x": supported'),
        ("", "Required value", "the object: Required value"),
    ],
)
def test_of_an_invalid_object_each_fault_is_said_with_its_field(field: str, said: str, shown: str) -> None:
    error = explain("patch Synthesis a/b", 422, invalid((field, said), ("spec.z", "Required value")))
    assert isinstance(error, ObjectRefused)
    assert f"\n  {shown}" in error.message and "\n  spec.z: Required value" in error.message
    assert "a lot of text" not in error.message


def test_a_field_that_the_cluster_does_not_know_is_no_failure_that_passes() -> None:
    said = "failed to create typed patch object (a/b): .spec.new: field not declared in schema"
    error = explain("patch Synthesis a/b", 500, {"message": said})
    assert isinstance(error, ObjectRefused) and "dart crds" in error.remedy


def test_a_server_error_passes() -> None:
    assert isinstance(explain("get Job a/b", 500, {"message": "etcd has no leader"}), ClusterUnavailable)
