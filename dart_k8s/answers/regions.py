"""Subsets of the real line: intervals, inequalities, unions, complements, as one thing.

A region is compared through the end points of both sides: between two neighbouring end points membership does not
change, so two regions are equal if they hold the same end points and the same gaps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dart_k8s.answers.expression import compare_sizes
from dart_k8s.answers.intervals import Indeterminate
from dart_k8s.answers.limits import LimitReached
from dart_k8s.answers.tolerance import Rough
from dart_k8s.answers.tree import (
    EXPRESSIONS,
    MINUS_ONE,
    ZERO,
    Add,
    Call,
    Constant,
    Mul,
    NamedSet,
    Node,
    Relation,
    Sequence,
    SetBuilder,
    SetOperation,
    Symbol,
    add,
    negate,
    symbols,
)

_MOST_ENDS = 64
_INFINITY = Constant("infinity")
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


class NoRegion(Exception):
    """The answer is no set of real numbers that can be worked out end point by end point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """An interval, or regions joined by `union`, `intersection` or `difference`."""

    low: Node | None = None
    """None is minus infinity."""
    high: Node | None = None
    low_closed: bool = False
    high_closed: bool = False
    joined: str = ""
    parts: tuple[Region, ...] = ()
    variable: str = ""
    """The variable of the relation it was written as, empty for a set."""

    def ends(self) -> list[Node]:
        """All finite end points."""
        if self.joined:
            return [end for part in self.parts for end in part.ends()]
        return [end for end in (self.low, self.high) if end is not None]

    def holds(self, position: int, place: Callable[[Node], int]) -> bool:
        """Membership of one position: 2k + 1 is the k-th end point, 2k the gap before it."""
        if self.joined == "union":
            return any(part.holds(position, place) for part in self.parts)
        if self.joined == "intersection":
            return all(part.holds(position, place) for part in self.parts)
        if self.joined == "difference":
            return self.parts[0].holds(position, place) and not any(
                part.holds(position, place) for part in self.parts[1:]
            )
        first = 0 if self.low is None else 2 * place(self.low) + (1 if self.low_closed else 2)
        last = 2 * _MOST_ENDS * 2 if self.high is None else 2 * place(self.high) + (1 if self.high_closed else 0)
        return first <= position <= last


def region(node: Node, rough: Rough) -> Region:
    """The region that an answer denotes. Raises NoRegion."""
    match node:
        case Sequence(left, right, (low, high)) if left in "([" and left and right in ")]":
            return _interval(low, high, rough, low_closed=left == "[", high_closed=right == "]")
        case Sequence("{", "}", items):
            if not all(isinstance(item, EXPRESSIONS) and not symbols(item) for item in items):
                raise NoRegion
            points = tuple(Region(low=item, high=item, low_closed=True, high_closed=True) for item in items)
            return Region(joined="union", parts=points)
        case Sequence("", "", items) if items and all(isinstance(item, Relation) for item in items):
            # A comma between inequalities means "and", unless that leaves nothing.
            parts = tuple(region(item, rough) for item in items)
            both = _join("intersection", parts)
            return both if _anything(both, rough) else _join("union", parts)
        case NamedSet("R"):
            return Region()
        case SetOperation(name, parts):
            return _join(name, tuple(region(part, rough) for part in parts))
        case SetBuilder(Relation(("in",), (Symbol() as symbol, NamedSet("R"))), conditions):
            return region(SetBuilder(symbol, conditions), rough)
        case SetBuilder(Symbol(name), conditions):
            inner = _join("intersection", tuple(region(condition, rough) for condition in conditions))
            if inner.variable != name:
                raise NoRegion
            return Region(joined="union", parts=(inner,))
        case Relation():
            return _relation(node, rough)
        case _:
            raise NoRegion


def _join(name: str, parts: tuple[Region, ...]) -> Region:
    variables = {part.variable for part in parts if part.variable}
    if len(variables) > 1:
        raise NoRegion
    return Region(joined=name, parts=parts, variable=variables.pop() if variables else "")


def _interval(
    low: Node, high: Node, rough: Rough, *, low_closed: bool, high_closed: bool, variable: str = ""
) -> Region:
    if not all(isinstance(end, EXPRESSIONS) and not symbols(end) for end in (low, high)):
        raise NoRegion
    if (_infinite(low) > 0) or (_infinite(high) < 0):
        raise NoRegion
    # (2, 1) is a pair and no interval.
    if not variable and not _infinite(low) and not _infinite(high) and _order(low, high, rough) >= 0:
        raise NoRegion
    low_end = None if _infinite(low) else low
    high_end = None if _infinite(high) else high
    if (low_end is None and low_closed) or (high_end is None and high_closed):
        raise NoRegion
    return Region(low=low_end, high=high_end, low_closed=low_closed, high_closed=high_closed, variable=variable)


def _infinite(node: Node) -> int:
    if node == _INFINITY:
        return 1
    return -1 if node == Mul((MINUS_ONE, _INFINITY)) else 0


def _relation(node: Relation, rough: Rough) -> Region:
    if node.operators == ("in",) and isinstance(node.sides[0], Symbol):
        inner = region(node.sides[1], rough)
        return Region(joined="union", parts=(inner,), variable=node.sides[0].name)
    if len(node.operators) == 1 and (opened := _opened(node, rough)) is not None:
        return opened
    found = [(index, side) for index, side in enumerate(node.sides) if isinstance(side, Symbol)]
    if len(found) != 1:
        raise NoRegion
    place, variable = found[0]
    if any(symbols(side) for index, side in enumerate(node.sides) if index != place):
        raise NoRegion
    if not all(isinstance(side, EXPRESSIONS) for side in node.sides):
        raise NoRegion
    parts: list[Region] = []
    for index, operator in enumerate(node.operators):
        left, right = node.sides[index], node.sides[index + 1]
        if left is variable:
            other = right
        elif right is variable:
            other, operator = left, _FLIPPED.get(operator, operator)
        else:
            # 1 < 2 < x: the part without the variable has to be true, which nobody writes.
            raise NoRegion
        closed = operator in ("<=", ">=", "=")
        if operator in ("<", "<="):
            part = Region(high=other, high_closed=closed, variable=variable.name)
        elif operator in (">", ">="):
            part = Region(low=other, low_closed=closed, variable=variable.name)
        elif operator == "=":
            part = Region(low=other, high=other, low_closed=True, high_closed=True, variable=variable.name)
        elif operator == "!=":
            point = Region(low=other, high=other, low_closed=True, high_closed=True)
            part = Region(joined="difference", parts=(Region(), point), variable=variable.name)
        else:
            raise NoRegion
        if (_infinite(other) > 0 and operator == "<") or (_infinite(other) < 0 and operator == ">"):
            part = Region(variable=variable.name)
        elif _infinite(other):
            raise NoRegion
        parts.append(part)
    return parts[0] if len(parts) == 1 else _join("intersection", tuple(parts))


def _opened(node: Relation, rough: Rough) -> Region | None:
    """`|x - 1| < 2` without its bars; None for other relations."""
    (operator,), (left, right) = node.operators, node.sides
    if isinstance(right, Call) and right.name == "abs":
        left, right, operator = right, left, _FLIPPED.get(operator, operator)
    if not (isinstance(left, Call) and left.name == "abs") or operator not in _FLIPPED or symbols(right):
        return None
    (inner,) = left.arguments
    terms = inner.terms if isinstance(inner, Add) else (inner,)
    names = [term for term in terms if isinstance(term, Symbol)]
    rest = [term for term in terms if not isinstance(term, Symbol)]
    if len(names) != 1 or any(symbols(term) for term in rest):
        return None
    try:
        if _order(right, ZERO, rough) <= 0:
            return None
    except NoRegion:
        return None
    shift = negate(add(*rest)) if rest else ZERO
    low, high = add(shift, negate(right)), add(shift, right)
    closed = "=" in operator
    variable = names[0].name
    if operator.startswith("<"):
        return Region(low=low, high=high, low_closed=closed, high_closed=closed, variable=variable)
    below = Region(high=low, high_closed=closed, variable=variable)
    above = Region(low=high, low_closed=closed, variable=variable)
    return _join("union", (below, above))


def _places(regions: tuple[Region, ...], rough: Rough) -> tuple[int, Callable[[Node], int]]:
    """How many different end points there are, and the place of each in their order."""
    order: list[list[Node]] = []
    for end in dict.fromkeys(end for each in regions for end in each.ends()):
        low, high = 0, len(order)
        while low < high:
            middle = (low + high) // 2
            found = _order(end, order[middle][0], rough)
            if found == 0:
                order[middle].append(end)
                break
            low, high = (low, middle) if found < 0 else (middle + 1, high)
        else:
            order.insert(low, [end])
        if len(order) > _MOST_ENDS:
            raise LimitReached(f"more than {_MOST_ENDS} end points")
    known = {end: place for place, equal in enumerate(order) for end in equal}
    return len(order), lambda node: known[node]


def _order(left: Node, right: Node, rough: Rough) -> int:
    """-1, 0 or 1 by the order of two end points. Raises NoRegion if they have none."""
    try:
        return rough.order(left, right) or compare_sizes(left, right, rough.work)
    except Indeterminate:
        raise NoRegion from None


def _anything(one: Region, rough: Rough) -> bool:
    count, place = _places((one,), rough)
    return any(one.holds(position, place) for position in range(2 * count + 1))


def same_region(left: Node, right: Node, rough: Rough) -> bool:
    """Whether two answers denote the same set of reals. Raises NoRegion, and what comparing end points raises."""
    first, second = region(left, rough), region(right, rough)
    if first.variable and second.variable and first.variable != second.variable:
        return False
    count, place = _places((first, second), rough)
    return all(first.holds(position, place) == second.holds(position, place) for position in range(2 * count + 1))
