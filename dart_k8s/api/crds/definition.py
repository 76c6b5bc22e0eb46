"""CustomResourceDefinitions: schema, rules, columns, names."""

from collections.abc import Iterable
from typing import Any

from dart_k8s.names import GROUP

from .fixed import fixed_rules
from .kinds import KINDS, Column, Kind
from .schema import Schema, structural

REPLACED = "make a new one with an output.uri of its own"


def definition(kind: Kind) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind."""
    version: dict[str, Any] = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": schema(kind)},
    }
    if kind.scale:
        wanted, there, selector = kind.scale
        version["subresources"]["scale"] = {
            "specReplicasPath": wanted,
            "statusReplicasPath": there,
            "labelSelectorPath": selector,
        }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}", "labels": {"app.kubernetes.io/part-of": "dart"}},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "shortNames": list(kind.short),
                "categories": ["dart"],
            },
            "versions": [version],
        },
    }


def schema(kind: Kind) -> Schema:
    """The schema of a kind's objects, with its rules."""

    def defaulted(path: str) -> bool:
        return any(path == root or path.startswith(f"{root}.") for root in kind.defaulted)

    spec = structural(
        kind.spec,
        defaulted=defaulted,
        made=frozenset(kind.made),
        optional=frozenset(kind.optional),
    )
    status = structural(kind.status, defaulted=lambda path: False)
    made: Schema = {
        "type": "object",
        "description": kind.says,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Group and version: dart-k8s.io/v1alpha1."},
            "kind": {"type": "string", "description": f"Kind of the object: {kind.kind}."},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
    }
    for rule in kind.rules:
        _add(made, rule.path, {"rule": rule.rule, "message": rule.message})
    for fixed in fixed_rules(spec, kind=kind.kind, changeable=kind.changeable, instead=REPLACED):
        _add(made, "spec", fixed)
    return made


def _add(whole: Schema, path: str, rule: Schema) -> None:
    node = whole
    for part in filter(None, path.split(".")):
        node = node["properties"][part.removesuffix("[]")]
        if part.endswith("[]"):
            node = node["items"]
    node.setdefault("x-kubernetes-validations", []).append(rule)


def _column(column: Column) -> dict[str, Any]:
    made: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.says:
        made["description"] = column.says
    if column.wide:
        made["priority"] = 1
    return made


def definitions(kinds: Iterable[Kind] = KINDS) -> dict[str, dict[str, Any]]:
    """All CustomResourceDefinitions by the name of their file."""
    return {kind.file: definition(kind) for kind in kinds}


__all__ = ["definition", "definitions", "schema"]
