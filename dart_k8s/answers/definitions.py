"""Names that an answer gives its value: `f(x) =`, `Area =`, `AB =`, `(f \\circ g)(x) =`."""

from dart_k8s.answers.arithmetic import Arithmetic
from dart_k8s.answers.grammar import CONSTANTS, GREEK
from dart_k8s.answers.numerals import number
from dart_k8s.answers.tokens import Token
from dart_k8s.answers.tree import Call, Node, Symbol

_LONGEST = 14
"""Most tokens of a name and its sign."""
_FIGURES = frozenset({"(", ")", "triangle", "square", "angle"})
_FUNCTIONS = frozenset({"f", "g", "h", "fg", "gf"})
_COMBINING = frozenset({"circ", "+", "-", "*", "/", "cdot", "frac", "{", "}", "(", ")"})


def _combines(inner: list[Token]) -> bool:
    """Whether `f \\circ g)(x)` stands here: functions of one letter joined to one, and its argument."""
    if len(inner) < 5 or [part.value for part in inner[-4:-2]] != [")", "("] or inner[-1].value != ")":
        return False
    joined, argument = inner[:-4], inner[-2]
    return (
        argument.kind == "letters"
        and len(argument.value) == 1
        and sum(part.value in _FUNCTIONS for part in joined) >= (1 if any(len(p.value) == 2 for p in joined) else 2)
        and all(part.value in _FUNCTIONS or part.value in _COMBINING for part in joined)
    )


class Definitions(Arithmetic):
    """What stands before the first sign of equality, where that is a name."""

    def definition(self) -> Node | None:
        """The name that an item defines: `f(x) =`, `Area =`, `AB =`. None if it does not start that way."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        if token is None or token.kind not in ("letters", "text", "roman", "symbol"):
            return None
        if token.kind in ("text", "symbol"):
            return self.described() or self.named()
        if self.value(1) == "=" and self.kind(1) == "symbol":
            name = token.value.rstrip(": ")
            if (len(name) > 1 and token.value not in CONSTANTS and token.value not in GREEK) and name.replace(
                " ", ""
            ).isalpha():
                self.at += 1
                return Symbol(name.lower() if len(name) > 2 and not name.isupper() else name)
        if token.kind == "letters" and len(token.value) == 1 and self.value(1) == "(":
            at = self.at + 2
            arguments: list[Node] = []
            while at + 1 < len(self.tokens):
                argument, after = self.tokens[at], self.tokens[at + 1]
                if (argument.kind == "letters" and len(argument.value) == 1) or (
                    argument.kind == "command" and argument.value in GREEK
                ):
                    arguments.append(Symbol(argument.value))
                elif argument.kind == "number":
                    arguments.append(number(argument.value))
                else:
                    return self.event()
                if after.kind == "symbol" and after.value == ",":
                    at += 2
                    continue
                if (
                    after.kind == "symbol"
                    and after.value == ")"
                    and at + 2 < len(self.tokens)
                    and self.tokens[at + 2].value == "="
                ):
                    self.at = at + 2
                    return Call(token.value, tuple(arguments))
                return self.event()
            return self.event()
        return None

    def named(self) -> Node | None:
        """`Area =` as text; None if it is no such name."""
        token = self.tokens[self.at]
        name = token.value.rstrip(": ")
        if token.kind != "text" or self.value(1) != "=" or self.kind(1) != "symbol":
            return None
        if len(name) < 2 or not name.replace(" ", "").isalpha():
            return None
        self.at += 1
        return Symbol(name.lower() if len(name) > 2 and not name.isupper() else name)

    def described(self) -> Node | None:
        """`[ABC] =`, `\\text{Area of } \\triangle ABC =`, `(f \\circ g)(x) =`; None if it is no such name."""
        token = self.tokens[self.at]
        end = next((at for at in range(self.at, min(len(self.tokens), self.at + _LONGEST)) if self._equals(at)), 0)
        inner = self.tokens[self.at + 1 : end]
        if not inner:
            return None
        if token.kind == "text":
            fits = token.value.replace(" ", "").isalpha() and all(
                part.value in _FIGURES or (part.kind == "letters" and part.value.isupper()) for part in inner
            )
        elif token.value == "[":
            area, closing = inner[0].value, [part.value for part in inner[1:]]
            fits = closing == ["]"] and len(area) > 2 and area.isalpha() and area.isupper()
        else:
            fits = token.value == "(" and _combines(inner)
        if not fits:
            return None
        self.at = end
        return Symbol(" ".join([token.value, *(part.value for part in inner)]))

    def _equals(self, at: int) -> bool:
        return self.tokens[at].kind == "symbol" and self.tokens[at].value == "="

    def event(self) -> Node | None:
        """`P(X = 2) =`, `P(A | B) =`: a probability of an event named in signs; None if it is no definition."""
        if self.tokens[self.at].value != "P":
            return None
        depth = 0
        for at in range(self.at + 1, len(self.tokens)):
            token = self.tokens[at]
            depth += (token.value == "(") - (token.value == ")")
            if depth == 0:
                if at + 1 == len(self.tokens) or self.tokens[at + 1].value != "=":
                    return None
                name = " ".join(part.value for part in self.tokens[self.at + 2 : at])
                self.at = at + 1
                return Call("P", (Symbol(name),))
        return None
