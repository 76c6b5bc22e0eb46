"""A Kubernetes API server: raw objects, no models. `kube` has the real one, on the official client."""

from .base import Change, Cluster, Manifest, Object, Page, Resource
from .memory import MemoryCluster

__all__ = ["Change", "Cluster", "Manifest", "MemoryCluster", "Object", "Page", "Resource"]
