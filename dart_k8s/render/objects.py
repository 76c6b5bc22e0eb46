"""Which objects an action is about."""

from collections.abc import Mapping
from typing import Any

from dart_k8s.reconcile import Action, ApplyDeclaration, ApplyVerifiers, CreateJob, Facts, Settings
from dart_k8s.reconcile.wishes import declared

from .declaration import config_map
from .identity import Identity
from .job import job
from .verification import verification

Manifest = dict[str, Any]


def objects(action: Action, facts: Facts, settings: Settings) -> list[Manifest]:
    """What is to be applied or created for an action, in this order; nothing for actions that only change or delete.

    Raises pydantic's ValidationError for a Synthesis that its models refuse: nothing is decided for one.
    """
    synthesis: Mapping[str, Any] = facts.synthesis
    match action:
        case ApplyDeclaration():
            return [config_map(Identity.of(synthesis), synthesis, settings)]
        case CreateJob():
            return [job(action, Identity.of(synthesis), synthesis, declared(synthesis).spec, settings)]
        case ApplyVerifiers():
            made = verification(action, Identity.of(synthesis), synthesis, declared(synthesis).spec, settings)
            return [manifest for manifest in made if manifest["kind"] in action.kinds]
        case _:
            return []


__all__ = ["objects"]
