"""Pure: from an action to the Kubernetes objects that carry it out, as plain dicts."""

from .objects import objects

__all__ = ["objects"]
