"""Whose child an object is: names, labels, owner."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dart_k8s.names import GROUP, MANAGED_BY, NUMBER, OPERATOR, STAGE, SYNTHESIS, VERSION, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Of a Synthesis."""

    name: str
    namespace: str
    uid: str
    generation: int

    @staticmethod
    def of(synthesis: Mapping[str, Any]) -> "Identity":
        """From the object's metadata."""
        metadata = synthesis["metadata"]
        return Identity(
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            generation=int(metadata.get("generation", 0)),
        )

    def labels(self, stage: Stage | None = None, number: int = 0) -> dict[str, str]:
        """Of a child, and of its pods."""
        made = {"app.kubernetes.io/name": "dart", MANAGED_BY: OPERATOR, SYNTHESIS: self.name}
        if stage is not None:
            made |= {"app.kubernetes.io/component": stage.value, STAGE: stage.value}
        return made | ({NUMBER: str(number)} if number else {})

    def selector(self, stage: Stage) -> dict[str, str]:
        """Labels that the stage's pods have, and no others."""
        return {SYNTHESIS: self.name, STAGE: stage.value}

    def metadata(self, name: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> dict[str, Any]:
        """Of a child.

        blockOwnerDeletion stays off: setting it takes a permission on the owner's finalizers where the API server
        checks that, and nothing needs the owner to wait for its children.
        """
        owner = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "Synthesis",
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": False,
        }
        return {
            "name": name,
            "namespace": self.namespace,
            "labels": dict(labels),
            "annotations": dict(annotations),
            "ownerReferences": [owner],
        }


__all__ = ["Identity"]
