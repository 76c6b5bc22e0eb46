"""Requests as an API server takes them: paths, methods, and the words that tell people of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from dart_k8s.edges.cluster.base import Resource

__all__ = ["METHODS", "Sent", "path_of", "pause_of", "words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request that ended, for whoever counts."""

    verb: str
    """As rules of access name it: get, list, watch, create, patch, update, delete."""
    resource: Resource
    subresource: str
    namespace: str
    name: str
    code: str
    """HTTP status; "error" without one."""
    seconds: float
    """Until the answer began; without the wait for the client's own limit."""
    throttled: float
    """Seconds of that wait."""


METHODS: Mapping[str, str] = MappingProxyType({
    "get": "GET", "list": "GET", "watch": "GET",
    "create": "POST", "patch": "PATCH", "update": "PUT", "delete": "DELETE",
})  # fmt: skip
"""By the verbs of rules of access."""


def path_of(resource: Resource, namespace: str | None, name: str, subresource: str) -> str:
    """Of an object, or (without a name) of its kind."""
    parts = [resource.path]
    if namespace and resource.namespaced:
        parts += ["namespaces", quote(namespace, safe="")]
    parts.append(resource.plural)
    parts += [quote(part, safe="") for part in (name, subresource) if part]
    return "/".join(parts)


def words(verb: str, resource: Resource, namespace: str | None, name: str, subresource: str = "") -> str:
    """Like: create Job a/b."""
    where = "/".join(part for part in (namespace, name) if part) or "of all namespaces"
    return f"{verb} {resource.kind} {where}" + (f" ({subresource})" if subresource else "")


def pause_of(text: str | None) -> float:
    """Retry-After in seconds; the API server never sends a date."""
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0
