"""What a Synthesis asks of the operator, read from its spec with defaults in place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """See the module; field by field as in docs/reference/synthesis.md. Times in seconds."""

    name: str
    namespace: str
    uid: str
    generation: int
    output: str
    engine: str
    samplers: int
    max_failures: int
    startup_deadline: float
    stall_deadline: float
    own_verifiers: bool
    """False: the spec names a verification service."""
    verifiers: int | None
    max_pending: int
    suspend: bool
    queue: str
    ttl: float | None
    delete_output: bool
    prepare_deadline: float
    curate_deadline: float
    accelerators: int
    """GPUs of one sampler; 1 if it asks for none: then an engine's time is what is counted."""


def wishes(synthesis: Mapping[str, Any]) -> Wishes:
    """What the object asks for."""
    metadata, spec = synthesis.get("metadata", {}), synthesis.get("spec", {})
    samplers, verifiers = _part(spec, "samplers"), _part(spec, "verifiers")
    replicas = verifiers.get("replicas")
    ttl = spec.get("ttlSecondsAfterFinished")
    return Wishes(
        name=metadata.get("name", ""),
        namespace=metadata.get("namespace", ""),
        uid=metadata.get("uid", ""),
        generation=int(metadata.get("generation", 0)),
        output=_part(spec, "output").get("uri", ""),
        engine=_part(spec, "engine").get("kind", "vllm"),
        samplers=int(samplers.get("replicas", 1)),
        max_failures=int(samplers.get("maxFailures", 10)),
        startup_deadline=float(samplers.get("startupDeadlineSeconds", 1800)),
        stall_deadline=float(samplers.get("stallDeadlineSeconds", 600)),
        own_verifiers=not verifiers.get("url"),
        verifiers=None if replicas is None else int(replicas),
        max_pending=int(_part(spec, "verification").get("maxPending", 20_000)),
        suspend=bool(spec.get("suspend", False)),
        queue=spec.get("queueName") or "",
        ttl=None if ttl is None else float(ttl),
        delete_output=spec.get("deletionPolicy", "Retain") == "Delete",
        prepare_deadline=float(_part(spec, "prepare").get("deadlineSeconds", 7200)),
        curate_deadline=float(_part(spec, "curate").get("deadlineSeconds", 21_600)),
        accelerators=_accelerators(_part(samplers, "resources")),
    )


def _part(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def _accelerators(resources: Mapping[str, Any]) -> int:
    limits = {**_part(resources, "requests"), **_part(resources, "limits")}
    asked = [str(amount) for name, amount in limits.items() if "gpu" in name.rsplit("/", 1)[-1].lower() and "/" in name]
    return sum(int(amount) for amount in asked if amount.isdigit()) or 1


__all__ = ["Wishes", "wishes"]
