"""Counting a prompt's tokens without loading the model: what prepare needs to refuse a prompt that can't fit."""

import json
from pathlib import Path
from typing import Any

from dart_k8s.edges.engine.base import Prompt
from dart_k8s.errors import EngineError, SpecError

__all__ = ["PromptCounter"]


class PromptCounter:
    """The tokenizer and the context length of a model folder.

    EngineError: the folder's tokenizer can't be loaded. SpecError: transformers is not installed.
    """

    def __init__(self, folder: Path, *, trust_remote_code: bool = False) -> None:
        try:
            from transformers import AutoTokenizer
        except ImportError as error:
            raise SpecError(
                f"Cannot count the prompts' tokens: the package '{error.name}' is not installed.",
                remedy="Install dart-k8s[worker].",
            ) from error
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=trust_remote_code)
        except (OSError, ValueError) as error:
            raise EngineError(
                f"Cannot load the tokenizer of the model in {folder}: {str(error).splitlines()[0]}",
                remedy="The folder needs tokenizer.json or tokenizer_config.json beside config.json.",
            ) from error
        self.context = _context(folder)
        """Tokens that prompt and response have together, None if the model's configuration does not say."""

    def count(self, prompt: Prompt) -> int:
        """Tokens of a prompt, chat prompts through the model's template; EngineError if it has none."""
        if isinstance(prompt, str):
            return len(self._tokenizer.encode(prompt))
        if not self._tokenizer.chat_template:
            raise EngineError(
                "The model has no chat template, but the prompt is a chat.",
                remedy="Use a text template (prompt.template: alpaca, deepseek-math, or inline).",
            )
        turns = [{"role": message.role, "content": message.content} for message in prompt]
        text = self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        return len(self._tokenizer.encode(text, add_special_tokens=False))


def _context(folder: Path) -> int | None:
    try:
        config = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError):
        return None
    value = config.get("max_position_embeddings") or config.get("text_config", {}).get("max_position_embeddings")
    return int(value) if value else None
