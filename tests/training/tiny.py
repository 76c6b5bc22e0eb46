"""A random Llama of some thousand parameters with a tokenizer of bytes, made on the spot; and rows to train it on."""

import json
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

LENGTH = 256
"""Tokens that it can attend to."""


def need_trainer() -> None:
    """Skip, or fail under CI=true, where torch or trl is missing."""
    missing = [name for name in ("torch", "trl", "accelerate") if find_spec(name) is None]
    if missing:
        says = f"{', '.join(missing)} missing: `make install` brings them, or pip install dart-k8s[trainer]"
        if os.environ.get("CI") == "true":
            pytest.fail(says)
        pytest.skip(says)


def tokenizer(*, bos: bool = True, chat: bool = False, pad: bool = False) -> Any:
    """Each byte is a token; EOS and BOS are two more, and there is a reserved one."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    specials = ["<s>", "</s>", "<reserved_0>"]
    vocabulary = {text: number for number, text in enumerate([*specials, *alphabet])}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    if bos:
        made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    made.add_special_tokens(specials)
    found = PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token="<s>" if bos else None,
        eos_token="</s>",
        pad_token="<reserved_0>" if pad else None,
        extra_special_tokens=["<reserved_0>"],
    )
    if chat:
        found.chat_template = (
            "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}"
            "{% if add_generation_prompt %}[assistant] {% endif %}"
        )
    return found


def model(folder: Path, *, seed: int = 0, **tokens: bool) -> Path:
    """A model's folder, as transformers saves it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=264, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=LENGTH, bos_token_id=0, eos_token_id=1, pad_token_id=None,
        initializer_range=0.2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer(**tokens).save_pretrained(folder)
    return folder


def rows(path: Path, count: int = 48) -> Path:
    """Sums, as JSON Lines."""
    lines = []
    for number in range(count):
        a, b = 3 + number % 7, number % 11
        words = "so " * (number % 9)
        lines.append({"query": f"What is {a} + {b}?", "response": f" {words}{a} + {b} = \\boxed{{{a + b}}}."})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


@cache
def shared(folder: Path) -> Path:
    """One model for all tests of a session."""
    return model(folder)


def declaration(folder: Path, base: Path, source: Path, **spec: Any) -> dict[str, Any]:
    """A Training of 12 steps in half a second each, to be changed by `spec` field by field."""
    optimisation = {
        "epochs": 8, "maxSteps": 12, "batch": 4, "length": 192, "learningRate": 0.01, "precision": "fp32",
        "gradientCheckpointing": False, **spec.pop("optimisation", {}),
    }  # fmt: skip
    return {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Training",
        "metadata": {"name": "tiny"},
        "spec": {
            "data": {"uri": str(source)},
            "model": {"uri": str(base)},
            "prompt": {"inline": "Q: {query}\nA:"},
            "optimisation": optimisation,
            "processesPerNode": 1,
            "output": {"uri": str(folder)},
            **spec,
        },
    }
