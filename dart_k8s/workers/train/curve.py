"""The loss against steps as a figure."""

from collections.abc import Sequence
from pathlib import Path


def draw(curve: Sequence[tuple[int, float]], path: Path, name: str) -> bool:
    """Write a PNG; False where there is nothing to draw, or nothing to draw with."""
    if len(curve) < 2:
        return False
    try:
        from dart_k8s.workers.curate.figures import loss
    except ModuleNotFoundError:
        return False
    path.write_bytes(loss(curve, title=f"{name}: loss"))
    return True


__all__ = ["draw"]
