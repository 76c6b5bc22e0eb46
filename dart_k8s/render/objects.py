"""Which objects an action is about."""

from collections.abc import Mapping
from typing import Any

from dart_k8s.reconcile import (
    Action,
    ApplyDeclaration,
    ApplyPass,
    ApplyTrainers,
    ApplyVerifiers,
    CreateJob,
    Facts,
    Settings,
)
from dart_k8s.reconcile.references import resolved
from dart_k8s.reconcile.wishes import declared, declared_evaluation, declared_training

from .declaration import config_map
from .identity import Identity
from .job import job
from .passes import synthesis_of
from .scoring import evaluation_job
from .trainers import network, training_job
from .verification import verification

Manifest = dict[str, Any]


def objects(action: Action, facts: Facts, settings: Settings) -> list[Manifest]:
    """What is to be applied or created for an action, in this order; nothing for actions that only change or delete.

    Raises pydantic's ValidationError for an object that its models refuse: nothing is decided for one.
    """
    item: Mapping[str, Any] = facts.object
    match action:
        case ApplyDeclaration():
            whole = resolved(facts)
            return [config_map(Identity.of(item), whole, settings)] if whole is not None else []
        case CreateJob():
            return [_job(action, Identity.of(item), item, settings)]
        case ApplyVerifiers():
            made = verification(action, Identity.of(item), item, declared(item).spec, settings)
            return [manifest for manifest in made if manifest["kind"] in action.kinds]
        case ApplyTrainers():
            return network(action, Identity.of(item), item)
        case ApplyPass():
            return synthesis_of(action, Identity.of(item), facts)
        case _:
            return []


def _job(action: CreateJob, identity: Identity, item: Mapping[str, Any], settings: Settings) -> Manifest:
    match identity.kind:
        case "Synthesis":
            return job(action, identity, item, declared(item).spec, settings)
        case "Training":
            return training_job(action, identity, item, declared_training(item).spec, settings)
        case "Evaluation":
            return evaluation_job(action, identity, item, declared_evaluation(item).spec, settings)


__all__ = ["objects"]
