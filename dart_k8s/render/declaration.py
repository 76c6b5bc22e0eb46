"""The declaration that pods read: the user's, with the address of its own verification pods in it."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from dart_k8s.api.text import write
from dart_k8s.names import DECLARATION, DIGEST, VERIFIER_PORT, declaration_name, verifier_name
from dart_k8s.reconcile import Settings, digests

from .identity import Identity

KEY = PurePosixPath(DECLARATION).name


def config_map(identity: Identity, synthesis: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The ConfigMap with it."""
    wanted = digests.declaration(synthesis, settings)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": identity.metadata(declaration_name(identity.name), identity.labels(), {DIGEST: wanted}),
        "data": {KEY: write(declaration(identity, synthesis, settings))},
    }


def declaration(identity: Identity, synthesis: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """As `dart run` would read it too."""
    spec = dict(synthesis["spec"])
    verifiers = dict(spec.get("verifiers") or {})
    if not verifiers.get("url"):
        host = f"{verifier_name(identity.name)}.{identity.namespace}.svc.{settings.cluster_domain}"
        spec["verifiers"] = {**verifiers, "url": f"http://{host}:{VERIFIER_PORT}"}
    return {
        "apiVersion": synthesis.get("apiVersion", "dart-k8s.io/v1alpha1"),
        "kind": synthesis.get("kind", "Synthesis"),
        "metadata": {"name": identity.name, "namespace": identity.namespace},
        "spec": spec,
    }


__all__ = ["config_map", "declaration"]
