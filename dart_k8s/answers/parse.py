"""Recursive-descent parser from tokens to the tree, for LaTeX and plain mathematics alike.

Grammar, loosest first (items of a list are split by `read`):

    item       = side (relation side)*
    side       = quantity ((union | intersection | difference) quantity)*
    quantity   = [currency] expression [scale] [unit] | expression (":" expression)+
    expression = ["+"|"-"|"±"] term (("+"|"-"|"±") term)*
    term       = factor (["*"|"/"] factor)*          juxtaposition multiplies and binds like "*": 1/2x is x/2
    factor     = atom ("^" script | "!" | degree)*

A number followed by a proper fraction of integers is a mixed number. `e` and `i` are the constants.
"""

from dart_k8s.answers import units
from dart_k8s.answers.definitions import Definitions
from dart_k8s.answers.grammar import CONSTANTS, FUNCTIONS, GREEK, LONGEST_PRODUCT, RELATIONS, SETS, TIMES
from dart_k8s.answers.tokens import Token, Unreadable
from dart_k8s.answers.tree import (
    Call,
    Constant,
    Mul,
    NamedSet,
    Node,
    Number,
    Quantity,
    Ratio,
    Relation,
    Sequence,
    SetOperation,
    add,
    divide,
    integer,
    mul,
    negate,
)


class Parser(Definitions):
    """One pass over the tokens of one answer."""

    def item(self) -> Node:
        """A member of a list: relation, set, quantity or expression."""
        self.enter()
        sides = [self.definition() or self.side()]
        operators: list[str] = []
        while True:
            token_kind, value = self.kind(), self.value()
            operator = RELATIONS.get(value, "") if token_kind in ("symbol", "command") else ""
            if operator == "divides" and self.builder:
                break
            if operator == "" and value == "not" and token_kind == "command" and self.value(1) == "=":
                self.at += 1
                operator = "!="
            if not operator:
                break
            self.at += 1
            operators.append(operator)
            # AB = BC = 5: a segment is one name here too.
            segment = self.kind() == "letters" and len(self.value()) == 2 and self.value().isupper()
            sides.append((self.definition() if segment else None) or self.side())
        self.depth -= 1
        return Relation(tuple(operators), tuple(sides)) if operators else sides[0]

    def side(self) -> Node:
        """One side of a relation: a set operation or a quantity."""
        parts = [self.quantity()]
        name = ""
        while True:
            token = self.tokens[self.at] if self.at < len(self.tokens) else None
            if token is None:
                break
            operation = ""
            if token.kind == "command" or token.value == "union":
                operation = SETS.get(token.value, "")
            elif token.kind == "letters" and token.value in ("U", "u") and isinstance(parts[-1], Sequence):
                operation = "union"
            elif (token.kind == "symbol" and token.value == "-" and isinstance(parts[-1], NamedSet)) or (
                token.kind == "symbol" and token.value == "\\\\" and isinstance(parts[-1], NamedSet)
            ):
                operation = "difference"
            if not operation:
                break
            if name and operation != name:
                raise Unreadable("unions, intersections and differences mixed without brackets")
            name = operation
            self.at += 1
            parts.append(self.quantity())
        return SetOperation(name, tuple(parts)) if name else parts[0]

    def quantity(self) -> Node:
        """An expression with its unit, or a ratio."""
        sign = self.kind(1) == "currency" and self.accept("-")
        currency = self.take().value if self.kind() == "currency" else ""
        value = self.expression()
        if self.accept("choose"):
            value = Call("binomial", (value, self.expression()))
        elif self.accept("over"):
            value = divide(value, self.expression())
        if self.value() == ":" and self.kind() == "symbol" and not self.builder and not currency:
            return self.ratio(value)
        if sign:
            value = negate(value)
        if self.value() in ("pmod", "mod", "bmod") or (self.value() == "(" and self.value(1) == "mod"):
            return self.residue(value)
        value = self.scaled(value)
        if currency:
            unit = self.unit() or currency
            if unit not in (currency, "$") and units.canonical(unit) not in (currency, "$"):
                unit = f"{currency} {unit}" if unit.startswith("/") else currency
            return Quantity(value, unit)
        unit = self.unit()
        if unit:
            total: Node = Quantity(value, unit)
            # 2 hours 30 minutes: as many parts as follow, each in a unit that converts into the first.
            while units.known(unit) and isinstance(total, Quantity):
                joined = self.separator() == "and" and self.kind(1) == "number"
                if not joined and self.kind() != "number":
                    break
                more = self.smaller(total, joined)
                if more is None:
                    break
                total = more
            return total
        if isinstance(value, Mul) and value.factors[-1] == Constant("degree"):
            return Quantity(mul(*value.factors[:-1]), "degree")
        return value

    def smaller(self, total: Quantity, joined: bool) -> Quantity | None:
        """A value with the part in a smaller unit that follows it. Joined by "and" it may be a member of a list
        instead: then None, unless it is less than one of the unit before."""
        start = self.at
        self.at += joined
        value: Node = total
        unit = ""
        try:
            value = self.scaled(self.expression())
            unit = self.unit()
        except Unreadable:
            if not joined:
                raise
        scale = units.factor(unit, total.unit) if unit else None
        if joined and not (scale is not None and isinstance(value, Number) and 0 < value.value * scale < 1 > scale):
            self.at = start
            return None
        if scale is None:
            raise Unreadable(f"a number after the unit {total.unit!r}")
        return Quantity(add(total.value, mul(Number(scale), value)), total.unit)

    def residue(self, value: Node) -> Node:
        """A residue class: `3 \\pmod 7`, `3 (mod 7)`. The least residue stands for the class."""
        bracketed = self.accept("(")
        self.at += 1
        modulus = self.group() if self.value() == "{" else self.expression()
        if bracketed:
            self.expect(")")
        if isinstance(value, Number) and isinstance(modulus, Number) and modulus.value > 0:
            value = Number(value.value % modulus.value)
        return Call("pmod", (value, modulus))

    def scaled(self, value: Node) -> Node:
        """The value times the scale word behind it: `5 million`."""
        if self.kind() in ("letters", "text", "roman"):
            first, _, rest = self.tokens[self.at].value.strip().partition(" ")
            scale = units.SCALES.get(first.lower())
            if scale is not None:
                if rest:
                    self.tokens[self.at] = Token("text", rest)
                else:
                    self.at += 1
                return mul(value, integer(scale))
        return value

    def ratio(self, first: Node) -> Node:
        """The parts of a ratio after the first."""
        minutes = self.tokens[self.at + 1].value if len(self.tokens) == 3 and self.kind(1) == "number" else ""
        clock = (
            len(minutes) == 2
            and minutes.isdigit()
            and int(minutes) < 60
            and isinstance(first, Number)
            and first.value <= 24
        )
        parts = [first]
        while self.accept(":"):
            parts.append(self.expression())
        return Ratio(tuple(parts), clock)

    def unit(self) -> str:
        """The canonical unit behind a value, stepped over; empty if there is none.

        Raises Unreadable if words follow that are no unit: `5 is wrong` is not 5.
        """
        if self.at >= len(self.tokens):
            return ""
        token = self.tokens[self.at]
        if token.kind == "symbol" and token.value == "%":
            self.at += 1
            if self.kind() in ("letters", "text") and not self.separator():
                self.unit()
            return "%"
        if token.kind == "currency":
            self.at += 1
            return token.value
        if not self.unit_ahead():
            return ""
        self.split_text()
        start = self.at
        words: list[str] = []
        while self.at < len(self.tokens) and not self.separator():
            token = self.tokens[self.at]
            if token.kind == "symbol" and token.value not in ("/", "^", "{", "}", "'", "-"):
                break
            if token.kind in ("command", "currency", "repeating"):
                if token.value in TIMES:
                    self.at += 1
                    continue
                break
            if token.kind == "number" and (
                self.at == start
                or (self.kind(1) in ("text", "roman", "letters") and self.tokens[self.at - 1].kind != "symbol")
                or (self.tokens[self.at - 1].value not in ("^", "{", "-") and token.spaced)
            ):
                break
            words.append(token.value if token.kind == "symbol" or (token.kind == "number") else f" {token.value} ")
            self.at += 1
        text = " ".join(" ".join(words).split()).replace(" ^ ", "^").replace("^ ", "^").replace("- ", "-")
        if text.startswith("("):
            text = text.strip("()")
        unit = units.canonical(text)
        if unit is None and self.at == len(self.tokens) and units.remark(text):
            return ""
        if unit is None:
            raise Unreadable(f"{text!r} after a value is no unit")
        return unit

    def split_text(self) -> None:
        """`\\text{ hour }30\\text{ minutes}`: a text that ends in "and" loses it."""
        token = self.tokens[self.at]
        if token.kind in ("text", "roman") and token.value.endswith(" and") and self.kind(1) == "number":
            self.tokens[self.at] = Token(token.kind, token.value.removesuffix(" and"), token.spaced)

    def unit_ahead(self) -> bool:
        """Whether a unit stands here instead of a factor."""
        if self.at >= len(self.tokens):
            return False
        token = self.tokens[self.at]
        word = token.value.strip()
        if self.separator():
            return False
        if token.kind == "text":
            if word in FUNCTIONS and self.at + 1 < len(self.tokens):
                return False
            return len(word) != 1 or word in units.LETTER_UNITS
        if token.kind == "roman":
            return (len(word) > 1 and word not in FUNCTIONS) or (
                word in units.LETTER_UNITS and self.at + 1 == len(self.tokens)
            )
        if token.kind != "letters" or len(word) < 2 or word in CONSTANTS or word in GREEK:
            return False
        if word in FUNCTIONS and self.at + 1 < len(self.tokens):
            return False
        if word == "of" and token.spaced and self.kind(1) == "letters":
            # 1/4 of the cake
            return True
        name = units.canonical(word)
        if name is not None and units.known(name):
            return True
        if word.lower() in units.SCALES:
            return False
        return token.spaced and (
            len(word) > LONGEST_PRODUCT - 1 or (len(word) == 3 and any(char in "aeiouy" for char in word))
        )
