"""A Kubernetes API server: raw objects, no models."""

from .base import Change, Cluster, Page, Resource

__all__ = ["Change", "Cluster", "Page", "Resource"]
