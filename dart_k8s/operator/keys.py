"""The key of an object of this group: what queues, caches and folds go by."""

from typing import NamedTuple

from dart_k8s.names import Kind

__all__ = ["Key"]


class Key(NamedTuple):
    """Namespace, name and kind."""

    namespace: str
    name: str
    kind: Kind = "Synthesis"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def said(self) -> dict[str, str]:
        """For a line of a log: the kind says which object."""
        return {self.kind.lower(): str(self)}
