"""Prompt templates: a problem in, the text or the messages for the engine out."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

from .generation import PLACEHOLDER, Prompt

BOXED = "Please reason step by step, and put your final answer within \\boxed{}."
"""The instruction that DeepSeekMath's chain-of-thought data was made with (model card of deepseek-math-7b-rl)."""


class Turn(NamedTuple):
    """One message of a conversation."""

    role: Literal["system", "user"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A prompt with a hole for the problem."""

    name: str
    """The built-in name, or "inline"."""
    user: str
    """The whole prompt, or the user's message of a conversation; every `{query}` in it is the hole."""
    chat: bool = False
    """Messages for the model's own chat template, instead of one text."""
    system: str | None = None
    """System message of a conversation."""
    stop: tuple[str, ...] = ()
    """Texts that end a response."""

    def render(self, query: str) -> str | tuple[Turn, ...]:
        """The prompt for one problem. Braces, percent signs and placeholders inside the problem stay as they are."""
        text = self.user.replace(PLACEHOLDER, query)
        if not self.chat:
            return text
        first = (Turn("system", self.system),) if self.system is not None else ()
        return (*first, Turn("user", text))


TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        # No white space after the last colon, here and below: tokenizers attach it to the next word, as in training.
        # The stops are the turns that a sampler at temperature 1.6 likes to go on with.
        "deepseek-math": Template(
            name="deepseek-math",
            user=f"User: {PLACEHOLDER}\n{BOXED}\n\nAssistant:",
            stop=("User:", "Assistant:"),
        ),
        # Stanford Alpaca's prompt without input (Taori et al. 2023), the student template of DART-Math.
        "alpaca": Template(
            name="alpaca",
            user=(
                "Below is an instruction that describes a task. "
                "Write a response that appropriately completes the request.\n\n"
                f"### Instruction:\n{PLACEHOLDER}\n\n### Response:"
            ),
            stop=("### Instruction:", "### Response:"),
        ),
        "chat": Template(name="chat", user=f"{PLACEHOLDER}\n{BOXED}", chat=True),
    }
)
"""The built-in templates by name."""


def template(prompt: Prompt, api: Literal["auto", "completion", "chat"] = "auto") -> Template:
    """The template that a prompt declares.

    An inline one is a conversation if it has a system message or the engine is asked by its chat end.
    """
    if prompt.template is None:
        return Template(
            name="inline",
            user=prompt.inline or "",
            chat=api == "chat" or prompt.system is not None,
            system=prompt.system,
            stop=prompt.stop,
        )
    base = TEMPLATES[prompt.template]
    stop = tuple(dict.fromkeys((*base.stop, *prompt.stop)))
    return Template(name=base.name, user=base.user, chat=base.chat, system=prompt.system, stop=stop)


__all__ = ["TEMPLATES", "Template", "Turn", "template"]
