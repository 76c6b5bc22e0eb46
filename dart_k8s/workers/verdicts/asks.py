"""What a user may ask of the verifier beyond the rules for data sets, as NAME or NAME=VALUE."""

import dataclasses
import difflib
import math
from collections.abc import Iterable
from typing import Any, get_args

from dart_k8s.answers import Policy
from dart_k8s.answers.verdict import Kind
from dart_k8s.errors import SpecError

NAMES = {field.name.replace("_", "-"): field for field in dataclasses.fields(Policy) if field.name != "lenient"}
"""By their words on the command line; lenient has an option of its own."""


def policy(asks: Iterable[str]) -> dict[str, Any]:
    """Fields of `answers.Policy`. Raises SpecError for an unknown name, one that is there twice, or a value of another
    kind."""
    found: dict[str, Any] = {}
    for ask in asks:
        name, equals, text = ask.partition("=")
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(NAMES)}."
            raise SpecError(f"Cannot ask the verifier for {name!r}: it knows no such thing.", remedy=hint)
        field = NAMES[name]
        if field.name in found:
            raise SpecError(f"Cannot ask the verifier for {name} twice.")
        found[field.name] = _value(name, field.default, text if equals else None)
    return found


def _value(name: str, default: object, text: str | None) -> object:
    if isinstance(default, bool):
        if text is not None:
            raise SpecError(
                f"Cannot ask the verifier for {name}={text}: it has no value.", remedy=f"Write {name} alone."
            )
        return True
    if isinstance(default, float):
        number = _number(text)
        if number is None:
            raise SpecError(
                f"Cannot ask the verifier for {name}={text or ''}: its value is a number above 0.",
                remedy=f"For example {name}=0.01.",
            )
        return number
    kinds = [kind for kind in get_args(Kind) if kind]
    if text not in kinds:
        raise SpecError(
            f"Cannot ask the verifier for {name}={text or ''}.", remedy=f"Its value is one of {', '.join(kinds)}."
        )
    return text


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


__all__ = ["NAMES", "policy"]
