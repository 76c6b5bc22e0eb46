"""Options of a multiple-choice question: a letter, or a letter as the label of a value; rule O of docs/answers.md."""

import re

from dart_k8s.answers.read import read
from dart_k8s.answers.tree import Choice, Symbol

_LETTERS = "ABCDEFGH"
_AS_TEXT = re.compile(
    r"\\(?:text|textbf|textrm|mathrm|mathbf) ?\{ ?(?:\( ?([A-H]) ?\)|([A-H])[).:]) ?\}"
    r"(?:\s|~|\\[ ,;:]|\\q?quad(?![A-Za-z]))*+"
    r"(?![+*/^_=<>,;!:&|]|\\(?:cup|cap|cdot|times|in|subset|text ?\{\s*(?:and|or|,))(?![A-Za-z]))(?=\S)"
)
# Set as mathematics the label could be a factor or a member: what follows has to be a number or a word.
_PLAIN = re.compile(
    r"(?:\( ?([A-H]) ?\)(?:\s|~|\\ )+|([A-H])\)\s*|([A-H])[.:]\s+)"
    r"(?=\d|\\?\$\d|\\(?:frac|sqrt)(?![A-Za-z])|(?!and\b|or\b)[A-Za-z]{2})"
)
_ANOTHER = re.compile(r"[A-H]\)")


def labelled(normal: str) -> tuple[str, str] | None:
    """Letter and value of an answer such as `\\text{(C) } 12`, given in its normal form; None for anything else."""
    if normal[:1] not in "\\(" + _LETTERS or not normal:
        return None
    found = _AS_TEXT.match(normal) or _PLAIN.match(normal)
    if found is None:
        return None
    value = normal[found.end() :]
    letter = next(group for group in found.groups() if group)
    return None if _ANOTHER.search(value) else (letter, value)


def letter(text: str) -> str:
    """The letter of an answer that is nothing but an option's; empty for any other."""
    node = read(text)
    if isinstance(node, Choice):
        return node.letter
    return node.name if isinstance(node, Symbol) and node.name in _LETTERS else ""
