"""Approximate comparison: the tolerances that a caller may ask for, and whether a decimal is a correct rounding."""

from fractions import Fraction
from functools import lru_cache

from mpmath import libmp

from dart_k8s.answers import intervals
from dart_k8s.answers.enclosure import Evaluation
from dart_k8s.answers.intervals import Indeterminate
from dart_k8s.answers.limits import STEPS, LimitReached
from dart_k8s.answers.tree import EXPRESSIONS, Node, Number, Quantity, symbols, walk
from dart_k8s.answers.verdict import Policy


@lru_cache(maxsize=4096)
def _rough(node: Node) -> intervals.Value | None:
    """A number to 64 bits, None if that is not what the node is."""
    if not isinstance(node, EXPRESSIONS):
        return None
    try:
        return Evaluation(64, {}, STEPS)(node)
    except (Indeterminate, LimitReached):
        return None


def apart(left: Node, right: Node) -> bool:
    """Whether two nodes are numbers that 64 bits tell apart: cheap, for members of collections."""
    first = _rough(left)
    if first is None:
        return False
    second = _rough(right)
    return second is not None and intervals.excludes_zero(Evaluation(64, {}, 1).add(first, intervals.negative(second)))


def within(policy: Policy, answer: Node, reference: Node) -> bool:
    """Within the tolerance that the caller asked for, where it applies: numbers, and decimals unless told otherwise."""
    if not (policy.relative or policy.absolute):
        return False
    decimal = any(isinstance(part, Number) and part.places is not None for part in walk(reference))
    if not (decimal or policy.exact_references_too) or symbols(answer) or symbols(reference):
        return False
    try:
        first, second = (Evaluation(128, {}, STEPS)(node) for node in (answer, reference))
    except Indeterminate:
        return False
    if first[1] is not None or second[1] is not None:
        return False
    value, target = _middle(first), _middle(second)
    return abs(value - target) <= Fraction(policy.absolute) + Fraction(policy.relative) * abs(target)


def rounds_to(exact: Node, about: Node) -> bool:
    """Whether a decimal is the rounding of an exact value to its own digits."""
    if isinstance(exact, Quantity):
        exact = exact.value
    if isinstance(about, Quantity):
        about = about.value
    if not isinstance(about, Number) or symbols(exact):
        return False
    try:
        value = _middle(Evaluation(256, {}, STEPS)(exact))
    except (Indeterminate, LimitReached):
        return False
    return abs(value - about.value) <= Fraction(1, 2 * 10 ** (about.places or 0))


def _middle(value: intervals.Value) -> Fraction:
    ends = [Fraction(*libmp.to_rational(end)) for end in value[0]]
    return (ends[0] + ends[1]) / 2
