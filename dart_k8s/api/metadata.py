"""What every kind of object has beside its spec."""

from typing import Annotated, Final

from pydantic import Field, model_validator

from .base import NAME, Part

GROUP: Final = "dart-k8s.io"
API_VERSION: Final = "dart-k8s.io/v1alpha1"
SERVER_SET = frozenset(
    {"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generateName", "generation"}
    | {"managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid"}
)
"""What an API server adds to metadata; dropped, so that the output of `kubectl get -o yaml` is a declaration again."""


class Metadata(Part):
    """Name and labels of an object."""

    name: Annotated[str, Field(pattern=NAME)]
    """Lower-case letters, digits and dashes, at most 63; in a cluster at most 40."""
    namespace: Annotated[str, Field(pattern=NAME)] | None = None
    """Namespace; in a cluster only."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels, kept as they are."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations, kept as they are."""

    @model_validator(mode="before")
    @classmethod
    def _only_ours(cls, value: object) -> object:
        return {k: v for k, v in value.items() if k not in SERVER_SET} if isinstance(value, dict) else value


def without_status(value: object) -> object:
    """An object without what the operator wrote into it."""
    return {k: v for k, v in value.items() if k != "status"} if isinstance(value, dict) else value


__all__ = ["API_VERSION", "GROUP", "Metadata", "without_status"]
