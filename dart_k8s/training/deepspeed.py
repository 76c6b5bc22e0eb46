"""DeepSpeed's configuration, generated from the recipe; `dart validate` shows it.

Keys are those of DeepSpeed's configuration reference. All numbers are said: nothing is left to "auto".
"""

from typing import Any

from dart_k8s.api.optimising import DeepSpeed, Optimisation

from .division import Division

BUCKET = 500_000_000
"""Elements that are reduced or gathered at once: DeepSpeed's default."""
PARTS = 1_000_000_000
"""Most parameters of stage 3 that live on a device at once, and how far apart uses may lie to keep them."""
NEVER = 1_000_000_000
"""Steps between two lines that DeepSpeed prints: progress is told elsewhere."""


def configuration(
    deepspeed: DeepSpeed, optimisation: Optimisation, division: Division, *, bf16: bool
) -> dict[str, Any]:
    """The configuration for a stage of 1 to 3; stage 0 is plain DDP and has none: empty."""
    if deepspeed.stage == 0:
        return {}
    zero: dict[str, Any] = {
        "stage": deepspeed.stage,
        "overlap_comm": True,
        "contiguous_gradients": True,
        "reduce_scatter": True,
        "reduce_bucket_size": BUCKET,
        "allgather_bucket_size": BUCKET,
    }
    if deepspeed.offload != "none":
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": True}
    if deepspeed.offload == "all":
        zero["offload_param"] = {"device": "cpu", "pin_memory": True}
    if deepspeed.stage == 3:
        zero |= {
            "stage3_max_live_parameters": PARTS,
            "stage3_max_reuse_distance": PARTS,
            "stage3_gather_16bit_weights_on_model_save": True,
        }
    return {
        "train_batch_size": division.batch,
        "train_micro_batch_size_per_gpu": division.at_once,
        "gradient_accumulation_steps": division.accumulation,
        "gradient_clipping": optimisation.gradient_clipping,
        "bf16": {"enabled": bf16},
        "zero_optimization": zero,
        # The optimiser is PyTorch's AdamW, which DeepSpeed has not listed for ZeRO; with offload it has its own on the
        # host.
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": deepspeed.offload != "none",
        "steps_per_print": NEVER,
    }


__all__ = ["configuration"]
