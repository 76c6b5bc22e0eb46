"""Loading the saved model again: it is finished when it says what the trained one said."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM

from dart_k8s.errors import TrainingFailed

TOLERANCE, TOLERANCE_BF16 = 1e-3, 0.125
"""Largest difference of a logit. In bf16 logits of 16 and more are 1/8 apart, and kernels of a GPU add up otherwise
than those of the CPU that loads it again."""


def verify(folder: Path, expected: Path) -> Mapping[str, object]:
    """See `Trainer.verify`."""
    transformers.utils.logging.set_verbosity_error()
    told = json.loads(expected.read_text("utf-8"))
    model, info = AutoModelForCausalLM.from_pretrained(
        str(folder), dtype=torch.float32, attn_implementation="sdpa", output_loading_info=True
    )
    missing = sorted(info["missing_keys"])
    if missing:
        raise TrainingFailed(
            f"The saved model in {folder} lacks weights: {', '.join(missing[:5])}.",
            remedy="Run the same command again: it goes on from the newest checkpoint.",
        )
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([told["ids"]]), use_cache=False).logits[0, -1]
    again = logits[torch.tensor(told["tokens"])]
    difference = float((again - torch.tensor(told["logits"])).abs().max())
    allowed = TOLERANCE_BF16 if told["bf16"] else TOLERANCE
    # Not "greater than": a difference that is no number is none that is small.
    if not difference <= allowed:
        raise TrainingFailed(
            f"The saved model in {folder} is not the one that was trained: a logit differs by {difference:g}, at most "
            f"{allowed:g} is from arithmetic.",
            remedy="Run the same command again: it goes on from the newest checkpoint.",
        )
    return {"logits": len(told["tokens"]), "largestDifference": difference, "tolerance": allowed}


__all__ = ["TOLERANCE", "TOLERANCE_BF16", "verify"]
