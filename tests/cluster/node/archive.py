"""Images without a builder: layers and a configuration as an OCI archive, which containerd and others import.

For tests, whose machines need neither buildah nor Docker nor a registry. Layers are not compressed: they are unpacked
on the machine that made them. Owners are root; times are kept, since compiled Python names its source's.
"""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

KIND = "application/vnd.oci.image"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Layer:
    """A tar file and its digest."""

    path: Path
    digest: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Image:
    """`config`: the fields of an OCI image's configuration, as Entrypoint, User, Env."""

    name: str
    layers: Sequence[Layer]
    config: Mapping[str, Any]

    def blobs(self) -> tuple[bytes, bytes]:
        """Its configuration and its manifest."""
        config = _json({
            "architecture": MACHINES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": dict(self.config),
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in self.layers]},
        })  # fmt: skip
        layers = [{"mediaType": f"{KIND}.layer.v1.tar", "digest": one.digest, "size": one.bytes} for one in self.layers]
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{KIND}.manifest.v1+json",
            "config": _descriptor(f"{KIND}.config.v1+json", config),
            "layers": layers,
        }
        return config, _json(manifest)


def write(images: Sequence[Image], into: IO[bytes]) -> None:
    """An OCI archive of these images, with each layer once; `into` may be a pipe."""
    blobs = {image.name: image.blobs() for image in images}
    named = [
        {**_descriptor(f"{KIND}.manifest.v1+json", manifest), "annotations": {"io.containerd.image.name": name}}
        for name, (_, manifest) in blobs.items()
    ]
    with tarfile.open(fileobj=into, mode="w|") as tar:
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", _json({"schemaVersion": 2, "mediaType": f"{KIND}.index.v1+json", "manifests": named}))
        for blob in {blob for pair in blobs.values() for blob in pair}:
            _add(tar, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob)
        for layer in {layer.digest: layer for image in images for layer in image.layers}.values():
            tar.add(layer.path, f"blobs/sha256/{layer.digest.removeprefix('sha256:')}")


def layer(path: Path, files: Iterable[tuple[Path | bytes | str | None, str]]) -> Layer:
    """A layer in a new file at `path`, of (what, its path in the image).

    A path is copied with all below it, bytes are a file's content, a text is what a symbolic link points at, None is an
    empty folder that everybody may write to.
    """
    digest = hashlib.sha256()
    with path.open("wb") as opened, tarfile.open(fileobj=_Hashing(opened, digest), mode="w|") as tar:
        for what, name in files:
            made = tarfile.TarInfo(name)
            if isinstance(what, Path):
                tar.add(what, name, filter=_plain)
            elif isinstance(what, bytes):
                _add(tar, name, what, 0o755 if what.startswith(b"#!") else 0o644)
            elif isinstance(what, str):
                made.type, made.linkname = tarfile.SYMTYPE, what
                tar.addfile(made)
            else:
                made.type, made.mode = tarfile.DIRTYPE, 0o1777
                tar.addfile(made)
    return Layer(path, f"sha256:{digest.hexdigest()}", path.stat().st_size)


@cache
def stored(path: Path) -> Layer:
    """A layer that was made before."""
    with path.open("rb") as opened:
        return Layer(path, f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}", path.stat().st_size)


class _Hashing(io.RawIOBase):
    """Writes through, and hashes what is written."""

    def __init__(self, into: IO[bytes], digest: Any) -> None:
        self._into, self._digest = into, digest

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return self._into.write(data)


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode |= 0o444 | (0o111 if info.isdir() else 0)
    return info


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    tar.addfile(info, io.BytesIO(data))


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _descriptor(kind: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": f"sha256:{hashlib.sha256(blob).hexdigest()}", "size": len(blob)}
