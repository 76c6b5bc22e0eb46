"""The reference of all fields, made from the models."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .base import LARGEST, LONGEST_TIME, Part, wire_name
from .synthesis import Synthesis

PLAIN_NAMES = {str: "text", int: "whole number", float: "number", bool: "true or false", dict: "mapping"}


def reference(model: type[BaseModel] = Synthesis) -> str:
    """Every field of a kind with its type, default and meaning, as Markdown."""
    title = model.__name__
    lines = [f"# {title}", "", "Made from the models by `make golden`; a test keeps it up to date.", ""]
    lines += [*_section("", model)]
    return "\n".join(lines).rstrip() + "\n"


def _section(path: str, model: type[BaseModel]) -> Iterator[str]:
    if path:
        yield from (f"## {path}", "")
    if model.__doc__:
        yield from (" ".join(model.__doc__.split()), "")
    yield from ("| field | type | default | meaning |", "| --- | --- | --- | --- |")
    inner: list[tuple[str, type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        below, listed = _part(field.annotation)
        kind = _type(field.annotation, field)
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        yield f"| `{wire_name(name)}` | {kind} | {_default(field)} | {meaning} |"
        if below:
            where = f"{path}.{wire_name(name)}" if path else wire_name(name)
            inner.append((where + "[]" * listed, below))
    yield ""
    for where, below in inner:
        yield from _section(where, below)


def _part(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model inside an annotation, and whether it is one of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for inner in get_args(annotation):
        found, listed = _part(inner)
        if found:
            return found, listed or get_origin(annotation) is tuple
    return None, False


def _type(annotation: Any, field: FieldInfo | None = None) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    bounds = _bounds(field) if field else ""
    if origin is Literal:
        return " \\| ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        return _type(next(item for item in arguments if item is not type(None)), field)
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if hasattr(annotation, "__metadata__"):
        return _type(arguments[0]) + _limits(annotation.__metadata__)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    return PLAIN_NAMES.get(origin or annotation, "value") + bounds


def _bounds(field: FieldInfo) -> str:
    return _limits(field.metadata)


def _limits(metadata: Any) -> str:
    """Bounds in signs: ", >= 1"."""
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    found = []
    for item in metadata:
        for limit in item.metadata if isinstance(item, FieldInfo) else (item,):
            bounds = [(sign, getattr(limit, name)) for name, sign in signs.items() if hasattr(limit, name)]
            found += [f", {sign} {bound:g}" for sign, bound in bounds if bound not in (LARGEST, LONGEST_TIME)]
    return "".join(found)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ((), {}) or isinstance(value, Part):
        return ""
    shown = str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
    return f"`{shown}`"


__all__ = ["reference"]
