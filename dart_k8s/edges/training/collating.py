"""From packs to a model's inputs, with attention kept inside rows.

There is no attention mask: positions that begin anew with each row say where rows begin. transformers makes the
block-diagonal causal mask of them for SDPA and eager attention, and FlashAttention's boundaries (its kernels then
compute nothing across rows) where all packs of a batch are laid end to end. Both need `use_cache=False`. The test of
packing compares logits with those of each row on its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset

from dart_k8s.edges.training.rows import IGNORED, Rows


def packed(count: int) -> Any:
    """A data set of the numbers of packs, in the order of training; the collator has the rows."""
    return Dataset.from_dict({"pack": list(range(count))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Collator:
    """Packs as one batch."""

    rows: Rows
    flat: bool
    """One long sequence instead of one per pack: for FlashAttention."""
    logits_where_learnt: bool
    """Whether the model takes `logits_to_keep`: then logits are computed only where a token is predicted that is
    learnt. Prompts are a third of the tokens, and the output layer a fifth of a small model."""
    pad: int = 0

    def __call__(self, lines: Sequence[Mapping[str, int]]) -> dict[str, Any]:
        """`input_ids`, `labels` and `position_ids`, each [packs, tokens] ([1, tokens] when flat)."""
        packs = [[torch.from_numpy(part) for part in self.rows.pack(line["pack"])] for line in lines]
        if self.flat:
            packs = [[torch.cat(parts) for parts in zip(*packs, strict=True)]]
        longest = max(pack[0].numel() for pack in packs)
        ids = torch.full((len(packs), longest), self.pad)
        labels = torch.full((len(packs), longest), IGNORED)
        # Padding is a row of its own: it attends to nothing that is learnt, and nothing attends to it.
        positions = torch.zeros((len(packs), longest), dtype=torch.long)
        for place, (some_ids, some_labels, some_positions) in enumerate(packs):
            size = some_ids.numel()
            ids[place, :size] = some_ids
            labels[place, :size] = some_labels
            positions[place, :size] = some_positions
            positions[place, size:] = torch.arange(longest - size)
        batch: dict[str, Any] = {"input_ids": ids, "labels": labels, "position_ids": positions}
        if self.logits_where_learnt:
            following = torch.nn.functional.pad(labels[:, 1:], (0, 1), value=IGNORED)
            kept = (following != IGNORED).any(0).nonzero().squeeze(1)
            batch |= {"logits_to_keep": kept, "shift_labels": following[:, kept]}
        return batch


__all__ = ["Collator", "packed"]
