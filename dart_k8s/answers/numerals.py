"""Numerals to numbers."""

from fractions import Fraction

from dart_k8s.answers.tokens import Unreadable
from dart_k8s.answers.tree import BaseNumber, Node, Number, Pow, integer, mul


def based(digits: str, base: int) -> BaseNumber:
    """A numeral in a base from 2 to 36; Unreadable if a digit does not exist there."""
    digits = digits.upper().lstrip("0") or "0"
    if not 2 <= base <= 36 or any(int(digit, 36) >= base for digit in digits):
        raise Unreadable(f"{digits!r} is no numeral in base {base}")
    return BaseNumber(digits, base)


def scientific(text: str) -> Node:
    """A numeral with an exponent: `1.5e-10`. The power of ten is kept as one, so its size is bounded where it is
    computed."""
    digits, _, exponent = text.lower().partition("e")
    return mul(number(digits), Pow(integer(10), integer(int(exponent))))


def number(text: str) -> Number:
    """A plain numeral."""
    whole, point, decimals = text.partition(".")
    return Number(Fraction(int((whole + decimals) or "0"), 10 ** len(decimals)), len(decimals) if point else None)


def repeating(text: str) -> Number:
    """`0.1|6` is 0.1666..."""
    fixed, _, cycle = text.partition("|")
    whole, _, decimals = fixed.partition(".")
    shift = 10 ** len(decimals)
    value = Fraction(int((whole + decimals) or "0"), shift) + Fraction(int(cycle), shift * (10 ** len(cycle) - 1))
    return Number(value)
