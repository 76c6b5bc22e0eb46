"""Bounds on the work that one answer may cause, checked before the work is done.

Each is far above what honest answers need (the longest of some 30,000 references of public data sets has 400
characters, the deepest nesting is 7) and low enough that everything the bounds let through takes milliseconds in the
calling process.
"""

ANSWER_CHARACTERS = 4_000
"""Longest answer that is parsed at all; longer ones are compared as text only."""
TOKENS = 2_000
"""Most tokens in one answer."""
DEPTH = 40
"""Deepest nesting of brackets, fractions, roots and powers. The parser is recursive: this is also what keeps the
stack small."""
ITEMS = 400
"""Most members of one list, set or tuple. Unordered comparison is quadratic in the worst case."""
DIGITS = 1_500
"""Longest numeral; below the interpreter's own bound on turning text into integers."""
EXACT_BITS = 32_000
"""Largest integer computed exactly. Larger ones are compared modulo primes, without ever writing them down."""
EXPONENT_BITS = 4_096
"""Largest exponent of a power that is compared modulo primes."""
FACTORIAL = 2_500
"""Largest argument of a factorial or upper index of a binomial; contests like the number of the year."""
TERMS = 1_000
"""Most terms of a finite sum or product that is written out."""
VISITS = 30_000
"""Most nodes visited when all finite sums and products of two expressions are written out, nested ones included."""
_INTEGER_BITS = 2_000
_FRACTION_BITS = 1_500
"""Size at which an integer, and a fraction, costs a step; measured, the latter with the power 1.65 of its size."""
PRECISION_BITS = 6_000
"""Highest precision that the comparison of real or complex numbers grows to."""
STEPS = 20_000
"""Most steps for one comparison of an answer with a reference, all pairs of their members together: half a second. One
step is the visit of one node at low precision, some 20 microseconds; dearer work counts as several."""


class LimitReached(Exception):
    """Work was refused because it would pass a bound of this module. The answer is then undecided, never correct."""


class Work:
    """Steps left for one comparison. What is charged follows from the texts, so a verdict never depends on the time."""

    __slots__ = ("left",)

    def __init__(self, steps: float = STEPS) -> None:
        self.left = steps

    def pay(self, steps: float) -> None:
        """Charge steps before or after they are done. Raises LimitReached once there are none left."""
        self.left -= steps
        if self.left < 0:
            raise LimitReached("too many steps to evaluate an expression")

    def fraction(self, top: int, bottom: int) -> None:
        """Charge for arithmetic with a fraction: its greatest common divisor is what takes time."""
        if bottom == 1:
            self.pay(top.bit_length() / _INTEGER_BITS)
        else:
            self.pay((min(top.bit_length(), bottom.bit_length()) / _FRACTION_BITS) ** 1.65)
