"""Packing rows into sequences of one length, drawn anew each epoch: known on all ranks without a word between them.

Best fit decreasing (Johnson 1974; for training: Ding et al. 2024, "Fewer Truncations Improve Language Modeling"): rows
from the longest to the shortest, each into the sequence with the least room that it still fits into. How many
sequences that takes depends on the lengths alone, so every epoch has equally many; which rows share one does not.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Kind = Literal["bfd", "none"]


@dataclass(frozen=True, slots=True)
class Packs:
    """Sequence k holds the rows `rows[starts[k]:starts[k + 1]]`, in that order."""

    rows: Ints
    starts: Ints

    @property
    def size(self) -> int:
        """Sequences."""
        return self.starts.size - 1

    def of(self, number: int) -> Ints:
        """Rows of one sequence."""
        return self.rows[self.starts[number] : self.starts[number + 1]]


def draw(lengths: Ints, capacity: int, *, seed: int, epoch: int, kind: Kind = "bfd") -> Packs:
    """The sequences of one epoch in the order of training. `lengths`: tokens of each row, none above `capacity`."""
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(lengths.size)
    if kind == "none":
        return Packs(order, np.arange(lengths.size + 1, dtype=np.int64))
    return _shuffled(best_fit_decreasing(lengths, order, capacity), rng)


def draw_epochs(lengths: Ints, capacity: int, wanted: int, *, seed: int, kind: Kind = "bfd") -> Packs:
    """So many sequences: epoch after epoch, the last one cut where it is enough. Empty lengths give none."""
    rows: list[Ints] = []
    counts: list[Ints] = []
    have = epoch = 0
    while have < wanted and lengths.size:
        packs = draw(lengths, capacity, seed=seed, epoch=epoch, kind=kind)
        take = min(packs.size, wanted - have)
        rows.append(packs.rows[: packs.starts[take]])
        counts.append(np.diff(packs.starts[: take + 1]))
        have, epoch = have + take, epoch + 1
    if not rows:
        return Packs(np.zeros(0, np.int64), np.zeros(1, np.int64))
    return Packs(np.concatenate(rows), _starts(np.concatenate(counts)))


def best_fit_decreasing(lengths: Ints, order: Ints, capacity: int) -> Packs:
    """Rows packed from the longest to the shortest, equals in the given order. ValueError for a row that never fits."""
    if lengths.size and int(lengths.max()) > capacity:
        raise ValueError(f"a row of {int(lengths.max())} tokens is longer than a sequence of {capacity}")
    longest_first = order[np.argsort(-lengths[order], kind="stable")]
    with_room: list[list[int]] = [[] for _ in range(capacity + 1)]
    # Bit r is set while some sequence has room for exactly r more tokens: the best fit is the lowest bit from a row's
    # length on.
    rooms = 0
    into = np.empty(lengths.size, np.int64)
    count = 0
    for place, length in enumerate(lengths[longest_first].tolist()):
        fits = rooms >> length
        if fits:
            room = length + (fits & -fits).bit_length() - 1
            number = with_room[room].pop()
            if not with_room[room]:
                rooms ^= 1 << room
        else:
            number, room = count, capacity
            count += 1
        left = room - length
        if not with_room[left]:
            rooms |= 1 << left
        with_room[left].append(number)
        into[place] = number
    by_pack = np.argsort(into, kind="stable")
    return Packs(longest_first[by_pack], _starts(np.bincount(into, minlength=count)))


def _shuffled(packs: Packs, rng: np.random.Generator) -> Packs:
    """The same sequences in another order, and the rows in each."""
    order = rng.permutation(packs.size)
    rank = np.empty(packs.size, np.int64)
    rank[order] = np.arange(packs.size)
    sizes = np.diff(packs.starts)
    key = np.repeat(rank, sizes)
    within = rng.random(packs.rows.size)
    return Packs(packs.rows[np.lexsort((within, key))], _starts(sizes[order]))


def _starts(sizes: Ints) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


__all__ = ["Kind", "Packs", "best_fit_decreasing", "draw", "draw_epochs"]
