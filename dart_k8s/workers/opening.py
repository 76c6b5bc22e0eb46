"""Opening what a declaration names: the one place where sources, hubs and stores meet."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dart_k8s.edges.hub import ModelFolder, open_dataset, resolve_model
from dart_k8s.edges.sources import SourceRows, read_rows
from dart_k8s.edges.store import open_store

OFFLINE = ("1", "ON", "YES", "TRUE")
"""Values of HF_HUB_OFFLINE that mean so; then a model in a bucket is not asked for either."""


def open_rows(
    uri: str,
    *,
    subset: str | None = None,
    split: str | None = None,
    revision: str | None = None,
    where: Mapping[str, Any] | None = None,
) -> SourceRows:
    """Rows behind any URI that a declaration may hold. Raises DataError, SpecError and the store's errors."""
    return read_rows(
        f"{uri}/{subset}" if subset else uri,
        split=split,
        revision=revision,
        where=where,
        store_opener=open_store,
        dataset_opener=open_dataset,
    )


def open_model(uri: str, revision: str | None, *, cache: Path, offline: bool) -> ModelFolder:
    """The folder of a model, fetched into `cache` if need be.

    A cache that is itself a model's folder is the model, mounted from an image or a volume: then `revision`, a hub's or
    none, says nothing about it.
    """
    if (cache / "config.json").is_file():
        return resolve_model(str(cache), None, cache=cache, offline=True)
    offline = offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in OFFLINE
    return resolve_model(uri, revision, cache=cache / "models", offline=offline, store_opener=open_store)
