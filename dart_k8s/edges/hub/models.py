"""A model as a folder on this machine, with a revision that pins it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from dart_k8s.edges.hub.address import HubAddress, hub_errors, parse_address
from dart_k8s.errors import SpecError, StoreUnavailable

if TYPE_CHECKING:
    from huggingface_hub import HfApi

READ_WHOLE = 1 << 20
"""Files up to this many bytes (settings, tokenizer settings, the weights' index) are in the revision with all their
content."""

SAMPLE = 1 << 16
"""Bytes read at the start, the middle and the end of bigger files: two fine-tunings of one model have files of the same
names and sizes, and differ nearly everywhere."""

OTHER_WEIGHTS = ["*.bin", "*.pt", "*.pth", "*.h5", "*.msgpack", "*.onnx", "*.gguf", "onnx/*", "original/*"]
"""Not downloaded when the repository has safetensors: the same weights once more."""


class _Entry(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def etag(self) -> str: ...


class ModelStore(Protocol):
    """What downloading a model needs of an object store."""

    def list(self, prefix: str = "", start_after: str = "") -> Iterator[_Entry]: ...
    def download(self, key: str, path: Path) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFolder:
    """A model that an engine or a trainer can load."""

    path: Path
    revision: str
    """The hub's commit; for folders and object stores sha256:..., which changes when the files do."""


def resolve_model(
    uri: str,
    revision: str | None = None,
    *,
    cache: Path,
    offline: bool = False,
    store_opener: Callable[[str], ModelStore] | None = None,
    api: HfApi | None = None,
) -> ModelFolder:
    """The model behind hf://owner/name, file:///folder, a plain path or s3://bucket/prefix (through `store_opener`).

    What has to be downloaded goes under `cache`, once; `offline` takes it from there only. Raises SpecError for an
    unknown model or revision or a folder that is no model, AccessDenied (gated, private), StoreUnavailable, StoreFull.
    """
    scheme, separator, _ = uri.partition("://")
    if not separator or scheme == "file":
        return _from_folder(uri, Path(uri).expanduser() if not separator else _path_of(uri), revision)
    match scheme:
        case "hf":
            return _from_hub(uri, revision, cache, offline, api)
        case "s3" | "memory":
            if store_opener is None:
                raise ValueError(f"resolving {uri} needs a store_opener")
            return _from_store(uri, revision, cache, offline, store_opener)
    raise SpecError(
        f"Cannot load the model {uri}: no source speaks {scheme}://.",
        remedy="Models are hf://owner/name, s3://bucket/prefix, file:///folder or a plain path.",
    )


def _path_of(uri: str) -> Path:
    parts = urlsplit(uri, allow_fragments=False)
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise SpecError(
            f"Cannot load the model {uri}: a file URI needs an absolute path and no host.",
            remedy=f"Write file:///{unquote(parts.netloc + parts.path).lstrip('/')} or a plain path.",
        )
    return Path(unquote(parts.path))


# -- the hub


def _from_hub(uri: str, revision: str | None, cache: Path, offline: bool, api: HfApi | None) -> ModelFolder:
    address = parse_address(uri, revision)
    if address.config is not None:
        raise SpecError(f"Cannot load the model {uri}: a model's address has two parts, owner and name.")
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi()
    with hub_errors("load the model", kind="model", repo=address.repo, revision=address.revision):
        if offline:
            found = _cached(api, address, cache)
        else:
            info = api.model_info(address.repo, revision=address.revision)
            names = [file.rfilename for file in info.siblings or []]
            _check_names(uri, names)
            ignored = OTHER_WEIGHTS if any(name.endswith(".safetensors") for name in names) else None
            revision = info.sha or address.revision
            found = Path(
                api.snapshot_download(address.repo, revision=revision, cache_dir=cache, ignore_patterns=ignored)
            )
        _check_names(uri, [path.name for path in found.iterdir()])
    # The hub's client names the folder after the commit.
    return ModelFolder(path=found, revision=found.name)


def _cached(api: HfApi, address: HubAddress, cache: Path) -> Path:
    from huggingface_hub.errors import LocalEntryNotFoundError

    def look(ignored: list[str] | None) -> Path:
        return Path(
            api.snapshot_download(
                address.repo,
                revision=address.revision,
                cache_dir=cache,
                local_files_only=True,
                ignore_patterns=ignored,
            )
        )

    try:
        return look(None)
    except LocalEntryNotFoundError:
        found = look(OTHER_WEIGHTS)
        if any(found.glob("*.safetensors")):  # else what is missing could be the only weights there are
            return found
        raise


# -- folders


def _from_folder(uri: str, folder: Path, revision: str | None) -> ModelFolder:
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is not there"
        raise SpecError(f"Cannot load the model {uri}: the folder {folder} {what}.")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not _hidden(path.relative_to(folder)))
    _check_names(uri, [path.relative_to(folder).as_posix() for path in files])
    found = _digest(f"{path.relative_to(folder).as_posix()} {_fingerprint(path)}" for path in files)
    _check_revision(uri, revision, found)
    return ModelFolder(path=folder.absolute(), revision=found)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _fingerprint(path: Path) -> str:
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if size <= READ_WHOLE:
            digest.update(file.read())
        else:
            for start in (0, size // 2, size - SAMPLE):
                file.seek(start)
                digest.update(file.read(SAMPLE))
    return f"{size} {digest.hexdigest()}"


# -- object stores


def _from_store(
    uri: str, revision: str | None, cache: Path, offline: bool, opener: Callable[[str], ModelStore]
) -> ModelFolder:
    uri = uri.rstrip("/")
    if offline:
        return _newest_copy(uri, revision, cache)
    store = opener(uri)
    entries = [entry for entry in store.list() if not _hidden(Path(entry.key))]
    _check_names(uri, [entry.key for entry in entries])
    found = _digest(f"{entry.key} {entry.size} {entry.etag}" for entry in entries)
    _check_revision(uri, revision, found)
    target = _copies(uri, cache) / found.removeprefix("sha256:")
    if not target.is_dir():
        # Several processes may share a cache: each downloads beside it, and the first to finish puts its copy there.
        half = target.with_name(f".{target.name}-{os.urandom(6).hex()}")
        try:
            for entry in entries:
                store.download(entry.key, half / entry.key)
            try:
                half.rename(target)
            except OSError:
                if not target.is_dir():
                    raise
        finally:
            shutil.rmtree(half, ignore_errors=True)
    os.utime(target)
    return ModelFolder(path=target, revision=found)


def _copies(uri: str, cache: Path) -> Path:
    return cache / "stores" / hashlib.sha256(uri.encode()).hexdigest()[:16]


def _newest_copy(uri: str, revision: str | None, cache: Path) -> ModelFolder:
    folder = _copies(uri, cache)
    copies = [path for path in folder.iterdir() if not _hidden(Path(path.name))] if folder.is_dir() else []
    if revision is not None:
        copies = [path for path in copies if f"sha256:{path.name}" == revision]
    if not copies:
        raise StoreUnavailable(
            f"Cannot load the model {uri}: it is not in the cache {cache}, and this is offline.",
            remedy="Run once with the network.",
        )
    newest = max(copies, key=lambda path: path.stat().st_mtime_ns)
    return ModelFolder(path=newest, revision=f"sha256:{newest.name}")


# -- all of them


def _check_names(uri: str, names: Sequence[str]) -> None:
    if "config.json" in names:
        return
    if "adapter_config.json" in names:
        raise SpecError(
            f"Cannot load the model {uri}: it is an adapter without its base model.",
            remedy="Merge it into the base model and name the merged model.",
        )
    nested = sorted({name.rpartition("/")[0] for name in names if name.endswith("/config.json")})
    if nested:
        remedy = f"Did you mean {uri.rstrip('/')}/{nested[0]}?"
    elif names:
        remedy = f"There are: {', '.join(sorted(names)[:6])}{' ...' if len(names) > 6 else ''}."
    else:
        remedy = "Nothing is there."
    raise SpecError(f"Cannot load the model {uri}: it has no config.json.", remedy=remedy)


def _check_revision(uri: str, wanted: str | None, found: str) -> None:
    if wanted is not None and wanted != found:
        raise SpecError(
            f"Cannot load the model {uri}: its files are {found}, the declaration asks for {wanted}.",
            remedy="Restore those files, or drop `revision` to take what is there now.",
        )


def _digest(lines: Iterable[str]) -> str:
    return f"sha256:{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"
