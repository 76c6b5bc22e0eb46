"""The model cache of a pod: a claim, an image, or a copy of its own."""

from dataclasses import dataclass
from typing import Any

from dart_k8s.api import ModelCache
from dart_k8s.names import CACHE

FOLDER = "/models"
VOLUME = "dart-models"
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """What a pod gets of it."""

    volume: dict[str, Any]
    mount: dict[str, Any]
    env: dict[str, str]


def cached(cache: ModelCache, *, fills: bool) -> Cached:
    """For a pod that fills the cache (prepare), or one that only reads it (samplers): without a network to the hub, but
    for a copy of its own, which somebody has to fetch."""
    mount: dict[str, Any] = {"name": VOLUME, "mountPath": FOLDER}
    env = {CACHE: FOLDER, "HF_HUB_CACHE": FOLDER, "HF_HUB_DISABLE_TELEMETRY": "1"}
    if cache.path:
        mount["subPath"] = cache.path
    match cache.kind:
        case "claim":
            source: dict[str, Any] = {"persistentVolumeClaim": {"claimName": cache.claim}}
            # Read-only at the mount and not at the claim: a node that has both pods mounts the volume once.
            mount |= {} if fills else {"readOnly": True}
        case "image":
            source = {"image": {"reference": cache.image, "pullPolicy": "IfNotPresent"}}
            mount["readOnly"] = True
        case _:
            source = {"emptyDir": {"sizeLimit": cache.size} if cache.size else {}}
    reads = cache.kind == "image" or (cache.kind == "claim" and not fills)
    return Cached(volume={"name": VOLUME, **source}, mount=mount, env=env | (OFFLINE if reads else {}))


__all__ = ["Cached", "cached"]
