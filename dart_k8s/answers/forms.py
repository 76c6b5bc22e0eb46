"""Small questions about the form of a tree that comparison asks."""

from dart_k8s.answers.tree import (
    MINUS_ONE,
    Add,
    Big,
    Call,
    Matrix,
    Mul,
    Node,
    Number,
    Pow,
    Ratio,
    Sequence,
    Symbol,
    symbols,
    walk,
)


def is_name(node: Node) -> bool:
    """A lone variable, `f(x)`, or a tuple of variables."""
    if isinstance(node, Symbol):
        return True
    if isinstance(node, Sequence):
        return bool(node.items) and all(isinstance(item, Symbol) for item in node.items)
    if isinstance(node, Call):
        # f(x), f'(x), f^-1(x); sin A and |AB| name what they are of.
        inner = node.arguments[0] if node.arguments else node
        return (
            len(node.name.rstrip("'").removesuffix("^-1")) == 1
            or (node.name in _NAMING and isinstance(inner, Symbol))
            or (node.name in ("abs", "norm") and _points(inner))
            # |x| = 5 is an equation for x; z and w are complex numbers, and a norm has no inverse.
            or (node.name == "norm" and isinstance(inner, Symbol))
            or (node.name == "abs" and inner in (Symbol("z"), Symbol("w")))
        )
    if isinstance(node, Big):
        # The limit or integral of a function that is known by its letter only.
        return any(isinstance(part, Call) and len(part.name) == 1 for part in walk(node.body))
    if not isinstance(node, Mul):
        return False
    first = node.factors[0]
    if len(node.factors) == 2 and first in (Symbol("nabla"), Symbol("Delta")):
        return isinstance(node.factors[1], Symbol)
    return (len(node.factors) == 2 and first == Symbol("m") and _is_angle(node.factors[1])) or (
        isinstance(first, Symbol) and first.name.startswith("d/d") and len(first.name) == 4
    )


def is_quotient(node: Node) -> bool:
    """A quotient of two variables or segments: `a/b`, `AB/CD`. Its value is no value of either."""
    if not isinstance(node, Mul) or not isinstance(node.factors[-1], Pow) or node.factors[-1].exponent != MINUS_ONE:
        return False
    top = node.factors[0] if len(node.factors) == 2 else Mul(node.factors[:-1])
    bottom = node.factors[-1].base
    return top != bottom and all(isinstance(part, Symbol) or _points(part) for part in (top, bottom))


def is_matrix_name(node: Node) -> bool:
    """A matrix by its capital letter, or a power or product of such: `A^{-1}`, `A^T`, `AB`."""
    if isinstance(node, Pow):
        return is_matrix_name(node.base) and isinstance(node.exponent, Number | Symbol)
    if isinstance(node, Mul):
        return all(is_matrix_name(factor) for factor in node.factors)
    return isinstance(node, Symbol) and node.name[0].isupper()


_NAMING = frozenset({"det", "sin", "cos", "tan", "cot", "sec", "csc"})


def _points(node: Node) -> bool:
    factors = node.factors if isinstance(node, Mul) else (node,)
    return len(factors) == 2 and all(isinstance(factor, Symbol) and factor.name[0].isupper() for factor in factors)


def _is_angle(node: Node) -> bool:
    return isinstance(node, Symbol) and node.name.startswith(("angle ", "measuredangle "))


def as_tuple(node: Node) -> Node:
    """A bare list as a tuple."""
    return Sequence("(", ")", node.items) if isinstance(node, Sequence) and not node.left else node


def rows_of_lists(node: Node) -> Node:
    """`[[1,2],[3,4]]`, as Python prints a matrix, as that matrix; any other node as it is."""
    if not isinstance(node, Sequence) or node.left != "[" or len(node.items) < 2:
        return node
    rows = tuple(row.items for row in node.items if isinstance(row, Sequence) and row.left + row.right == "[]")
    return Matrix(rows) if len(rows) == len(node.items) and len({len(row) for row in rows}) == 1 else node


def as_column(node: Node, other: Node) -> Node:
    """A vector in angle brackets in the shape of the other side, a column or a row; any other node as it is."""
    if not isinstance(node, Sequence) or node.left != "<" or not isinstance(other, Matrix):
        return node
    return Matrix((node.items,)) if len(other.rows) == 1 else Matrix(tuple((item,) for item in node.items))


def points(node: Node, other: Node) -> Node:
    """A segment, angle or triangle with its sign as the product of letters that the other side writes it as."""
    if isinstance(node, Symbol) and isinstance(other, Mul) and (letters := points_name(node)):
        # In this order: AB may be two figures, and then it is not BA.
        named = Mul(tuple(Symbol(letter.upper()) for letter in letters))
        return named if named == other else node
    return node


def points_name(node: Symbol) -> str:
    """The points of a segment, angle or triangle in lower case, two at least; empty for any other symbol."""
    sign, _, letters = node.name.partition(" ")
    named = sign in ("overline", "angle", "triangle", "bar") and len(letters) > 1 and letters.isalpha()
    return letters.lower() if named and letters.isupper() else ""


def residue(node: Node, other: Node) -> Node:
    """The least residue of a class, against a bare number."""
    if isinstance(node, Call) and node.name == "pmod" and isinstance(other, Number):
        return node.arguments[0]
    return node


_CONSTANTS = {Symbol("C"): Symbol("c"), Symbol("c"): Symbol("C")}


def constant_of_integration(node: Node, other: Node) -> Node:
    """`x^2 + c` as `x^2 + C` where the other side has that: a term of a sum of functions of one other variable."""
    if not isinstance(node, Add) or not isinstance(other, Add):
        return node
    given = [term for term in node.terms if term in _CONSTANTS]
    wanted = [term for term in other.terms if term in _CONSTANTS]
    if len(given) != 1 or len(wanted) != 1 or given[0] != _CONSTANTS[wanted[0]]:
        return node
    ours, theirs = symbols(node), symbols(other)
    # a + b + C may be two sides and an angle; a constant of integration stands beside one variable.
    if len(ours) != 2 or len(theirs) != 2 or not (ours & theirs) or (ours & theirs) & set("abAB"):
        return node
    return Add(tuple(wanted[0] if term == given[0] else term for term in node.terms))


def clock(ratio: Ratio) -> int | None:
    """Seconds after twelve of `3:30`."""
    values = [part.value for part in ratio.parts if isinstance(part, Number)]
    if not ratio.clock or len(values) != 2:
        return None
    return int(values[0] % 12) * 3600 + int(values[1]) * 60
