"""Where two functions are compared.

The points follow from the texts compared: so a verdict repeats, and no text can have its zeros at all of them.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from dart_k8s.answers.tree import Add, Call, Node, Number, Pow, Root, symbols, walk

_COUNTING = frozenset("ijklmnN")
"""Letters that stand for whole numbers where a factorial, floor or power of -1 holds them."""
_PIECES = frozenset({"abs", "min", "max", "floor", "ceil", "sgn"})
_BASE = "\0base"
"""The base of a logarithm that names none; see `enclosure`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Values for all symbols."""

    values: Mapping[str, Fraction]
    far: bool = False
    """So large that an expression may pass the limits there: then the point says nothing."""
    spare: bool = False
    """Needed only where too few of the points before it were inside the domain."""


def points(left: Node, right: Node, names: frozenset[str], seed: str) -> Iterator[Point]:
    """Points for two functions, the telling ones first.

    Small ones of all combinations of signs. Functions that are made of pieces (absolute values, roots, maxima) also
    get points between and beyond all numbers that occur in them, where |x - 10| and 10 - x are apart. Whole numbers
    where those are meant; far ones among them, since (n-1)(n-2)(n-3) has its zeros at the near ones.
    """
    both = Add((left, right))
    whole = _whole(both)
    size = _largest(both) if _has_pieces(both) else None

    def at(index: int, *, low: Fraction, high: Fraction, signs: str, **kind: bool) -> Point:
        values: dict[str, Fraction] = {}
        # Every second point has them the other way round: n - k or k - n has to be no less than 0.
        for place, name in enumerate(sorted(names | {_BASE}, reverse=index % 2 == 1)):
            digest = hashlib.blake2b(f"{seed}{index}{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
            share = Fraction(int.from_bytes(digest[:5], "big") | 1, 1 << 40)
            if name == _BASE:
                values[name] = share
            elif name in whole:
                far = 20 + int.from_bytes(digest[5:7], "big") % 900
                values[name] = Fraction(far if index >= 4 else 1 + index + 3 * place + digest[5] % 2)
            else:
                sign = {"+": 0, "-": 1, "alternating": place, "other": place + 1, "pairs": place >> 1}[signs] % 2
                values[name] = (low + (high - low) * share) * (-1 if sign else 1)
        return Point(values=values, **kind)

    zero, one, three, four = Fraction(0), Fraction(1), Fraction(3), Fraction(4)
    for index in range(2):
        yield at(index, low=zero, high=one, signs="+")
    for index in range(2, 4):
        yield at(index, low=one, high=four, signs="+")
    for index, signs in enumerate(("alternating", "pairs", "-"), start=4):
        yield at(index, low=one, high=three, signs=signs, far=bool(whole))
    if size is not None:
        for index, signs in enumerate(("+", "-", "alternating", "other", "pairs"), start=7):
            yield at(index, low=size, high=2 * size, signs=signs, far=True)
        for index, signs in enumerate(("+", "-"), start=12):
            yield at(index, low=zero, high=size, signs=signs, far=True)
    for index in range(14, 20):
        yield at(index, low=zero, high=one, signs="+" if index % 3 else "-", far=bool(whole), spare=True)


def _largest(node: Node) -> Fraction:
    """A number beyond all numerals in an expression."""
    return 1 + 2 * max((abs(part.value) for part in walk(node) if isinstance(part, Number)), default=Fraction(1))


def _has_pieces(node: Node) -> bool:
    for part in walk(node):
        if isinstance(part, Call) and part.name in _PIECES and symbols(part):
            return True
        if isinstance(part, Root) and symbols(part.radicand):
            return True
        if isinstance(part, Pow) and isinstance(part.exponent, Number) and part.exponent.value.denominator > 1:
            return True
    return False


def _whole(node: Node) -> frozenset[str]:
    """Symbols that have to be whole numbers for the expression to have a value, and, beside a function of whole
    numbers, the letters that usually are."""
    names: frozenset[str] = frozenset()
    counts = False
    for part in walk(node):
        if isinstance(part, Call) and part.name in ("factorial", "binomial", "gcd", "lcm"):
            names |= symbols(part)
        elif isinstance(part, Call) and part.name in ("floor", "ceil"):
            counts |= bool(symbols(part))
        elif isinstance(part, Pow) and isinstance(part.base, Number) and part.base.value < 0:
            names |= symbols(part.exponent)
    return names | (symbols(node) & _COUNTING) if names or counts else names
