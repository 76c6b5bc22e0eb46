"""Digests of what children were made from: the operator compares these, never objects with a server's defaults."""

import hashlib
from collections.abc import Mapping
from typing import Any

from dart_k8s.api.text import canonical_json

from .settings import Settings

LAYOUT = 1
"""Raised when the objects that `render` makes of the same input change."""
ABOUT_PODS = frozenset(
    {"claims", "curate", "deletionPolicy", "execution", "flush", "modelCache", "prepare", "queueName", "samplers"}
    | {"sharding", "suspend", "ttlSecondsAfterFinished", "verifiers"}
)
"""Fields of a spec that say how a run is carried out, not what it is to make."""


def goal(synthesis: Mapping[str, Any]) -> str:
    """Of what a run is to make: another one after the end means that there is something to do again."""
    return _digest({key: value for key, value in synthesis.get("spec", {}).items() if key not in ABOUT_PODS})


def declaration(synthesis: Mapping[str, Any], settings: Settings) -> str:
    """Of the declaration that pods read."""
    return _digest([_named(synthesis), synthesis.get("spec", {}), settings.cluster_domain])


def verifiers(synthesis: Mapping[str, Any], settings: Settings) -> str:
    """Of the verification Deployment (but for its size), Service and NetworkPolicy."""
    spec = synthesis.get("spec", {})
    sized = {key: value for key, value in (spec.get("verifiers") or {}).items() if key != "replicas"}
    setup = [
        dict(settings.images),
        settings.pull_policy,
        list(settings.pull_secrets),
        settings.resources.get("verifier"),
    ]
    return _digest([_named(synthesis), sized, spec.get("execution"), spec.get("prompt"), setup])


def _named(synthesis: Mapping[str, Any]) -> list[Any]:
    metadata = synthesis.get("metadata", {})
    return [metadata.get("name"), metadata.get("namespace"), metadata.get("uid")]


def _digest(value: Any) -> str:
    plain = canonical_json([LAYOUT, value])
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:32]


__all__ = ["declaration", "goal", "verifiers"]
