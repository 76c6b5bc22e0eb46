"""What an object asks of the operator, read from its spec with defaults in place."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast, get_args

from pydantic import ValidationError

from dart_k8s.api import Evaluation, PodSettings, Synthesis, Training
from dart_k8s.api.explain import explain
from dart_k8s.names import Kind

from .hardening import weakened


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """See the module; field by field as in docs/reference. What every kind asks for. Times in seconds."""

    name: str
    namespace: str
    uid: str
    generation: int
    output: str
    delete_output: bool
    suspend: bool
    invalid: str = ""
    """What is wrong with the spec, if the API server's rules let pass what the models refuse."""
    queue: str = ""
    ttl: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesisWishes(Wishes):
    """What a Synthesis asks for besides."""

    samplers: int = 0
    max_failures: int = 10
    startup_deadline: float = 1800.0
    own_verifiers: bool = True
    """False: the spec names a verification service."""
    verifiers: int | None = None
    isolated: bool = False
    """Verification pods run code, and refuse to where they can reach a network."""
    max_pending: int = 20_000
    accelerators: int = 1
    """GPUs of one sampler; 1 if it asks for none: then an engine's time is what is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingWishes(Wishes):
    """What a Training asks for besides."""

    nodes: int = 1
    max_restarts: int = 3
    rendezvous_deadline: float = 900.0
    accelerators: int = 1
    """GPUs of one trainer; 1 if it asks for none."""
    synthesis: str = ""
    """Name of the Synthesis whose data set it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationWishes(Wishes):
    """What an Evaluation asks for besides."""

    training: str = ""
    """Name of the Training whose model it needs."""


W = TypeVar("W", bound=Wishes)
Declared = Synthesis | Training | Evaluation


def kind_of(item: Mapping[str, Any]) -> Kind:
    """The kind that an object says it is. Raises KeyError for one that is none of this group's."""
    kind = item["kind"]
    if kind not in get_args(Kind):
        raise KeyError(kind)
    return cast(Kind, kind)


def wishes(synthesis: Mapping[str, Any]) -> SynthesisWishes:
    """What a Synthesis asks for."""
    wished, found = _asked(synthesis, SynthesisWishes, Synthesis)
    if found is None:
        return wished
    spec = found.spec
    samplers = spec.samplers
    return replace(
        wished,
        samplers=samplers.replicas,
        max_failures=samplers.max_failures,
        startup_deadline=float(samplers.startup_deadline_seconds),
        own_verifiers=spec.verifiers.url is None,
        verifiers=spec.verifiers.replicas,
        isolated=spec.prompt.template == "tool-integrated" and spec.execution.require_network_isolation,
        max_pending=spec.verification.max_pending,
        accelerators=accelerators(spec.samplers),
    )


def training_wishes(training: Mapping[str, Any]) -> TrainingWishes:
    """What a Training asks for."""
    wished, found = _asked(training, TrainingWishes, Training)
    if found is None:
        return wished
    spec = found.spec
    return replace(
        wished,
        nodes=spec.nodes,
        max_restarts=spec.trainers.max_restarts,
        rendezvous_deadline=float(spec.trainers.rendezvous_deadline_seconds),
        accelerators=accelerators(spec.trainers),
        synthesis=spec.data.from_synthesis or "",
    )


def evaluation_wishes(evaluation: Mapping[str, Any]) -> EvaluationWishes:
    """What an Evaluation asks for."""
    wished, found = _asked(evaluation, EvaluationWishes, Evaluation)
    if found is None:
        return wished
    return replace(wished, training=(found.spec.model.from_training or "") if found.spec.model else "")


D = TypeVar("D", Synthesis, Training, Evaluation)


def _asked(item: Mapping[str, Any], kind: type[W], model: type[D]) -> tuple[W, D | None]:
    """What every kind asks for, and the declaration; without one, what is wrong with it."""
    metadata, raw = item.get("metadata") or {}, item.get("spec") or {}
    wished = kind(
        name=metadata.get("name", ""),
        namespace=metadata.get("namespace", ""),
        uid=metadata.get("uid", ""),
        generation=int(metadata.get("generation", 0)),
        output=str((raw.get("output") or {}).get("uri", "")),
        delete_output=raw.get("deletionPolicy") == "Delete",
        suspend=raw.get("suspend") is True,
    )
    try:
        found = model.model_validate(dict(item), by_alias=True, by_name=False)
    except ValidationError as error:
        faults = [fault.text() for fault in explain(error, model, {})]
        return replace(wished, invalid="; ".join(faults)), None
    ttl = found.spec.ttl_seconds_after_finished
    return replace(
        wished,
        invalid="; ".join(weakened(found.spec)),
        queue=found.spec.queue_name or "",
        ttl=None if ttl is None else float(ttl),
    ), found


def declared(synthesis: Mapping[str, Any]) -> Synthesis:
    """A Synthesis as a declaration. Raises pydantic's ValidationError."""
    return Synthesis.model_validate(dict(synthesis), by_alias=True, by_name=False)


def declared_training(training: Mapping[str, Any]) -> Training:
    """A Training as a declaration. Raises pydantic's ValidationError."""
    return Training.model_validate(dict(training), by_alias=True, by_name=False)


def declared_evaluation(evaluation: Mapping[str, Any]) -> Evaluation:
    """An Evaluation as a declaration. Raises pydantic's ValidationError."""
    return Evaluation.model_validate(dict(evaluation), by_alias=True, by_name=False)


def accelerators(pods: PodSettings) -> int:
    """GPUs that one pod asks for, of any vendor; 1 if none."""
    limits: dict[str, Any] = {}
    for part in ("requests", "limits"):
        found = pods.resources.get(part)
        limits |= found if isinstance(found, Mapping) else {}
    asked = [str(amount) for name, amount in limits.items() if "/" in name and "gpu" in name.rsplit("/", 1)[-1].lower()]
    return sum(int(amount) for amount in asked if amount.isdigit()) or 1


__all__ = [
    "EvaluationWishes",
    "SynthesisWishes",
    "TrainingWishes",
    "Wishes",
    "accelerators",
    "declared",
    "declared_evaluation",
    "declared_training",
    "evaluation_wishes",
    "kind_of",
    "training_wishes",
    "wishes",
]
