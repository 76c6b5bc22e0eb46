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
PRECISION_BITS = 6_000
"""Highest precision that the comparison of real or complex numbers grows to."""
STEPS = 20_000
"""Most evaluation steps (one node at one point) for one comparison, weighted by precision: half a second."""


class LimitReached(Exception):
    """Work was refused because it would pass a bound of this module. The answer is then undecided, never correct."""
