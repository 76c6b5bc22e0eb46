"""The student's tokenizer: what its template needs of it, and saving it with the template."""

from pathlib import Path
from typing import Any

from dart_k8s.errors import SpecError


class StudentTokenizer:
    """The tokenizer of a model folder. SpecError if it can't be loaded, or transformers is not installed."""

    def __init__(self, folder: Path, *, trust_remote_code: bool = False) -> None:
        try:
            from transformers import AutoTokenizer
        except ImportError as error:
            raise SpecError(
                f"Cannot read the rows as tokens: the package '{error.name}' is not installed.",
                remedy="Install dart-k8s[trainer].",
            ) from error
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=trust_remote_code)
        except (OSError, ValueError, KeyError) as error:
            raise SpecError(
                f"Cannot load the tokenizer of the model in {folder}: {str(error).splitlines()[0]}",
                remedy="The folder needs tokenizer.json or tokenizer_config.json beside config.json.",
            ) from error
        self.begins = self.bos is not None and self.encode("a", special=True)[:1] == [self.bos]

    @property
    def bos(self) -> int | None:
        """See `training.student.Tokens`."""
        return self._id(self._tokenizer.bos_token_id)

    @property
    def eos(self) -> int | None:
        """See `training.student.Tokens`."""
        return self._id(self._tokenizer.eos_token_id)

    @property
    def pad(self) -> int | None:
        """Id of the token for padding, if there is one."""
        return self._id(self._tokenizer.pad_token_id)

    @property
    def size(self) -> int:
        """Ids that it knows."""
        return len(self._tokenizer)

    @property
    def names(self) -> tuple[str | None, str | None]:
        """EOS and BOS as texts."""
        return self._tokenizer.eos_token, self._tokenizer.bos_token

    @property
    def specials(self) -> list[str]:
        """All special tokens as texts."""
        added = self._tokenizer.added_tokens_decoder.values()
        return list(dict.fromkeys([*self._tokenizer.all_special_tokens, *(t.content for t in added if t.special)]))

    @property
    def chat_template(self) -> str | None:
        """See `training.student.Tokens`."""
        found = self._tokenizer.chat_template
        return str(found) if found else None

    def encode(self, text: str, *, special: bool) -> list[int]:
        """See `training.student.Tokens`."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=special)
        return ids

    def offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """See `training.student.Tokens`."""
        if not self._tokenizer.is_fast:
            raise SpecError(
                "Cannot leave out what tools wrote: this model's tokenizer does not say where its tokens stand in a "
                "text.",
                remedy="Use a model with tokenizer.json, or leave out data.fields.spans.",
            )
        found = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return list(found["input_ids"]), [(int(start), int(end)) for start, end in found["offset_mapping"]]

    def chat(self, query: str) -> str:
        """See `training.student.Tokens`."""
        turns = [{"role": "user", "content": query}]
        return str(self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))

    def save(self, folder: Path, *, chat_template: str, pad: str | None) -> None:
        """Write the tokenizer with the student's template, and a token to pad with if it had none."""
        self._tokenizer.chat_template = chat_template
        if pad is not None and self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = pad
        self._tokenizer.save_pretrained(str(folder))

    @staticmethod
    def _id(value: object) -> int | None:
        return int(value) if isinstance(value, int) else None


__all__ = ["StudentTokenizer"]
