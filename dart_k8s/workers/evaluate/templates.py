"""The template that a model is asked by: as declared, else the one that a Training saved with it, else alpaca."""

import json
from pathlib import Path
from typing import Any

from dart_k8s.api import TEMPLATES, Evaluation, Prompt
from dart_k8s.edges.store import open_store
from dart_k8s.errors import DataError, NotFound, StoreError

SAVED = "dart.json"
"""Beside a Training's model: its template."""


def template_of(evaluation: Evaluation, *, model: str | None, folder: Path | None) -> tuple[Prompt, str]:
    """The prompt in force and where it is from: declaration, model or default.

    `model` is the model's place as resolved, `folder` its files where they have been fetched. DataError if the saved
    one can't be read.
    """
    if evaluation.spec.prompt is not None:
        return evaluation.spec.prompt, "declaration"
    saved = _saved(model, folder)
    if saved is None:
        return Prompt(template="alpaca"), "default"
    return _read(saved, model or str(folder)), "model"


def with_stops(prompt: Prompt, stops: tuple[str, ...]) -> Prompt:
    """The same with more texts that end a response."""
    more = tuple(stop for stop in stops if stop not in prompt.stop)
    return prompt.model_copy(update={"stop": (*prompt.stop, *more)}) if more else prompt


def _saved(model: str | None, folder: Path | None) -> bytes | None:
    if folder is not None:
        path = folder / SAVED
        return path.read_bytes() if path.is_file() else None
    # A hub's model is fetched for the engine that needs it; for others nobody looks.
    if model is None or model.startswith("hf://"):
        return None
    try:
        return open_store(model).get(SAVED).data
    except (NotFound, StoreError):
        return None


def _read(data: bytes, place: str) -> Prompt:
    try:
        said: dict[str, Any] = json.loads(data)
        name, stop = str(said["template"]), tuple(str(text) for text in said.get("stop", ()))
        if name in TEMPLATES:
            return Prompt.model_validate({"template": name})
        return Prompt(inline=str(said["prompt"]), stop=stop)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"Cannot read the template '{SAVED}' of the model {place}: {error!r}.",
            remedy="Name the template in spec.prompt.",
        ) from error


__all__ = ["SAVED", "template_of", "with_stops"]
