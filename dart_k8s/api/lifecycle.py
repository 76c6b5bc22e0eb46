"""What becomes of an object in a cluster: its queue, its end, what is deleted with it."""

from typing import Annotated, Literal

from pydantic import Field

from .base import NAME

DeletionPolicy = Literal["Retain", "Delete"]
QueueName = Annotated[str, Field(pattern=NAME, max_length=63)]
ReferenceName = Annotated[str, Field(pattern=NAME, max_length=63)]
"""Name of another object of this group, in the same file or namespace: it is waited for."""

__all__ = ["DeletionPolicy", "QueueName", "ReferenceName"]
