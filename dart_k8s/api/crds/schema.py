"""A model as a structural OpenAPI v3 schema, as an API server wants it: no references, no unions, all bounded."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

OPEN = "x-kubernetes-preserve-unknown-fields"
LIST_TYPE = "x-kubernetes-list-type"
KEPT = ("type", "format", "enum", "pattern", "minLength", "maxLength", "minItems", "maxItems", "maxProperties")
"""Words that mean the same in both dialects."""

Schema = dict[str, Any]
Path = tuple[str, ...]


def structural(
    model: type[BaseModel],
    *,
    defaulted: Callable[[str], bool],
    made: frozenset[str] = frozenset(),
    optional: frozenset[str] = frozenset(),
) -> Schema:
    """The schema of `model`. Paths are like "samplers.replicas"; a list is no step of its own.

    `defaulted` says whether the API server fills in the model's default of a field; every other default is told in the
    description, and the models fill it in. `made` has the parts that the API server makes where they are absent.
    `optional` has fields that the model requires and the API server must not: something else may give them.
    """
    whole = model.model_json_schema(by_alias=True, mode="validation")
    return _Making(whole.get("$defs", {}), defaulted, made, optional).node(whole, ())


class _Making:
    def __init__(
        self,
        definitions: Mapping[str, Schema],
        defaulted: Callable[[str], bool],
        made: frozenset[str],
        optional: frozenset[str],
    ) -> None:
        self.definitions, self.defaulted, self.made, self.optional = definitions, defaulted, made, optional

    def node(self, given: Mapping[str, Any], path: Path) -> Schema:
        """One value, wherever it stands."""
        source = self._plain(given)
        made: Schema = {}
        if "description" in source:
            made["description"] = " ".join(source["description"].split())
        for word in KEPT:
            if word in source:
                made[word] = source[word]
        made |= {word: value for word, value in source.items() if word.startswith("x-kubernetes-")}
        if "const" in source:
            made |= {"type": "string", "enum": [source["const"]]}
        self._bounds(source, made)
        match made.get("type"):
            case "object":
                self._object(source, made, path)
            case "array":
                made["items"] = self.node(source["items"], path)
                made.setdefault(LIST_TYPE, "atomic")
            case "integer":
                made.setdefault("format", "int64")
            case None:
                made[OPEN] = True
        return made

    def _plain(self, given: Mapping[str, Any]) -> Schema:
        """Without references and without "or null", which for an API server is the same as absent."""
        source = dict(given)
        while "$ref" in source or "anyOf" in source or "allOf" in source:
            if "$ref" in source:
                inner = self.definitions[source.pop("$ref").rsplit("/", 1)[-1]]
            else:
                word = "anyOf" if "anyOf" in source else "allOf"
                [inner] = [choice for choice in source.pop(word) if choice.get("type") != "null"]
            # What the field says of itself goes before what its type says.
            source = {**inner, **source}
        return source

    def _bounds(self, source: Schema, made: Schema) -> None:
        """An API server's dialect has the exclusive bound beside the bound, as a flag."""
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if exclusive in source:
                made |= {bound: source[exclusive], exclusive: True}
            elif bound in source:
                made[bound] = source[bound]

    def _object(self, source: Schema, made: Schema, path: Path) -> None:
        if "properties" not in source:
            inner = source.get("additionalProperties", True)
            if isinstance(inner, Mapping) and "type" in self._plain(inner):
                made["additionalProperties"] = self.node(inner, path)
            else:
                made[OPEN] = True
            return
        made["properties"] = {}
        for name, field in source["properties"].items():
            made["properties"][name] = self._field(field, (*path, name))
        required = [name for name in source.get("required", ()) if ".".join((*path, name)) not in self.optional]
        if required:
            made["required"] = required

    def _field(self, field: Schema, path: Path) -> Schema:
        made = self.node(field, path)
        default, dotted = field.get("default"), ".".join(path)
        if isinstance(default, dict):
            if dotted in self.made:
                made["default"] = {}
        elif default is not None and default != []:
            if self.defaulted(dotted):
                made["default"] = default
            elif "default" not in made.get("description", "").lower():
                shown = str(default).lower() if isinstance(default, bool) else str(default)
                made["description"] = f"{made.get('description', '')} Default: {shown}.".strip()
        return made


__all__ = ["OPEN", "Schema", "structural"]
