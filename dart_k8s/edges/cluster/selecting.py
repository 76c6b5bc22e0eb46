"""Label selectors as the API server reads them: equality and sets."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from dart_k8s.errors import ObjectRefused

__all__ = ["Matches", "selector"]

Matches = Callable[[Mapping[str, str]], bool]

_TERM = re.compile(
    r"\s*(?:(?P<not>!)?\s*(?P<bare>[^\s,=!()]+)"
    r"|(?P<key>[^\s,=!()]+)\s*(?P<sign>==|=|!=)\s*(?P<value>[^\s,()]*)"
    r"|(?P<name>[^\s,=!()]+)\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\))\s*(?:,|$)"
)


@lru_cache(maxsize=256)
def selector(text: str) -> Matches:
    """A test of labels; the empty text matches everything. Raises ObjectRefused."""
    terms: list[Matches] = []
    at = 0
    while at < len(text.rstrip(", ")):
        found = _TERM.match(text, at)
        if not found:
            raise ObjectRefused(f"Cannot read the label selector {text!r} from {text[at:]!r} on.")
        terms.append(_term(found))
        at = found.end()
    return lambda labels: all(term(labels) for term in terms)


def _term(found: re.Match[str]) -> Matches:
    part = found.groupdict()
    if part["bare"]:
        bare, absent = part["bare"], bool(part["not"])
        return lambda labels: (bare in labels) != absent
    if part["key"]:
        key, value = part["key"], part["value"]
        if part["sign"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    name, values = part["name"], {word.strip() for word in part["values"].split(",")}
    if part["set"] == "in":
        return lambda labels: labels.get(name) in values
    return lambda labels: labels.get(name) not in values
