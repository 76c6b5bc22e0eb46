"""Rows of tokens and their packs as arrays on a disk, mapped into memory by all ranks of a node.

tokens.npy   int32, all rows one after the other
learnt.npy   bool, likewise: which tokens the loss is over
offsets.npy  int64, rows + 1: where each row begins
rows.npy     int64: row numbers, pack after pack, as many packs as all steps take
starts.npy   int64, packs + 1: where each pack begins in rows.npy
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
NAMES = ("tokens", "learnt", "offsets", "rows", "starts")
IGNORED = -100
"""Label that the loss leaves out (PyTorch's default)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """See the module."""

    tokens: Array
    learnt: Array
    offsets: Array
    rows: Array
    starts: Array

    @classmethod
    def open(cls, folder: Path) -> "Rows":
        """Map what `save` wrote."""
        return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in NAMES))

    def save(self, folder: Path) -> None:
        """Write the arrays; the folder exists."""
        for name in NAMES:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @property
    def packs(self) -> int:
        """How many there are."""
        return self.starts.size - 1

    def pack(self, number: int) -> tuple[Array, Array, Array]:
        """Ids, labels and positions of one pack; positions begin anew with each row, and say where rows begin."""
        rows = self.rows[self.starts[number] : self.starts[number + 1]]
        slices = [slice(self.offsets[row], self.offsets[row + 1]) for row in rows]
        ids = np.concatenate([self.tokens[part] for part in slices]).astype(np.int64)
        learnt = np.concatenate([self.learnt[part] for part in slices])
        positions = np.concatenate([np.arange(part.stop - part.start) for part in slices])
        # The first token of a row is never predicted: what stands before it is another row.
        labels = np.where(learnt & (positions > 0), ids, IGNORED)
        return ids, labels, positions

    def tokens_of(self, first: int, last: int) -> int:
        """Tokens of the packs [first, last)."""
        rows = self.rows[self.starts[first] : self.starts[last]]
        return int((self.offsets[rows + 1] - self.offsets[rows]).sum())

    def lengths(self) -> Array:
        """Tokens of each row."""
        return np.diff(self.offsets)


__all__ = ["IGNORED", "Rows"]
