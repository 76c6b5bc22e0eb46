"""Rows of queries or of a data set, from files, an object store, or the hub."""

from dart_k8s.edges.sources.formats import Row
from dart_k8s.edges.sources.objects import read_objects
from dart_k8s.edges.sources.rows import SourceRows, Where, read_rows

__all__ = ["Row", "SourceRows", "Where", "read_objects", "read_rows"]
