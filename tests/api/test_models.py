"""The models themselves: every field explained, nothing to assign, names as promised."""

import pytest
from pydantic import BaseModel, ValidationError

from dart_k8s.api import Strategy, Synthesis
from dart_k8s.api.base import wire_name
from dart_k8s.api.explain import all_paths, model_at
from tests.api.declarations import declared


def fields():
    for path in all_paths(Synthesis):
        plain = tuple(str(part).removesuffix("[]") for part in path)
        owner = model_at(plain[:-1], Synthesis)
        assert owner is not None
        yield ".".join(path), next(f for n, f in owner.model_fields.items() if wire_name(n) == plain[-1])


def test_every_field_says_what_it_is():
    assert [path for path, field in fields() if not (field.description or "").strip().endswith(".")] == []


def test_models_cannot_be_assigned_to():
    with pytest.raises(ValidationError):
        declared().spec.strategy.target = 7  # type: ignore[misc]


def test_python_names_work_in_python_and_wire_names_on_the_wire():
    assert Strategy(kind="prop2diff", min_trials=4).plain()["minTrials"] == 4


def test_the_names_on_the_wire_are_these(golden):
    golden("fields.txt", "".join(f"{path}\n" for path, _ in fields()))


def test_a_json_schema_can_be_made_of_it():
    schema = Synthesis.model_json_schema(by_alias=True)
    assert schema["$defs"]["Strategy"]["properties"]["minTrials"]["description"]
    assert issubclass(Synthesis, BaseModel)
