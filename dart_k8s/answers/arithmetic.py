"""Arithmetic: signs, products by juxtaposition, mixed numbers, powers and their exponents."""

from fractions import Fraction

from dart_k8s.answers import units
from dart_k8s.answers.atoms import Atoms
from dart_k8s.answers.grammar import BINOMIALS, CONSTANTS, FLOORS, FRACTIONS, FUNCTIONS, GREEK, POINTS, TIMES
from dart_k8s.answers.numerals import number
from dart_k8s.answers.tokens import Token, Unreadable
from dart_k8s.answers.tree import (
    EXPRESSIONS,
    Call,
    Constant,
    Matrix,
    Mul,
    NamedSet,
    Node,
    Number,
    Pow,
    Sequence,
    Symbol,
    add,
    divide,
    mul,
    negate,
    symbols,
)


class Arithmetic(Atoms):
    """Sums, products, powers."""

    def expression(self) -> Node:
        """A sum."""
        self.enter()
        terms = [self.signed()]
        while True:
            value = self.value()
            if value not in ("+", "-", "pm", "mp") or isinstance(terms[0], NamedSet):
                break
            terms.append(self.signed())
        self.depth -= 1
        return add(*terms)

    def signed(self) -> Node:
        """A term with its sign. `±x` becomes the call pm(x), which `read` turns into two readings."""
        if self.accept("+"):
            return self.signed()
        if self.accept("-"):
            self.enter()
            result = negate(self.signed())
            self.depth -= 1
            return result
        if self.accept("pm"):
            return Call("pm", (self.term(),))
        if self.accept("mp"):
            return Call("mp", (self.term(),))
        return self.term()

    def term(self) -> Node:
        """A product."""
        result = self.factor()
        while True:
            value = self.value()
            if value == "*" or (value in TIMES and self.kind() == "command"):
                self.at += 1
                result = mul(result, self.operand())
            elif value == "/" or (value == "div" and self.kind() == "command"):
                self.at += 1
                result = divide(result, self.operand())
            elif value in ("x", "X") and self.kind() == "letters" and self.between_numbers():
                self.at += 1
                result = mul(result, self.operand())
            elif self.kind() == "number":
                mixed = self.mixed(result)
                if mixed is not None:
                    result = mixed
                elif self.value(1) == "^" and self.tokens[self.at].spaced and _ends_in_power(result):
                    # Prime factors without a sign between them: 2^3 3^2.
                    result = mul(result, self.factor())
                elif self.tokens[self.at - 1].value == "!" and self.value(1) == "!":
                    # 3!5!
                    result = mul(result, self.factor())
                elif self.tokens[self.at - 1].value in (")", "}", "pi") or self.tokens[self.at - 1].kind in (
                    "letters",
                    "chars",
                    "text",
                    "roman",
                ):
                    last = result.factors[-1] if isinstance(result, Mul) else result
                    if not symbols(last) and not isinstance(last, Constant):
                        raise Unreadable(f"two numbers side by side before {self.rest()!r}")
                    result = mul(result, self.factor())
                else:
                    raise Unreadable(f"two numbers side by side before {self.rest()!r}")
            elif self.starts_factor():
                if (value in FRACTIONS or (value == "{" and self.value(1) in FRACTIONS)) and (
                    mixed := self.mixed(result)
                ) is not None:
                    result = mixed
                else:
                    result = mul(result, self.factor())
            else:
                return _scaled_matrix(result)

    def between_numbers(self) -> bool:
        """Whether the letter x here is a multiplication sign: `3 x 10^8`."""
        before = self.tokens[self.at - 1] if self.at else None
        return (
            before is not None and before.kind == "number" and self.kind(1) == "number" and self.tokens[self.at].spaced
        )

    def mixed(self, whole: Node) -> Node | None:
        """Whole number and the proper fraction that follows, as one number; None if that is not what stands here."""
        if not isinstance(whole, Number) or whole.places is not None or whole.value.denominator != 1 or whole.value < 0:
            return None
        if self.tokens[self.at - 1].kind != "number":
            return None
        start = self.at
        if self.kind() == "number":
            if not (self.value(1) == "/" and self.kind(2) == "number" and self.tokens[self.at].spaced):
                return None
            top, bottom = self.tokens[self.at].value, self.tokens[self.at + 2].value
            self.at += 3
        else:
            braced = self.accept("{")
            self.at += 1
            first, second = self.argument(), self.argument()
            if braced and not self.accept("}"):
                self.at = start
                return None
            if not (isinstance(first, Number) and isinstance(second, Number)):
                self.at = start
                return None
            top, bottom = str(first.value), str(second.value)
        if not (top.isdigit() and bottom.isdigit() and 0 < int(top) < int(bottom)):
            self.at = start
            return None
        return Number(whole.value + Fraction(int(top), int(bottom)))

    def operand(self) -> Node:
        """A factor behind an operator, where a sign is allowed."""
        if self.accept("-"):
            self.enter()
            result = negate(self.operand())
            self.depth -= 1
            return result
        if self.accept("+"):
            return self.operand()
        if self.kind() in ("end",):
            raise Unreadable("the answer ends behind an operator")
        return self.factor()

    def starts_factor(self) -> bool:
        """Whether juxtaposition goes on here."""
        token_kind = self.kind()
        if token_kind == "end" or self.separator():
            return False
        token = self.tokens[self.at]
        if token_kind == "chars":
            return True
        if token_kind in ("text", "roman", "letters"):
            if (
                token.value == "mod"
                or self.unit_ahead()
                or (token_kind == "letters" and token.value.lower() in units.SCALES)
            ):
                return False
            if token.value in ("U", "u") and self.value(1) in ("(", "["):
                return False
            if self.integrals and token_kind == "letters" and token.value[0] == "d" and len(token.value) == 2:
                return False
            if self.integrals and token.value == "d":
                return False
            return token_kind != "text" or len(token.value.strip()) == 1 or token.value.strip() in FUNCTIONS
        if token_kind == "symbol":
            if token.value == "(" and self.value(1) in ("mod", "pmod"):
                return False
            return token.value in ("(", "[", "{", "\\{") or (token.value == "|" and not self.bars and not self.builder)
        if token_kind == "command":
            name = token.value
            return (
                name in FUNCTIONS
                or name in CONSTANTS
                or name in GREEK
                or name in FRACTIONS
                or name in BINOMIALS
                or name in POINTS
                or name in FLOORS
                or name in ("sqrt", "sum", "prod", "int", "lim", "begin", "langle", "mathbb", "lbrace", "operatorname")
            )
        return False

    def factor(self) -> Node:
        """An atom with its powers, factorials and degree signs."""
        self.enter()
        result = self.atom()
        while True:
            value = self.value() if self.kind() in ("symbol", "command") else ""
            if value in ("^", "**"):
                self.at += 1
                if self.degree():
                    result = mul(result, Constant("degree"))
                    if self.kind() in ("letters", "text", "roman") and self.tokens[self.at].value in ("C", "F"):
                        # Temperatures: the letter completes the unit, which `unit` then reads.
                        self.tokens[self.at] = Token(
                            "text", {"C": "celsius", "F": "fahrenheit"}[self.tokens[self.at].value]
                        )
                        result = mul(*result.factors[:-1]) if isinstance(result, Mul) else result
                elif self.accept("prime"):
                    result = prime(result)
                else:
                    result = Pow(result, self.script())
            elif value == "!":
                self.at += 1
                if self.value() == "!":
                    raise Unreadable("double factorials are not in the grammar")
                result = Call("factorial", (result,))
            elif value == "'":
                self.at += 1
                result = prime(result)
            elif value == "circ" or value == "degree":
                self.at += 1
                result = mul(result, Constant("degree"))
            else:
                self.depth -= 1
                return result

    def degree(self) -> bool:
        """Step over a degree sign in an exponent."""
        if self.accept("circ", "degree"):
            return True
        if self.value() == "{" and self.value(1) in ("circ", "degree", "o") and self.value(2) == "}":
            self.at += 3
            return True
        return False

    def script(self) -> Node:
        """What stands behind `^`: a group, a whole number, a letter, or one of these with a sign."""
        if self.accept("-"):
            self.enter()
            result = negate(self.script())
            self.depth -= 1
            return result
        if self.accept("+"):
            return self.script()
        if self.value() == "{" and self.kind() == "symbol":
            return self.group()
        if self.value() == "(" or self.kind() in ("letters", "chars"):
            result = self.atom()
        elif self.kind() == "number":
            result = number(self.take().value)
        else:
            result = self.argument()
        # Powers associate to the right: 2^3^2 is 2^9.
        if self.value() in ("^", "**"):
            self.at += 1
            self.enter()
            result = Pow(result, self.script())
            self.depth -= 1
        return result

    def argument(self) -> Node:
        """An argument of a LaTeX command: a group, one digit of a numeral, one letter, or a command with its own
        arguments."""
        if self.value() == "{" and self.kind() == "symbol":
            return self.group()
        if self.kind() == "number":
            token = self.take()
            if len(token.value) > 1 and token.value.isdigit():
                # \frac12 is one half; more digits than the command needs are ambiguous.
                if len(token.value) > 2:
                    raise Unreadable(f"{token.value!r} does not say where the first argument ends")
                self.at -= 1
                self.tokens[self.at] = Token("number", token.value[1:])
                return number(token.value[0])
            return number(token.value)
        if self.accept("-"):
            return negate(self.argument())
        return self.atom()

    def group(self) -> Node:
        """Braces around an expression, or around `n \\choose k`."""
        self.enter()
        self.expect("{")
        result = self.expression()
        if self.accept("choose"):
            result = Call("binomial", (result, self.expression()))
        elif self.accept("over"):
            result = divide(result, self.expression())
        if self.value() == "," and self.kind() == "symbol":
            items = [result]
            while self.accept(","):
                items.append(self.item())
            result = Sequence("{", "}", tuple(items))
        self.expect("}")
        self.depth -= 1
        return result


def _ends_in_power(node: Node) -> bool:
    last = node.factors[-1] if isinstance(node, Mul) else node
    return isinstance(last, Pow) and isinstance(last.base, Number)


def _scaled_matrix(node: Node) -> Node:
    """A number times a matrix, multiplied out."""
    if not isinstance(node, Mul):
        return node
    matrices = [factor for factor in node.factors if isinstance(factor, Matrix)]
    others = [factor for factor in node.factors if not isinstance(factor, Matrix)]
    if len(matrices) != 1 or not all(isinstance(factor, EXPRESSIONS) for factor in others):
        return node
    return Matrix(tuple(tuple(mul(*others, entry) for entry in row) for row in matrices[0].rows))


def prime(node: Node) -> Node:
    if isinstance(node, Symbol):
        return Symbol(node.name + "'")
    if isinstance(node, Call) and node.name in ("f", "g", "h"):
        return Call(node.name + "'", node.arguments)
    raise Unreadable("a prime behind something that is no variable")
