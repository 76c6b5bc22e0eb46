"""What a model folder says of its weights without loading them."""

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path

from dart_k8s.errors import SpecError


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of a model."""

    parameters: int
    """0: the folder's weights are of a format that does not say."""
    layers: int
    hidden: int
    vocabulary: int
    context: int | None
    """Tokens that it can attend to; None if its configuration does not say."""


def shape_of(folder: Path) -> Shape:
    """Read config.json and the heads of the safetensors files. SpecError for a folder that is no language model."""
    try:
        whole = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(f"Cannot read the model's {folder / 'config.json'}: {error}.") from error
    config = whole.get("text_config") or whole
    vocabulary = config.get("vocab_size")
    if not vocabulary:
        raise SpecError(
            f"Cannot train the model in {folder}: its config.json has no vocab_size, so it is no language model.",
            remedy="Name a causal language model.",
        )
    context = config.get("max_position_embeddings")
    return Shape(
        parameters=sum(_elements(path) for path in sorted(folder.glob("*.safetensors"))),
        layers=int(config.get("num_hidden_layers") or 0),
        hidden=int(config.get("hidden_size") or 0),
        vocabulary=int(vocabulary),
        context=int(context) if context else None,
    )


def _elements(path: Path) -> int:
    """Elements of all tensors in a safetensors file: its head is a length (8 bytes, little-endian) and JSON."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            head = json.loads(file.read(length))
        return sum(math.prod(entry["shape"]) for name, entry in head.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise SpecError(f"Cannot read the weights in {path}: {error!r}.", remedy="Fetch the model again.") from error


__all__ = ["Shape", "shape_of"]
