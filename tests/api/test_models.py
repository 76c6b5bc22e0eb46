"""The models themselves: every field explained, nothing to assign, names as promised."""

import pytest
from pydantic import BaseModel, ValidationError

from dart_k8s.api import Strategy, Synthesis
from dart_k8s.api.base import wire_name
from dart_k8s.api.explain import all_paths, model_at
from dart_k8s.api.load import MODELS
from tests.api.declarations import declared

EACH_KIND = pytest.mark.parametrize("kind", MODELS.values(), ids=MODELS)


def fields(kind):
    for path in all_paths(kind):
        plain = tuple(str(part).removesuffix("[]") for part in path)
        owner = model_at(plain[:-1], kind)
        assert owner is not None
        yield ".".join(path), next(f for n, f in owner.model_fields.items() if wire_name(n) == plain[-1])


@EACH_KIND
def test_every_field_says_what_it_is(kind):
    assert [path for path, field in fields(kind) if not (field.description or "").strip().endswith(".")] == []


def test_models_cannot_be_assigned_to():
    with pytest.raises(ValidationError):
        declared().spec.strategy.target = 7  # type: ignore[misc]


def test_python_names_work_in_python_and_wire_names_on_the_wire():
    assert Strategy(kind="prop2diff", min_trials=4).plain()["minTrials"] == 4


@EACH_KIND
def test_the_names_on_the_wire_are_these(kind, golden):
    golden(f"fields-{kind.__name__.lower()}.txt", "".join(f"{path}\n" for path, _ in fields(kind)))


def test_a_json_schema_can_be_made_of_it():
    schema = Synthesis.model_json_schema(by_alias=True)
    assert schema["$defs"]["Strategy"]["properties"]["minTrials"]["description"]
    assert issubclass(Synthesis, BaseModel)
