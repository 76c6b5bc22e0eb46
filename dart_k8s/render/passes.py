"""The Syntheses that an Evaluation makes, as objects."""

from typing import Any

from dart_k8s.api import to_dict
from dart_k8s.names import DIGEST
from dart_k8s.reconcile import ApplyPass, Facts, digests
from dart_k8s.reconcile.evaluation.passes import manifest_spec
from dart_k8s.reconcile.evaluation.view import planned

from .identity import Identity


def synthesis_of(action: ApplyPass, identity: Identity, facts: Facts) -> list[dict[str, Any]]:
    """The Synthesis of a pass; none if the record that it follows from is not known any more."""
    for one in planned(facts):
        if one.metadata.name == action.name:
            spec, whole = manifest_spec(one, action.suspend), to_dict(one)
            labels = {**one.metadata.labels, **identity.labels()}
            metadata = identity.metadata(action.name, labels, {DIGEST: digests.synthesis_pass(spec)})
            return [{"apiVersion": whole["apiVersion"], "kind": "Synthesis", "metadata": metadata, "spec": spec}]
    return []


__all__ = ["synthesis_of"]
