"""The key of a Synthesis: what queues, caches and folds go by."""

from typing import NamedTuple

__all__ = ["Key"]


class Key(NamedTuple):
    """Namespace and name of a Synthesis."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"
