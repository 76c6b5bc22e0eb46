"""What this machine can: processes per node, precision, attention."""

import os
from importlib.util import find_spec

import torch

from dart_k8s.edges.training.base import Attention, Precision
from dart_k8s.errors import SpecError


def devices() -> int:
    """GPUs that this machine has; 0: it trains on its CPU."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def device_name() -> str:
    """Of the first GPU, or "cpu"."""
    return str(torch.cuda.get_device_name(0)) if devices() else "cpu"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bf16_of(precision: Precision) -> bool:
    """Whether to compute in bf16. auto: where a GPU has it; on a CPU float32, which is faster on most."""
    if precision == "auto":
        return bool(devices()) and torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bf16" and devices() and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise SpecError(
            f"Cannot train in bf16: {device_name()} does not have it.", remedy="Use optimisation.precision: fp32."
        )
    return precision == "bf16"


def attention_of(attention: Attention) -> str:
    """transformers' name of how attention is computed. auto: FlashAttention where it is installed and can run."""
    flash = find_spec("flash_attn") is not None and bool(devices())
    if attention == "flash" and not flash:
        raise SpecError(
            "Cannot compute attention by FlashAttention: it needs a GPU and the package flash-attn.",
            remedy="Use optimisation.attention: auto, or install flash-attn.",
        )
    if attention == "flash" or (attention == "auto" and flash):
        return "flash_attention_2"
    return "sdpa" if attention == "auto" else attention


__all__ = ["attention_of", "bf16_of", "cores", "device_name", "devices"]
