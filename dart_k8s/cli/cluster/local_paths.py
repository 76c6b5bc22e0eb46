"""Paths in a declaration that only this machine has: pods can't read them. Told before anything is applied."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dart_k8s.api import Synthesis
from dart_k8s.api.places import scheme

__all__ = ["Here", "local_paths", "refusal"]

LARGEST_CONFIG_MAP = 1 << 20
"""Bytes that a ConfigMap holds at most."""
QUERIES, OUTPUT, MODEL = "queries", "output", "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """One such path."""

    field: str
    """Like spec.queries[0].uri."""
    path: str
    role: str
    """queries, output, model, or the stage whose pod would read it."""


def local_paths(synthesis: Synthesis) -> list[Here]:
    """Paths that are on no volume of the pods that read or write them. Pods with an image of their own may have
    anything in it: of what they only read, absolute paths are left to them."""
    spec = synthesis.spec
    found = []
    for field, uri, role, readers in _paths(synthesis):
        if scheme(uri) != "file":
            continue
        path = uri.removeprefix("file://").removeprefix("localhost")
        pods = [getattr(spec, reader) for reader in readers]
        mounted = all(any(_below(path, mount) for mount in pod.volume_mounts) for pod in pods)
        own = role != OUTPUT and path.startswith("/") and all(pod.image is not None for pod in pods)
        cached = role == MODEL and path.startswith("/") and spec.model_cache.kind != "ephemeral"
        if not (mounted or own or cached):
            found.append(Here(field=field, path=path, role=role))
    return found


def _paths(synthesis: Synthesis) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """(field, URI, role, parts of the spec whose pods open it)."""
    spec = synthesis.spec
    for number, source in enumerate(spec.queries):
        if source.uri:
            yield f"spec.queries[{number}].uri", source.uri, QUERIES, ("prepare",)
    if spec.model is not None:
        yield "spec.model.uri", spec.model.uri, MODEL, ("prepare", "samplers")
    if spec.engine.script:
        yield "spec.engine.script", spec.engine.script, "samplers", ("samplers",)
    if spec.strategy.difficulty is not None:
        yield "spec.strategy.difficulty.uri", spec.strategy.difficulty.uri, "prepare", ("prepare",)
    for number, uri in enumerate(spec.pool.from_):
        yield f"spec.pool.from[{number}]", uri, "prepare", ("prepare",)
    for number, uri in enumerate(spec.curation.decontaminate.against):
        yield f"spec.curation.decontaminate.against[{number}]", uri, "prepare", ("prepare",)
    yield "spec.output.uri", spec.output.uri, OUTPUT, ("prepare", "samplers", "curate")


def _below(path: str, mount: Mapping[str, Any]) -> bool:
    return PurePosixPath(path).is_relative_to(str(mount.get("mountPath") or "\0"))


def refusal(synthesis: Synthesis, found: list[Here], namespace: str) -> tuple[str, str]:
    """Message and way out."""
    name = synthesis.metadata.name
    lines = [f"  {one.field}: {one.path!r} is a path of this machine" for one in found]
    message = "\n".join(
        [f"Cannot submit Synthesis '{name}': pods in a cluster can't read this machine's files.", *lines]
    )
    ways = [_way_out(one, name, namespace) for one in found]
    return message, "\n  ".join(["", *dict.fromkeys(ways)])


def _way_out(one: Here, name: str, namespace: str) -> str:
    if one.role == OUTPUT:
        return "Write the output into an object store: output: {uri: s3://BUCKET/PREFIX}."
    if one.role == MODEL:
        return "Take the model from a hub or a bucket: model: {uri: hf://OWNER/NAME}, or s3://BUCKET/FOLDER."
    bucket = (
        f"copy it into a bucket (aws s3 cp {one.path} s3://BUCKET/) and name that, s3://BUCKET/{Path(one.path).name}"
    )
    if one.role != QUERIES:
        return f"{one.field}: {bucket}."
    size = _size(one.path)
    if size is not None and size > LARGEST_CONFIG_MAP:
        return f"{one.field}: {bucket} (with {size} bytes it is too large for a ConfigMap)."
    if not one.path.endswith((".jsonl", ".ndjson", ".json")):
        return f"{one.field}: {bucket}."
    made = f"{name}-queries"
    return (
        f"{one.field}: kubectl -n {namespace} create configmap {made} --from-file=queries.jsonl={one.path}, and in "
        f"place of uri write configMap: {{name: {made}}} (at most 1 MiB); or {bucket}."
    )


def _size(path: str) -> int | None:
    try:
        return Path(path).stat().st_size
    except OSError:
        return None
