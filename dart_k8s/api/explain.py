"""Validation errors in words: which field, which value, which names would have been right."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .base import NAME, SOURCE_NAME, Problems, wire_name

Path = tuple[str | int, ...]

EMPTY = "must not be empty"
PATTERNS = {
    NAME: "must be lower-case letters, digits and dashes, at most 63, with a letter or digit at both ends",
    SOURCE_NAME: "must be letters, digits, dots, dashes and underscores, at most 63, starting with a letter or digit",
}
"""Patterns in words."""
LONGEST = 60
"""Characters of a value that are repeated in a message."""
UNREPEATED = ("apiKeyEnv", "baseUrl", "uri", "from", "against")
"""Fields whose wrong value may be a secret; it is not repeated."""


class Fault(NamedTuple):
    """One line of an error message."""

    line: int | None
    path: str
    says: str

    def text(self) -> str:
        """The fault as users read it."""
        where = f"line {self.line}: " if self.line else ""
        return where + (f"{self.path}: {self.says}" if self.path else self.says)


def path_text(path: Path) -> str:
    """("spec", "queries", 0, "uri") as spec.queries[0].uri."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def explain(error: ValidationError, model: type[BaseModel], lines: Mapping[Path, int]) -> list[Fault]:
    """The faults behind a validation error of `model`; `lines` gives the line of a path, or of what encloses it."""
    said = [pair for details in error.errors(include_url=False) for pair in _say(details, model)]
    # A list whose only item is wrong is also reported as empty.
    inner = {path[:end] for path, _ in said for end in range(len(path))}
    return [
        Fault(_line(path, lines), path_text(path), says) for path, says in said if not (path in inner and says == EMPTY)
    ]


def _line(path: Path, lines: Mapping[Path, int]) -> int | None:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


def _say(details: ErrorDetails, model: type[BaseModel]) -> Iterator[tuple[Path, str]]:
    path, kind, context = tuple(details["loc"]), details["type"], details.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, Problems):
        for problem in cause.found:
            yield (*path, *problem.path), problem.says
    elif kind == "extra_forbidden":
        yield path, f"unknown field{suggestion(path, model)}"
    elif kind == "missing":
        yield path, f"required{_purpose(path, model)}"
    else:
        yield path, _expected(details) + _given(path, details["input"])


def _expected(details: ErrorDetails) -> str:
    """What the field takes."""
    context = details.get("ctx", {})
    match details["type"]:
        case "literal_error":
            return f"must be {context['expected']}"
        case "value_error":
            return str(context["error"])
        case "int_type" | "int_from_float":
            return "must be a whole number"
        case "float_type":
            return "must be a number"
        case "string_type":
            return "must be text (put it in quotes)"
        case "bool_type":
            return "must be true or false"
        case "tuple_type" | "list_type":
            return "must be a list"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "must be a mapping (KEY: VALUE)"
        case "greater_than_equal":
            return f"must be at least {context['ge']:g}"
        case "greater_than":
            return f"must be above {context['gt']:g}"
        case "less_than_equal":
            return f"must be at most {context['le']:g}"
        case "less_than":
            return f"must be below {context['lt']:g}"
        case "string_too_short" | "too_short":
            return EMPTY
        case "string_too_long":
            return f"must be at most {context['max_length']} characters long"
        case "too_long":
            return f"must have at most {context['max_length']} items"
        case "string_pattern_mismatch" if details["loc"][-1] == "apiKeyEnv":
            return "must be the name of an environment variable that holds the key, never the key itself"
        case "string_pattern_mismatch":
            return PATTERNS.get(context["pattern"], f"does not match {context['pattern']}")
        case _:
            return details["msg"][0].lower() + details["msg"][1:]


def _given(path: Path, value: Any) -> str:
    """The value, if it can be shown and helps."""
    if isinstance(value, dict | list | tuple) or any(part in UNREPEATED for part in path):
        return ""
    shown = repr(value)
    return f"; it is {shown if len(shown) <= LONGEST else shown[:LONGEST] + '...'}"


def _purpose(path: Path, model: type[BaseModel]) -> str:
    """The first sentence of a field's description."""
    owner = model_at(path[:-1], model)
    for name, field in owner.model_fields.items() if owner else ():
        if wire_name(name) == path[-1] and field.description:
            return ": " + " ".join(field.description.split()).split(". ")[0].rstrip(".")
    return ""


def suggestion(path: Path, model: type[BaseModel]) -> str:
    """Words on what an unknown field may have meant: the nearest name here, or the same name elsewhere."""
    owner, unknown = model_at(path[:-1], model), str(path[-1])
    names = {wire_name(name).lower(): wire_name(name) for name in owner.model_fields} if owner else {}
    folded = unknown.replace("_", "").replace("-", "").lower()
    near = difflib.get_close_matches(folded, names, n=1, cutoff=0.7)
    if near:
        return f"; did you mean {names[near[0]]}?"
    elsewhere = [path_text(found) for found in all_paths(model) if str(found[-1]).lower() == folded]
    if elsewhere:
        return f"; did you mean {' or '.join(elsewhere[:2])}?"
    return f"; known here: {', '.join(names.values())}" if names else ""


def model_at(path: Path, model: type[BaseModel]) -> type[BaseModel] | None:
    """The model that a path leads to, or None where the declaration is free."""
    for part in path:
        if isinstance(part, int):
            continue
        fields = {wire_name(name): field for name, field in model.model_fields.items()}
        inner = next(_models(fields[str(part)].annotation), None) if str(part) in fields else None
        if inner is None:
            return None
        model = inner
    return model


def all_paths(model: type[BaseModel], above: Path = ()) -> Iterator[Path]:
    """Every path of a declaration, lists as []."""
    for name, field in model.model_fields.items():
        path = (*above, wire_name(name))
        yield path
        if get_origin(field.annotation) is tuple:
            path = (*above, wire_name(name) + "[]")
        for inner in _models(field.annotation):
            yield from all_paths(inner, path)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Models inside an annotation: X, X | None, tuple[X, ...]."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


__all__ = ["Fault", "Path", "all_paths", "explain", "model_at", "path_text", "suggestion"]
