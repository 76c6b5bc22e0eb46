"""Filters on correct responses. Pure; all off by default."""

import re
from collections.abc import Callable

from dart_k8s.api.curating import Filters

_LETTERS = re.compile(r"[^\W\d_]")
_LATIN_OR_GREEK = re.compile(r"[A-Za-z\u00aa\u00ba\u00c0-\u024f\u0370-\u03ff\u1e00-\u1fff\u2100-\u214f]")
"""Latin with its extensions, Greek, and letter-like signs of mathematics."""

_REPEATED_WORDS = 8
_AFTER = " \t\r\n.$)]}\\"
"""What closes the formula around a box and is no text."""

Faulty = Callable[[str, int], bool]
"""(response, tokens) -> whether the filter drops it."""


def active(filters: Filters) -> dict[str, Faulty]:
    """The filters that are on, by their name in the declaration."""
    found: dict[str, Faulty] = {}
    if filters.min_tokens is not None:
        least = filters.min_tokens
        found["minTokens"] = lambda _, tokens: tokens < least
    if filters.max_tokens is not None:
        most = filters.max_tokens
        found["maxTokens"] = lambda _, tokens: tokens > most
    if filters.non_latin_share is not None:
        foreign = filters.non_latin_share
        found["nonLatinShare"] = lambda response, _: non_latin_share(response) > foreign
    if filters.repetition is not None:
        repeated = filters.repetition
        found["repetition"] = lambda response, _: repetition(response) > repeated
    if filters.text_after_box is not None:
        after = filters.text_after_box
        found["textAfterBox"] = lambda response, _: text_after_box(response) > after
    return found


def non_latin_share(text: str) -> float:
    """Share of letters outside Latin and Greek (Greek and letter-like signs are mathematics)."""
    if text.isascii():
        return 0.0
    letters = len(_LETTERS.findall(text))
    return 1.0 - min(letters, len(_LATIN_OR_GREEK.findall(text))) / letters if letters else 0.0


def repetition(text: str) -> float:
    """Share of runs of 8 words that stood earlier in the text; 0 for shorter texts."""
    words = text.split()
    runs = [tuple(words[start : start + _REPEATED_WORDS]) for start in range(len(words) - _REPEATED_WORDS + 1)]
    return 1.0 - len(set(runs)) / len(runs) if runs else 0.0


def text_after_box(text: str) -> int:
    """Characters after the last \\boxed{...}, without what closes its formula; 0 without a closed box."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return 0
    depth = 0
    for position in range(start + len("\\boxed"), len(text)):
        depth += (text[position] == "{") - (text[position] == "}")
        if depth == 0:
            return len(text[position + 1 :].lstrip(_AFTER).rstrip())
    return 0
