"""The declaration that pods read: the user's, with what it refers to and the address of its own verification pods in
it."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from dart_k8s.api.text import write
from dart_k8s.names import DECLARATION, DIGEST, VERIFIER_PORT, declaration_name, verifier_name
from dart_k8s.reconcile import Settings, digests

from .identity import Identity

KEY = PurePosixPath(DECLARATION).name


def config_map(identity: Identity, item: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The ConfigMap with it; `item`: with what it refers to in place."""
    wanted = digests.declaration(item, settings)
    name = declaration_name(identity.name, identity.kind)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": identity.metadata(name, identity.labels(), {DIGEST: wanted}),
        "data": {KEY: write(declaration(identity, item, settings))},
    }


def declaration(identity: Identity, item: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """As `dart run` would read it too."""
    spec = dict(item["spec"])
    if identity.kind == "Synthesis":
        verifiers = dict(spec.get("verifiers") or {})
        if not verifiers.get("url"):
            host = f"{verifier_name(identity.name)}.{identity.namespace}.svc.{settings.cluster_domain}"
            spec["verifiers"] = {**verifiers, "url": f"http://{host}:{VERIFIER_PORT}"}
    return {
        "apiVersion": item.get("apiVersion", "dart-k8s.io/v1alpha1"),
        "kind": identity.kind,
        "metadata": {"name": identity.name, "namespace": identity.namespace},
        "spec": spec,
    }


__all__ = ["config_map", "declaration"]
