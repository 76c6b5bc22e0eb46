"""Collections of values: tuples, lists, sets, intervals; rules T, L and V of docs/answers.md."""

from collections.abc import Iterable
from typing import TypeGuard

from dart_k8s.answers.forms import as_tuple
from dart_k8s.answers.limits import Work
from dart_k8s.answers.regions import NoRegion, same_region
from dart_k8s.answers.tolerance import Rough
from dart_k8s.answers.tree import (
    EXPRESSIONS,
    NamedSet,
    Node,
    Relation,
    Sequence,
    SetBuilder,
    SetOperation,
    Symbol,
    substitute,
    symbols,
)


class Sequences:
    """Comparison where both sides are collections, or one is a set of one member."""

    exact = True
    """Without tolerances numbers that differ at all are different."""
    inside = 0
    """How many collections are open around the pair that is compared."""
    work: Work
    rough: Rough

    # What the other parts of the comparison give

    def same(self, answer: Node, reference: Node) -> bool:
        """Whether an answer is equal to a reference."""
        raise NotImplementedError

    def zero(self, node: Node) -> bool:
        """Whether a value is zero."""
        raise NotImplementedError

    def values(self, relation: Relation) -> tuple[Node | None, list[Node]] | None:
        """Name and value of a relation that states a value."""
        raise NotImplementedError

    def assignments(self, node: Node) -> dict[str, Node] | None:
        """Values by variable of `x = 1, y = 2` or `(x, y) = (1, 2)`; None for anything else, also if a variable comes
        twice."""
        if isinstance(node, Relation) and node.operators == ("=",):
            left, right = node.sides
            if isinstance(left, Sequence) and isinstance(right, Sequence) and len(left.items) == len(right.items):
                names = [item.name for item in left.items if isinstance(item, Symbol)]
                if len(set(names)) == len(left.items):
                    return dict(zip(names, right.items, strict=True))
            return None
        if isinstance(node, Relation) and len(node.operators) > 1 and set(node.operators) == {"="}:
            # All of them have the last value.
            equal = [side.name for side in node.sides[:-1] if isinstance(side, Symbol)]
            if len(set(equal)) == len(node.sides) - 1 and not symbols(node.sides[-1]):
                return dict.fromkeys(equal, node.sides[-1])
            return None
        if not isinstance(node, Sequence) or node.left not in ("", "{", "("):
            return None
        found: dict[str, Node] = {}
        for item in node.items:
            named = self.values(item) if isinstance(item, Relation) else None
            if named is None or not isinstance(named[0], Symbol) or named[0].name in found:
                return None
            found[named[0].name] = named[1][0]
        return found

    def collections(self, answer: Node, reference: Node) -> bool:
        first, second = self.assignments(answer), self.assignments(reference)
        if first is not None and second is not None and len(first) > 1:
            return first.keys() == second.keys() and all(self.same(first[name], second[name]) for name in first)
        if (_numbered(first) and second is None and _loose(reference)) or (
            _numbered(second) and first is None and _loose(answer)
        ):
            answer, reference = self._unnamed(answer), self._unnamed(reference)
            return (
                isinstance(answer, Sequence) and isinstance(reference, Sequence) and self.unordered(answer, reference)
            )
        assigned = any(each is not None and len(each) > 1 for each in (first, second))
        if first is not None and len(first) > 1:
            answer = Sequence("(", ")", tuple(first[name] for name in sorted(first)))
            reference = as_tuple(reference)
        elif second is not None and len(second) > 1:
            reference = Sequence("(", ")", tuple(second[name] for name in sorted(second)))
            answer = as_tuple(answer)
        if _all_relations(answer) and _all_relations(reference) and self.unordered(answer, reference):
            return True
        answer, reference = self._unnamed(answer), self._unnamed(reference)
        if isinstance(answer, Sequence) and isinstance(reference, Sequence):
            if answer.left in ("", "{") and reference.left in ("", "{"):
                return self.unordered(answer, reference)
            if _ends(answer) != _ends(reference) or len(answer.items) != len(reference.items):
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
                return self._members([(members[0], right) if left is answer else (right, members[0])])
        return False

    def _unnamed(self, node: Node) -> Node:
        """`x = 2, x = 3` as the list 2, 3; so are the numbered roots `x_1 = 2, x_2 = 3`."""
        if not _all_relations(node):
            return node
        named = [self.values(item) for item in node.items if isinstance(item, Relation)]
        if any(each is None or each[0] is None for each in named):
            return node
        names = [each[0] for each in named if each]
        if len(set(names)) != 1 and not _numbered(self.assignments(node)):
            return node
        return Sequence(node.left, node.right, tuple(each[1][0] for each in named if each))

    def unordered(self, answer: Sequence, reference: Sequence) -> bool:
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
            near = (other for other in right if not (self.exact and self.rough.apart(item, other)))
            partner = next((other for other in near if self._members([(item, other)])), None)
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
            near = (other for other in kept if not (self.exact and self.rough.apart(item, other)))
            if item not in kept and not any(self.same(item, other) for other in near):
                kept.append(item)
        return kept

    def _sets(self, answer: Node, reference: Node) -> bool:
        try:
            return same_region(answer, reference, self.rough)
        except NoRegion:
            pass
        if isinstance(answer, SetOperation) and isinstance(reference, SetOperation) and answer.name == reference.name:
            if answer.name == "difference":
                return len(answer.parts) == len(reference.parts) and all(
                    self.same(left, right) for left, right in zip(answer.parts, reference.parts, strict=True)
                )
            return self.unordered(Sequence("{", "}", answer.parts), Sequence("{", "}", reference.parts))
        if (
            isinstance(answer, SetBuilder)
            and isinstance(reference, SetBuilder)
            and isinstance(answer.term, Symbol)
            and isinstance(reference.term, Symbol)
        ):
            renamed = [substitute(condition, {answer.term.name: reference.term}) for condition in answer.conditions]
            return self.unordered(Sequence("{", "}", tuple(renamed)), Sequence("{", "}", reference.conditions))
        return False


_ROOTS = frozenset({"x_1", "x_2", "x_3", "x_4"})


def _numbered(assigned: dict[str, Node] | None) -> bool:
    """Whether values belong to the roots of one unknown, which are numbered in any order."""
    return assigned is not None and len(assigned) > 1 and assigned.keys() <= _ROOTS


def _loose(node: Node) -> bool:
    return isinstance(node, Sequence) and node.left in ("", "{")


def _ends(sequence: Sequence) -> str:
    """The brackets of a sequence; a vector in angle brackets is the tuple of its components."""
    return (sequence.left + sequence.right).replace("<>", "()")


def _all_relations(node: Node) -> TypeGuard[Sequence]:
    return isinstance(node, Sequence) and bool(node.items) and all(isinstance(item, Relation) for item in node.items)
