"""Values with a unit or a percent sign against each other and against bare values; rules in docs/answers.md."""

from collections.abc import Callable
from fractions import Fraction

from dart_k8s.answers import units
from dart_k8s.answers.exact import NotRational, rational
from dart_k8s.answers.limits import LimitReached
from dart_k8s.answers.tree import Call, Constant, Mul, Node, Number, Pow, Quantity, Symbol, mul, symbols, walk

Same = Callable[[Node, Node], bool]
"""Whether an answer equals a reference; not symmetric in its tolerance."""

_PI_PER_DEGREE = Fraction(1, 180)


def same_quantities(answer: Node, reference: Node, *, same: Same, query: str) -> bool:
    """Whether two values are equal of which one at least has a unit. `query` is the problem in lower case."""
    if isinstance(answer, Quantity) and isinstance(reference, Quantity):
        return _both(answer, reference, same)
    quantity, bare = (answer, reference) if isinstance(answer, Quantity) else (reference, answer)
    if not isinstance(quantity, Quantity):
        return False
    value, unit = quantity.value, quantity.unit

    def equal(node: Node) -> bool:
        return same(node, bare) if quantity is answer else same(bare, node)

    if unit == "%":
        return (equal(value) and _sign_left_out(bare, query)) or equal(mul(value, Number(Fraction(1, 100))))
    if unit == "degree" and any(part == Constant("pi") or _gives_angle(part) for part in walk(bare)):
        return equal(mul(value, Number(_PI_PER_DEGREE), Constant("pi")))
    if isinstance(bare, Mul) and (measured := _measured(bare)):
        # `9.8 m/s^2` in italics reads as a product of variables.
        scale = units.same_powers(unit, measured[1])
        if scale is not None:
            bare = mul(Number(scale), measured[0])
    return equal(value)


def _gives_angle(node: Node) -> bool:
    return isinstance(node, Call) and node.name in ("asin", "acos", "atan", "acot", "asec", "acsc")


def _measured(product: Mul) -> tuple[Node, dict[str, int]] | None:
    """A product as a number and powers of letters; None if it is no such thing."""
    powers: dict[str, int] = {}
    values: list[Node] = []
    for factor in product.factors:
        # 1/s^2 is a power of a power.
        name: Node = factor
        power = 1
        while isinstance(name, Pow) and isinstance(name.exponent, Number) and name.exponent.value.denominator == 1:
            power *= int(name.exponent.value)
            name = name.base
        if isinstance(name, Symbol):
            powers[name.name] = powers.get(name.name, 0) + power
        elif symbols(factor):
            return None
        else:
            values.append(factor)
    return (mul(*values), powers) if values and powers else None


def _sign_left_out(bare: Node, query: str) -> bool:
    """50% against 50: the sign was left out, which can be told only where 50 is no probability [P]."""
    if "percent" in query or "%" in query:
        return True
    try:
        return abs(rational(bare)) > 1
    except (NotRational, LimitReached):
        return False


def _both(answer: Quantity, reference: Quantity, same: Same) -> bool:
    if answer.unit == reference.unit:
        return same(answer.value, reference.value)
    scale = units.factor(answer.unit, reference.unit)
    if scale is not None:
        return same(mul(Number(scale), answer.value), reference.value)
    temperatures = {answer.unit, reference.unit}
    if units.compatible(answer.unit, reference.unit) or temperatures in ({"degree", "°C"}, {"degree", "°F"}):
        return same(answer.value, reference.value)
    return False
