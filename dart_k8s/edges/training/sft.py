"""Training by TRL's SFTTrainer, launched by accelerate, with DeepSpeed if the job says so."""

import inspect
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
from accelerate import PartialState
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed
from trl import SFTConfig, SFTTrainer

from dart_k8s.edges.training.base import Job, Tell
from dart_k8s.edges.training.collating import Collator, packed
from dart_k8s.edges.training.hardware import attention_of, bf16_of, device_name, devices
from dart_k8s.edges.training.rows import Rows
from dart_k8s.edges.training.stepping import Stepping
from dart_k8s.errors import SpecError

PROBE = 48
"""Tokens of the text whose next-token logits are compared when the saved model is loaded again."""
EXPECTED = "expected.json"


class PackedTrainer(SFTTrainer):  # type: ignore[misc]
    """SFTTrainer on packs that are ready.

    It leaves out what SFTTrainer measures of each batch (entropy and accuracy, over all logits), and says how long a
    step waited for data.
    """

    waited = 0.0
    """Seconds that this rank waited for data since the last look."""

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The mean over the learnt tokens of the global step: the sum here, by their number over ranks and
        accumulation."""
        # A cache would hide from the model's mask where rows begin.
        inputs["use_cache"] = False
        return transformers.Trainer.compute_loss(
            self, model, inputs, return_outputs=return_outputs, num_items_in_batch=num_items_in_batch
        )

    def get_batch_samples(self, epoch_iterator: Iterator[Any], num_batches: int, device: Any) -> Any:
        """As the base does, on a clock."""
        began = time.perf_counter()
        batches = [batch for _, batch in zip(range(num_batches), epoch_iterator, strict=False)]
        self.waited += time.perf_counter() - began
        return batches, self._get_num_items_in_batch(batches, device)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Without SFTTrainer's own measures."""
        transformers.Trainer.log(self, logs, start_time)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        # Not SFTTrainer's: it writes a card for every checkpoint.
        transformers.Trainer._save_checkpoint(self, model, trial)


def train(job: Job, tell: Tell) -> None:
    """See `Trainer.train`."""
    began = time.monotonic()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    bf16, attention = bf16_of(job.precision), attention_of(job.attention)
    # Before the model: with ZeRO-3 it is spread while it is loaded.
    arguments = _arguments(job, bf16=bf16)
    set_seed(job.seed)
    dtype = torch.bfloat16 if bf16 and job.deepspeed else torch.float32
    model = AutoModelForCausalLM.from_pretrained(
        job.model, dtype=dtype, attn_implementation=attention, trust_remote_code=job.trust_remote_code
    )
    model.config.use_cache = False
    tokenizer = AutoTokenizer.from_pretrained(job.tokenizer)
    rows = Rows.open(Path(job.data))
    batch = arguments.world_size * job.at_once * job.accumulation
    if rows.packs != job.steps * batch:
        raise SpecError(f"Cannot train: {rows.packs} packs for {job.steps} steps of {batch}.")
    collator = Collator(
        rows=rows,
        flat="flash" in attention,
        logits_where_learnt="logits_to_keep" in inspect.signature(model.forward).parameters,
        pad=tokenizer.pad_token_id or 0,
    )
    parameters = sum(getattr(p, "ds_numel", p.numel()) for p in model.parameters())
    stepping = Stepping(job=job, rows=rows, batch=batch, tell=tell)
    trainer = PackedTrainer(
        model=model,
        args=arguments,
        train_dataset=packed(rows.packs),
        data_collator=collator,
        processing_class=tokenizer,
        callbacks=[stepping],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    stepping.trainer = trainer
    if trainer.is_world_process_zero():
        tell(
            "loaded", processes=arguments.world_size, device=device_name(), precision="bf16" if bf16 else "fp32",
            attention=attention, parameters=parameters, seconds=round(time.monotonic() - began, 3),
        )  # fmt: skip
    trainer.train(resume_from_checkpoint=job.resume)
    if trainer.state.global_step < job.steps:
        if trainer.is_local_process_zero():
            tell("stopped", step=trainer.state.global_step)
        return
    _save(trainer, job, rows, bf16=bf16)
    if trainer.is_world_process_zero():
        engine = type(trainer.model_wrapped).__name__
        tell("saved", folder=str(Path(job.work) / "model"), step=trainer.state.global_step, engine=engine)


def _arguments(job: Job, *, bf16: bool) -> Any:
    report = [name for name, wanted in (("tensorboard", job.tensorboard), ("wandb", job.wandb)) if wanted]
    if job.tensorboard:
        os.environ["TENSORBOARD_LOGGING_DIR"] = job.tensorboard
    if job.wandb:
        os.environ["WANDB_PROJECT"] = job.wandb
    shared = {}
    if job.deepspeed and not devices():
        # accelerate's process state counts one process where DeepSpeed has no GPU, unless its backend is named: so it
        # is made here, before transformers makes one.
        os.environ["ACCELERATE_USE_DEEPSPEED"] = "true"
        PartialState(backend="gloo")
        shared = {"accelerator_config": {"use_configured_state": True}}
    return SFTConfig(
        **shared,
        output_dir=job.work,
        run_name=job.name,
        max_steps=job.steps,
        per_device_train_batch_size=job.at_once,
        gradient_accumulation_steps=job.accumulation,
        average_tokens_across_devices=True,
        learning_rate=job.learning_rate,
        lr_scheduler_type=job.schedule if job.schedule != "constant" else "constant_with_warmup",
        warmup_steps=job.warmup_steps,
        optim="adamw_torch",
        weight_decay=job.weight_decay,
        max_grad_norm=job.clipping,
        bf16=bf16,
        use_cpu=not devices() and not job.deepspeed,
        gradient_checkpointing=job.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        ddp_find_unused_parameters=False,
        deepspeed=dict(job.deepspeed) or None,
        seed=job.seed,
        data_seed=job.seed,
        train_sampling_strategy="sequential",
        dataloader_num_workers=1 if devices() else 0,
        dataloader_pin_memory=bool(devices()),
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        completion_only_loss=False,
        max_length=None,
        save_strategy="no",
        logging_strategy="steps",
        logging_steps=1,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        report_to=report,
        disable_tqdm=True,
    )


def _save(trainer: Any, job: Job, rows: Rows, *, bf16: bool) -> None:
    """Write the model, and the logits that it must have when it is loaded again."""
    folder = Path(job.work) / "model"
    if bf16 and not job.deepspeed:
        trainer.model.to(torch.bfloat16)
    ids, _, _ = rows.pack(0)
    probe = torch.from_numpy(ids[:PROBE])[None].to(trainer.args.device)
    # All ranks: with ZeRO-3 each has a part of the parameters.
    running = trainer.model_wrapped if job.deepspeed else trainer.model
    running.eval()
    with torch.no_grad():
        logits = running(input_ids=probe, use_cache=False).logits[0, -1].float().cpu()
    trainer.save_model(str(folder))
    if trainer.is_world_process_zero():
        # A pickle, and nothing that the report does not say.
        (folder / "training_args.bin").unlink(missing_ok=True)
        top = torch.topk(logits, min(16, logits.numel()))
        expected = {
            "ids": probe[0].tolist(),
            "tokens": top.indices.tolist(),
            "logits": top.values.tolist(),
            "bf16": bf16,
        }
        (Path(job.work) / EXPECTED).write_text(json.dumps(expected), "utf-8")


__all__ = ["EXPECTED", "PackedTrainer", "train"]
