"""Prompt templates: a problem in, the text or the messages for the engine out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, NamedTuple

from .generation import PLACEHOLDER, Prompt

BOXED = "Please reason step by step, and put your final answer within \\boxed{}."
"""The instruction that DeepSeekMath's chain-of-thought data was made with (model card of deepseek-math-7b-rl)."""


TOOLS = (
    "Please integrate natural language reasoning with programs to solve the problem above, and put your final answer "
    "within \\boxed{}."
)
"""The instruction that DeepSeekMath's tool-integrated data was made with (README of deepseek-ai/DeepSeek-Math)."""
TOOLS_SYSTEM = (
    "You solve problems of mathematics step by step. Where a computation helps, write a block of Python that prints "
    "what you need; it is run at once, and its output follows in a block of its own. numpy, scipy and sympy are there; "
    "what a block defines is there in later ones. Never write an output yourself."
)
EXAMPLE_PROBLEM = (
    "How many positive integers below 500 are divisible by 6 or by 10, but not by both? "
    "Give the sum of the digits of that number."
)
EXAMPLE_SOLUTION = """\
We go through the integers from 1 to 499 and keep those that exactly one of 6 and 10 divides.

```python
kept = [n for n in range(1, 500) if (n % 6 == 0) != (n % 10 == 0)]
print(len(kept), kept[:5])
```
```output
100 [6, 10, 12, 18, 20]
```
There are 83 multiples of 6 and 49 of 10, and 16 of 30 are in both, so 83 + 49 - 2 * 16 = 100 agrees. The digits of \
100 add up to 1.

The answer is $\\boxed{1}$."""
"""A worked example of our own: a few-shot prompt shows a base model the form, and no problem of a benchmark."""


class Turn(NamedTuple):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
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
    examples: tuple[Turn, ...] = ()
    """Turns of a conversation before the problem."""
    stop: tuple[str, ...] = ()
    """Texts that end a response."""
    tools: bool = False
    """Whether code in a response is run while it is written."""

    def render(self, query: str) -> str | tuple[Turn, ...]:
        """The prompt for one problem. Braces, percent signs and placeholders inside the problem stay as they are."""
        text = self.user.replace(PLACEHOLDER, query)
        if not self.chat:
            return text
        first = (Turn("system", self.system),) if self.system is not None else ()
        return (*first, *self.examples, Turn("user", text))


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
        "tool-integrated": Template(
            name="tool-integrated",
            user=(
                f"User: {EXAMPLE_PROBLEM}\n{TOOLS}\n\nAssistant: {EXAMPLE_SOLUTION}\n\n"
                f"User: {PLACEHOLDER}\n{TOOLS}\n\nAssistant:"
            ),
            stop=("User:", "Assistant:"),
            tools=True,
        ),
    }
)
"""The built-in templates by name."""

TOOLS_CHAT = Template(
    name="tool-integrated",
    user=f"{PLACEHOLDER}\n{TOOLS}",
    chat=True,
    system=TOOLS_SYSTEM,
    examples=(Turn("user", f"{EXAMPLE_PROBLEM}\n{TOOLS}"), Turn("assistant", EXAMPLE_SOLUTION)),
    tools=True,
)
"""The same as a conversation, for models that know their own chat template only."""


def template(prompt: Prompt, api: Literal["auto", "completion", "chat"] = "auto") -> Template:
    """The template that a prompt declares.

    An inline or tool-integrated one is a conversation if it has a system message or the engine is asked by its chat
    end.
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
    if base.tools and (api == "chat" or prompt.system is not None):
        base = TOOLS_CHAT
    stop = tuple(dict.fromkeys((*base.stop, *prompt.stop)))
    return replace(base, system=prompt.system or base.system, stop=stop)


__all__ = ["TEMPLATES", "Template", "Turn", "template"]
