"""The reference of a kind as Markdown, made from its CustomResourceDefinition: what an API server takes, and says."""

import re
from collections.abc import Iterator
from typing import Any

from dart_k8s.api.base import LARGEST, LONGEST_TIME
from dart_k8s.names import GROUP, VERSION

from .definition import schema
from .fixed import uncompared
from .kinds import Kind
from .schema import OPEN, Schema

TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "array": "list"}
RULES = "x-kubernetes-validations"
TOLD = re.compile(r"\s*Default: (\S+)\.$")
"""A default that the models fill in, which the schema tells in a description. One in more words stays there."""
UNSHOWN = (LARGEST, LONGEST_TIME)
"""Bounds that are only there because an API server wants one."""


def page(kind: Kind) -> str:
    """Every field with type, bounds, default and meaning, every rule, what may not change, the status and columns."""
    whole = schema(kind)
    spec, status = whole["properties"]["spec"], whole["properties"]["status"]
    changed = [rule["fieldPath"] for rule in spec.get(RULES, ()) if "fieldPath" in rule]
    lines = [
        f"# {kind.kind}",
        "",
        f"Made from `manifests/crds/{kind.file}` by `make reference`; a test keeps it up to date.",
        "",
    ]
    lines += [
        f"{kind.says} `{GROUP}/{VERSION}`, in a namespace; `kubectl get {kind.plural}`, short `{kind.short[0]}`.",
        "",
    ]
    lines += [
        "`dart run` takes the same declaration, and means nothing by what is said to be for a cluster only.",
        "",
    ]
    lines += [*_refused(whole)]
    lines += [*_section("spec", spec)]
    lines += ["## What may not change", "", "Once the object exists; anything else may, at any time.", ""]
    lines += [f"- `spec{path}`" for path in changed]
    unseen = [path for path in uncompared(spec, kind.changeable) if f".{path}".rpartition(".")[0] not in changed]
    lines += [f"- `spec.{path}`, which no API server can compare: a pod refuses it as `SpecChanged`" for path in unseen]
    lines += ["", *_section("status", status)]
    lines += [
        "## Columns",
        "",
        "Of `kubectl get`; those in italics with `-o wide`.",
        "",
        "| column | what it shows |",
        "| --- | --- |",
    ]
    for column in kind.columns:
        name = f"*{column.name}*" if column.wide else column.name
        lines.append(f"| {name} | {column.says} `{column.path.removeprefix('.')}` |")
    return "\n".join(lines).rstrip() + "\n"


def _section(path: str, node: Schema) -> Iterator[str]:
    """A mapping's table, its rules, and the mappings below it."""
    yield from (f"## {path}", "")
    if said := node.get("description"):
        yield from (_cell(said), "")
    yield from ("| field | type | default | meaning |", "| --- | --- | --- | --- |")
    below: list[tuple[str, Schema]] = []
    for name, field in node["properties"].items():
        default, meaning = _default(name, field, node)
        yield f"| `{name}` | {_type(field)} | {default} | {meaning} |"
        inner, steps = field, ""
        while inner.get("type") == "array" or isinstance(inner.get("additionalProperties"), dict):
            inner, steps = inner.get("items") or inner["additionalProperties"], f"{steps}[]"
        if inner.get("properties"):
            below.append((f"{path}.{name}{steps}", inner))
    yield ""
    yield from _refused(node)
    for name, field in node["properties"].items():
        if not field.get("properties"):
            yield from _refused(field, f"`{name}`")
        if field.get("type") == "array" and not field["items"].get("properties"):
            yield from _refused(field["items"], f"each of `{name}`")
    for where, inner in below:
        yield from _section(where, inner)


def _refused(node: Schema, of: str = "") -> Iterator[str]:
    """Messages of the rules between fields, but of those that keep a field from changing."""
    messages = [rule["message"] for rule in node.get(RULES, ()) if "fieldPath" not in rule]
    if messages:
        yield from (f"Refused of {of}:" if of else "Refused:", "")
        yield from (f"- {message}" for message in messages)
        yield ""


def _default(name: str, field: Schema, parent: Schema) -> tuple[str, str]:
    """What a field is when it is left out, and its meaning without that."""
    meaning = _cell(field.get("description", ""))
    if name in parent.get("required", ()):
        return "required", meaning
    if "default" in field and field["default"] != {}:
        return f"`{_plain(field['default'])}`", meaning
    if found := TOLD.search(meaning):
        return f"`{found[1]}`", meaning[: found.start()]
    return "", meaning


def _type(node: Schema) -> str:
    if "enum" in node:
        return " \\| ".join(f"`{value}`" for value in node["enum"])
    if node.get("type") == "array":
        most = f", at most {node['maxItems']:,}" if "maxItems" in node else ""
        return f"list of {_type(node['items'])}{most}"
    if node.get("type") == "object":
        values = node.get("additionalProperties")
        if isinstance(values, dict):
            return f"mapping of {_type(values)}"
        return "mapping" if node.get("properties") else "mapping of any"
    if node.get(OPEN):
        return "any"
    bounds = [*_range(node)]
    if node.get("type") == "string" and node.get("format") == "date-time":
        return "time"
    if node.get("type") == "string" and "maxLength" in node:
        bounds.append(f"at most {node['maxLength']:,} characters")
    return ", ".join([TYPES[node["type"]], *bounds])


def _range(node: Schema) -> Iterator[str]:
    for bound, sign in (("minimum", ">"), ("maximum", "<")):
        if bound in node and node[bound] not in UNSHOWN:
            exclusive = node.get(f"exclusive{bound.capitalize()}")
            yield f"{sign}{'' if exclusive else '='} {_plain(node[bound])}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


__all__ = ["page"]
