"""Whose child an object is: names, labels, owner."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dart_k8s.names import GROUP, LABELS, MANAGED_BY, NUMBER, OPERATOR, STAGE, VERSION, Kind, Stage
from dart_k8s.reconcile.wishes import kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Of an object of this group."""

    kind: Kind
    name: str
    namespace: str
    uid: str
    generation: int

    @staticmethod
    def of(item: Mapping[str, Any]) -> "Identity":
        """From its metadata."""
        metadata = item["metadata"]
        return Identity(
            kind=kind_of(item),
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            generation=int(metadata.get("generation", 0)),
        )

    def labels(self, stage: Stage | None = None, number: int = 0) -> dict[str, str]:
        """Of a child, and of its pods."""
        made = {"app.kubernetes.io/name": "dart", MANAGED_BY: OPERATOR, LABELS[self.kind]: self.name}
        if stage is not None:
            made |= {"app.kubernetes.io/component": stage.value, STAGE: stage.value}
        return made | ({NUMBER: str(number)} if number else {})

    def selector(self, stage: Stage) -> dict[str, str]:
        """Labels that the stage's pods have, and no others."""
        return {LABELS[self.kind]: self.name, STAGE: stage.value}

    def metadata(self, name: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> dict[str, Any]:
        """Of a child.

        blockOwnerDeletion stays off: setting it takes a permission on the owner's finalizers where the API server
        checks that, and nothing needs the owner to wait for its children.
        """
        owner = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": self.kind,
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
