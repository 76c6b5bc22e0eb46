"""The text of an answer cut into tokens."""

import re
from dataclasses import dataclass

from dart_k8s.answers.limits import DIGITS, TOKENS, LimitReached
from dart_k8s.answers.normalise import closing_brace


class Unreadable(Exception):
    """The text is not an answer in the grammar of `parse`; the message says why."""


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is one of number, scientific, repeating, letters, command, text, roman, symbol."""

    kind: str
    value: str
    spaced: bool = False
    """White space stood before it."""


_TEXT = {"text", "textbf", "textit", "textrm", "textsf", "textnormal", "mbox", "hbox", "emph", "textup", "texttt"}
_ROMAN = {"mathrm", "operatorname", "mathsf", "mathit", "mathtt", "rm"}
_SILENT = {"mathbf", "boldsymbol", "bm", "mathcal", "mathscr", "mathfrak", "underline", "vec",
           "overrightarrow", "hat", "ensuremath", "boxed",
           "fbox", "tag", "mathop", "mathord", "mathbin",
           "widehat", "tilde", "substack", "overbrace", "underbrace"}  # fmt: skip
_SPACE = re.compile(
    r"(?:\s|~|\\[,;:!> ]|\\(?:quad|qquad|thinspace|enspace|hspace\*?\{[^{}]*\}|vspace\*?\{[^{}]*\})(?![A-Za-z]))+"
)
_NUMBER = re.compile(r"\d+(?:\.\d+|\.(?!\d)(?=\s|$|[^.\d]))?|\.\d+")
_SCIENTIFIC = re.compile(r"\d+(?:\.\d+)?[eE][+-]?\d{1,9}(?![\d.])")
_REPEATING = re.compile(r"\s*\\(?:overline|bar|dot|widebar)\s*(?:\{(\d+)\}|(\d))")
# Three times the same figure or twice the same group shows how a decimal goes on; fewer may be the start of anything.
_CYCLE = re.compile(r"(?:(\d)\1{2,}|(\d{2,6})\2+)$")
_GOES_ON = re.compile(r"\\(?:ldots|dots|cdots)(?![A-Za-z])|\.\.\.")
_COMMAND = re.compile(r"\\(?:(operatorname|hspace|vspace|tag)\*|([A-Za-z]+))")
_LETTERS = re.compile(r"[A-Za-z]+")
_OPERATOR = re.compile(r"\*\*|<=|>=|!=|==|:=|=>|->|<|>|[-+*/^_=(){}\[\]|,;:!'&%?]")
_ESCAPED = {"{": "\\{", "}": "\\}", "%": "%", "$": "currency", "|": "\\|", "&": "&", "_": "_", "#": "#", "\\": "\\\\"}


def tokenise(text: str) -> list[Token]:
    """Tokens of a normal answer.

    Raises Unreadable at a character that no answer holds, LimitReached past the bounds of `limits`.
    """
    tokens: list[Token] = []
    at = 0
    end = len(text)
    while at < end:
        if len(tokens) > TOKENS:
            raise LimitReached(f"more than {TOKENS} tokens in one answer")
        space = _SPACE.match(text, at)
        spaced = space is not None
        if space:
            at = space.end()
            if at >= end:
                break
        char = text[at]
        if char.isdecimal() or char == ".":
            at = _number(text, at, spaced, tokens)
        elif char == "\\":
            at = _command(text, at, spaced, tokens)
        elif letters := _LETTERS.match(text, at):
            tokens.append(Token("letters", letters[0], spaced))
            at = letters.end()
        elif operator := _OPERATOR.match(text, at):
            tokens.append(Token("symbol", operator[0], spaced))
            at = operator.end()
        elif char in "€£¥₹¢":
            tokens.append(Token("currency", char, spaced))
            at += 1
        elif char == '"':
            at += 1
        else:
            raise Unreadable(f"the character {char!r} has no place in an answer")
    return tokens


def _number(text: str, at: int, spaced: bool, tokens: list[Token]) -> int:
    if scientific := _SCIENTIFIC.match(text, at):
        tokens.append(Token("scientific", scientific[0], spaced))
        return scientific.end()
    found = _NUMBER.match(text, at)
    if found is None or not found[0].isascii():
        raise Unreadable(f"no number at {text[at : at + 10]!r}")
    if len(found[0]) > DIGITS:
        raise LimitReached(f"a numeral of more than {DIGITS} digits")
    value = found[0]
    end = found.end()
    if repeating := _REPEATING.match(text, end) if "." in value or text.startswith(".", end) else None:
        digits = repeating[1] or repeating[2]
        tokens.append(Token("repeating", f"{value if '.' in value else value + '.'}|{digits}", spaced))
        return repeating.end()
    if "." in value and (more := _GOES_ON.match(text, end)):
        cycle = _CYCLE.search(value)
        if cycle is None:
            raise Unreadable("a decimal that goes on has no exact value")
        tokens.append(Token("repeating", f"{value[: cycle.start()]}|{cycle[1] or cycle[2]}", spaced))
        return more.end()
    tokens.append(Token("number", value.rstrip(".") if value.endswith(".") else value, spaced))
    return end


def _command(text: str, at: int, spaced: bool, tokens: list[Token]) -> int:
    found = _COMMAND.match(text, at)
    if found is None:
        char = text[at + 1 : at + 2]
        if char not in _ESCAPED:
            raise Unreadable(f"{text[at : at + 2]!r} has no place in an answer")
        value = _ESCAPED[char]
        tokens.append(Token("currency", "$", spaced) if value == "currency" else Token("symbol", value, spaced))
        return at + 2
    name = found[1] or found[2]
    end = found.end()
    if name in _TEXT or name in _ROMAN:
        opening = _SPACE.match(text, end)
        start = opening.end() if opening else end
        if start < len(text) and text[start] == "{":
            close = closing_brace(text, start)
            if close < 0:
                raise Unreadable(f"\\{name} is not closed")
            tokens.append(Token("text" if name in _TEXT else "roman", text[start + 1 : close].strip(), spaced))
            return close + 1
        raise Unreadable(f"\\{name} without its braces")
    if name == "Vert":
        tokens.append(Token("symbol", "\\|", spaced))
        return end
    if name in _SILENT:
        return end
    tokens.append(Token("command", name, spaced))
    return end
