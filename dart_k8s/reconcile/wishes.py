"""What a Synthesis asks of the operator, read from its spec with defaults in place."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from dart_k8s.api import Synthesis, SynthesisSpec
from dart_k8s.api.explain import explain

from .hardening import weakened


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """See the module; field by field as in docs/reference/synthesis.md. Times in seconds."""

    name: str
    namespace: str
    uid: str
    generation: int
    output: str
    delete_output: bool
    suspend: bool
    invalid: str = ""
    """What is wrong with the spec, if the API server's rules let pass what the models refuse."""
    samplers: int = 0
    max_failures: int = 10
    startup_deadline: float = 1800.0
    own_verifiers: bool = True
    """False: the spec names a verification service."""
    verifiers: int | None = None
    isolated: bool = False
    """Verification pods run code, and refuse to where they can reach a network."""
    max_pending: int = 20_000
    queue: str = ""
    ttl: float | None = None
    accelerators: int = 1
    """GPUs of one sampler; 1 if it asks for none: then an engine's time is what is counted."""


def wishes(synthesis: Mapping[str, Any]) -> Wishes:
    """What the object asks for."""
    metadata, raw = synthesis.get("metadata") or {}, synthesis.get("spec") or {}
    wished = Wishes(
        name=metadata.get("name", ""),
        namespace=metadata.get("namespace", ""),
        uid=metadata.get("uid", ""),
        generation=int(metadata.get("generation", 0)),
        output=str((raw.get("output") or {}).get("uri", "")),
        delete_output=raw.get("deletionPolicy") == "Delete",
        suspend=raw.get("suspend") is True,
    )
    try:
        spec = declared(synthesis).spec
    except ValidationError as error:
        faults = [fault.text() for fault in explain(error, Synthesis, {})]
        return replace(wished, invalid="; ".join(faults))
    refused = "; ".join(weakened(spec))
    samplers = spec.samplers
    return replace(
        wished,
        invalid=refused,
        samplers=samplers.replicas,
        max_failures=samplers.max_failures,
        startup_deadline=float(samplers.startup_deadline_seconds),
        own_verifiers=spec.verifiers.url is None,
        verifiers=spec.verifiers.replicas,
        isolated=spec.prompt.template == "tool-integrated" and spec.execution.require_network_isolation,
        max_pending=spec.verification.max_pending,
        queue=spec.queue_name or "",
        ttl=None if spec.ttl_seconds_after_finished is None else float(spec.ttl_seconds_after_finished),
        accelerators=accelerators(spec),
    )


def declared(synthesis: Mapping[str, Any]) -> Synthesis:
    """The object as a declaration. Raises pydantic's ValidationError."""
    return Synthesis.model_validate(dict(synthesis), by_alias=True, by_name=False)


def accelerators(spec: SynthesisSpec) -> int:
    """GPUs that one sampler asks for, of any vendor; 1 if none."""
    limits: dict[str, Any] = {}
    for part in ("requests", "limits"):
        found = spec.samplers.resources.get(part)
        limits |= found if isinstance(found, Mapping) else {}
    asked = [str(amount) for name, amount in limits.items() if "/" in name and "gpu" in name.rsplit("/", 1)[-1].lower()]
    return sum(int(amount) for amount in asked if amount.isdigit()) or 1


__all__ = ["Wishes", "accelerators", "declared", "wishes"]
