"""Arithmetic of a step, for the part of a device's peak that is used (MFU, Chowdhery et al. 2022, appendix B)."""

from collections.abc import Mapping
from types import MappingProxyType

PEAKS: Mapping[str, float] = MappingProxyType(
    {"H200": 989e12, "H100": 989e12, "GH200": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "A10": 125e12}
)
"""Dense bf16 FLOP/s by a part of the device's name, from the makers' data sheets; the first that matches counts."""


def flops_per_token(parameters: int, layers: int, hidden: int, span: float) -> float:
    """FLOPs of a token forward and back: 6 per parameter, and attention over `span` tokens on average, causal.

    Recomputed activations are not counted: that is what makes it a part of the useful arithmetic.
    """
    return 6.0 * parameters + 6.0 * layers * hidden * span


def mean_span(lengths: "list[int] | tuple[int, ...]") -> float:
    """Tokens before and with a token in its own row, averaged over tokens."""
    total = sum(lengths)
    return sum(n * n for n in lengths) / total if total else 0.0


def peak_of(device: str) -> float | None:
    """Peak FLOP/s of one device; None for one that is not known, and for CPUs."""
    return next((peak for name, peak in PEAKS.items() if name in device), None)


__all__ = ["flops_per_token", "mean_span", "peak_of"]
