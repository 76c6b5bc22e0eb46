"""Values known to lie in intervals: real, or complex as a pair of them; and what can be told of them for certain."""

from typing import Any

from mpmath import libmp
from mpmath.libmp import libmpi

Real = Any
"""An interval of libmp: a pair of mpf tuples."""
Value = tuple[Real, Real | None]
"""Real and imaginary part, the latter None for what is known to be real."""

ZERO: Real = (libmp.fzero, libmp.fzero)
ONE: Real = (libmp.fone, libmp.fone)


class Indeterminate(Exception):
    """No finite value can be enclosed: undefined, infinite, unknown, or the interval is too wide to tell."""


def complex_pair(value: Value) -> Any:
    """Both parts, as libmp wants them."""
    return value[0], ZERO if value[1] is None else value[1]


def realised(value: Any) -> Value:
    """A complex enclosure whose imaginary part is exactly zero is real."""
    return (value[0], None) if value[1] == ZERO else (value[0], value[1])


def negative(value: Value) -> Value:
    """The negative of an enclosure."""
    return libmpi.mpi_neg(value[0]), None if value[1] is None else libmpi.mpi_neg(value[1])


def holds_zero(part: Real) -> bool:
    """Whether zero is in an interval."""
    return bool(libmp.mpf_le(part[0], libmp.fzero) and libmp.mpf_ge(part[1], libmp.fzero))


def has_zero(value: Value) -> bool:
    """Whether the value may be zero."""
    return holds_zero(value[0]) and (value[1] is None or holds_zero(value[1]))


def excludes_zero(value: Value) -> bool:
    """Whether the value is certainly not zero."""
    return not has_zero(value)


def below(value: Value, bits: int) -> bool:
    """Whether the value is certainly smaller than 2^-bits in size."""
    for part in value:
        if part is None:
            continue
        for end in part:
            if end[1] and end[2] + end[3] > -bits:
                return False
    return True


def order(left: Value, right: Value) -> int:
    """-1, 1 by size of two real values, 0 if the enclosures overlap. Raises Indeterminate for complex ones."""
    if left[1] is not None or right[1] is not None:
        raise Indeterminate
    if libmp.mpf_lt(left[0][1], right[0][0]):
        return -1
    return 1 if libmp.mpf_lt(right[0][1], left[0][0]) else 0


def is_real(value: Value) -> bool:
    """Whether the value is known to be real."""
    return value[1] is None
