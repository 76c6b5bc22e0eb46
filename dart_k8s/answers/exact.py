"""Exact evaluation: rationals as fractions, and everything rational modulo large primes.

Two rational expressions that are equal are equal modulo every prime that divides no denominator. Two that differ are
equal modulo one of the primes below only if it divides the difference: for expressions in symbols, evaluated at
pseudo-random points, with probability at most degree / 2^127 (Schwartz 1980, Zippel 1979); for numbers, only for
differences built from these very primes. So huge powers are told apart without being computed.
"""

import hashlib
from fractions import Fraction
from itertools import count
from math import comb, factorial, gcd, isqrt, lcm, log2

from dart_k8s.answers.limits import EXACT_BITS, EXPONENT_BITS, FACTORIAL, TERMS, LimitReached, Work
from dart_k8s.answers.tree import Add, BaseNumber, Big, Call, Mul, Node, Number, Pow, Root, Symbol, integer, substitute

PRIMES = (
    283563422297147526278780363412057284537,
    298056573603264622628145560879053058321,
    222914855687148427695359911295311401943,
    302290484934127757478329817541218828059,
)
"""Primes of 128 bits, the next above BLAKE2b digests, so without any structure that an answer could share."""
_VISIT = 0.25
"""Steps for a node whose value is small."""
_POWER_BITS = 8_000
"""Bits of a power that take a step."""
_RESIDUE_BITS = 80
"""Bits of an exponent modulo a prime that take a step."""


class NotRational(Exception):
    """The expression is no rational number or function (or is undefined at this point)."""


def rational(node: Node, work: Work | None = None) -> Fraction:
    """The exact value of an expression without symbols.

    Raises NotRational for roots that are irrational, constants, symbols, unknown functions and division by zero;
    LimitReached if a number would pass the bounds of `limits`, or the work what is left of it.
    """
    return _rational(node, Work() if work is None else work)


def _rational(node: Node, work: Work) -> Fraction:
    work.pay(_VISIT)
    match node:
        case Number(value):
            return value
        case Add(terms):
            total = Fraction(0)
            for term in terms:
                total += _rational(term, work)
                _bounded(total, work)
            return total
        case Mul(factors):
            product = Fraction(1)
            for factor in factors:
                product *= _rational(factor, work)
                _bounded(product, work)
            return product
        case Pow(base, exponent):
            return _power(_rational(base, work), _rational(exponent, work), work)
        case Root(radicand, index):
            return root(_rational(radicand, work), index, work)
        case BaseNumber(digits, base_):
            return Fraction(int(digits, base_))
        case Call(name, arguments):
            value = _call(name, [_rational(argument, work) for argument in arguments])
            work.fraction(value.numerator, 1)
            return value
        case Big(name, body, variable, low, high) if (
            name in ("sum", "product") and low is not None and high is not None
        ):
            return _big(name, body, variable, _rational(low, work), _rational(high, work), work)
        case _:
            raise NotRational


def _bounded(value: Fraction, work: Work) -> None:
    if value.numerator.bit_length() > EXACT_BITS or value.denominator.bit_length() > EXACT_BITS:
        raise LimitReached(f"a number of more than {EXACT_BITS} bits")
    work.fraction(value.numerator, value.denominator)


def _power(base: Fraction, exponent: Fraction, work: Work) -> Fraction:
    if exponent.denominator != 1:
        if base < 0:
            raise NotRational
        if exponent.denominator > EXACT_BITS:
            raise NotRational
        base = root(base, exponent.denominator, work)
        exponent = Fraction(exponent.numerator)
    if base == 0:
        if exponent < 0:
            raise NotRational
        return Fraction(1) if exponent == 0 else base
    if abs(base) != 1:
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if bits * abs(exponent) > EXACT_BITS:
            raise LimitReached(f"a power of more than {EXACT_BITS} bits")
        # Both parts are raised by themselves: no divisor is looked for.
        work.pay(float(bits * abs(exponent)) / _POWER_BITS)
        return base ** int(exponent)
    return base if exponent.numerator % 2 else Fraction(1)


def integer_root(value: int, index: int) -> int | None:
    """The exact index-th root of a non-negative integer, None if it is irrational."""
    if value < 2:
        return value
    if index >= value.bit_length():
        return None
    if index == 2:
        guess = isqrt(value)
        return guess if guess * guess == value else None
    # Newton's method from just above the root.
    size = log2(value) / index
    shift = max(int(size) - 40, 0)
    guess = (int(2 ** (size - shift) * (1 + 1e-9)) + 2) << shift
    while True:
        closer = ((index - 1) * guess + value // guess ** (index - 1)) // index
        if closer >= guess:
            return guess if guess**index == value else None
        guess = closer


def root(value: Fraction, index: int, work: Work | None = None) -> Fraction:
    """The exact real root; NotRational if there is none among the rationals."""
    if work is not None:
        work.fraction(value.numerator, value.numerator)
        work.fraction(value.denominator, value.denominator)
    if value < 0:
        if index % 2 == 0:
            raise NotRational
        return -root(-value, index)
    top, bottom = integer_root(value.numerator, index), integer_root(value.denominator, index)
    if top is None or bottom is None:
        raise NotRational
    return Fraction(top, bottom)


def _call(name: str, values: list[Fraction]) -> Fraction:
    first = values[0] if values else Fraction(0)
    integers = all(value.denominator == 1 for value in values)
    if name == "abs":
        return abs(first)
    if name == "floor":
        return Fraction(first.numerator // first.denominator)
    if name == "ceil":
        return Fraction(-(-first.numerator // first.denominator))
    if name == "sgn":
        return Fraction((first > 0) - (first < 0))
    if name == "factorial" and integers and first >= 0:
        if first > FACTORIAL:
            raise LimitReached(f"a factorial above {FACTORIAL}")
        return Fraction(factorial(int(first)))
    if name == "binomial" and integers and len(values) == 2 and first >= 0 and values[1] >= 0:
        if first > FACTORIAL:
            raise LimitReached(f"a binomial above {FACTORIAL}")
        return Fraction(comb(int(first), int(values[1])))
    if name in ("min", "max") and values:
        return min(values) if name == "min" else max(values)
    if name in ("gcd", "lcm") and integers and values:
        whole = [int(value) for value in values]
        return Fraction(gcd(*whole) if name == "gcd" else lcm(*whole))
    raise NotRational


def _big(name: str, body: Node, variable: str, low: Fraction, high: Fraction, work: Work) -> Fraction:
    if low.denominator != 1 or high.denominator != 1:
        raise NotRational
    if high - low > TERMS:
        raise LimitReached(f"a sum or product of more than {TERMS} terms")
    total = Fraction(0 if name == "sum" else 1)
    for index in range(int(low), int(high) + 1):
        value = _rational(substitute(body, {variable: integer(index)}), work)
        total = total + value if name == "sum" else total * value
        _bounded(total, work)
    return total


def points(names: frozenset[str], seed: str, index: int, prime: int) -> dict[str, int]:
    """Pseudo-random residues for symbols. They follow from the texts compared, so a verdict repeats, and no text can
    aim at them."""
    values: dict[str, int] = {}
    for name in sorted(names):
        digest = hashlib.blake2b(f"{seed}\0{index}\0{name}".encode("utf-8", "surrogatepass"), digest_size=32).digest()
        values[name] = int.from_bytes(digest, "big") % prime
    return values


def residue(node: Node, prime: int, values: dict[str, int], work: Work) -> int:
    """The value of a rational expression modulo a prime, its symbols replaced by residues.

    Raises NotRational where there is no such value (irrational parts, unknown functions, a denominator that
    vanishes), LimitReached for exponents past the bounds, or if no work is left.
    """
    work.pay(_VISIT)
    match node:
        case Number(value):
            return _quotient(value.numerator, value.denominator, prime)
        case Symbol(name):
            if name not in values:
                raise NotRational
            return values[name]
        case Add(terms):
            return sum(residue(term, prime, values, work) for term in terms) % prime
        case Mul(factors):
            product = 1
            for factor in factors:
                product = product * residue(factor, prime, values, work) % prime
            return product
        case Pow(base, exponent):
            power = _rational(exponent, work)
            if power.denominator != 1:
                raise NotRational
            if power.numerator.bit_length() > EXPONENT_BITS:
                raise LimitReached(f"an exponent of more than {EXPONENT_BITS} bits")
            number = residue(base, prime, values, work)
            if number == 0:
                # The base may be a non-zero multiple of the prime: then nothing is known for exponents up to 0.
                if power <= 0:
                    raise NotRational
                return 0
            work.pay(power.numerator.bit_length() / _RESIDUE_BITS)
            return pow(number, int(power), prime)
        case _:
            value = _rational(node, work)
            return _quotient(value.numerator, value.denominator, prime)


def _quotient(top: int, bottom: int, prime: int) -> int:
    if bottom % prime == 0:
        raise NotRational
    return top * pow(bottom, -1, prime) % prime


def prime_from(seed: str) -> int:
    """A prime of 128 bits that follows from a text."""
    start = int.from_bytes(hashlib.blake2b(f"{seed}\0prime".encode(), digest_size=16).digest(), "big") | 1 << 127 | 1
    return next(number for number in count(start, 2) if _prime(number))


def _prime(number: int) -> bool:
    """Miller and Rabin's test. For numbers that come out of a hash, not out of an adversary, few bases are enough."""
    if any(number % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31)):
        return False
    twos = ((number - 1) & (1 - number)).bit_length() - 1
    for base in (2, 3, 5, 7, 11, 13):
        power = pow(base, (number - 1) >> twos, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True
