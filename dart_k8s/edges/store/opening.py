"""From a URI to a store."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from urllib.parse import unquote, urlsplit

from dart_k8s.edges.store.base import Store
from dart_k8s.edges.store.local import LocalStore
from dart_k8s.edges.store.memory import Contents, MemoryStore
from dart_k8s.errors import SpecError

SCHEMES = ("s3://bucket/prefix", "file:///folder", "a plain path")
"""What a user can name; memory://name exists beside them for tests and rehearsals in one process."""

_memory: dict[str, MemoryStore] = {}
_contents: dict[str, Contents] = {}
_memory_lock = Lock()


def open_store(uri: str) -> Store:
    """The store a URI names; no request is sent yet. The same memory:// URI gives the same store in one process.

    Raises SpecError for a URI that names no store.
    """
    scheme, separator, rest = uri.partition("://")
    if not uri:
        raise SpecError("Cannot open a store: the URI is empty.", remedy=_remedy())
    if not separator:
        return LocalStore(Path(uri).expanduser())
    match scheme.lower():
        case "s3":
            bucket, _, prefix = rest.partition("/")
            if not bucket:
                raise SpecError(f"Cannot open {uri}: it names no bucket.", remedy="Write s3://bucket/prefix.")
            return _open_s3(bucket, prefix.strip("/"))
        case "file":
            return LocalStore(local_folder(uri))
        case "memory":
            return _open_memory(rest.strip("/"))
        case _:
            raise SpecError(f"Cannot open {uri}: no store speaks {scheme}://.", remedy=_remedy())


def local_folder(uri: str) -> Path:
    """The path of a file:// URI; SpecError if it has a host or is not absolute."""
    parts = urlsplit(uri, allow_fragments=False)
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise SpecError(
            f"Cannot open {uri}: a file URI needs an absolute path and no host.",
            remedy=f"Write file:///{unquote(parts.netloc + parts.path).lstrip('/')} or a plain path.",
        )
    return Path(unquote(parts.path + (f"?{parts.query}" if parts.query else "")))


def _open_memory(rest: str) -> Store:
    name, _, prefix = rest.partition("/")
    with _memory_lock:
        contents = _contents.setdefault(name, Contents())
        return _memory.setdefault(rest, MemoryStore(f"memory://{rest}", contents=contents, prefix=prefix))


def _open_s3(bucket: str, prefix: str) -> Store:
    try:
        from dart_k8s.edges.store.s3 import S3Store
    except ImportError as error:
        raise SpecError(
            f"Cannot open s3://{bucket}/{prefix}: the package {error.name or 'boto3'} is missing.",
            remedy="Install it with `pip install boto3`.",
        ) from error
    return S3Store(bucket, prefix)


def _remedy() -> str:
    return f"Stores are {', '.join(SCHEMES[:-1])} or {SCHEMES[-1]}."
