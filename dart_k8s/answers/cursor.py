"""Looking at tokens and stepping over them: the ground that the parser stands on."""

from dart_k8s.answers.grammar import SEPARATORS
from dart_k8s.answers.limits import DEPTH, LimitReached
from dart_k8s.answers.tokens import Token, Unreadable
from dart_k8s.answers.tree import Node


class Cursor:
    """A place in the tokens of one answer. Every method leaves `at` behind what it read or raises Unreadable or
    LimitReached."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.bars = 0
        self.builder = 0
        self.integrals = 0
        self.indices: list[str] = []
        """Variables of the sums, products and limits that are open here: inside them `i` and `e` are no constants."""

    def value(self, ahead: int = 0) -> str:
        """Text of a coming symbol, command or word; empty at the end and for numbers and quoted text."""
        index = self.at + ahead
        if index >= len(self.tokens):
            return ""
        token = self.tokens[index]
        return token.value if token.kind in ("symbol", "command", "letters") else ""

    def kind(self, ahead: int = 0) -> str:
        """Kind of a coming token, `end` behind the last."""
        index = self.at + ahead
        return self.tokens[index].kind if index < len(self.tokens) else "end"

    def take(self) -> Token:
        """The next token, stepped over."""
        if self.at >= len(self.tokens):
            raise Unreadable("the answer ends in the middle of an expression")
        token = self.tokens[self.at]
        self.at += 1
        return token

    def accept(self, *values: str) -> bool:
        """Step over the next token if it is one of these symbols, commands or words."""
        if self.at < len(self.tokens) and self.value() in values and self.value():
            self.at += 1
            return True
        return False

    def expect(self, value: str) -> None:
        """Step over a token that has to come here."""
        if not self.accept(value):
            raise Unreadable(f"{value!r} expected before {self.rest()!r}")

    def rest(self) -> str:
        """What is not read yet, for messages."""
        return " ".join(token.value for token in self.tokens[self.at : self.at + 6]) or "the end"

    def separator(self) -> str:
        """`,`, `and` or `or` if a list goes on here, else empty."""
        if self.at >= len(self.tokens):
            return ""
        token = self.tokens[self.at]
        if token.kind == "symbol" and token.value in (",", ";"):
            return ","
        if token.kind == "command":
            return {"lor": "or", "vee": "or", "land": "and", "wedge": "and"}.get(token.value, "")
        if token.kind in ("text", "roman", "letters"):
            word = token.value.strip().strip(",;").strip().lower()
            return "and" if word == "&" else word if word in SEPARATORS else ""
        return ""

    def enter(self) -> None:
        """One level deeper."""
        self.depth += 1
        if self.depth > DEPTH:
            raise LimitReached(f"nested deeper than {DEPTH}")

    # The rules that the parts of the parser call in each other

    def item(self) -> Node:
        """A member of a list."""
        raise NotImplementedError

    def expression(self) -> Node:
        """A sum."""
        raise NotImplementedError

    def term(self) -> Node:
        """A product."""
        raise NotImplementedError

    def factor(self) -> Node:
        """An atom with its powers."""
        raise NotImplementedError

    def starts_factor(self) -> bool:
        """Whether juxtaposition goes on here."""
        raise NotImplementedError

    def script(self) -> Node:
        """What stands behind `^`."""
        raise NotImplementedError

    def argument(self) -> Node:
        """An argument of a LaTeX command."""
        raise NotImplementedError

    def group(self) -> Node:
        """Braces around an expression."""
        raise NotImplementedError

    def atom(self) -> Node:
        """The smallest parts."""
        raise NotImplementedError

    def letters(self, run: str) -> Node:
        """Variables side by side."""
        raise NotImplementedError

    def bracket(self, left: str) -> Node:
        """What stands between brackets."""
        raise NotImplementedError

    def unit_ahead(self) -> bool:
        """Whether a unit stands here instead of a factor."""
        raise NotImplementedError
