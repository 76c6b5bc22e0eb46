"""Numbers enclosed in intervals of any precision, so that "different" is always a proof.

Works on the pure functions of mpmath's libmp, which take the precision as an argument: no shared context, so threads
do not disturb each other. Functions without an interval version there are computed with 24 bits to spare at the ends
of the interval and widened by the last 8.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from mpmath import libmp
from mpmath.libmp import libmpi

from dart_k8s.answers.exact import NotRational, rational
from dart_k8s.answers.intervals import (
    ONE,
    ZERO,
    Indeterminate,
    Real,
    Value,
    complex_pair,
    has_zero,
    holds_zero,
    negative,
    realised,
)
from dart_k8s.answers.limits import LimitReached, Work
from dart_k8s.answers.tree import (
    Add,
    BaseNumber,
    Call,
    Constant,
    Mul,
    Node,
    Number,
    Pow,
    Root,
    Symbol,
    negate,
    substitute,
)
from dart_k8s.answers.written import bound

_LARGEST_EXPONENT = 1 << 20
"""Binary exponent past which a value counts as too large (or too small) to go on with."""
_FUNCTION_BITS = 512
_PRODUCT_BITS = 2048
"""Bits at which a function, and a product or root, takes about as long as the visit of its node."""


class Evaluation:
    """Evaluation of expressions at one point and one precision (bits).

    `work` is what is left of the comparison's.

    `magnitude` collects the binary size of everything met on the way: how many bits a cancellation could hide.
    """

    def __init__(self, precision: int, values: Mapping[str, Fraction], work: Work) -> None:
        self.precision = precision
        self.values = values
        self.work = work
        self.magnitude = 0

    def __call__(self, node: Node) -> Value:
        """The enclosure of a node. Raises Indeterminate or LimitReached."""
        self.work.pay(1)
        value = self._node(node)
        longest = max(end[3] for part in value if part is not None for end in part)
        self._product(longest)
        for part in value:
            if part is None:
                continue
            for end in part:
                if not end[1] and end[2]:
                    raise Indeterminate
                size = end[2] + end[3]
                if end[1] and abs(size) > _LARGEST_EXPONENT:
                    raise LimitReached("a number too large or too small to be written down")
            # An enclosure of zero shrinks with the precision: its size says nothing about the expression.
            if not holds_zero(part):
                self.magnitude += abs(part[1][2] + part[1][3])
        return value

    def _product(self, bits: int) -> None:
        self.work.pay((bits / _PRODUCT_BITS) ** 1.5)

    def _function(self) -> None:
        """Pay for an exponential, logarithm or trigonometric function.

        Measured: its time is quadratic in the bits, that of a product goes with their power 1.5.
        """
        self.work.pay((self.precision / _FUNCTION_BITS) ** 2)

    def _node(self, node: Node) -> Value:
        match node:
            case Number(value):
                return self.fraction(value)
            case Symbol(name):
                if name not in self.values:
                    raise Indeterminate
                return self.fraction(self.values[name])
            case Constant(name):
                return self._constant(name)
            case Add(terms):
                total: Value = (ZERO, None)
                for term in terms:
                    total = self.add(total, self(term))
                return total
            case Mul(factors):
                product: Value = (ONE, None)
                for factor in factors:
                    product = self._mul(product, self(factor))
                return product
            case Pow(base, exponent):
                return self._power(base, exponent)
            case Root(radicand, index):
                return self._root(self(radicand), index, real=index % 2 == 1)
            case BaseNumber(digits, base_):
                return self.fraction(Fraction(int(digits, base_)))
            case Call(name, arguments):
                return self._call(node, name, arguments)
            case _:
                try:
                    return self.fraction(rational(node, self.work))
                except NotRational:
                    raise Indeterminate from None

    def fraction(self, value: Fraction) -> Value:
        """A rational number."""
        if value.denominator == 1 and value.numerator.bit_length() <= self.precision:
            exact = libmp.from_int(value.numerator)
            return (exact, exact), None
        down = libmp.from_rational(value.numerator, value.denominator, self.precision, "f")
        return (down, libmp.from_rational(value.numerator, value.denominator, self.precision, "c")), None

    def _constant(self, name: str) -> Value:
        precision = self.precision
        if name == "pi":
            return libmpi.mpi_pi(precision), None
        if name == "e":
            return libmpi.mpi_exp(ONE, precision), None
        if name == "i":
            return ZERO, ONE
        if name == "degree":
            hundred_eighty = (libmp.from_int(180),) * 2
            return libmpi.mpi_div(libmpi.mpi_pi(precision), hundred_eighty, precision), None
        raise Indeterminate

    def add(self, left: Value, right: Value) -> Value:
        """The sum of two enclosures."""
        real = libmpi.mpi_add(left[0], right[0], self.precision)
        if left[1] is None:
            return real, right[1]
        return real, left[1] if right[1] is None else libmpi.mpi_add(left[1], right[1], self.precision)

    def _mul(self, left: Value, right: Value) -> Value:
        if left[1] is None and right[1] is None:
            return libmpi.mpi_mul(left[0], right[0], self.precision), None
        real: Value = libmpi.mpci_mul(complex_pair(left), complex_pair(right), self.precision)
        return realised(real)

    def _power(self, base: Node, exponent: Node) -> Value:
        power: Fraction | None
        try:
            at_point = self._at_point(exponent)
            bound(at_point)
            power = rational(at_point, self.work)
        except NotRational:
            power = None
        if power is not None and power.denominator == 1:
            value = self(base)
            if abs(power) > _LARGEST_EXPONENT:
                raise LimitReached("an exponent too large to evaluate")
            whole = int(power)
            if whole < 0 and has_zero(value):
                raise Indeterminate
            if value[1] is None:
                return self._whole_power(value[0], whole), None
            return realised(libmpi.mpci_pow_int(value, whole, self.precision))
        if power is not None and power.denominator <= 64:
            # Principal value for even denominators, the real root for odd ones, as for Root.
            root = self._root(self(base), power.denominator, real=power.denominator % 2 == 1)
            if power < 0 and has_zero(root):
                raise Indeterminate
            if root[1] is None:
                return self._whole_power(root[0], power.numerator), None
            return realised(libmpi.mpci_pow_int(root, power.numerator, self.precision))
        if base == Constant("e"):
            return self._exp(self(exponent))
        return self._exp(self._mul(self(exponent), self._log(self(base))))

    def _at_point(self, node: Node) -> Node:
        """The node with its symbols replaced by their values: (-1)^n has a real value where n is whole."""
        if isinstance(node, Number) or not self.values:
            return node
        return substitute(node, {name: Number(value) for name, value in self.values.items()})

    def _whole_power(self, value: Real, power: int) -> Real:
        positive = libmpi.mpi_pow_int(value, abs(power), self.precision)
        return positive if power >= 0 else libmpi.mpi_div(ONE, positive, self.precision)

    def _root(self, value: Value, index: int, *, real: bool) -> Value:
        if value[1] is None:
            low, high = value[0]
            self._product(2 * self.precision)
            if not libmp.mpf_lt(low, libmp.fzero):
                if index == 2:
                    return libmpi.mpi_sqrt(value[0], self.precision), None
                return self._monotone(lambda end, precision: libmp.mpf_nthroot(end, index, precision), value[0]), None
            if real and not libmp.mpf_gt(high, libmp.fzero):
                positive, _ = self._root((libmpi.mpi_neg(value[0]), None), index, real=True)
                return libmpi.mpi_neg(positive), None
            if not libmp.mpf_lt(high, libmp.fzero):
                raise Indeterminate
        logarithm = self._log(value)
        share = self.fraction(Fraction(1, index))
        return self._exp(self._mul(logarithm, share))

    def _exp(self, value: Value) -> Value:
        self._function()
        if libmp.mpf_gt(value[0][1], libmp.from_int(_LARGEST_EXPONENT)) or libmp.mpf_lt(
            value[0][0], libmp.from_int(-_LARGEST_EXPONENT)
        ):
            raise LimitReached("an exponential too large or too small to evaluate")
        if value[1] is None:
            return libmpi.mpi_exp(value[0], self.precision), None
        return realised(libmpi.mpci_exp(value, self.precision))

    def _log(self, value: Value) -> Value:
        self._function()
        if has_zero(value):
            raise Indeterminate
        if value[1] is None:
            if libmp.mpf_gt(value[0][0], libmp.fzero):
                return libmpi.mpi_log(value[0], self.precision), None
            if libmp.mpf_lt(value[0][1], libmp.fzero):
                return libmpi.mpi_log(libmpi.mpi_neg(value[0]), self.precision), libmpi.mpi_pi(self.precision)
            raise Indeterminate
        # The cut along the negative reals: an enclosure across it has no one logarithm.
        if (
            libmp.mpf_le(value[0][0], libmp.fzero)
            and libmp.mpf_le(value[1][0], libmp.fzero)
            and libmp.mpf_ge(value[1][1], libmp.fzero)
        ):
            raise Indeterminate
        return realised(libmpi.mpci_log(value, self.precision))

    def _monotone(self, function: Callable[[Any, int], Any], value: Real, *, falling: bool = False) -> Real:
        """A monotone real function over an interval, widened by the last 8 of 24 extra bits."""
        try:
            ends = [function(end, self.precision + 24) for end in value]
        except (libmp.ComplexResult, ValueError):
            raise Indeterminate from None
        low, high = ends[::-1] if falling else ends
        slack = self.precision + 16
        low = libmp.mpf_sub(low, libmp.mpf_shift(libmp.mpf_abs(low), -slack), self.precision, "f")
        return low, libmp.mpf_add(high, libmp.mpf_shift(libmp.mpf_abs(high), -slack), self.precision, "c")

    def _call(self, node: Node, name: str, arguments: tuple[Node, ...]) -> Value:
        if name == "logarithm":
            # The base is not said: an unknown factor stands for it, so only what holds in every base is equal.
            return self._mul(self._log(self(arguments[0])), self.fraction(self.values.get("\0base", Fraction(2, 3))))
        if name == "log":
            result = self._log(self(arguments[0]))
            if len(arguments) == 2:
                below = self._log(self(arguments[1]))
                if has_zero(below):
                    raise Indeterminate
                return self._divide(result, below)
            return result
        if name in _TRIGONOMETRIC:
            return self._trigonometric(name, self(arguments[0]))
        if name in ("sinh", "cosh", "tanh", "coth"):
            # Through the public door, so that the sizes of both exponentials count.
            up = self(Pow(Constant("e"), arguments[0]))
            down = self(Pow(Constant("e"), negate(arguments[0])))
            half = self.fraction(Fraction(1, 2))
            sine = self._mul(self.add(up, negative(down)), half)
            cosine = self._mul(self.add(up, down), half)
            if name in ("sinh", "cosh"):
                return sine if name == "sinh" else cosine
            return self._divide(sine, cosine) if name == "tanh" else self._divide(cosine, sine)
        if name in ("factorial", "binomial", "gcd", "lcm"):
            return self._whole(node, name, arguments)
        value = self(arguments[0])
        if name == "abs":
            if value[1] is None:
                return libmpi.mpi_abs(value[0], self.precision), None
            squares = libmpi.mpi_add(
                libmpi.mpi_square(value[0], self.precision), libmpi.mpi_square(value[1], self.precision), self.precision
            )
            return libmpi.mpi_sqrt(squares, self.precision), None
        if name in ("Re", "Im"):
            return (value[0] if name == "Re" else value[1] or ZERO), None
        if value[1] is not None:
            raise Indeterminate
        if name in ("floor", "ceil", "sgn"):
            return self._step(name, value[0])
        if name in ("min", "max"):
            others = [self(argument) for argument in arguments[1:]]
            if any(other[1] is not None for other in others):
                raise Indeterminate
            low, high = value[0]
            beyond = libmp.mpf_lt if name == "min" else libmp.mpf_gt
            for other, _ in others:
                low = other[0] if beyond(other[0], low) else low
                high = other[1] if beyond(other[1], high) else high
            return (low, high), None
        if name in ("asin", "acos", "atan"):
            self._function()
            function = {"asin": libmp.mpf_asin, "acos": libmp.mpf_acos, "atan": libmp.mpf_atan}[name]
            return self._monotone(
                lambda end, precision: function(end, precision, "n"), value[0], falling=name == "acos"
            ), None
        raise Indeterminate

    def _trigonometric(self, name: str, value: Value) -> Value:
        self._function()
        self._function()
        if value[1] is None:
            cosine: Value = (libmpi.mpi_cos(value[0], self.precision), None)
            sine: Value = (libmpi.mpi_sin(value[0], self.precision), None)
        else:
            cosine = realised(libmpi.mpci_cos(value, self.precision))
            sine = realised(libmpi.mpci_sin(value, self.precision))
        one: Value = (ONE, None)
        top, bottom = {
            "sin": (sine, one),
            "cos": (cosine, one),
            "tan": (sine, cosine),
            "cot": (cosine, sine),
            "sec": (one, cosine),
            "csc": (one, sine),
        }[name]
        return top if bottom is one else self._divide(top, bottom)

    def _divide(self, top: Value, bottom: Value) -> Value:
        if has_zero(bottom):
            raise Indeterminate
        if top[1] is None and bottom[1] is None:
            return libmpi.mpi_div(top[0], bottom[0], self.precision), None
        return realised(libmpi.mpci_div(complex_pair(top), complex_pair(bottom), self.precision))

    def _step(self, name: str, value: Real) -> Value:
        steps = {
            libmp.to_int(libmp.mpf_floor(end) if name == "floor" else libmp.mpf_ceil(end))
            if name != "sgn"
            else libmp.mpf_sign(end)
            for end in value
        }
        if len(steps) != 1:
            raise Indeterminate
        return self.fraction(Fraction(steps.pop()))

    def _whole(self, node: Node, name: str, arguments: tuple[Node, ...]) -> Value:
        """Functions of integers, at points where their arguments are integers."""
        whole: list[Node] = []
        for argument in arguments:
            value = self(argument)
            if value[1] is not None or value[0][0] != value[0][1]:
                raise Indeterminate
            top, bottom = libmp.to_rational(value[0][0])
            whole.append(Number(Fraction(top, bottom)))
        try:
            return self.fraction(rational(Call(name, tuple(whole)), self.work))
        except NotRational:
            raise Indeterminate from None


_TRIGONOMETRIC = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
