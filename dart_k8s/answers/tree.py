"""The expression tree that answers are read into.

A closed set of small immutable nodes. A node holds what was written, not what it is worth: `2+3` stays a sum. Two
nodes are equal in Python exactly if they have the same structure; whether they denote the same thing is the business
of `compare`.

The fields are positional, unlike elsewhere in the project: nodes are built in hundreds of places and have one to five
parts with an order that mathematics fixes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from dart_k8s.answers.limits import LimitReached


@dataclass(frozen=True, slots=True)
class Number:
    """A rational number as written: an integer, a decimal, a repeating decimal or a mixed number."""

    value: Fraction
    places: int | None = field(default=None, compare=False)
    """Digits after the decimal point, None if it was not written as a decimal. 0.5 and 1/2 are the same number."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable, with its subscript: `x`, `x_1`, `\\alpha`."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """pi, e, i, infinity, degree (which is pi/180)."""

    name: str


@dataclass(frozen=True, slots=True)
class Add:
    """A sum; a difference is a sum with a factor -1."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mul:
    """A product; a quotient is a product with a power -1."""

    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Pow:
    """A power."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Root:
    """The index-th root; of a negative number the real one if the index is odd."""

    radicand: Node
    index: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function applied to arguments: sin, log (argument, base), factorial, f."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Big:
    """`sum`, `product`, `integral` or `limit` of a body over a bound variable. An integral without bounds has low and
    high None."""

    name: str
    body: Node
    variable: str
    low: Node | None
    high: Node | None


@dataclass(frozen=True, slots=True)
class Sequence:
    """Members between brackets: `(` a tuple or open interval, `[` a list or closed interval, `{` a set, `<` a vector,
    `` a bare list."""

    left: str
    right: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class SetOperation:
    """`union`, `intersection` or `difference` of sets."""

    name: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class NamedSet:
    """R, Q, Z, N, C."""

    name: str


@dataclass(frozen=True, slots=True)
class SetBuilder:
    """All values of a term under conditions: `{x | x > 2}`."""

    term: Node
    conditions: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of entries; a column vector has rows of one entry."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain such as `1 < x <= 3`: n operators between n + 1 sides. Operators: = < > <= >= != ~ (about) in."""

    operators: tuple[str, ...]
    sides: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class BaseNumber:
    """A numeral in a stated base."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Word:
    """Text that is an answer by itself: `north`, `no solution`. Folded: lower case, single spaces, no article, no
    closing stop."""

    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The letter of an option of a multiple-choice question, written as such: `(B)`, `\\text{B}`."""

    letter: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with a unit, a currency or a percent sign."""

    value: Node
    unit: str
    """Canonical name of the unit, see `units.canonical`."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """`3:4` or `1:2:3`."""

    parts: tuple[Node, ...]
    clock: bool = field(default=False, compare=False)
    """Written like a time of day (two digits after the colon), so that scaling it is not safe."""


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day with its half of the day, in seconds after midnight."""

    seconds: int


Node = (
    Number
    | Symbol
    | Constant
    | Add
    | Mul
    | Pow
    | Root
    | Call
    | Big
    | Sequence
    | SetOperation
    | NamedSet
    | SetBuilder
    | Matrix
    | Relation
    | BaseNumber
    | Word
    | Choice
    | Quantity
    | Ratio
    | Time
)

EXPRESSIONS = (Number, Symbol, Constant, Add, Mul, Pow, Root, Call, Big)
"""Nodes that denote a number or a function of their symbols."""

ZERO = Number(Fraction(0))
ONE = Number(Fraction(1))
MINUS_ONE = Number(Fraction(-1))


def integer(value: int) -> Number:
    """The node of an integer."""
    return Number(Fraction(value))


def add(*terms: Node) -> Node:
    """A sum, flattened."""
    flat: list[Node] = []
    for term in terms:
        if isinstance(term, Add):
            flat.extend(term.terms)
        else:
            flat.append(term)
    return flat[0] if len(flat) == 1 else Add(tuple(flat))


def mul(*factors: Node) -> Node:
    """A product, flattened."""
    flat: list[Node] = []
    for factor in factors:
        if isinstance(factor, Mul):
            flat.extend(factor.factors)
        else:
            flat.append(factor)
    return flat[0] if len(flat) == 1 else Mul(tuple(flat))


def negate(node: Node) -> Node:
    """The negative; of a numeral, the negative numeral."""
    if isinstance(node, Number):
        return Number(-node.value, node.places)
    if isinstance(node, Mul) and isinstance(node.factors[0], Number):
        return Mul((negate(node.factors[0]), *node.factors[1:]))
    return mul(MINUS_ONE, node)


def divide(top: Node, bottom: Node) -> Node:
    """A quotient; of two integer numerals, kept as a product so that division by zero stays visible."""
    return mul(top, Pow(bottom, MINUS_ONE))


def subtract(left: Node, right: Node) -> Node:
    """A difference."""
    return add(left, negate(right))


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node that are nodes, in order."""
    match node:
        case Add(terms):
            return terms
        case Mul(factors):
            return factors
        case Pow(base, exponent):
            return (base, exponent)
        case Root(radicand, _):
            return (radicand,)
        case Call(_, arguments):
            return arguments
        case Big(_, body, _, low, high):
            return (body, *(part for part in (low, high) if part is not None))
        case Sequence(_, _, items):
            return items
        case SetOperation(_, parts) | Ratio(parts):
            return parts
        case SetBuilder(term, conditions):
            return (term, *conditions)
        case Matrix(rows):
            return tuple(entry for row in rows for entry in row)
        case Relation(_, sides):
            return sides
        case Quantity(value, _):
            return (value,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(children(top))


def rebuild(node: Node, parts: tuple[Node, ...]) -> Node:
    """The same node with other children (as many as `children` gives, in that order)."""
    match node:
        case Add():
            return add(*parts)
        case Mul():
            return mul(*parts)
        case Pow():
            return Pow(parts[0], parts[1])
        case Root(_, index):
            return Root(parts[0], index)
        case Call(name, _):
            return Call(name, parts)
        case Big(name, _, variable, low, high):
            rest = list(parts[1:])
            new_low = rest.pop(0) if low is not None else None
            return Big(name, parts[0], variable, new_low, rest.pop(0) if high is not None else None)
        case Sequence(left, right, _):
            return Sequence(left, right, parts)
        case SetOperation(name, _):
            return SetOperation(name, parts)
        case Ratio(_, clock):
            return Ratio(parts, clock)
        case SetBuilder():
            return SetBuilder(parts[0], parts[1:])
        case Matrix(rows):
            width = len(rows[0])
            return Matrix(tuple(parts[start : start + width] for start in range(0, len(parts), width)))
        case Relation(operators, _):
            return Relation(operators, parts)
        case Quantity(_, unit):
            return Quantity(parts[0], unit)
        case _:
            return node


def symbols(node: Node) -> frozenset[str]:
    """Names of the free symbols."""
    free: set[str] = set()
    stack = [node]
    while stack:
        top = stack.pop()
        if isinstance(top, Symbol):
            free.add(top.name)
        elif isinstance(top, Big):
            free |= symbols(top.body) - {top.variable}
            stack.extend(children(top)[1:])
        else:
            stack.extend(children(top))
    return frozenset(free)


def substitute(node: Node, values: dict[str, Node]) -> Node:
    """Free symbols replaced by nodes. Raises LimitReached where a node would get under a sum over its own symbol."""
    if isinstance(node, Symbol):
        return values.get(node.name, node)
    parts = children(node)
    if not parts:
        return node
    if isinstance(node, Big):
        inner = {name: value for name, value in values.items() if name != node.variable}
        if any(node.variable in symbols(value) for value in inner.values()):
            raise LimitReached(f"{node.variable} means two things in one expression")
        return rebuild(node, (substitute(node.body, inner), *(substitute(part, values) for part in parts[1:])))
    return rebuild(node, tuple(substitute(part, values) for part in parts))
