"""What equals what, kind by kind. The rules with their reasons are in docs/answers.md; the numbers in brackets refer
to its table."""

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TypeGuard

from dart_k8s.answers import expression
from dart_k8s.answers.enclosure import Indeterminate
from dart_k8s.answers.expression import Open
from dart_k8s.answers.forms import as_tuple, clock, fold_words, is_name
from dart_k8s.answers.limits import LimitReached
from dart_k8s.answers.quantities import same_quantities
from dart_k8s.answers.regions import NoRegion, same_region
from dart_k8s.answers.tolerance import rounds_to, within
from dart_k8s.answers.tree import (
    EXPRESSIONS,
    ZERO,
    BaseNumber,
    Choice,
    Constant,
    Matrix,
    Mul,
    NamedSet,
    Node,
    Number,
    Quantity,
    Ratio,
    Relation,
    Sequence,
    SetBuilder,
    SetOperation,
    Symbol,
    Time,
    Word,
    mul,
    substitute,
    subtract,
    symbols,
    walk,
)
from dart_k8s.answers.verdict import Policy

_COMPARISONS = 4_000
"""Most pairs looked at in one comparison (two shuffled lists of 60 members need 3,600 at worst)."""
_BRACKETS = {"list": ("", ""), "set": ("{", "}"), "tuple": ("(", ")"), "interval": ("(", ")")}
_TIERS = ("structure", "number", "kind", "numeric", "symbolic")
_HALF_DAY = 43_200


class Comparison:
    """One comparison of an answer with a reference.

    `facts` holds what computer algebra has already said about pairs of expressions; a pair it lacks is raised as
    Open. `tier` is, afterwards, the most expensive step that was needed.
    """

    def __init__(self, policy: Policy, query: str | None, facts: Mapping[tuple[Node, Node], bool]) -> None:
        self.policy = policy
        self.query = (query or "").lower()
        self.facts = facts
        self.tier = "structure"
        self.pairs = 0
        self.inside = 0

    def same(self, answer: Node, reference: Node) -> bool:
        """Whether the answer is equal to the reference. Raises Open or LimitReached."""
        self.pairs += 1
        if self.pairs > _COMPARISONS:
            raise LimitReached(f"more than {_COMPARISONS} pairs to compare")
        if answer == reference:
            return True
        if self.policy.kind:
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
        try:
            finding = expression.same(answer, reference)
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
        if not within(self.policy, answer, reference):
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
            return self._relations(answer, reference)
        if isinstance(answer, Ratio) or isinstance(reference, Ratio):
            return isinstance(answer, Ratio) and isinstance(reference, Ratio) and self._ratios(answer, reference)
        if isinstance(answer, Matrix) or isinstance(reference, Matrix):
            return isinstance(answer, Matrix) and isinstance(reference, Matrix) and self._matrices(answer, reference)
        if isinstance(answer, Quantity) or isinstance(reference, Quantity):
            return same_quantities(answer, reference, same=self.same, query=self.query)
        if isinstance(answer, BaseNumber) or isinstance(reference, BaseNumber):
            return self._bases(answer, reference)
        return self._collections(answer, reference)

    def _word(self, word: Word, other: Node) -> bool:
        """A short run of letters may be a product after all: `abc` against `a \\cdot b \\cdot c`; words joined by "and"
        are a list [W]."""
        if isinstance(other, Sequence) and other.left in ("", "{"):
            parts = [part.strip() for part in re.split(r",|\band\b", word.text)]
            return len(parts) > 1 and self._unordered(
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
        ) and not any(self._zero(part) for part in (first, second))

    def _zero(self, node: Node) -> bool:
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

    # Relations

    def _relations(self, answer: Node, reference: Node) -> bool:
        try:
            return same_region(answer, reference)
        except NoRegion:
            pass
        if isinstance(answer, Relation) and isinstance(reference, Relation):
            return self._both_relations(answer, reference)
        relation, other = (answer, reference) if isinstance(answer, Relation) else (reference, answer)
        if not isinstance(relation, Relation):
            return False
        if relation.operators == ("in",) and is_name(relation.sides[0]):
            values: list[Node] = [relation.sides[1]]
        else:
            if (
                isinstance(relation.sides[0], Sequence)
                and self._assignments(relation) is not None
                and isinstance(other, Sequence)
                and not other.left
            ):
                return self._collections(answer, reference)
            named = self._values(relation)
            if named is None:
                return False
            values = named[1]
        return any(self.same(value, other) if relation is answer else self.same(other, value) for value in values)

    def _both_relations(self, answer: Relation, reference: Relation) -> bool:
        first, second = self._values(answer), self._values(reference)
        if first and second and first[0] is not None and first[0] == second[0]:
            return any(self.same(value, target) for value in first[1] for target in second[1])
        if answer.operators == reference.operators == ("in",):
            return answer.sides[0] == reference.sides[0] and self.same(answer.sides[1], reference.sides[1])
        if len(answer.operators) == len(reference.operators) == 1:
            return self._proportional(answer, reference)
        if len(answer.operators) != len(reference.operators):
            return False
        if answer.operators != reference.operators:
            flip = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
            answer = Relation(
                tuple(flip.get(op, op) for op in reversed(answer.operators)), tuple(reversed(answer.sides))
            )
        return answer.operators == reference.operators and all(
            self.same(left, right) for left, right in zip(answer.sides, reference.sides, strict=True)
        )

    def _values(self, relation: Relation) -> tuple[Node | None, list[Node]] | None:
        """Name and value of `x = 5`, `f(x) = ...`, `5 = x`, `x = 3/2 = 1.5`, `2 + 3 = 5`, `x = 1/3 ~ 0.33` [E].

        None if the relation is no such statement, or contradicts itself.
        """
        if not set(relation.operators) <= {"=", "~"} and relation.operators != ("mod",):
            return None
        sides, operators = list(relation.sides), list(relation.operators)
        name: Node | None = None
        if is_name(sides[0]) and not any(sides[0] in tuple(walk(side)) for side in sides[1:]):
            name, sides, operators = sides[0], sides[1:], operators[1:]
        elif len(sides) == 2 and is_name(sides[1]) and not symbols(sides[0]):
            name, sides, operators = sides[1], sides[:1], []
        elif any(symbols(side) for side in sides):
            return None
        exact = [sides[0]]
        for operator, side in zip(operators, sides[1:], strict=True):
            if operator == "~":
                break
            exact.append(side)
        if any(not self.same(side, exact[-1]) for side in exact[:-1]):
            return None
        about = sides[len(exact) :]
        if any(not rounds_to(exact[-1], side) for side in about):
            return None
        return name, [exact[-1], *about]

    def _proportional(self, answer: Relation, reference: Relation) -> bool:
        """Both sides moved, swapped or scaled: the differences of the sides are multiples of each other [Q]."""
        (first_operator,), (second_operator,) = answer.operators, reference.operators
        first = subtract(answer.sides[0], answer.sides[1])
        second = subtract(reference.sides[0], reference.sides[1])
        if not all(isinstance(side, EXPRESSIONS) for side in (*answer.sides, *reference.sides)):
            plain = first_operator == second_operator
            return plain and all(
                self.same(left, right) for left, right in zip(answer.sides, reference.sides, strict=True)
            )
        turn = {">": "<", ">=": "<="}
        if first_operator in turn:
            first, first_operator = subtract(answer.sides[1], answer.sides[0]), turn[first_operator]
        if second_operator in turn:
            second, second_operator = subtract(reference.sides[1], reference.sides[0]), turn[second_operator]
        names = symbols(first) | symbols(second)
        if first_operator != second_operator or first_operator not in ("=", "!=", "<", "<=") or not names:
            return False
        for shift in range(4):
            point: dict[str, Node] = {
                name: Number(Fraction(7 + 2 * shift + 3 * place, 5 + place)) for place, name in enumerate(sorted(names))
            }
            at_first, at_second = substitute(first, point), substitute(second, point)
            try:
                if self._zero(at_first) or self._zero(at_second):
                    continue
                if first_operator.startswith("<") and expression.compare_sizes(mul(at_first, at_second), ZERO) < 0:
                    return False
            except (Indeterminate, Open):
                continue
            return self.same(mul(first, at_second), mul(second, at_first))
        return False

    # Collections

    def _assignments(self, node: Node) -> dict[str, Node] | None:
        """Values by variable of `x = 1, y = 2` or `(x, y) = (1, 2)`; None for anything else, also if a variable comes
        twice."""
        if isinstance(node, Relation) and node.operators == ("=",):
            left, right = node.sides
            if isinstance(left, Sequence) and isinstance(right, Sequence) and len(left.items) == len(right.items):
                names = [item.name for item in left.items if isinstance(item, Symbol)]
                if len(set(names)) == len(left.items):
                    return dict(zip(names, right.items, strict=True))
            return None
        if not isinstance(node, Sequence) or node.left not in ("", "{", "("):
            return None
        found: dict[str, Node] = {}
        for item in node.items:
            named = self._values(item) if isinstance(item, Relation) else None
            if named is None or not isinstance(named[0], Symbol) or named[0].name in found:
                return None
            found[named[0].name] = named[1][0]
        return found

    def _collections(self, answer: Node, reference: Node) -> bool:
        first, second = self._assignments(answer), self._assignments(reference)
        if first is not None and second is not None and len(first) > 1:
            return first.keys() == second.keys() and all(self.same(first[name], second[name]) for name in first)
        assigned = any(each is not None and len(each) > 1 for each in (first, second))
        if first is not None and len(first) > 1:
            answer = Sequence("(", ")", tuple(first[name] for name in sorted(first)))
            reference = as_tuple(reference)
        elif second is not None and len(second) > 1:
            reference = Sequence("(", ")", tuple(second[name] for name in sorted(second)))
            answer = as_tuple(answer)
        if _all_relations(answer) and _all_relations(reference) and self._unordered(answer, reference):
            return True
        answer, reference = self._unnamed(answer), self._unnamed(reference)
        if isinstance(answer, Sequence) and isinstance(reference, Sequence):
            if answer.left in ("", "{") and reference.left in ("", "{"):
                return self._unordered(answer, reference)
            if (answer.left, answer.right) != (reference.left, reference.right) or len(answer.items) != len(
                reference.items
            ):
                return False
            return self._members(zip(answer.items, reference.items, strict=True))
        if isinstance(answer, EXPRESSIONS) or isinstance(reference, EXPRESSIONS):
            return self._singleton(answer, reference)
        if assigned:
            return False
        if isinstance(answer, SetOperation | NamedSet | SetBuilder) or isinstance(
            reference, SetOperation | NamedSet | SetBuilder
        ):
            return self._sets(answer, reference)
        return False

    def _singleton(self, answer: Node, reference: Node) -> bool:
        """A set of one member and that member [L]."""
        for left, right in ((answer, reference), (reference, answer)):
            if isinstance(left, Sequence) and left.left == "{" and isinstance(right, EXPRESSIONS):
                members = self._distinct(list(left.items))
                if len(members) != 1 or self.inside:
                    return False
                return self.same(members[0], right) if left is answer else self.same(right, members[0])
        return False

    def _unnamed(self, node: Node) -> Node:
        """`x = 2, x = 3` as the list 2, 3."""
        if not _all_relations(node):
            return node
        named = [self._values(item) for item in node.items if isinstance(item, Relation)]
        if any(each is None or each[0] is None for each in named) or len({each[0] for each in named if each}) != 1:
            return node
        return Sequence(node.left, node.right, tuple(each[1][0] for each in named if each))

    def _unordered(self, answer: Sequence, reference: Sequence) -> bool:
        """Every member of one side has its partner on the other; in a set repetition does not count [L]."""
        left, right = list(answer.items), list(reference.items)
        if "{" in (answer.left, reference.left):
            left, right = self._distinct(left), self._distinct(right)
        if len(left) != len(right):
            return False
        for item in list(left):
            if item in right:
                left.remove(item)
                right.remove(item)
        for item in left:
            partner = next((other for other in right if self._members([(item, other)])), None)
            if partner is None:
                return False
            right.remove(partner)
        return True

    def _members(self, pairs: Iterable[tuple[Node, Node]]) -> bool:
        """Whether all pairs of members are equal; a set inside a set stays a set."""
        self.inside += 1
        try:
            return all(self.same(left, right) for left, right in pairs)
        finally:
            self.inside -= 1

    def _distinct(self, items: list[Node]) -> list[Node]:
        kept: list[Node] = []
        for item in items:
            if item not in kept and not any(self.same(item, other) for other in kept):
                kept.append(item)
        return kept

    def _sets(self, answer: Node, reference: Node) -> bool:
        try:
            return same_region(answer, reference)
        except NoRegion:
            pass
        if isinstance(answer, SetOperation) and isinstance(reference, SetOperation) and answer.name == reference.name:
            if answer.name == "difference":
                return len(answer.parts) == len(reference.parts) and all(
                    self.same(left, right) for left, right in zip(answer.parts, reference.parts, strict=True)
                )
            return self._unordered(Sequence("{", "}", answer.parts), Sequence("{", "}", reference.parts))
        if (
            isinstance(answer, SetBuilder)
            and isinstance(reference, SetBuilder)
            and isinstance(answer.term, Symbol)
            and isinstance(reference.term, Symbol)
        ):
            renamed = [substitute(condition, {answer.term.name: reference.term}) for condition in answer.conditions]
            return self._unordered(Sequence("{", "}", tuple(renamed)), Sequence("{", "}", reference.conditions))
        return False


def _all_relations(node: Node) -> TypeGuard[Sequence]:
    return isinstance(node, Sequence) and bool(node.items) and all(isinstance(item, Relation) for item in node.items)
