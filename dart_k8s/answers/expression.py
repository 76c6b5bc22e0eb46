"""Whether two expressions denote the same number or the same function.

In this order, each step deciding only what it can prove or all but prove:
1. same structure after sorting sums and products;
2. both rational: exact fractions, or residues modulo 128-bit primes where those would be too large;
3. rational functions: residues at pseudo-random points (Schwartz-Zippel), error below degree / 2^127 for each of four
   primes;
4. other numbers: enclosures at growing precision until they are apart, or closer than two different numbers of that
   form can be. For radicals and trigonometric functions of rational angles that is a theorem (the BFMSS bound:
   Burnikel, Fleischer, Mehlhorn, Schirra, "A strong and easily computable separation bound for arithmetic expressions
   involving radicals", Algorithmica 27, 2000); with pi, e and logarithms it is the sum of the sizes of everything
   that occurs in them plus 192 bits;
5. other functions: the same at up to ten points, where both are real;
6. what is left (symbolic sums, integrals, limits) is raised as `Open`, for SymPy in a child process.
"""

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from math import log2

from dart_k8s.answers import exact, intervals
from dart_k8s.answers.enclosure import Evaluation
from dart_k8s.answers.exact import NotRational
from dart_k8s.answers.intervals import Indeterminate
from dart_k8s.answers.limits import PRECISION_BITS, LimitReached, Work
from dart_k8s.answers.points import points
from dart_k8s.answers.tree import (
    Add,
    Big,
    Call,
    Constant,
    Matrix,
    Mul,
    Node,
    Number,
    Pow,
    Root,
    Symbol,
    children,
    rebuild,
    subtract,
    symbols,
    walk,
)

_GUARD_BITS = 192
_SIZES = 4
"""Numbers with pi, e or logarithms count as equal when they agree to 192 bits past four times the sizes of everything
in them (cos x - 1 is of the order of x^2, so the sizes alone would not do)."""
_ENOUGH_POINTS = 3
_EXPONENT_BITS = 512
"""Longest exponent whose bound is worked out, in floats."""
_PRIME_STEPS = 50
"""What finding a prime costs."""
_AIMED_BITS = 100
"""Numerals shorter than this, all together, can't hold a multiple of even one of the fixed primes."""


class Open(Exception):
    """A pair of expressions that only computer algebra can decide. The arguments are the two nodes."""

    def __init__(self, left: Node, right: Node) -> None:
        super().__init__("needs computer algebra")
        self.left = left
        self.right = right


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether two expressions are equal, and which step found out."""

    equal: bool
    tier: str


def same(left: Node, right: Node, work: Work) -> Finding:
    """Compare two expressions. Raises Open, or LimitReached."""
    if left == right:
        return Finding(True, "structure")
    work.pay(sum(1 for side in (left, right) for _ in walk(side)))
    names = symbols(left) | symbols(right)
    if not names:
        found = _rational_numbers(left, right, work)
        if found is not None:
            return Finding(found, "number")
    if sort(left) == sort(right):
        return Finding(True, "structure")
    if any(isinstance(part, Big) for part in (*walk(left), *walk(right))):
        raise Open(left, right)
    if any(part == Constant("infinity") for part in (*walk(left), *walk(right))):
        # Alone and with its sign it is a value (compared by structure, above); in a calculation it is none.
        return Finding(False, "structure")
    left, right = _opaque(left), _opaque(right)
    names = symbols(left) | symbols(right)
    found = _residues(left, right, names, work)
    if found is not None:
        return Finding(found, "number" if not names else "structure")
    if not names:
        return Finding(_numbers(left, right, work), "numeric")
    return Finding(_functions(left, right, names, work), "numeric")


def sort(node: Node) -> Node:
    """The node with the members of sums and products in one order."""
    parts = tuple(sort(part) for part in children(node))
    if not parts:
        return node
    if isinstance(node, Add | Mul):
        parts = tuple(sorted(parts, key=repr))
    return rebuild(node, parts)


def _rational_numbers(left: Node, right: Node, work: Work) -> bool | None:
    try:
        return exact.rational(left, work) == exact.rational(right, work)
    except NotRational:
        return None
    except LimitReached:
        return _residues(left, right, frozenset(), work)


def _residues(left: Node, right: Node, names: frozenset[str], work: Work) -> bool | None:
    """Equality modulo primes; None if one side is not rational."""
    seed = _seed(left, right)
    agreed = 0
    for index, prime in enumerate(exact.PRIMES):
        values = exact.points(names, seed, index, prime)
        try:
            if exact.residue(left, prime, values, work) != exact.residue(right, prime, values, work):
                return False
            agreed += 1
        except NotRational:
            return None
        except LimitReached:
            if names and work.left >= 0:
                return None
            raise
    if agreed < len(exact.PRIMES):
        return None
    if sum(_bits(part) for node in (left, right) for part in walk(node)) < _AIMED_BITS:
        return True
    # Long numerals could be multiples of the primes above. Nobody can aim at a prime that follows from the texts.
    work.pay(_PRIME_STEPS)
    prime = exact.prime_from(seed)
    try:
        values = exact.points(names, seed, len(exact.PRIMES), prime)
        return exact.residue(left, prime, values, work) == exact.residue(right, prime, values, work)
    except NotRational:
        return None


def _bits(node: Node) -> int:
    return node.value.numerator.bit_length() + node.value.denominator.bit_length() if isinstance(node, Number) else 0


def _seed(left: Node, right: Node) -> str:
    return hashlib.blake2b(f"{left!r}\0{right!r}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _opaque(node: Node) -> Node:
    """Unknown functions and determinants as symbols: equal only where they are written the same."""
    if isinstance(node, Call) and (
        (node.name[0] in "fgh" and not node.name[1:].strip("'^-1"))
        or node.name in ("det", "Pr", "arg", "norm", "pmod", "deg")
    ):
        return Symbol(f"\0{sort(node)!r}")
    if isinstance(node, Matrix):
        return Symbol(f"\0{sort(node)!r}")
    parts = children(node)
    return rebuild(node, tuple(_opaque(part) for part in parts)) if parts else node


def _numbers(left: Node, right: Node, work: Work) -> bool:
    """Two numbers at growing precision."""
    difference = subtract(left, right)
    bound = separation_bits(difference, work)
    precision = 96
    while True:
        evaluation = Evaluation(precision, {}, work)
        try:
            value = evaluation(difference)
        except Indeterminate:
            # Too wide to tell at this precision, or undefined for good.
            if precision >= 1536:
                raise Open(left, right) from None
            precision *= 4
            continue
        if intervals.excludes_zero(value):
            return False
        needed = _SIZES * evaluation.magnitude + _GUARD_BITS if bound is None else min(bound, PRECISION_BITS)
        if intervals.below(value, needed):
            return True
        if precision >= PRECISION_BITS + evaluation.magnitude:
            raise LimitReached(f"numbers that agree to {PRECISION_BITS} bits")
        precision = min(max(2 * precision, needed + evaluation.magnitude + 32), PRECISION_BITS + evaluation.magnitude)
        if precision > 4 * PRECISION_BITS:
            raise LimitReached("numbers of very different size")


def separation_bits(node: Node, work: Work) -> int | None:
    """b such that the value is zero if it is smaller than 2^-b; None if the value is not known to be algebraic."""
    degrees: dict[Node, int] = {}
    try:
        upper, lower = _bounds(node, degrees, work)
    except NotRational:
        return None
    degree = 1.0
    for factor in degrees.values():
        degree *= factor
        if degree > PRECISION_BITS:
            return PRECISION_BITS * 2
    return int((degree - 1) * upper + lower) + 2


def _bounds(node: Node, degrees: dict[Node, int], work: Work) -> tuple[float, float]:
    """BFMSS: binary logarithms of bounds on the conjugates of two algebraic integers whose quotient the value is."""
    match node:
        case Number(value):
            return log2(abs(value.numerator) or 1), log2(value.denominator)
        case Add(terms):
            upper, lower = _bounds(terms[0], degrees, work)
            for term in terms[1:]:
                more_upper, more_lower = _bounds(term, degrees, work)
                first, second = upper + more_lower, lower + more_upper
                upper, lower = max(first, second) + 1, lower + more_lower
            return upper, lower
        case Mul(factors):
            pairs = [_bounds(factor, degrees, work) for factor in factors]
            return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
        case Pow(base, exponent):
            power = exact.rational(exponent, work)
            if max(power.numerator.bit_length(), power.denominator.bit_length()) > _EXPONENT_BITS:
                raise LimitReached(f"an exponent of more than {_EXPONENT_BITS} bits")
            upper, lower = _bounds(base, degrees, work)
            if power.denominator > 1:
                upper, lower = _root_bounds(upper, lower, power.denominator)
                degrees[Root(base, power.denominator)] = power.denominator
            if power < 0:
                upper, lower = lower, upper
            size = float(abs(power.numerator))
            return upper * size, lower * size
        case Root(radicand, index):
            upper, lower = _bounds(radicand, degrees, work)
            degrees[node] = index
            return _root_bounds(upper, lower, index)
        case Constant("i"):
            degrees[node] = 2
            return 0.0, 0.0
        case Call(name, (argument,)) if name in ("sin", "cos", "tan", "cot", "sec", "csc"):
            # 2 cos and 2 sin of a rational part of the circle are sums of two roots of unity.
            turns = _half_turns(argument, work)
            degrees[Call("turn", (Number(Fraction(1, turns.denominator)),))] = 4 * turns.denominator
            return 1.0, 1.0
        case _:
            value = exact.rational(node, work)
            return log2(abs(value.numerator) or 1), log2(value.denominator)


def _root_bounds(upper: float, lower: float, index: int) -> tuple[float, float]:
    if upper >= lower:
        return (upper + (index - 1) * lower) / index, lower
    return upper, ((index - 1) * upper + lower) / index


def _half_turns(node: Node, work: Work) -> Fraction:
    """The argument of a trigonometric function as a multiple of pi."""
    if isinstance(node, Number) and node.value == 0:
        return Fraction(0)
    if node == Constant("pi"):
        return Fraction(1)
    if node == Constant("degree"):
        return Fraction(1, 180)
    if isinstance(node, Add):
        return sum((_half_turns(term, work) for term in node.terms), Fraction(0))
    if isinstance(node, Mul):
        angles = [
            factor
            for factor in node.factors
            if factor in (Constant("pi"), Constant("degree")) or isinstance(factor, Add)
        ]
        if len(angles) != 1:
            raise NotRational
        share = Fraction(1)
        for factor in node.factors:
            if factor is not angles[0]:
                share *= exact.rational(factor, work)
        return share * _half_turns(angles[0], work)
    raise NotRational


def _functions(left: Node, right: Node, names: frozenset[str], work: Work) -> bool:
    """Two functions at points. Different at one point where both are real: different. The same at enough points: the
    same."""
    seed = _seed(left, right)
    imaginary = any(part == Constant("i") for part in (*walk(left), *walk(right)))
    agreed = 0
    for point in points(left, right, names, seed):
        if point.spare and agreed >= _ENOUGH_POINTS:
            break
        values = point.values
        precision = 64
        while True:
            evaluation = Evaluation(precision, values, work)
            try:
                first, second = evaluation(left), evaluation(right)
            except Indeterminate:
                break
            except LimitReached:
                if not point.far or work.left < 0:
                    raise
                break
            if not imaginary and not (intervals.is_real(first) and intervals.is_real(second)):
                break
            value = evaluation.add(first, intervals.negative(second))
            if intervals.excludes_zero(value):
                return False
            needed = _SIZES * evaluation.magnitude + _GUARD_BITS
            if intervals.below(value, needed):
                agreed += 1
                break
            if precision > PRECISION_BITS + evaluation.magnitude:
                raise LimitReached(f"functions that agree to {PRECISION_BITS} bits at a point")
            precision = max(2 * precision, needed + evaluation.magnitude + 32)
    if agreed >= _ENOUGH_POINTS:
        return True
    raise Open(left, right)


def compare_sizes(left: Node, right: Node, work: Work) -> int:
    """-1, 0 or 1 by the order of two real numbers. Raises Open, LimitReached or Indeterminate (complex, symbolic or
    infinite)."""
    try:
        first, second = exact.rational(left, work), exact.rational(right, work)
        return (first > second) - (first < second)
    except NotRational:
        pass
    if same(left, right, work).equal:
        return 0
    precision = 96
    while precision <= PRECISION_BITS:
        found = intervals.order(Evaluation(precision, {}, work)(left), Evaluation(precision, {}, work)(right))
        if found:
            return found
        precision *= 4
    raise LimitReached(f"numbers that agree to {PRECISION_BITS} bits")
