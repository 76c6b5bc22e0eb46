"""The CustomResourceDefinitions, made from the models."""

from .definition import KINDS, Kind, definition, definitions, schema

__all__ = ["KINDS", "Kind", "definition", "definitions", "schema"]
