"""The object store: S3, a folder, or memory, behind one Protocol."""

from dart_k8s.edges.store.base import Blob, Entry, Store
from dart_k8s.edges.store.local import LocalStore
from dart_k8s.edges.store.memory import MemoryStore
from dart_k8s.edges.store.opening import local_folder, open_store
from dart_k8s.edges.store.probing import probe

__all__ = ["Blob", "Entry", "LocalStore", "MemoryStore", "Store", "local_folder", "open_store", "probe"]
