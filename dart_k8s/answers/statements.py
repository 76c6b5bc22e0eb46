"""Statements about values: `x = 5`, chains, equations and inequalities; rules E and Q of docs/answers.md."""

from fractions import Fraction

from dart_k8s.answers import expression
from dart_k8s.answers.expression import Open
from dart_k8s.answers.forms import is_matrix_name, is_name, is_quotient
from dart_k8s.answers.intervals import Indeterminate
from dart_k8s.answers.regions import NoRegion, same_region
from dart_k8s.answers.sequences import Sequences
from dart_k8s.answers.tolerance import rounds_to
from dart_k8s.answers.tree import (
    EXPRESSIONS,
    ZERO,
    Matrix,
    Node,
    Number,
    Relation,
    Sequence,
    Symbol,
    mul,
    substitute,
    subtract,
    symbols,
    walk,
)


class Statements(Sequences):
    """Comparison where one side at least is a relation."""

    def relations(self, answer: Node, reference: Node) -> bool:
        try:
            return same_region(answer, reference, self.rough)
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
                isinstance(other, Sequence)
                and (not other.left or len(relation.sides) > 2)
                and isinstance(relation.sides[0], Sequence | Symbol)
                and self.assignments(relation) is not None
            ):
                return self.collections(answer, reference)
            named = self.values(relation)
            if named is None:
                return False
            values = named[1]
        return any(self.same(value, other) if relation is answer else self.same(other, value) for value in values)

    def _both_relations(self, answer: Relation, reference: Relation) -> bool:
        first, second = self.values(answer), self.values(reference)
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

    def values(self, relation: Relation) -> tuple[Node | None, list[Node]] | None:
        """Name and value of `x = 5`, `f(x) = ...`, `5 = x`, `x = 3/2 = 1.5`, `2 + 3 = 5`, `x = 1/3 ~ 0.33` [E].

        None if the relation is no such statement, or contradicts itself.
        """
        if not set(relation.operators) <= {"=", "~"} and relation.operators != ("mod",):
            return None
        sides, operators = list(relation.sides), list(relation.operators)
        name: Node | None = None
        if is_name(sides[0]) and not any(sides[0] in tuple(walk(side)) for side in sides[1:]):
            name, sides, operators = sides[0], sides[1:], operators[1:]
            # AB = BC = 5: each of them is 5.
            while len(sides) > 1 and isinstance(sides[0], Symbol) and not any(symbols(side) for side in sides[-1:]):
                sides, operators = sides[1:], operators[1:]
        elif not any(symbols(side) for side in sides[1:]) and (
            is_quotient(sides[0]) or (isinstance(sides[-1], Matrix) and is_matrix_name(sides[0]))
        ):
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
        if any(not rounds_to(exact[-1], side, self.work) for side in about):
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
                if self.zero(at_first) or self.zero(at_second):
                    continue
                if (
                    first_operator.startswith("<")
                    and expression.compare_sizes(mul(at_first, at_second), ZERO, self.work) < 0
                ):
                    return False
            except (Indeterminate, Open):
                continue
            return self.same(mul(first, at_second), mul(second, at_first))
        return False
