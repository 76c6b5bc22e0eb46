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

from fractions import Fraction

from dart_k8s.answers import units
from dart_k8s.answers.limits import DEPTH, EXACT_BITS, ITEMS, LimitReached
from dart_k8s.answers.tokens import Token, Unreadable, tokenise
from dart_k8s.answers.tree import (
    MINUS_ONE,
    ONE,
    BaseNumber,
    Big,
    Call,
    Constant,
    Matrix,
    Mul,
    NamedSet,
    Node,
    Number,
    Pow,
    Quantity,
    Ratio,
    Relation,
    Root,
    Sequence,
    SetBuilder,
    SetOperation,
    Symbol,
    add,
    divide,
    integer,
    mul,
    negate,
    symbols,
)

_RELATIONS = {
    "=": "=", "==": "=", ":=": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "le": "<=", "leq": "<=",
    "leqslant": "<=", "leqq": "<=",
    "ge": ">=", "geq": ">=", "geqslant": ">=", "geqq": ">=", "lt": "<", "gt": ">", "ne": "!=", "neq": "!=",
    "approx": "~", "simeq": "~",
    "in": "in", "equiv": "mod", "doteq": "~", "notin": "notin", "subset": "subset", "subseteq": "subseteq",
    "perp": "perp", "parallel": "parallel",
    "sim": "similar", "cong": "congruent", "mid": "divides", "eq": "=",
}  # fmt: skip
_SETS = {
    "cup": "union",
    "cap": "intersection",
    "setminus": "difference",
    "backslash": "difference",
    "union": "union",
    "bigcup": "union",
}
_FUNCTIONS = {
    name: name
    for name in "sin cos tan cot sec csc sinh cosh tanh coth ln log exp min max gcd lcm floor ceil sgn det arg Re Im Pr deg".split()
} | {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "asin": "asin", "acos": "acos", "atan": "atan",
    "arccot": "acot", "tg": "tan", "ctg": "cot",
    "arctg": "atan", "cosec": "csc", "lg": "lg", "abs": "abs", "sqrt": "sqrt", "cbrt": "cbrt", "binom": "binomial",
    "binomial": "binomial",
    "ceiling": "ceil", "sign": "sgn", "arcsec": "asec", "arccsc": "acsc", "arsinh": "asinh", "arcosh": "acosh",
    "artanh": "atanh",
    "asinh": "asinh", "acosh": "acosh", "atanh": "atanh", "factorial": "factorial",
}  # fmt: skip
_INVERSES = {
    "sin": "asin",
    "cos": "acos",
    "tan": "atan",
    "cot": "acot",
    "sec": "asec",
    "csc": "acsc",
    "sinh": "asinh",
    "cosh": "acosh",
    "tanh": "atanh",
}
_MANY = frozenset({"min", "max", "gcd", "lcm", "binomial"})
_CONSTANTS = {
    "pi": "pi",
    "infty": "infinity",
    "infinity": "infinity",
    "inf": "infinity",
    "oo": "infinity",
    "imath": "i",
    "Pi": "Pi",
    "iota": "i",
}
_GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta kappa lambda mu nu xi rho sigma tau phi varphi "
    "chi psi omega Gamma Delta Theta "
    "Lambda Xi Pi Sigma Phi Psi Omega ell hbar aleph varrho varsigma upsilon Upsilon partial nabla".split()
)
_SAME = {"varepsilon": "epsilon", "varphi": "phi", "vartheta": "theta", "varrho": "rho"}
_FRACTIONS = frozenset({"frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"})
_BINOMIALS = frozenset({"binom", "dbinom", "tbinom"})
_TIMES = frozenset({"cdot", "times", "ast", "star", "bullet"})
_POINTS = frozenset({"angle", "triangle", "overline", "measuredangle", "odot", "bar", "square", "widehat", "overarc"})
_BRACKETS = {
    "(": ")",
    "[": "]",
    "\\{": "\\}",
    "langle": "rangle",
    "lbrace": "rbrace",
    "lparen": "rparen",
    "lbrack": "rbrack",
}
_SHAPES = {"(": "(", "[": "[", "\\{": "{", "langle": "<", "lbrace": "{", ")": ")", "]": "]", "\\}": "}", "rangle": ">", "rbrace": "}",
           "lparen": "(", "rparen": ")", "lbrack": "[", "rbrack": "]", "{": "{", "}": "}"}  # fmt: skip
_FLOORS = {
    "lfloor": ("rfloor", "floor"),
    "lceil": ("rceil", "ceil"),
    "lvert": ("rvert", "abs"),
    "lVert": ("rVert", "norm"),
    "\\|": ("\\|", "norm"),
}
_MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "Bmatrix", "smallmatrix", "array", "vmatrix"})
_SEPARATORS = frozenset({"and", "or", "&"})
_LONGEST_PRODUCT = 4
"""More letters in a row than this are a word, not a product of variables."""


class Parser:
    """One pass over the tokens of one answer. Every method leaves `at` behind what it read or raises Unreadable or
    LimitReached."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.bars = 0
        self.builder = 0
        self.integrals = 0

    # Looking and stepping

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
            return "and" if word == "&" else word if word in _SEPARATORS else ""
        return ""

    def enter(self) -> None:
        """One level deeper."""
        self.depth += 1
        if self.depth > DEPTH:
            raise LimitReached(f"nested deeper than {DEPTH}")

    # Items

    def item(self) -> Node:
        """A member of a list: relation, set, quantity or expression."""
        self.enter()
        sides = [self.definition() or self.side()]
        operators: list[str] = []
        while True:
            token_kind, value = self.kind(), self.value()
            operator = _RELATIONS.get(value, "") if token_kind in ("symbol", "command") else ""
            if operator == "divides" and self.builder:
                break
            if operator == "" and value == "not" and token_kind == "command" and self.value(1) == "=":
                self.at += 1
                operator = "!="
            if not operator:
                break
            self.at += 1
            operators.append(operator)
            sides.append(self.side())
        self.depth -= 1
        return Relation(tuple(operators), tuple(sides)) if operators else sides[0]

    def definition(self) -> Node | None:
        """The name that an item defines: `f(x) =`, `Area =`, `AB =`. None if it does not start that way."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        if token is None or token.kind not in ("letters", "text", "roman"):
            return None
        if self.value(1) == "=" and self.kind(1) == "symbol":
            name = token.value.rstrip(": ")
            if (len(name) > 1 and token.value not in _CONSTANTS and token.value not in _GREEK) and name.replace(
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
                    argument.kind == "command" and argument.value in _GREEK
                ):
                    arguments.append(Symbol(argument.value))
                elif argument.kind == "number":
                    arguments.append(_number(argument.value))
                else:
                    return None
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
                return None
        return None

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
                operation = _SETS.get(token.value, "")
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
        if self.value() == ":" and self.kind() == "symbol" and not self.builder and not currency:
            return self.ratio(value)
        if sign:
            value = negate(value)
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
            while self.kind() == "number" and units.known(unit):
                value = self.scaled(self.expression())
                more = self.unit()
                scale = units.factor(more, unit) if more else None
                if scale is None or not isinstance(total, Quantity):
                    raise Unreadable(f"a number after the unit {unit!r}")
                total = Quantity(add(total.value, mul(Number(scale), value)), unit)
            return total
        if isinstance(value, Mul) and value.factors[-1] == Constant("degree"):
            return Quantity(mul(*value.factors[:-1]), "degree")
        return value

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
        parts = [first]
        clock = len(self.tokens) == 3 and self.kind(1) == "number" and len(self.tokens[self.at + 1].value) == 2
        clock = (
            clock
            and isinstance(first, Number)
            and first.value <= 24
            and int(self.tokens[self.at + 1].value[:2].rstrip(".") or 0) < 60
        )
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
        start = self.at
        words: list[str] = []
        while self.at < len(self.tokens) and not self.separator():
            token = self.tokens[self.at]
            if token.kind == "symbol" and token.value not in ("/", "^", "{", "}", "'", "-"):
                break
            if token.kind in ("command", "currency", "repeating"):
                if token.value in _TIMES:
                    self.at += 1
                    continue
                break
            if token.kind == "number" and (
                self.at == start or (self.tokens[self.at - 1].value not in ("^", "{", "-") and token.spaced)
            ):
                break
            words.append(token.value if token.kind == "symbol" or (token.kind == "number") else f" {token.value} ")
            self.at += 1
        text = " ".join(" ".join(words).split()).replace(" ^ ", "^").replace("^ ", "^").replace("- ", "-")
        if text.startswith("("):
            text = text.strip("()")
        unit = units.canonical(text)
        if unit is None:
            raise Unreadable(f"{text!r} after a value is no unit")
        return unit

    def unit_ahead(self) -> bool:
        """Whether a unit stands here instead of a factor."""
        if self.at >= len(self.tokens):
            return False
        token = self.tokens[self.at]
        word = token.value.strip()
        if self.separator():
            return False
        if token.kind == "text":
            return len(word) != 1 or word in units.LETTER_UNITS
        if token.kind == "roman":
            return (len(word) > 1 and word not in _FUNCTIONS) or (
                word in units.LETTER_UNITS and self.at + 1 == len(self.tokens)
            )
        if token.kind != "letters" or len(word) < 2 or word in _CONSTANTS or word in _GREEK:
            return False
        if word in _FUNCTIONS and self.at + 1 < len(self.tokens):
            return False
        name = units.canonical(word)
        if name is not None and units.known(name):
            return True
        if word.lower() in units.SCALES:
            return False
        return token.spaced and (
            len(word) > _LONGEST_PRODUCT - 1 or (len(word) == 3 and any(char in "aeiouy" for char in word))
        )

    # Expressions

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
            if value == "*" or (value in _TIMES and self.kind() == "command"):
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
                elif self.tokens[self.at - 1].value in (")", "}") or self.tokens[self.at - 1].kind in (
                    "letters",
                    "chars",
                ):
                    if not symbols(result):
                        raise Unreadable(f"two numbers side by side before {self.rest()!r}")
                    result = mul(result, self.factor())
                else:
                    raise Unreadable(f"two numbers side by side before {self.rest()!r}")
            elif self.starts_factor():
                if value in _FRACTIONS and (mixed := self.mixed(result)) is not None:
                    result = mixed
                else:
                    result = mul(result, self.factor())
            else:
                return result

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
            self.at += 1
            first, second = self.argument(), self.argument()
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
            if self.unit_ahead() or (token_kind == "letters" and token.value.lower() in units.SCALES):
                return False
            if token.value in ("U", "u") and self.value(1) in ("(", "["):
                return False
            if self.integrals and token_kind == "letters" and token.value[0] == "d" and len(token.value) == 2:
                return False
            if self.integrals and token.value == "d":
                return False
            return token_kind != "text" or len(token.value.strip()) == 1 or token.value.strip() in _FUNCTIONS
        if token_kind == "symbol":
            return token.value in ("(", "[", "{", "\\{") or (token.value == "|" and not self.bars and not self.builder)
        if token_kind == "command":
            name = token.value
            return (
                name in _FUNCTIONS or name in _CONSTANTS or name in _GREEK or name in _FRACTIONS or name in _BINOMIALS or name in _POINTS
                or name in _FLOORS or name in ("sqrt", "sum", "prod", "int", "lim", "begin", "langle", "mathbb", "lbrace", "operatorname")
            )  # fmt: skip
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
                    result = _prime(result)
                else:
                    result = Pow(result, self.script())
            elif value == "!":
                self.at += 1
                if self.value() == "!":
                    raise Unreadable("double factorials are not in the grammar")
                result = Call("factorial", (result,))
            elif value == "'":
                self.at += 1
                result = _prime(result)
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
            result = _number(self.take().value)
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
                return _number(token.value[0])
            return _number(token.value)
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

    # Atoms

    def atom(self) -> Node:
        """The smallest parts."""
        token = self.take()
        match token.kind:
            case "number":
                return self.base_number(token.value) if self.value() == "_" else _number(token.value)
            case "scientific":
                return _scientific(token.value)
            case "repeating":
                return _repeating(token.value)
            case "letters":
                return self.word(token.value)
            case "chars":
                return self.letters(token.value)
            case "text" | "roman":
                return self.roman(token.value.strip(" ~"))
            case "command":
                return self.command(token.value)
            case "symbol":
                return self.symbol(token.value)
        raise Unreadable(f"{token.value!r} has no place here")

    def base_number(self, digits: str) -> Node:
        """A numeral with its base as subscript: `1001_2`."""
        self.expect("_")
        base = self.argument() if self.kind() != "number" else _number(self.take().value)
        if isinstance(base, Number) and base.value.denominator == 1 and digits.isdigit():
            return based(digits, int(base.value))
        raise Unreadable(f"{digits!r} with a subscript that is no base")

    def symbol(self, value: str) -> Node:
        """Brackets and bars."""
        if value in ("(", "[", "\\{"):
            return self.bracket(value)
        if value == "{":
            self.at -= 1
            return self.group()
        if value == "|":
            self.bars += 1
            self.enter()
            inner = self.expression()
            self.expect("|")
            self.bars -= 1
            self.depth -= 1
            return Call("abs", (inner,))
        if value == "\\|":
            return self.command(value)
        raise Unreadable(f"{value!r} has no place here")

    def bracket(self, left: str) -> Node:
        """What stands between brackets: a group, a sequence, a set, a set by its condition, or a matrix written
        [1,2;3,4]."""
        self.enter()
        # Inside brackets bars and colons have their own meaning again.
        bars, builder, self.bars, self.builder = self.bars, self.builder, 0, int(_SHAPES[left] == "{")
        items: list[Node] = []
        rows: list[tuple[Node, ...]] = []
        right = self.value()
        if right not in (_BRACKETS[left],):
            items.append(self.item())
            if self.builder and self.kind() in ("symbol", "command") and self.value() in ("|", "mid", ":", "vert"):
                self.at += 1
                self.builder = 0
                conditions = [self.item()]
                while self.separator():
                    self.at += 1
                    conditions.append(self.item())
                self.expect(_BRACKETS[left])
                self.bars, self.builder = bars, builder
                self.depth -= 1
                return SetBuilder(items[0], tuple(conditions))
            while self.value() in (",", ";"):
                if self.accept(";"):
                    rows.append(tuple(items))
                    items = []
                else:
                    self.at += 1
                    if self.value() == _BRACKETS[left]:
                        break
                items.append(self.item())
                if len(items) > ITEMS:
                    raise LimitReached(f"more than {ITEMS} members in one answer")
        right = self.value()
        if _SHAPES.get(right) not in (")", "]", "}", ">") or (
            right != _BRACKETS[left] and (_SHAPES[left] in "{<" or _SHAPES[right] in "}>")
        ):
            raise Unreadable(f"{left!r} is not closed before {self.rest()!r}")
        self.at += 1
        self.bars, self.builder = bars, builder
        self.depth -= 1
        if rows:
            rows.append(tuple(items))
            if all(len(row) == 1 for row in rows):
                return Sequence(_SHAPES[left], _SHAPES[right], tuple(row[0] for row in rows))
            if len({len(row) for row in rows}) > 1:
                raise Unreadable("a matrix with rows of different lengths")
            return Matrix(tuple(rows))
        if len(items) == 1 and _SHAPES[left] in "([" and right == _BRACKETS[left]:
            if isinstance(items[0], Relation) and self.at < len(self.tokens):
                raise Unreadable("a relation inside an expression")
            return items[0]
        if not items and _SHAPES[left] != "{":
            raise Unreadable("empty brackets")
        return Sequence(_SHAPES[left], _SHAPES[right], tuple(items))

    def word(self, run: str) -> Node:
        """A run of letters: function, constant, Greek letter, or variables side by side."""
        if run in _FUNCTIONS and (len(run) > 2 or run in ("ln", "lg", "tg")):
            return self.call(_FUNCTIONS[run])
        if run in _CONSTANTS:
            return Constant(_CONSTANTS[run]) if run != "Pi" else Symbol("Pi")
        if run in _GREEK and len(run) > 2:
            return self.subscript(_SAME.get(run, run))
        if run.startswith("pi") and len(run) <= _LONGEST_PRODUCT:
            self.at -= 1
            self.tokens[self.at] = Token("chars", run[2:])
            return Constant("pi")
        if len(run) > _LONGEST_PRODUCT:
            raise Unreadable(f"the word {run!r} inside an expression")
        return self.letters(run)

    def letters(self, run: str) -> Node:
        """The first of several letters; the others are put back."""
        if len(run) > 1:
            self.at -= 1
            self.tokens[self.at] = Token("chars", run[1:])
        letter = run[0]
        if letter in "fgh" and len(run) == 1 and self.value() == "(":
            self.at += 1
            arguments = self.bracket("(")
            return Call(letter, arguments.items if isinstance(arguments, Sequence) else (arguments,))
        if letter in "ei" and self.value() != "_":
            return Constant(letter)
        return self.subscript(letter)

    def roman(self, content: str) -> Node:
        """Upright text inside an expression."""
        if content in _FUNCTIONS:
            return self.call(_FUNCTIONS[content])
        if len(content) == 1 and content.isalpha():
            return self.letters(content)
        if content.isalpha() and len(content) <= _LONGEST_PRODUCT:
            self.at -= 1
            self.tokens[self.at] = Token("chars", content)
            return self.atom()
        if content and content[0] in "-0123456789\\([{" and "\\text" not in content:
            inner = Parser(tokenise(content))
            inner.depth = self.depth
            result = inner.item()
            if inner.at == len(inner.tokens):
                return result
        raise Unreadable(f"the text {content!r} inside an expression")

    def subscript(self, name: str) -> Node:
        """A variable with its subscript as part of the name."""
        if self.value() == "_" and self.kind() == "symbol":
            self.at += 1
            if self.accept("{"):
                depth = 1
                parts: list[str] = []
                while depth:
                    token = self.take()
                    depth += {"{": 1, "}": -1}.get(token.value, 0) if token.kind == "symbol" else 0
                    if depth:
                        parts.append(token.value)
                return Symbol(f"{name}_{''.join(parts)}")
            return Symbol(f"{name}_{self.take().value}")
        return Symbol(name)

    def command(self, name: str) -> Node:
        """A LaTeX command that stands for or starts an atom."""
        if name in _FRACTIONS:
            top = self.argument()
            return divide(top, self.argument())
        if name == "sqrt":
            return self.root()
        if name in _BINOMIALS:
            top = self.argument()
            return Call("binomial", (top, self.argument()))
        if name in _FUNCTIONS:
            return self.call(_FUNCTIONS[name])
        if name in _CONSTANTS and name != "Pi":
            return Constant(_CONSTANTS[name])
        if name in _GREEK:
            return self.subscript(_SAME.get(name, name))
        if name in ("langle", "lbrace", "lparen", "lbrack"):
            return self.bracket(name)
        if name in _FLOORS:
            closing, function = _FLOORS[name]
            inner = self.expression()
            self.expect(closing)
            return Call(function, (inner,))
        if name in ("emptyset", "varnothing", "O"):
            return Sequence("{", "}", ())
        if name == "mathbb" or name == "Bbb":
            content = self.argument()
            if isinstance(content, Symbol) and content.name in "RQZNC":
                return NamedSet(content.name)
            raise Unreadable("an unknown set")
        if name in _POINTS:
            return self.points(name)
        if name == "begin":
            return self.matrix()
        if name in ("sum", "prod", "int", "lim"):
            return self.big(name)
        raise Unreadable(f"\\{name} has no place in an answer")

    def points(self, name: str) -> Node:
        """A geometric object by its points, as one symbol: `\\angle ABC`."""
        parts: list[str] = []
        braced = self.accept("{")
        while self.kind() in ("letters", "chars", "number") or self.value() in ("_", "'", "{", "}"):
            if self.value() == "{" and not (parts and parts[-1] == "_"):
                break
            token = self.take()
            parts.append(token.value)
            if token.value == "}" and braced and parts.count("{") < parts.count("}"):
                parts.pop()
                braced = False
                break
        label = "".join(parts).replace("{", "").replace("}", "")
        if braced or not label:
            raise Unreadable(f"\\{name} without points")
        return Symbol(f"{name} {label}")

    def root(self) -> Node:
        """A root with its optional index."""
        index: Node = integer(2)
        if self.accept("["):
            index = self.expression()
            self.expect("]")
        radicand = _number(self.take().value) if self.kind() == "number" else self.argument()
        if isinstance(index, Number) and index.value.denominator == 1 and 2 <= index.value <= EXACT_BITS:
            return Root(radicand, int(index.value))
        return Pow(radicand, Pow(index, MINUS_ONE))

    def call(self, name: str) -> Node:
        """A function with exponent and base in front of its argument: `\\sin^2 x`, `\\log_2 8`."""
        exponent: Node | None = None
        base: Node | None = None
        while self.value() in ("^", "_"):
            if self.take().value == "^":
                exponent = self.script()
            else:
                base = self.argument() if self.kind() != "number" else _number(self.take().value)
        arguments: tuple[Node, ...]
        if self.value() in ("(", "{", "[", "\\{") and self.kind() == "symbol":
            opening = self.take().value
            if opening == "{":
                self.at -= 1
                inner = self.group()
            else:
                inner = self.bracket(opening)
            arguments = inner.items if isinstance(inner, Sequence) else (inner,)
        else:
            if name in _MANY:
                raise Unreadable(f"{name} without brackets")
            arguments = (self.function_argument(),)
        if len(arguments) != 1 and name not in _MANY and not (name == "log" and base is None and len(arguments) == 2):
            raise Unreadable(f"{name} of {len(arguments)} arguments")
        result = _function(name, arguments, base)
        if exponent is None:
            return result
        if exponent == MINUS_ONE and name in _INVERSES:
            return Call(_INVERSES[name], arguments)
        return Pow(result, exponent)

    def function_argument(self) -> Node:
        """The argument of a function without brackets: factors up to the next sign, operator, function or bracket."""
        if self.accept("-"):
            return negate(self.function_argument())
        result = self.factor()
        while self.starts_factor():
            value = self.value()
            if value in _FUNCTIONS or value in ("(", "[", "\\{", "|"):
                break
            result = mul(result, self.factor())
        # The slash belongs to the argument where a numeral or constant follows: \sin \pi/3.
        if self.value() == "/" and self.kind(1) == "number":
            self.at += 1
            result = divide(result, self.factor())
        return result

    def matrix(self) -> Node:
        """`\\begin{pmatrix} ... \\end{pmatrix}` and its relatives."""
        self.enter()
        self.expect("{")
        name = self.take().value
        self.expect("}")
        if name not in _MATRICES:
            raise Unreadable(f"the environment {name} has no place in an answer")
        if name == "array":
            self.expect("{")
            while not self.accept("}"):
                self.take()
        rows: list[tuple[Node, ...]] = []
        row: list[Node] = []
        while True:
            if self.value() == "hline":
                self.at += 1
                continue
            if self.value() == "end":
                break
            row.append(self.expression())
            if self.accept("&"):
                continue
            rows.append(tuple(row))
            row = []
            if not self.accept("\\\\"):
                break
        self.expect("end")
        self.expect("{")
        if self.take().value != name:
            raise Unreadable(f"{name} is not closed")
        self.expect("}")
        self.depth -= 1
        if not rows or len({len(line) for line in rows}) != 1 or row:
            raise Unreadable("a matrix with rows of different lengths")
        matrix = Matrix(tuple(rows))
        return Call("det", (matrix,)) if name == "vmatrix" else matrix

    def big(self, command: str) -> Node:
        """Sums, products, integrals and limits with their bound variable."""
        self.enter()
        low: Node | None = None
        high: Node | None = None
        variable = ""
        while self.value() in ("_", "^"):
            if self.take().value == "^":
                high = self.script()
                continue
            if command == "int":
                low = negate(self.argument()) if self.accept("-") else self.argument()
                continue
            braced = self.accept("{")
            bound = self.atom()
            if not isinstance(bound, Symbol | Constant) or not (
                self.accept("=") if command != "lim" else self.accept("to", "rightarrow", "->")
            ):
                raise Unreadable(f"\\{command} without a bound variable")
            variable = bound.name
            low = self.expression()
            if braced:
                self.expect("}")
        if command == "int":
            self.integrals += 1
            body = self.expression() if self.value() != "d" else ONE
            self.integrals -= 1
            token = self.take()
            if token.value == "d":
                token = self.take()
                variable = token.value
            elif token.kind == "letters" and len(token.value) == 2 and token.value[0] == "d":
                variable = token.value[1]
            else:
                raise Unreadable("an integral without its variable")
        else:
            body = self.term()
            if not variable:
                raise Unreadable(f"\\{command} without a bound variable")
        self.depth -= 1
        return Big(
            {"sum": "sum", "prod": "product", "int": "integral", "lim": "limit"}[command], body, variable, low, high
        )


def based(digits: str, base: int) -> BaseNumber:
    """A numeral in a base from 2 to 36; Unreadable if a digit does not exist there."""
    digits = digits.upper().lstrip("0") or "0"
    if not 2 <= base <= 36 or any(int(digit, 36) >= base for digit in digits):
        raise Unreadable(f"{digits!r} is no numeral in base {base}")
    return BaseNumber(digits, base)


def _scientific(text: str) -> Node:
    """A numeral with an exponent: `1.5e-10`. The power of ten is kept as one, so its size is bounded where it is
    computed."""
    digits, _, exponent = text.lower().partition("e")
    return mul(_number(digits), Pow(integer(10), integer(int(exponent))))


def _number(text: str) -> Number:
    whole, point, decimals = text.partition(".")
    return Number(Fraction(int((whole + decimals) or "0"), 10 ** len(decimals)), len(decimals) if point else None)


def _repeating(text: str) -> Number:
    """`0.1|6` is 0.1666..."""
    fixed, _, cycle = text.partition("|")
    whole, _, decimals = fixed.partition(".")
    shift = 10 ** len(decimals)
    value = Fraction(int((whole + decimals) or "0"), shift) + Fraction(int(cycle), shift * (10 ** len(cycle) - 1))
    return Number(value)


def _prime(node: Node) -> Node:
    if isinstance(node, Symbol):
        return Symbol(node.name + "'")
    if isinstance(node, Call) and node.name in ("f", "g", "h"):
        return Call(node.name + "'", node.arguments)
    raise Unreadable("a prime behind something that is no variable")


def _function(name: str, arguments: tuple[Node, ...], base: Node | None) -> Node:
    """Spellings of one function brought together."""
    first = arguments[0]
    if name == "exp":
        return Pow(Constant("e"), first)
    if name == "sqrt":
        return Root(first, 2)
    if name == "cbrt":
        return Root(first, 3)
    if name == "ln":
        return Call("log", (first,))
    if name == "lg":
        return Call("log", (first, integer(10)))
    if name == "log":
        if base is not None:
            return Call("log", (first, base))
        # Without a base, log stays a function of its own: school books mean 10, others e.
        return Call("log", arguments) if len(arguments) == 2 else Call("logarithm", arguments)
    if base is not None:
        raise Unreadable(f"{name} with a subscript")
    return Call(name, arguments)
