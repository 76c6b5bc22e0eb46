"""What becomes of an object in a cluster: its queue, its end, what is deleted with it."""

from typing import Annotated, Literal

from pydantic import Field

from .base import NAME

DeletionPolicy = Literal["Retain", "Delete"]
QueueName = Annotated[str, Field(pattern=NAME, max_length=63)]

__all__ = ["DeletionPolicy", "QueueName"]
