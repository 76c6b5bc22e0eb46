"""Trees as JSON, for the way to a child process. Only the node types of `tree` can come out."""

from dataclasses import fields
from fractions import Fraction
from typing import Any

from dart_k8s.answers import tree
from dart_k8s.answers.tree import Node

_TYPES: dict[str, type[Any]] = {
    name: value
    for name, value in vars(tree).items()
    if isinstance(value, type) and hasattr(value, "__dataclass_fields__")
}


def encode(node: Node) -> list[Any]:
    """[type, field, ...]; fractions are ["/", top, bottom] in hexadecimal, tuples ["", ...]."""
    return [type(node).__name__, *(_encode(getattr(node, field.name)) for field in fields(node))]


def _encode(value: Any) -> Any:
    if isinstance(value, Fraction):
        return ["/", f"{value.numerator:x}", f"{value.denominator:x}"]
    if isinstance(value, tuple):
        return ["", *(_encode(item) for item in value)]
    if type(value).__name__ in _TYPES:
        return encode(value)
    return value


def decode(value: Any) -> Any:
    """The inverse of `encode`. Raises ValueError for anything that `encode` does not make."""
    if not isinstance(value, list):
        return value
    if not value or not isinstance(value[0], str):
        raise ValueError("not an encoded tree")
    head, *rest = value
    if head == "/":
        return Fraction(int(rest[0], 16), int(rest[1], 16))
    if head == "":
        return tuple(decode(item) for item in rest)
    if head not in _TYPES:
        raise ValueError(f"no node of type {head!r}")
    return _TYPES[head](*(decode(item) for item in rest))
