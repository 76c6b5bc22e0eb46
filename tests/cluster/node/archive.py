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
from pathlib import Path
from typing import IO, Any

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

    def write(self, into: IO[bytes]) -> None:
        """The OCI archive."""
        config = _json({
            "architecture": MACHINES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": dict(self.config),
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in self.layers]},
        })  # fmt: skip
        kind = "application/vnd.oci.image"
        manifest = _json({
            "schemaVersion": 2,
            "mediaType": f"{kind}.manifest.v1+json",
            "config": _descriptor(f"{kind}.config.v1+json", config),
            "layers": [
                {"mediaType": f"{kind}.layer.v1.tar", "digest": one.digest, "size": one.bytes} for one in self.layers
            ],
        })  # fmt: skip
        named = {
            **_descriptor(f"{kind}.manifest.v1+json", manifest),
            "annotations": {"io.containerd.image.name": self.name},
        }
        index = _json({"schemaVersion": 2, "mediaType": f"{kind}.index.v1+json", "manifests": [named]})
        with tarfile.open(fileobj=into, mode="w") as tar:
            _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
            _add(tar, "index.json", index)
            for blob in (config, manifest):
                _add(tar, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob)
            for layer in {layer.digest: layer for layer in self.layers}.values():
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
