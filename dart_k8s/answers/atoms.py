"""Atoms: numerals, letters, brackets, commands."""

from dart_k8s.answers.commands import Commands
from dart_k8s.answers.grammar import (
    BINOMIALS,
    BRACKETS,
    CONSTANTS,
    FLOORS,
    FRACTIONS,
    FUNCTIONS,
    GREEK,
    LONGEST_PRODUCT,
    NO_PRODUCTS,
    POINTS,
    SAME,
    SHAPES,
)
from dart_k8s.answers.limits import ITEMS, LimitReached
from dart_k8s.answers.numerals import based, number, repeating, scientific
from dart_k8s.answers.tokens import Token, Unreadable, tokenise
from dart_k8s.answers.tree import (
    Call,
    Constant,
    Matrix,
    NamedSet,
    Node,
    Number,
    Relation,
    Sequence,
    SetBuilder,
    SetOperation,
    Symbol,
    divide,
)


class Atoms(Commands):
    """The smallest parts of an expression."""

    def atom(self) -> Node:
        """The smallest parts."""
        token = self.take()
        match token.kind:
            case "number":
                return self.base_number(token.value) if self.value() == "_" else number(token.value)
            case "scientific":
                return scientific(token.value)
            case "repeating":
                return repeating(token.value)
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
        base = self.argument() if self.kind() != "number" else number(self.take().value)
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
        bars, builder, self.bars, self.builder = self.bars, self.builder, 0, int(SHAPES[left] == "{")
        items: list[Node] = []
        rows: list[tuple[Node, ...]] = []
        right = self.value()
        if right not in (BRACKETS[left],):
            items.append(self.item())
            if self.builder and self.kind() in ("symbol", "command") and self.value() in ("|", "mid", ":", "vert"):
                self.at += 1
                self.builder = 0
                conditions = [self.item()]
                joiners = set()
                while joiner := self.separator():
                    joiners.add("or" if joiner == "or" else "and")
                    self.at += 1
                    conditions.append(self.item())
                if len(joiners) > 1:
                    raise Unreadable("'and' and 'or' between conditions without brackets")
                if "or" in joiners:
                    conditions = [SetOperation("union", tuple(conditions))]
                self.expect(BRACKETS[left])
                self.bars, self.builder = bars, builder
                self.depth -= 1
                return SetBuilder(items[0], tuple(conditions))
            while self.value() in (",", ";"):
                if self.accept(";"):
                    rows.append(tuple(items))
                    items = []
                else:
                    self.at += 1
                    if self.value() == BRACKETS[left]:
                        break
                items.append(self.item())
                if len(items) > ITEMS:
                    raise LimitReached(f"more than {ITEMS} members in one answer")
        right = self.value()
        if SHAPES.get(right) not in (")", "]", "}", ">") or (
            right != BRACKETS[left] and (SHAPES[left] in "{<" or SHAPES[right] in "}>")
        ):
            raise Unreadable(f"{left!r} is not closed before {self.rest()!r}")
        self.at += 1
        self.bars, self.builder = bars, builder
        self.depth -= 1
        if rows:
            rows.append(tuple(items))
            if all(len(row) == 1 for row in rows):
                return Sequence(SHAPES[left], SHAPES[right], tuple(row[0] for row in rows))
            if len({len(row) for row in rows}) > 1:
                raise Unreadable("a matrix with rows of different lengths")
            return Matrix(tuple(rows))
        if len(items) == 1 and SHAPES[left] in "([" and right == BRACKETS[left]:
            if isinstance(items[0], Relation) and self.at < len(self.tokens):
                raise Unreadable("a relation inside an expression")
            return items[0]
        if not items and SHAPES[left] != "{":
            raise Unreadable("empty brackets")
        return Sequence(SHAPES[left], SHAPES[right], tuple(items))

    def word(self, run: str) -> Node:
        """A run of letters: function, constant, Greek letter, or variables side by side."""
        if run in FUNCTIONS and (len(run) > 2 or run in ("ln", "lg", "tg")):
            return self.call(FUNCTIONS[run])
        if run.lower() in NO_PRODUCTS:
            raise Unreadable(f"the word {run!r} inside an expression")
        if run in CONSTANTS:
            return self.constant(CONSTANTS[run]) if run != "Pi" else Symbol("Pi")
        if run in GREEK and len(run) > 2:
            return self.subscript(SAME.get(run, run))
        if run.startswith("pi") and len(run) <= LONGEST_PRODUCT:
            self.at -= 1
            self.tokens[self.at] = Token("chars", run[2:])
            return self.constant("pi")
        if len(run) > LONGEST_PRODUCT:
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
        if letter in "fgh" and len(run) == 1 and (named := self.derived(letter)):
            return named
        if letter in "ei" and self.value() != "_":
            return self.constant(letter)
        return self.subscript(letter)

    def constant(self, name: str) -> Node:
        """A constant, unless the sum or product around it counts by that letter."""
        return Symbol(name) if name in self.indices else Constant(name)

    def derived(self, letter: str) -> Node | None:
        """`f'(x)` and `f^{-1}(x)` as functions of their own; None if that is not what stands here."""
        start = self.at
        name = letter
        while self.accept("'"):
            name += "'"
        if name == letter and self.accept("^"):
            braced = self.accept("{")
            if self.accept("prime"):
                name += "'"
            elif self.accept("-") and self.kind() == "number" and self.take().value == "1":
                name += "^-1"
            if name == letter or (braced and not self.accept("}")):
                self.at = start
                return None
        if name == letter or not self.accept("("):
            self.at = start
            return None
        arguments = self.bracket("(")
        return Call(name, arguments.items if isinstance(arguments, Sequence) else (arguments,))

    def derivative(self) -> Node | None:
        """`\\frac{dy}{dx}`, whose d is no factor; None if that is not what stands here."""
        start = self.at
        parts: list[str] = []
        for _ in range(2):
            end = next((at for at in range(self.at + 1, min(self.at + 5, len(self.tokens))) if self._closes(at)), 0)
            if self.value() != "{" or not end:
                self.at = start
                return None
            inner = self.tokens[self.at + 1 : end]
            word = "".join(token.value for token in inner)
            if any(token.kind not in ("letters", "command") for token in inner):
                word = ""
            parts.append("d" + word.removeprefix("partial") if word.startswith("partial") else word)
            self.at = end + 1
        top, bottom = parts
        if top[:1] != "d" or bottom[:1] != "d" or len(bottom) != 2 or len(top) > 2:
            self.at = start
            return None
        return Symbol(f"{top}/{bottom}")

    def _closes(self, at: int) -> bool:
        return self.tokens[at].kind == "symbol" and self.tokens[at].value == "}"

    def roman(self, content: str) -> Node:
        """Upright text inside an expression."""
        if content in FUNCTIONS:
            return self.call(FUNCTIONS[content])
        if len(content) == 1 and content.isalpha():
            return self.letters(content)
        if content.isalpha() and len(content) <= LONGEST_PRODUCT and content.lower() not in NO_PRODUCTS:
            self.at -= 1
            self.tokens[self.at] = Token("chars", content)
            return self.atom()
        if content and content[0] in "-0123456789\\([{" and "\\text" not in content:
            inner = type(self)(tokenise(content))
            inner.depth = self.depth
            inner.indices = self.indices
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
        if name in FRACTIONS:
            if derivative := self.derivative():
                return derivative
            top = self.argument()
            return divide(top, self.argument())
        if name == "sqrt":
            return self.root()
        if name in BINOMIALS:
            top = self.argument()
            return Call("binomial", (top, self.argument()))
        if name in FUNCTIONS:
            return self.call(FUNCTIONS[name])
        if name in CONSTANTS and name != "Pi":
            return self.constant(CONSTANTS[name])
        if name in GREEK:
            return self.subscript(SAME.get(name, name))
        if name in ("langle", "lbrace", "lparen", "lbrack"):
            return self.bracket(name)
        if name in FLOORS:
            closing, function = FLOORS[name]
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
        if name in POINTS:
            return self.points(name)
        if name == "begin":
            return self.matrix()
        if name in ("sum", "prod", "int", "lim"):
            return self.big(name)
        raise Unreadable(f"\\{name} has no place in an answer")
