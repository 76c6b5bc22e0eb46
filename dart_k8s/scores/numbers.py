"""Arrays, and what an estimate is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over problems with its bootstrap interval; shares are 0 to 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How intervals are made: problems are drawn anew, with replacement, and percentiles taken (Efron 1979)."""

    resamples: int = 10_000
    """Times that problems are drawn anew."""
    confidence: float = 0.95
    """Share of the draws that an interval holds."""
    seed: int = 0
    """Of the draws: the same numbers give the same interval."""


__all__ = ["Bools", "Estimate", "Floats", "Ints", "Resampling"]
