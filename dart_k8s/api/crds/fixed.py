"""What may not change once an object exists, as rules of the API server: the same that a run itself asks."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .schema import OPEN, Schema

Changeable = Callable[[str], bool]
"""Whether a field of the spec may change, by its path."""


def fixed_rules(spec: Schema, *, kind: str, changeable: Changeable, instead: str) -> list[Schema]:
    """Rules for the schema of a spec: every field that may not change keeps its value, or its absence.

    A part is compared whole if nothing in it may change. Fields that the API server fills in are compared by their
    default where their part is absent. Mappings that are free are unknown to the API server; the operator compares
    them.
    """
    return [
        {
            "rule": _same(spec, path, default),
            "message": f"spec.{'.'.join(path)} can't change once the {kind} exists; {instead}",
            "fieldPath": "." + ".".join(path),
        }
        for path, default in _fixed(spec, (), changeable)
    ]


def _fixed(schema: Schema, path: tuple[str, ...], changeable: Changeable) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, field in schema["properties"].items():
        below = (*path, name)
        dotted = ".".join(below)
        if changeable(dotted) and all(changeable(found) for found, _ in _below(field, dotted)):
            continue
        if any(changeable(found) or "default" in inner for found, inner in _below(field, dotted)):
            yield from _fixed(field, below, changeable)
        elif field.get("properties") or not field.get(OPEN):
            yield below, field.get("default")


def _below(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """The fields below one, with their paths; a list is one field."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from _below(field, f"{path}.{name}")


def _same(spec: Schema, path: tuple[str, ...], default: Any) -> str:
    """CEL: the field is as it was. Optional values would be shorter to write, but the API server takes them for
    arbitrarily large and refuses the rule for its cost."""
    now, before = ".".join(("self", *path)), ".".join(("oldSelf", *path))
    given, was = _given(spec, "self", path), _given(spec, "oldSelf", path)
    if not given:
        return f"{now} == {before}"
    if default is not None:
        return f"({given} ? {now} : {literal(default)}) == ({was} ? {before} : {literal(default)})"
    return f"({given}) == ({was}) && (!({given}) || {now} == {before})"


def _given(schema: Schema, root: str, path: tuple[str, ...]) -> str:
    """CEL: the field is there; empty if it always is."""
    asked, at = [], root
    for name in path:
        at = f"{at}.{name}"
        if name not in schema.get("required", ()):
            asked.append(f"has({at})")
        schema = schema["properties"][name]
    return " && ".join(asked)


def literal(value: Any) -> str:
    """A value as CEL writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    raise TypeError(f"no literal for {value!r}")


def uncompared(spec: Schema, changeable: Changeable, path: tuple[str, ...] = ()) -> list[str]:
    """Free mappings that may not change and that the API server can't compare."""
    found = []
    fields: Mapping[str, Schema] = schema_fields(spec)
    for name, field in fields.items():
        below = (*path, name)
        if field.get(OPEN) and not field.get("properties") and not changeable(".".join(below)):
            found.append(".".join(below))
        found += uncompared(field, changeable, below)
    return found


def schema_fields(schema: Schema) -> Mapping[str, Schema]:
    """The fields of a mapping, or of the mappings in a list."""
    fields: Mapping[str, Schema] = schema.get("items", schema).get("properties", {})
    return fields


__all__ = ["fixed_rules", "literal", "schema_fields", "uncompared"]
