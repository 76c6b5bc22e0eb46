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


_ONES = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4} | {
    name: value
    for value, names in enumerate(
        ("third thirds", "fourth fourths", "fifth fifths", "sixth sixths", "seventh sevenths", "eighth eighths",
         "ninth ninths", "tenth tenths"), start=3)
    for name in names.split()
}  # fmt: skip


def spelled(words: list[str]) -> Fraction | None:
    """The number that English words spell, None if they spell none: `two hundred fifty`, `three quarters`."""
    words = [word.lower() for word in words]
    if len(words) > 3 and words[-3] == "and" and words[-2] in ("a", "one") and words[-1] in ("half", "quarter"):
        # Three and a half. "Two and a third" may be two things.
        before = _whole(words[:-3])
        return None if before is None else before + Fraction(1, _PARTS[words[-1]])
    if words[0] == "a" and len(words) == 2 and words[1] in _PARTS and not words[1].endswith("s"):
        return Fraction(1, _PARTS[words[1]]) if words[1] != "halves" else None
    if len(words) > 1 and words[-1] in _PARTS:
        top = _whole(words[:-1])
        # "two third" and "one thirds" are no English, "twenty one half" is no one number.
        if top is None or top == 0 or top > 20 or (top == 1) == (words[-1].endswith("s") or words[-1] == "halves"):
            return None
        return Fraction(top, _PARTS[words[-1]])
    whole = _whole(words)
    return None if whole is None else Fraction(whole)


def _whole(words: list[str]) -> int | None:
    total = group = 0
    last = 10**12
    before = ""
    for place, word in enumerate(words):
        if word == "and" and before in ("hundred", "thousand", "million") and place + 1 < len(words):
            continue
        if word in _ONES:
            small = before in _ONES or (before in _TENS and not 0 < _ONES[word] < 10)
            if small or (_ONES[word] == 0 and len(words) > 1):
                return None
            group += _ONES[word]
        elif word in _TENS:
            if before in _ONES or before in _TENS:
                return None
            group += _TENS[word]
        elif word == "hundred" and before in _ONES and 0 < group < 100:
            group *= 100
        elif word in _SCALES and group and _SCALES[word] < last:
            last = _SCALES[word]
            total += group * last
            group = 0
        else:
            return None
        before = word
    return total + group if before else None
