"""The CustomResourceDefinitions without a cluster: fresh, small, explained, bounded, and one with the models."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import event, given
from hypothesis import strategies as st
from pydantic import ValidationError

from dart_k8s.api import RECIPES, TRAINING_RECIPES, load_documents
from dart_k8s.api.crds import KINDS, definition
from dart_k8s.api.crds.fixed import uncompared
from dart_k8s.api.load import MODELS
from dart_k8s.cli.crds import files
from tests.api.drawn import SCHEMAS, specs

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "manifests" / "examples").glob("*.yaml"))
PLAIN_APPLY = 200 * 1024
"""An annotation of `kubectl apply` holds the whole object, and 256 KiB at most."""
EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=[kind.kind for kind in KINDS])


def nodes(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside a schema, with its path."""
    yield path, node
    for name, inner in node.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(node.get(word), dict):
            yield from nodes(node[word], f"{path}[]")


def closed(node: dict[str, Any]) -> dict[str, Any]:
    """The schema as strict field validation takes it."""
    made = dict(node)
    if "properties" in node:
        made["properties"] = {name: closed(inner) for name, inner in node["properties"].items()}
        if not node.get("x-kubernetes-preserve-unknown-fields"):
            made["additionalProperties"] = False
    for word in ("items", "additionalProperties"):
        if isinstance(node.get(word), dict):
            made[word] = closed(node[word])
    return made


VALIDATORS = {kind: jsonschema.Draft4Validator(closed(whole)) for kind, whole in SCHEMAS.items()}
"""By kind. Kubernetes' dialect is draft 4, in which an exclusive bound is a flag."""


def test_the_files_are_those_that_the_models_make():
    folder = ROOT / "manifests" / "crds"
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.yaml")} == files(), "run `make crds`"


@pytest.mark.parametrize("name", sorted(files()))
def test_plain_kubectl_apply_takes_a_definition(name):
    assert len(json.dumps(yaml.safe_load(files()[name]))) < PLAIN_APPLY


@EACH_KIND
def test_every_field_says_what_it_is(kind):
    fields = [(path, node) for path, node in nodes(SCHEMAS[kind.kind]) if not path.endswith("[]")]
    assert [path for path, node in fields if path != ".metadata" and not node.get("description")] == []


@EACH_KIND
def test_every_list_and_text_and_number_is_bounded(kind):
    loose = []
    for path, node in nodes(SCHEMAS[kind.kind]):
        if path in (".apiVersion", ".kind", ".metadata"):
            continue
        match node.get("type"):
            case "string" if "enum" not in node and "maxLength" not in node:
                loose.append(path)
            case "array" if "maxItems" not in node:
                loose.append(path)
            case "object" if "additionalProperties" in node and "maxProperties" not in node:
                loose.append(path)
            case "integer" if "minimum" not in node or "maximum" not in node:
                loose.append(path)
    assert loose == []


@EACH_KIND
def test_a_schema_is_structural(kind):
    forbidden = {"$ref", "anyOf", "allOf", "oneOf", "not", "title", "definitions", "propertyNames", "const", "nullable"}
    assert [path for path, node in nodes(SCHEMAS[kind.kind]) if forbidden & set(node)] == []
    for path, node in nodes(SCHEMAS[kind.kind]):
        assert "type" in node or node.get("x-kubernetes-preserve-unknown-fields"), path
        assert not ({"properties", "additionalProperties"} <= set(node)), path


@EACH_KIND
def test_every_rule_has_a_message_for_people(kind):
    for path, node in nodes(SCHEMAS[kind.kind]):
        for rule in node.get("x-kubernetes-validations", []):
            assert len(rule["message"]) > 20, (path, rule)
            assert "\n" not in rule["message"]


@EACH_KIND
def test_an_api_server_fills_in_nothing_that_a_recipe_could_set(kind):
    defaulted = {path for path, node in nodes(SCHEMAS[kind.kind]["properties"]["spec"]) if "default" in node}
    for text in {"Synthesis": RECIPES, "Training": TRAINING_RECIPES}.get(kind.kind, {}).values():
        given = set(yaml.safe_load(text)) - {"queries"}
        assert [path for path in defaulted if path.split(".")[1] in given] == []


def test_what_the_api_server_cannot_compare_is_known():
    [kind] = [kind for kind in KINDS if kind.kind == "Synthesis"]
    found = uncompared(SCHEMAS[kind.kind]["properties"]["spec"], kind.changeable)
    assert found == ["queries.where", "engine.args"]


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_an_example_fits_its_schema(path):
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        VALIDATORS[document["kind"]].validate(document)
    for loaded in load_documents(path.read_text(encoding="utf-8"), path.name):
        VALIDATORS[loaded.kind].validate(loaded.plain())


@EACH_KIND
def test_the_columns_lead_to_fields(kind):
    version = definition(kind)["spec"]["versions"][0]
    known = {path for path, _ in nodes(version["schema"]["openAPIV3Schema"])} | {".metadata.creationTimestamp"}
    assert [
        column["jsonPath"] for column in version["additionalPrinterColumns"] if column["jsonPath"] not in known
    ] == []
    for path in version["subresources"].get("scale", {}).values():
        assert path in known


@EACH_KIND
@given(data=st.data())
def test_what_a_model_takes_its_schema_takes(kind, data):
    spec = data.draw(specs(kind.kind))
    document = {"apiVersion": "dart-k8s.io/v1alpha1", "kind": kind.kind, "metadata": {"name": "one"}, "spec": spec}
    try:
        model = MODELS[kind.kind].model_validate(document)
    except ValidationError:
        event("refused by the model")
        return
    event("taken")
    VALIDATORS[kind.kind].validate(without_nulls(document))
    VALIDATORS[kind.kind].validate(model.plain())


def without_nulls(value: Any) -> Any:
    """As in Kubernetes, nothing behind a field's name means that it is not given; free mappings keep theirs."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
