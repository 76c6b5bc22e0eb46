"""Small questions about the form of a tree that comparison asks."""

import re

from dart_k8s.answers.tree import Call, Matrix, Mul, Node, Number, Ratio, Sequence, Symbol

_ARTICLE = re.compile(r"^(?:the|a|an)\s+")


def fold_words(text: str) -> str:
    """Words as they are compared: lower case, single spaces, no article in front, no stop behind."""
    return _ARTICLE.sub("", " ".join(text.replace("-", " ").lower().split()).strip(" .,;:!"))


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
        )
    return (
        isinstance(node, Mul)
        and len(node.factors) == 2
        and node.factors[0] == Symbol("m")
        and _is_angle(node.factors[1])
    )


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


def clock(ratio: Ratio) -> int | None:
    """Seconds after twelve of `3:30`."""
    values = [part.value for part in ratio.parts if isinstance(part, Number)]
    if not ratio.clock or len(values) != 2:
        return None
    return int(values[0] % 12) * 3600 + int(values[1]) * 60
