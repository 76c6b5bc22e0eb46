"""What an API server's refusals mean: from an HTTP status and its Status object to an error of ours, in words."""

import json
from collections.abc import Mapping
from typing import Any

from dart_k8s.errors import (
    ClusterError,
    ClusterUnavailable,
    Expired,
    Forbidden,
    ObjectConflict,
    ObjectExists,
    ObjectNotFound,
    ObjectRefused,
)

__all__ = ["explain", "status_of"]

LONGEST = 1000
"""Characters of what the server said."""


def status_of(body: bytes) -> Mapping[str, Any]:
    """The Status object in an answer; empty if it is none (a proxy's page, say)."""
    try:
        found = json.loads(body)
    except ValueError:
        return {"message": body[:LONGEST].decode(errors="replace")}
    return found if isinstance(found, dict) else {}


def explain(doing: str, code: int, status: Mapping[str, Any], retry_after: float = 0.0) -> ClusterError:
    """The error for an answer. `doing`: what was tried on which object, like "create Job a/b"."""
    reason, said = str(status.get("reason") or ""), str(status.get("message") or "no words")[:LONGEST]
    words = f"Cannot {doing}: the API server answered {code} {reason}: {said}"
    if code == 404:
        return ObjectNotFound(words)
    if code == 409 and reason == "AlreadyExists":
        return ObjectExists(words)
    if code == 409:
        return ObjectConflict(words)
    if code == 410 or reason in {"Expired", "Gone"}:
        return Expired(words)
    if code == 401:
        return Forbidden(words, remedy="The credentials were not accepted: renew the token or the kubeconfig.")
    if code == 403 and _by_rules(said):
        return Forbidden(words, remedy="Give this account the right by a Role (see manifests/install).")
    if code == 429 or code >= 500:
        return ClusterUnavailable(words, retry_after=retry_after)
    if code == 403:
        return ObjectRefused(words, remedy="A quota or an admission rule of the cluster refuses it; ask who runs it.")
    return ObjectRefused(words)


def _by_rules(said: str) -> bool:
    """Refused by the rules of access (RBAC), not by a quota or an admission rule: both are 403 Forbidden."""
    return "cannot" in said and ("User " in said or "user " in said)
