"""Texts as words, for comparing them: Unicode folded, numbers kept, punctuation and layout dropped."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

_WORDS = re.compile(r"\d+\.\d+|[^\W_]+")
_WORDS_AND_SIGNS = re.compile(r"\d+\.\d+|[^\W_]+|[-+*/=<>^%!|]")


def words(text: str) -> list[str]:
    """Words and numbers in order, case folded: "Find $x^{2.5}$!" -> find, x, 2.5."""
    return _WORDS.findall(_folded(text))


def words_and_signs(text: str) -> list[str]:
    """Like `words`, with the signs of arithmetic: "3-5" and "3+5" differ. For comparing whole texts."""
    return _WORDS_AND_SIGNS.findall(_folded(text))


def grams(tokens: Sequence[str], size: int) -> Iterator[str]:
    """Every run of `size` tokens, joined by a space."""
    for start in range(len(tokens) - size + 1):
        yield " ".join(tokens[start : start + size])


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
