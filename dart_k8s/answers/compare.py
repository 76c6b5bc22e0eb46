"""What equals what, kind by kind. The rules with their reasons are in docs/answers.md; the numbers in brackets refer
to its table."""

import re
from collections.abc import Mapping

from dart_k8s.answers import expression
from dart_k8s.answers.expression import Open
from dart_k8s.answers.forms import (
    as_column,
    clock,
    constant_of_integration,
    points,
    points_name,
    residue,
    rows_of_lists,
)
from dart_k8s.answers.limits import LimitReached, Work
from dart_k8s.answers.quantities import same_quantities
from dart_k8s.answers.statements import Statements
from dart_k8s.answers.tolerance import Rough, within
from dart_k8s.answers.tree import (
    EXPRESSIONS,
    ZERO,
    BaseNumber,
    Choice,
    Constant,
    Matrix,
    Mul,
    Node,
    Number,
    Quantity,
    Ratio,
    Relation,
    Sequence,
    Symbol,
    Time,
    Word,
    divide,
    mul,
)
from dart_k8s.answers.verdict import Policy
from dart_k8s.answers.words import endless, fold_words, nothing, same_words

_COMPARISONS = 4_000
"""Most pairs looked at in one comparison (two shuffled lists of 60 members need 3,600 at worst)."""
_BRACKETS = {"list": ("", ""), "set": ("{", "}"), "tuple": ("(", ")"), "interval": ("(", ")")}
_TIERS = ("structure", "number", "kind", "numeric", "symbolic")
_HALF_DAY = 43_200


def _quotient(node: Node, other: Node) -> Node:
    """`3:4` as the fraction that it is where the question asks for a ratio and the other side is a fraction [R]."""
    if isinstance(node, Ratio) and len(node.parts) == 2 and isinstance(other, EXPRESSIONS) and node.parts[1] != ZERO:
        return divide(*node.parts)
    return node


class Comparison(Statements):
    """One comparison of an answer with a reference.

    `facts` holds what computer algebra has already said about pairs of expressions; a pair it lacks is raised as
    Open. `tier` is, afterwards, the most expensive step that was needed.
    """

    def __init__(self, policy: Policy, query: str | None, facts: Mapping[tuple[Node, Node], bool]) -> None:
        self.policy = policy
        self.query = (query or "").lower()
        self.facts = facts
        self.tier = "structure"
        self.exact = not (policy.relative or policy.absolute)
        self.pairs = 0
        self.work = Work()
        self.rough = Rough(self.work)

    def same(self, answer: Node, reference: Node) -> bool:
        """Whether the answer is equal to the reference. Raises Open or LimitReached."""
        self.pairs += 1
        if self.pairs > _COMPARISONS:
            raise LimitReached(f"more than {_COMPARISONS} pairs to compare")
        if answer == reference:
            return True
        if self.policy.kind and not self.inside:
            # The whole answer is such a collection; its members keep the brackets that they have.
            answer, reference = self._coerced(answer), self._coerced(reference)
        if isinstance(answer, Number) and isinstance(reference, Number):
            self._used("number")
            return answer.value == reference.value or self._approximately(answer, reference)
        if isinstance(answer, EXPRESSIONS) and isinstance(reference, EXPRESSIONS):
            return self._expressions(answer, reference)
        self._used("kind")
        return self._kinds(answer, reference)

    def _used(self, tier: str) -> None:
        if _TIERS.index(tier) > _TIERS.index(self.tier):
            self.tier = tier

    def _coerced(self, node: Node) -> Node:
        """A sequence in the brackets that the policy's kind has."""
        if not isinstance(node, Sequence) or len(node.items) < 2:
            return node
        left, right = _BRACKETS[self.policy.kind]
        if self.policy.kind == "interval" and node.left in ("(", "["):
            return node
        return Sequence(left, right, node.items)

    # Numbers and functions

    def _expressions(self, answer: Node, reference: Node) -> bool:
        if "mod" in self.query:
            answer, reference = residue(answer, reference), residue(reference, answer)
        answer = constant_of_integration(answer, reference)
        answer, reference = points(answer, reference), points(reference, answer)
        try:
            finding = expression.same(answer, reference, self.work)
            self._used(finding.tier)
            equal = finding.equal
        except Open as question:
            known = self.facts.get((question.left, question.right))
            if known is None:
                raise
            self._used("symbolic")
            equal = known
        return equal or self._approximately(answer, reference)

    def _approximately(self, answer: Node, reference: Node) -> bool:
        if not within(self.policy, answer, reference, self.work):
            return False
        self._used("numeric")
        return True

    # Kinds

    def _kinds(self, answer: Node, reference: Node) -> bool:
        for left, right in ((answer, reference), (reference, answer)):
            if isinstance(left, Choice):
                return isinstance(right, Symbol) and right.name == left.letter
            if isinstance(left, Word):
                return self._word(left, right)
            if isinstance(left, Time):
                return isinstance(right, Ratio) and clock(right) == left.seconds % _HALF_DAY
        if isinstance(answer, Relation) or isinstance(reference, Relation):
            return self.relations(answer, reference)
        if isinstance(answer, Ratio) or isinstance(reference, Ratio):
            if "ratio" in self.query:
                answer, reference = _quotient(answer, reference), _quotient(reference, answer)
            if isinstance(answer, Ratio) and isinstance(reference, Ratio):
                return self._ratios(answer, reference)
            return (
                isinstance(answer, EXPRESSIONS) and isinstance(reference, EXPRESSIONS) and self.same(answer, reference)
            )
        if isinstance(answer, Matrix) or isinstance(reference, Matrix):
            answer, reference = rows_of_lists(answer), rows_of_lists(reference)
            answer, reference = as_column(answer, reference), as_column(reference, answer)
            return isinstance(answer, Matrix) and isinstance(reference, Matrix) and self._matrices(answer, reference)
        if isinstance(answer, Quantity) or isinstance(reference, Quantity):
            return same_quantities(answer, reference, same=self.same, query=self.query)
        if isinstance(answer, BaseNumber) or isinstance(reference, BaseNumber):
            return self._bases(answer, reference)
        return self.collections(answer, reference)

    def _word(self, word: Word, other: Node) -> bool:
        """A short run of letters may be a product after all: `abc` against `a \\cdot b \\cdot c`; words joined by "and"
        are a list [W]."""
        if isinstance(other, Word):
            return same_words(word.text, other.text)
        if isinstance(other, Symbol):
            return points_name(other) == word.text
        if other == Constant("infinity"):
            return endless(word.text)
        if isinstance(other, Sequence) and not other.items:
            return nothing(word.text) is not None
        if isinstance(other, Sequence) and other.left in ("", "{"):
            parts = [part.strip() for part in re.split(r",|\band\b", word.text)]
            return len(parts) > 1 and self.unordered(
                Sequence("", "", tuple(Word(fold_words(part)) for part in parts if part)), other
            )
        if (
            isinstance(other, Mul)
            and len(word.text) <= 4
            and all(isinstance(factor, Symbol | Constant) for factor in other.factors)
        ):
            names = sorted(factor.name for factor in other.factors if isinstance(factor, Symbol | Constant))
            return names == sorted(word.text)
        return False

    def _ratios(self, answer: Ratio, reference: Ratio) -> bool:
        if len(answer.parts) != len(reference.parts):
            return False
        if all(self.same(first, second) for first, second in zip(answer.parts, reference.parts, strict=True)):
            return True
        if answer.clock and reference.clock and "ratio" not in self.query:
            return False
        first, second = answer.parts[0], reference.parts[0]
        return all(
            self.same(mul(more, second), mul(other, first))
            for more, other in zip(answer.parts[1:], reference.parts[1:], strict=True)
        ) and not any(self.zero(part) for part in (first, second))

    def zero(self, node: Node) -> bool:
        return self.same(node, ZERO)

    def _matrices(self, answer: Matrix, reference: Matrix) -> bool:
        if [len(row) for row in answer.rows] != [len(row) for row in reference.rows]:
            return False
        pairs = zip(answer.rows, reference.rows, strict=True)
        return all(self.same(first, second) for left, right in pairs for first, second in zip(left, right, strict=True))

    def _bases(self, answer: Node, reference: Node) -> bool:
        """The base is part of the answer [B]."""
        if isinstance(answer, BaseNumber) and isinstance(reference, BaseNumber):
            return answer == reference
        numeral, other = (answer, reference) if isinstance(answer, BaseNumber) else (reference, answer)
        if not isinstance(numeral, BaseNumber) or not isinstance(other, Number) or other.value.denominator != 1:
            return False
        digits = str(other.value)
        return digits == numeral.digits and (
            numeral.base == 10 or f"base {numeral.base}" in self.query or f"base-{numeral.base}" in self.query
        )
