"""Approximate comparison: the tolerances that a caller may ask for, and whether a decimal is a correct rounding."""

from fractions import Fraction

from mpmath import libmp

from dart_k8s.answers import intervals
from dart_k8s.answers.enclosure import Evaluation
from dart_k8s.answers.exact import NotRational, rational
from dart_k8s.answers.intervals import Indeterminate
from dart_k8s.answers.limits import LimitReached, Work
from dart_k8s.answers.tree import EXPRESSIONS, Node, Number, Quantity, symbols, walk
from dart_k8s.answers.verdict import Policy


class Rough:
    """The numbers of one comparison to 64 bits, each worked out once: cheap, for members of collections."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._known: dict[Node, intervals.Value | None] = {}

    def apart(self, left: Node, right: Node) -> bool:
        """Whether two nodes are numbers that 64 bits tell apart."""
        first = self._value(left)
        if first is None:
            return False
        second = self._value(right)
        if second is None:
            return False
        return intervals.excludes_zero(Evaluation(64, {}, self.work).add(first, intervals.negative(second)))

    def order(self, left: Node, right: Node) -> int:
        """-1 or 1 by the order of two real numbers, 0 if 64 bits don't tell."""
        first, second = self._value(left), self._value(right)
        if first is None or second is None or first[1] is not None or second[1] is not None:
            return 0
        return intervals.order(first, second)

    def _value(self, node: Node) -> intervals.Value | None:
        """None for what is no number, or none that is within the bounds."""
        if node not in self._known:
            try:
                value = Evaluation(64, {}, self.work)(node) if isinstance(node, EXPRESSIONS) else None
            except (Indeterminate, LimitReached):
                value = None
            self._known[node] = value
        return self._known[node]


def within(policy: Policy, answer: Node, reference: Node, work: Work) -> bool:
    """Within the tolerance that the caller asked for, where it applies: numbers, and decimals unless told otherwise."""
    if not (policy.relative or policy.absolute):
        return False
    decimal = any(isinstance(part, Number) and part.places is not None for part in walk(reference))
    if not (decimal or policy.exact_references_too) or symbols(answer) or symbols(reference):
        return False
    value, target = _real(answer, work), _real(reference, work)
    if value is None or target is None:
        return False
    # As they are written: 0.1 means a tenth, and what lies on the bound is within.
    absolute, relative = (Fraction(repr(float(part))) for part in (policy.absolute, policy.relative))
    return abs(value - target) <= absolute + relative * abs(target)


def _real(node: Node, work: Work) -> Fraction | None:
    """A real number: itself if it is rational, else to 128 bits; None for any other."""
    try:
        return rational(node, work)
    except (NotRational, LimitReached):
        pass
    try:
        value = Evaluation(128, {}, work)(node)
    except Indeterminate:
        return None
    return None if value[1] is not None else _middle(value)


def rounds_to(exact: Node, about: Node, work: Work) -> bool:
    """Whether a decimal is the rounding of an exact value to its own digits."""
    if isinstance(exact, Quantity):
        exact = exact.value
    if isinstance(about, Quantity):
        about = about.value
    if not isinstance(about, Number) or symbols(exact):
        return False
    try:
        value = _middle(Evaluation(256, {}, work)(exact))
    except (Indeterminate, LimitReached):
        return False
    return abs(value - about.value) <= Fraction(1, 2 * 10 ** (about.places or 0))


def _middle(value: intervals.Value) -> Fraction:
    ends = [Fraction(*libmp.to_rational(end)) for end in value[0]]
    return (ends[0] + ends[1]) / 2
