"""Training on this machine's CPU against plain TRL with the same recipe, and how soon a killed group is back.

Both train a random Llama on the same rows: batches of as many packed sequences, AdamW, float32, SDPA, one process. TRL
packs by itself (bfd) and computes its own measures, as it does by default. The time of a step is the median.

    python -m tests.benchmarks.training
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from dart_k8s.api import load_any
from dart_k8s.workers.train.local import train
from tests.training import tiny

LENGTH, BATCH = 512, 2
WARM = 2
"""First steps, which are not counted."""


def base(folder: Path) -> Path:
    """The model's folder: a third of its parameters are the (tied) vocabulary, as in small models."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=16_384, hidden_size=192, intermediate_size=512, num_hidden_layers=12, num_attention_heads=6,
        num_key_value_heads=3, max_position_embeddings=2048, bos_token_id=0, eos_token_id=1, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tiny.tokenizer().save_pretrained(folder)
    return folder


def rows(path: Path, count: int = 200) -> Path:
    """Rows of 60 to 500 tokens, a third of them prompt."""
    lines = []
    for number in range(count):
        size = 60 + (number * 97) % 440
        lines.append({"query": "Why? " * (size // 15), "response": " Because." * (size * 2 // 27)})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def ours(top: Path, steps: int) -> dict[str, float]:
    """Tokens a second, and the part of the time in which the process waited for data."""
    seen: list[dict[str, Any]] = []
    document = load_any(_declaration(top / "ours", top, steps), "benchmark")

    def tell(event: str, **facts: Any) -> None:
        if event == "training-step":
            seen.append(facts)

    report = asyncio.run(train(document, cache=top / "cache", offline=True, tell=tell, stop=asyncio.Event()))  # type: ignore[arg-type]
    counted = seen[WARM:]
    return {
        "tokens_per_second": median(facts["tokens"] / facts["seconds"] for facts in counted),
        "waited": sum(facts["waited"] for facts in counted) / sum(facts["seconds"] for facts in counted),
        "fill": report["plan"]["fill"],
    }


def _declaration(out: Path, top: Path, steps: int, **spec: Any) -> dict[str, Any]:
    settings = {"epochs": 100, "maxSteps": steps, "batch": BATCH, "length": LENGTH, "learningRate": 1e-4}
    return tiny.declaration(out, top / "base", top / "rows.jsonl", optimisation=settings, **spec)


def plain(top: Path, steps: int) -> float:
    """Tokens a second of TRL's SFTTrainer as its documentation has it."""
    command = [sys.executable, "-m", "tests.benchmarks.training", "--plain", str(top), "--steps", str(steps)]
    threads = str(len(os.sched_getaffinity(0)))
    told = subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": threads})
    return float(told.stdout.split()[-1])


def _plain(top: Path, steps: int) -> None:
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained(top / "base")
    tokenizer.pad_token = "<reserved_0>"
    lines = [json.loads(line) for line in (top / "rows.jsonl").read_text().splitlines()]
    data = Dataset.from_list([{"prompt": f"Q: {x['query']}\nA:", "completion": x["response"]} for x in lines])
    ends: list[float] = []
    tokens: list[int] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.perf_counter())

    arguments = SFTConfig(
        output_dir=str(top / "plain"), max_steps=steps, per_device_train_batch_size=1,
        gradient_accumulation_steps=BATCH, max_length=LENGTH, packing=True, learning_rate=1e-4, use_cpu=True,
        bf16=False, gradient_checkpointing=False, save_strategy="no", report_to=[], disable_tqdm=True, logging_steps=1,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_pretrained(top / "base", attn_implementation="sdpa")
    trainer = SFTTrainer(
        model=model, args=arguments, train_dataset=data, processing_class=tokenizer, callbacks=[Clock()]
    )
    tokens += [len(row["input_ids"]) for row in trainer.train_dataset]
    trainer.train()
    a_step = BATCH * sum(tokens) / len(tokens)
    steps_took = [later - earlier for earlier, later in zip(ends[WARM - 1 :], ends[WARM:], strict=False)]
    print(a_step / median(steps_took))


def restart(top: Path) -> dict[str, float]:
    """Two processes, one killed: seconds until the next step, and those of them in which models were loaded."""
    from tests.training.test_trl import children

    times: dict[str, float] = {}
    document = load_any(
        _declaration(top / "restart", top, 8, processesPerNode=2, checkpoints={"everySteps": 2}), "benchmark"
    )

    def tell(event: str, **facts: Any) -> None:
        now = time.monotonic()
        if event == "training-step" and facts["step"] == 4 and "killed" not in times:
            os.kill(children("dart_k8s.workers.train.rank", str(top / "cache"))[-1], signal.SIGKILL)
            times["killed"] = now
        elif event == "training-restart":
            times["noticed"] = now
        elif event == "training-loaded" and "noticed" in times:
            times["loaded"], times["load"] = now, float(facts["seconds"])
        elif event == "training-step" and "loaded" in times and "back" not in times:
            times["back"] = now

    asyncio.run(train(document, cache=top / "cache", offline=True, tell=tell, stop=asyncio.Event()))  # type: ignore[arg-type]
    return {
        "noticed_seconds": times["noticed"] - times["killed"],
        "back_seconds": times["back"] - times["killed"],
        "load_seconds": times["load"],
    }


def measure(*, steps: int) -> dict[str, float]:
    """All of it, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        base(top / "base")
        rows(top / "rows.jsonl")
        found = {"plain_tokens_per_second": plain(top, steps), **ours(top, steps)}
        return {**found, **restart(top)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--plain", type=Path)
    parser.add_argument("--restart", action="store_true", help="only the kill")
    asked = parser.parse_args()
    if asked.plain is not None:
        _plain(asked.plain, asked.steps)
    elif asked.restart:
        with tempfile.TemporaryDirectory() as one:
            base(Path(one) / "base")
            rows(Path(one) / "rows.jsonl")
            print(json.dumps(restart(Path(one)), indent=1))
    else:
        print(json.dumps(measure(steps=asked.steps), indent=1))
