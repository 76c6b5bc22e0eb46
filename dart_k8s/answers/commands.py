"""Functions, roots, matrices and big operators."""

from dart_k8s.answers.cursor import Cursor
from dart_k8s.answers.grammar import FUNCTIONS, INVERSES, MANY, MATRICES
from dart_k8s.answers.limits import EXACT_BITS
from dart_k8s.answers.numerals import number
from dart_k8s.answers.tokens import Unreadable
from dart_k8s.answers.tree import (
    MINUS_ONE,
    ONE,
    Big,
    Call,
    Constant,
    Matrix,
    Node,
    Number,
    Pow,
    Quantity,
    Root,
    Sequence,
    Symbol,
    divide,
    integer,
    mul,
    negate,
)


class Commands(Cursor):
    """What LaTeX commands and functions start: roots, functions with their arguments, matrices, sums and integrals."""

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
        radicand = number(self.take().value) if self.kind() == "number" else self.argument()
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
                base = self.argument() if self.kind() != "number" else number(self.take().value)
        arguments: tuple[Node, ...]
        if self.value() in ("(", "{", "[", "\\{") and self.kind() == "symbol":
            opening = self.take().value
            if opening == "{":
                self.at -= 1
                inner = self.group()
            else:
                inner = self.bracket(opening)
            arguments = inner.items if isinstance(inner, Sequence) else (inner,)
            arguments = tuple(_angle(argument) for argument in arguments)
        else:
            if name in MANY:
                raise Unreadable(f"{name} without brackets")
            arguments = (self.function_argument(),)
        if len(arguments) != 1 and name not in MANY and not (name == "log" and base is None and len(arguments) == 2):
            raise Unreadable(f"{name} of {len(arguments)} arguments")
        result = function(name, arguments, base)
        if exponent is None:
            return result
        if exponent == MINUS_ONE and name in INVERSES:
            return Call(INVERSES[name], arguments)
        return Pow(result, exponent)

    def function_argument(self) -> Node:
        """The argument of a function without brackets: factors up to the next sign, operator, function or bracket."""
        if self.accept("-"):
            return negate(self.function_argument())
        result = self.factor()
        while self.starts_factor():
            value = self.value()
            if value in FUNCTIONS or value in ("(", "[", "\\{", "|"):
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
        if name not in MATRICES:
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
        if name == "array" and len(rows) == len(rows[0]) == 1:
            # An array has no brackets: alone it is nothing but its only entry.
            return rows[0][0]
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
            if (
                variable
                or not isinstance(bound, Symbol | Constant)
                or not (self.accept("=") if command != "lim" else self.accept("to", "rightarrow", "->"))
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
            if variable in ("e", "i"):
                raise Unreadable(f"an integral over {variable}, which was read as the constant")
        else:
            if not variable:
                raise Unreadable(f"\\{command} without a bound variable")
            self.indices.append(variable)
            body = self.term()
            self.indices.pop()
        self.depth -= 1
        return Big(
            {"sum": "sum", "prod": "product", "int": "integral", "lim": "limit"}[command], body, variable, low, high
        )


def _angle(argument: Node) -> Node:
    """An argument in degrees or radians as a number: sin(60°)."""
    if isinstance(argument, Quantity) and argument.unit in ("degree", "rad"):
        return mul(argument.value, Constant("degree")) if argument.unit == "degree" else argument.value
    return argument


def function(name: str, arguments: tuple[Node, ...], base: Node | None) -> Node:
    """Spellings of one function brought together."""
    first = arguments[0]
    if name == "cis":
        return Pow(Constant("e"), mul(Constant("i"), first))
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
