"""Queries grouped by difficulty, so that reports can count by group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DECILES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Each query's group, from easy to hard. Q queries, B bands."""

    name: str
    """What the groups are: decile or level."""
    labels: tuple[str, ...]
    """Shape (B,)."""
    index: Ints
    """Band of each query, shape (Q,); -1 where it has none (no level)."""

    def count(self, values: ArrayLike) -> Ints:
        """Sum of whole numbers or truth values, one per query, by band; shape (B,)."""
        inside = self.index >= 0
        weights = np.asarray(values, dtype=np.float64)[inside]
        return np.rint(np.bincount(self.index[inside], weights=weights, minlength=len(self.labels))).astype(np.int64)

    def sizes(self) -> Ints:
        """Queries by band, shape (B,)."""
        return self.count(np.ones(self.index.size))

    def mean(self, values: ArrayLike) -> Floats:
        """Mean of one number per query by band, shape (B,); NaN for a band without queries."""
        inside = self.index >= 0
        weights = np.asarray(values, dtype=np.float64)[inside]
        sums = np.bincount(self.index[inside], weights=weights, minlength=len(self.labels))
        sizes = self.sizes()
        means: Floats = np.divide(sums, sizes, out=np.full(sums.shape, np.nan), where=sizes > 0)
        return means


def deciles(difficulty: ArrayLike) -> Bands:
    """Ten bands of equal size by rank of difficulty (fail rate), the easiest first; equal ones in query order.

    NaN (unknown) has no band. Fewer than ten queries give as many bands.
    """
    values = np.asarray(difficulty, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(values))
    count = min(DECILES, known.size)
    index = np.full(values.size, -1, dtype=np.int64)
    order = known[np.argsort(values[known], kind="stable")]
    index[order] = np.arange(known.size) * count // max(1, known.size)
    labels = [str(number + 1) for number in range(count)]
    if count > 1:
        labels[0], labels[-1] = "1 (easiest)", f"{count} (hardest)"
    return Bands(name="decile", labels=tuple(labels), index=index)


def levels(given: Sequence[str | int | None]) -> Bands:
    """One band per level, in the order of their names (numbers by value)."""
    names = {str(level) for level in given if level is not None}
    ordered = sorted(names, key=lambda name: (int(name) if name.isdigit() else -1, name))
    position = {name: number for number, name in enumerate(ordered)}
    index = [position[str(level)] if level is not None else -1 for level in given]
    return Bands(name="level", labels=tuple(ordered), index=np.asarray(index, dtype=np.int64))
