"""Digests of what children were made from: the operator compares these, never objects with a server's defaults."""

import hashlib
from collections.abc import Mapping
from typing import Any

from dart_k8s.api.text import canonical_json

from .settings import Settings

LAYOUT = 1
"""Raised when the objects that `render` makes of the same input change."""
LIFECYCLE = frozenset({"deletionPolicy", "modelCache", "prepare", "queueName", "suspend", "ttlSecondsAfterFinished"})
ABOUT_PODS: Mapping[str, frozenset[str]] = {
    "Synthesis": LIFECYCLE | {"claims", "curate", "execution", "flush", "samplers", "sharding", "verifiers"},
    "Training": LIFECYCLE | {"checkpoints", "push", "tracking", "trainers"},
    "Evaluation": LIFECYCLE | {"execution", "samplers", "verifiers"},
}
"""Kind -> fields of a spec that say how it is carried out, not what it is to make."""


def goal(item: Mapping[str, Any]) -> str:
    """Of what an object is to make: another one after the end means that there is something to do again."""
    about_pods = ABOUT_PODS[item.get("kind", "Synthesis")]
    return _digest({key: value for key, value in item.get("spec", {}).items() if key not in about_pods})


def declaration(item: Mapping[str, Any], settings: Settings) -> str:
    """Of the declaration that pods read; `item`: with what it refers to in place."""
    return _digest([_named(item), item.get("spec", {}), settings.cluster_domain])


def verifiers(synthesis: Mapping[str, Any], settings: Settings) -> str:
    """Of the verification Deployment (but for its size), Service and NetworkPolicy."""
    spec = synthesis.get("spec", {})
    sized = {key: value for key, value in (spec.get("verifiers") or {}).items() if key != "replicas"}
    setup = [
        settings.images.get("verifier"),
        settings.pull_policy,
        list(settings.pull_secrets),
        settings.resources.get("verifier"),
        settings.isolation_seconds,
    ]
    return _digest([_named(synthesis), sized, spec.get("execution"), spec.get("prompt"), setup])


def trainers(training: Mapping[str, Any]) -> str:
    """Of the trainers' Service and NetworkPolicy."""
    return _digest(_named(training))


def synthesis_pass(spec: Mapping[str, Any]) -> str:
    """Of a Synthesis that an Evaluation makes, by its spec."""
    return _digest(spec)


def _named(item: Mapping[str, Any]) -> list[Any]:
    metadata = item.get("metadata", {})
    return [metadata.get("name"), metadata.get("namespace"), metadata.get("uid")]


def _digest(value: Any) -> str:
    plain = canonical_json([LAYOUT, value])
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:32]


__all__ = ["declaration", "goal", "synthesis_pass", "trainers", "verifiers"]
