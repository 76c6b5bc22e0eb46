"""What the scripted engine says to a prompt: a pass rate, an answer, a length, and how texts repeat.

A script file is JSON:

    {"version": 1, "default": {SCRIPT} or null, "scripts": [{"match": "text that the prompt contains", SCRIPT}, ...]}

where SCRIPT holds the fields of `Script`; only `p` and `answer` are needed.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from hashlib import blake2b
from pathlib import Path
from statistics import NormalDist
from struct import Struct
from typing import Any

from dart_k8s.errors import SpecError

__all__ = ["OUTPUT_FENCE", "Draw", "Script", "Scripts", "by_query", "draw", "read_scripts"]

WRONG = ("7919", "-104729", "1299709")
"""Wrong answers when a script names none: primes that no exercise of a test set has as its answer."""
FILLER = "We write down what is given, name what is asked, and work step by step towards it. " * 200
CHARACTERS_PER_TOKEN = 4
"""Of English prose in common tokenizers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """How the engine answers one prompt."""

    p: float
    """Chance that a response is right, 0 to 1, before any cut at max_tokens."""
    answer: str
    wrong: tuple[str, ...] = WRONG
    """What wrong responses say, each equally often; the right answer among them is skipped."""
    tokens: float = 40
    """Mean length of a response."""
    wrong_tokens: float | None = None
    """Mean length of wrong ones where it differs (None = the same): length correlated with correctness."""
    spread: float = 0.5
    """Standard deviation of the log of the length; 0 = all the same."""
    distinct: int | None = None
    """How many different texts there are for each answer (None = every text is new)."""
    code: tuple[str, ...] = ()
    """Blocks of Python that a response has before its answer. Each is played in a round of its own: which one comes
    next is the number of output fences after the query. Behind a block stands an output that the model makes up."""
    match: str = field(default="", compare=False)
    """The text of the prompt that the script belongs to; set by `by_query`."""
    padded: bool = False
    """Make texts about as long as their tokens say; else they are one line."""

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise SpecError(f"A script's p is {self.p}: it must lie between 0 and 1.")
        if self.tokens <= 0 or (self.wrong_tokens is not None and self.wrong_tokens <= 0):
            raise SpecError(
                f"A script's lengths are {self.tokens} and {self.wrong_tokens} tokens: they must be above 0."
            )
        if self.distinct is not None and self.distinct < 1:
            raise SpecError(f"A script's distinct is {self.distinct}: it must be 1 or more.")
        if self.p < 1 and not any(value != self.answer for value in self.wrong):
            raise SpecError(f"A script for the answer {self.answer!r} has no wrong answers but p = {self.p}.")


Scripts = Callable[[str], Script | None]
"""Prompt text -> its script; None = this prompt is not known."""


OUTPUT_FENCE = "```output\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """One response before any limit is applied."""

    text: str
    tokens: int
    correct: bool


_uniforms = Struct("<4Q").unpack
_normal = NormalDist().inv_cdf
_UNIT = 2.0**-64


def draw(script: Script, key: bytes, *, rounds: int = 0) -> Draw:
    """The response that `key` stands for, or its part after `rounds` blocks: same key, same text."""
    right, length, way, slip = _uniforms(blake2b(key, digest_size=32).digest())
    correct = right * _UNIT < script.p
    mean = script.tokens if correct or script.wrong_tokens is None else script.wrong_tokens
    # The mean of a log-normal is exp(mu + sigma^2 / 2).
    sigma = script.spread
    z = _normal((length + 0.5) * _UNIT) if sigma else 0.0
    tokens = max(1, round(mean * math.exp(sigma * z - sigma * sigma / 2)))
    if correct:
        answer = script.answer
    else:
        wrong = [value for value in script.wrong if value != script.answer]
        answer = wrong[slip % len(wrong)]
    mark = way % script.distinct if script.distinct else way
    text = f"Way {mark:x}. The answer is \\boxed{{{answer}}}."
    if rounds < len(script.code):
        block = f"```python\n{script.code[rounds].rstrip()}\n```\n"
        text = f"Way {mark:x}, step {rounds + 1}.\n{block}{OUTPUT_FENCE}made up\n```\n{text}"
    if script.padded:
        text = FILLER[: max(0, tokens * CHARACTERS_PER_TOKEN - len(text))] + text
    return Draw(text=text, tokens=tokens, correct=correct)


def by_query(scripts: Mapping[str, Script], default: Script | None = None) -> Scripts:
    """Find a prompt's script by the query that it contains.

    The whole prompt may be a key; else the key that ends last in the prompt wins (few-shot examples come before the
    query), the longest of those that end there. One lookup costs time in proportion to the prompt's length.
    """
    scripts = {key: replace(script, match=key) for key, script in scripts.items()}
    width = min((len(key) for key in scripts if key), default=0)
    starts: dict[str, list[str]] = {}
    for key in scripts:
        if key:
            starts.setdefault(key[:width], []).append(key)

    def find(prompt: str) -> Script | None:
        exact = scripts.get(prompt)
        if exact is not None or not width:
            return exact or default
        best = (0, 0)
        for place in range(len(prompt) - width + 1):
            for key in starts.get(prompt[place : place + width], ()):
                if prompt.startswith(key, place):
                    best = max(best, (place + len(key), len(key)))
        end, length = best
        return scripts[prompt[end - length : end]] if length else default

    return find


def _script(values: Mapping[str, Any], where: str) -> Script:
    known = {one.name for one in fields(Script)} - {"match"}
    unknown = sorted(set(values) - known)
    if unknown:
        raise SpecError(
            f"{where} has unknown fields {', '.join(unknown)}.", remedy=f"Known: {', '.join(sorted(known))}."
        )
    try:
        return Script(**{**values, **{name: tuple(values[name]) for name in ("wrong", "code") if name in values}})
    except TypeError as error:
        raise SpecError(
            f"{where} can't be read: {error}.", remedy="It needs p (a number) and answer (a text)."
        ) from error


def read_scripts(path: Path) -> Scripts:
    """Read a script file. Raises SpecError, which says what is wrong in which entry."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(f"The script file {path} can't be read: {error}.") from error
    if not isinstance(document, dict) or document.get("version") != 1:
        raise SpecError(f"The script file {path} is not of version 1.", remedy='It starts with {"version": 1, ...}.')
    default = document.get("default")
    scripts = {}
    for number, entry in enumerate(document.get("scripts", ())):
        where = f"Entry {number} of the script file {path}"
        if not isinstance(entry, dict) or not isinstance(entry.get("match"), str) or not entry["match"]:
            raise SpecError(f'{where} has no text "match".')
        scripts[entry["match"]] = _script({key: value for key, value in entry.items() if key != "match"}, where)
    return by_query(scripts, _script(default, f"The default of the script file {path}") if default else None)
