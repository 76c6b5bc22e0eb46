"""The CustomResourceDefinitions, made from the models."""

from .definition import definition, definitions, schema
from .kinds import KINDS, Kind
from .page import page

__all__ = ["KINDS", "Kind", "definition", "definitions", "page", "schema"]
