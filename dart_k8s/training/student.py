"""The student's template as token ids: the same in training and whenever the student is asked.

A row is the ids of the prompt, as a sampler would send them, then those of the response, then EOS. Learnt are the
response and EOS; never the prompt, and no token that touches what a tool wrote. Prompt and response are tokenised
apart: a token that spans both could never follow a prompt in sampling.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dart_k8s.api.generation import PLACEHOLDER
from dart_k8s.api.optimising import StudentPrompt
from dart_k8s.api.templates import TEMPLATES, Template
from dart_k8s.errors import NothingToTrainOn, SpecError


class Tokens(Protocol):
    """What is needed of a tokenizer."""

    @property
    def bos(self) -> int | None:
        """Id of the begin of a text, if there is one."""

    @property
    def eos(self) -> int | None:
        """Id of the end of a text."""

    @property
    def chat_template(self) -> str | None:
        """The model's own."""

    @property
    def begins(self) -> bool:
        """Whether an encoded text begins with BOS."""

    def encode(self, text: str, *, special: bool) -> list[int]:
        """Ids; `special`: with what the tokenizer puts around a text."""

    def offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids without specials, and the characters [start, end) of each. SpecError if the tokenizer can't say."""

    def chat(self, query: str) -> str:
        """One user's message through the model's own chat template, ready for the answer."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A row. `learnt` says which of the ids the loss is over."""

    ids: list[int]
    learnt: list[bool]


Spans = Sequence[tuple[int, int]]
"""Characters [start, end) of a response that a tool wrote."""


def template_of(prompt: StudentPrompt) -> Template:
    """The template that a Training declares; alpaca if it says nothing."""
    if prompt.inline is not None:
        return Template(name="inline", user=prompt.inline)
    return TEMPLATES[prompt.template or "alpaca"]


def check(template: Template, tokens: Tokens, model: str) -> None:
    """SpecError for a template that this model can't have."""
    if template.chat and not tokens.chat_template:
        raise SpecError(
            f"Cannot train {model} with prompt.template: chat: it has no chat template, as is normal for a base model.",
            remedy="Use prompt.template: alpaca (the default), deepseek-math, or inline.",
        )
    if tokens.eos is None:
        raise SpecError(
            f"Cannot train {model}: its tokenizer has no end-of-text token, so the student would never stop.",
            remedy="Set eos_token in the model's tokenizer_config.json.",
        )


def prompt_ids(template: Template, tokens: Tokens, query: str) -> list[int]:
    """Ids of the prompt, as a sampler sends them: with one BOS where the model has one, without EOS."""
    if template.chat:
        ids = tokens.encode(tokens.chat(template.user.replace(PLACEHOLDER, query)), special=False)
    else:
        ids = tokens.encode(template.user.replace(PLACEHOLDER, query), special=True)
    while ids and ids[-1] == tokens.eos and tokens.eos != tokens.bos:
        ids.pop()
    while len(ids) > 1 and ids[0] == ids[1] == tokens.bos:
        ids.pop(0)
    return ids


def encode(template: Template, tokens: Tokens, query: str, response: str, tool: Spans = ()) -> Encoded:
    """One row; see the module."""
    prompt = prompt_ids(template, tokens, query)
    if tool:
        ids, places = tokens.offsets(response)
        own = [not any(start < t_end and t_start < end for t_start, t_end in tool) for start, end in places]
    else:
        ids = tokens.encode(response, special=False)
        own = [True] * len(ids)
    if tokens.eos is None:
        raise NothingToTrainOn("The tokenizer has no end-of-text token.")
    return Encoded([*prompt, *ids, tokens.eos], [*[False] * len(prompt), *own, True])


def chat_template(template: Template, tokens: Tokens) -> str:
    """The template as a chat template in Jinja, whose text encodes to the same ids; the model's own for chat.

    The text of a chat template is encoded without specials, so BOS stands in it where the tokenizer would add it.
    """
    if template.chat:
        return tokens.chat_template or ""
    begin = "{{- bos_token }}" if tokens.begins else ""
    pieces = [f"{{{{- {json.dumps(piece, ensure_ascii=False)} }}}}" for piece in template.user.split(PLACEHOLDER)]
    problem = "{{- message['content'] }}".join(pieces)
    return (
        f"{begin}{{%- for message in messages %}}"
        f"{{%- if message['role'] == 'user' %}}{problem}"
        "{%- elif message['role'] == 'assistant' %}{{- message['content'] }}{{- eos_token }}"
        "{%- else %}{{- raise_exception('this model knows problems (user) and solutions (assistant) only') }}"
        "{%- endif %}{%- endfor %}"
    )


def pad_token(specials: Sequence[str], eos: str | None, bos: str | None) -> str | None:
    """A token to pad with, for a tokenizer that has none: one of its special tokens, never EOS or BOS; None if all are.

    Padding is never learnt and never attended to, so which one it is does not matter; EOS would, since whoever trains
    on masks every padding token and with it the end of each response.
    """
    others = [token for token in specials if token not in (eos, bos)]
    named = [token for token in others if "pad" in token.lower()]
    spare = [token for token in others if "reserved" in token.lower() or "unused" in token.lower()]
    unknown = [token for token in others if "unk" in token.lower()]
    return next(iter((*named, *spare, *unknown, *others)), None)


__all__ = ["Encoded", "Tokens", "chat_template", "check", "encode", "pad_token", "prompt_ids", "template_of"]
