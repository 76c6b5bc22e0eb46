"""How much work finite sums and products make when they are written out: nested ones multiply."""

from collections.abc import Mapping
from fractions import Fraction

from dart_k8s.answers.exact import NotRational, rational
from dart_k8s.answers.limits import TERMS, VISITS, LimitReached
from dart_k8s.answers.tree import Add, Big, Mul, Node, Number, Symbol, children, symbols, walk

Extent = tuple[Fraction, Fraction]
"""Least and greatest value."""


def bound(*nodes: Node) -> None:
    """LimitReached if writing out all sums and products in these expressions visits too many nodes."""
    if sum(_visits(node, {}) for node in nodes if _has_big(node)) > VISITS:
        raise LimitReached(f"sums and products that come to more than {VISITS} terms")


def _has_big(node: Node) -> bool:
    return any(isinstance(part, Big) for part in walk(node))


def _visits(node: Node, known: Mapping[str, Extent]) -> int:
    """Nodes that are visited, each as often as it is; `known` are the variables of the sums around it."""
    if not isinstance(node, Big) or node.name not in ("sum", "product") or node.low is None or node.high is None:
        return 1 + sum(_visits(part, known) for part in children(node))
    around = 1 + _visits(node.low, known) + _visits(node.high, known)
    if symbols(Add((node.low, node.high))) - known.keys():
        # It has no value, so it is never written out.
        return around + _visits(node.body, known)
    low, high = _extent(node.low, known), _extent(node.high, known)
    if low is None or high is None:
        terms, extent = TERMS, (Fraction(0), Fraction(TERMS))
    else:
        terms, extent = int(min(max(high[1] - low[0] + 1, Fraction(1)), Fraction(TERMS))), (low[0], high[1])
    return around + terms * _visits(node.body, {**known, node.variable: extent})


def _extent(node: Node, known: Mapping[str, Extent]) -> Extent | None:
    """Between which values a bound lies; None for what is neither a number nor linear."""
    match node:
        case Symbol(name):
            return known[name]
        case Mul((Number(factor), Symbol(name))):
            one, other = (factor * end for end in known[name])
            return min(one, other), max(one, other)
        case Add(terms):
            parts = [_extent(term, known) for term in terms]
            ends = [part for part in parts if part is not None]
            if len(ends) < len(parts):
                return None
            return sum((end[0] for end in ends), Fraction(0)), sum((end[1] for end in ends), Fraction(0))
        case _ if symbols(node) or _has_big(node):
            return None
        case _:
            try:
                value = rational(node)
            except (NotRational, LimitReached):
                return None
            return value, value
