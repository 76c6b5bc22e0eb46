"""What an API server's refusals mean: from an HTTP status and its Status object to an error of ours, in words."""

import json
import re
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
LONGEST_VALUE = 60
"""Characters of a value that is shown with what is wrong with it."""
_VALUE = re.compile(r"Invalid value: (?P<value>\"(?:[^\"\\]|\\.)*\"|[^\s:]+): (?P<words>.*)", re.DOTALL)


def status_of(body: bytes) -> Mapping[str, Any]:
    """The Status object in an answer; empty if it is none (a proxy's page, say)."""
    try:
        found = json.loads(body)
    except ValueError:
        return {"message": body[:LONGEST].decode(errors="replace")}
    return found if isinstance(found, dict) else {}


def explain(doing: str, code: int, status: Mapping[str, Any], retry_after: float = 0.0) -> ClusterError:
    """The error for an answer. `doing`: what was tried on which object, like "create Job a/b"."""
    reason, said = str(status.get("reason") or ""), _said(code, status)[:LONGEST]
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
    if code == 500 and "failed to create typed patch object" in said:
        # It says 500, but the same request gets the same answer for ever.
        return ObjectRefused(
            words,
            remedy="It does not know a field: mend the pod settings, or apply the newer CRDs (dart crds).",
        )
    if code == 429 or code >= 500:
        return ClusterUnavailable(words, retry_after=retry_after)
    if code == 403:
        return ObjectRefused(words, remedy="A quota or an admission rule of the cluster refuses it; ask who runs it.")
    return ObjectRefused(words)


def _said(code: int, status: Mapping[str, Any]) -> str:
    """The server's words. Of an invalid object each fault on a line of its own, without the value: it can be the whole
    spec, and the words of the rule come after it."""
    causes = (status.get("details") or {}).get("causes") or ()
    if code != 422 or not causes:
        return str(status.get("message") or "no words")
    lines = [_fault(str(cause.get("field") or "the object"), str(cause.get("message") or "")) for cause in causes]
    return "".join(f"\n  {line}" for line in dict.fromkeys(lines))


def _fault(field: str, said: str) -> str:
    """'Invalid value: "object": words' -> 'field: words'; a short value stays, behind them."""
    found = _VALUE.match(said)
    words = found["words"] if found else said.removeprefix("Invalid value: ")
    value = found["value"] if found else ""
    if value and value not in {'"object"', '"array"', '"map"'} and len(value) <= LONGEST_VALUE:
        words += f" (it is {value})"
    return words if words.startswith(field) else f"{field}: {words}"


def _by_rules(said: str) -> bool:
    """Refused by the rules of access (RBAC), not by a quota or an admission rule: both are 403 Forbidden."""
    return "cannot" in said and ("User " in said or "user " in said)
