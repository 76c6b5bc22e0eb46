"""Computer algebra, the last tier: SymPy on expressions built from the tree. Runs only in a child that can be killed.

No text reaches SymPy's parser: every node is built by its constructor, and symbols get names of our own (x0, x1, ...).
"""

from typing import Any

import sympy

from dart_k8s.answers.limits import EXACT_BITS, LimitReached
from dart_k8s.answers.tree import Add, BaseNumber, Big, Call, Constant, Mul, Node, Number, Pow, Root, Symbol, Word, walk

_FUNCTIONS: dict[str, Any] = {
    "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "cot": sympy.cot, "sec": sympy.sec, "csc": sympy.csc,
    "asin": sympy.asin,
    "acos": sympy.acos, "atan": sympy.atan, "acot": sympy.acot, "asec": sympy.asec, "acsc": sympy.acsc,
    "sinh": sympy.sinh, "cosh": sympy.cosh,
    "tanh": sympy.tanh, "coth": sympy.coth, "asinh": sympy.asinh, "acosh": sympy.acosh, "atanh": sympy.atanh,
    "abs": sympy.Abs,
    "floor": sympy.floor, "ceil": sympy.ceiling, "sgn": sympy.sign, "min": sympy.Min, "max": sympy.Max,
    "gcd": sympy.gcd, "lcm": sympy.lcm,
    "factorial": sympy.factorial, "binomial": sympy.binomial, "Re": sympy.re, "Im": sympy.im,
}  # fmt: skip
_CONSTANTS = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "infinity": sympy.oo, "degree": sympy.pi / 180}
_COUNTING = frozenset("ijklmnN")


def equal(left: Node, right: Node) -> bool:
    """Whether SymPy shows that two expressions are equal. May run without end and take any memory: only for
    children."""
    names = sorted(
        {part.name for node in (left, right) for part in walk(node) if isinstance(part, Symbol)}
        | _bound(left)
        | _bound(right)
    )
    symbols = {name: _symbol(index, name) for index, name in enumerate(names)}
    difference = (_build(left, symbols) - _build(right, symbols)).doit()
    if difference.has(sympy.nan, sympy.zoo):
        return False
    if difference == 0:
        return True
    return bool(sympy.simplify(difference) == 0)


def _bound(node: Node) -> set[str]:
    return {part.variable for part in walk(node) if isinstance(part, Big)}


def _symbol(index: int, name: str) -> Any:
    return (
        sympy.Symbol(f"x{index}", integer=True, positive=True)
        if name in _COUNTING
        else sympy.Symbol(f"x{index}", real=True)
    )


def _build(node: Node, symbols: dict[str, Any]) -> Any:
    match node:
        case Number(value):
            if max(value.numerator.bit_length(), value.denominator.bit_length()) > EXACT_BITS:
                raise LimitReached("a number too large for computer algebra")
            return sympy.Rational(value.numerator, value.denominator)
        case BaseNumber(digits, base):
            return sympy.Integer(int(digits, base))
        case Symbol(name):
            return symbols[name]
        case Constant(name):
            return _CONSTANTS[name]
        case Add(terms):
            return sympy.Add(*(_build(term, symbols) for term in terms))
        case Mul(factors):
            return sympy.Mul(*(_build(factor, symbols) for factor in factors))
        case Pow(base, exponent):
            return sympy.Pow(_build(base, symbols), _build(exponent, symbols))
        case Root(radicand, index):
            inner = _build(radicand, symbols)
            return (
                sympy.real_root(inner, index)
                if index % 2 and inner.is_negative
                else sympy.Pow(inner, sympy.Rational(1, index))
            )
        case Call("log", arguments):
            return sympy.log(*(_build(argument, symbols) for argument in arguments))
        case Call("logarithm", (argument,)):
            return sympy.log(_build(argument, symbols)) / sympy.log(sympy.Symbol("base", positive=True))
        case Call(name, arguments):
            built = [_build(argument, symbols) for argument in arguments]
            return _FUNCTIONS[name](*built) if name in _FUNCTIONS else sympy.Function(f"f_{len(name)}")(*built)
        case Big(name, body, variable, low, high):
            return _big(name, body, symbols[variable], low, high, symbols)
        case Word(_):
            raise LimitReached("a word has no value")
        case _:
            raise LimitReached(f"a {type(node).__name__} has no place in computer algebra")


def _big(name: str, body: Node, variable: Any, low: Node | None, high: Node | None, symbols: dict[str, Any]) -> Any:
    inner = _build(body, symbols)
    below = None if low is None else _build(low, symbols)
    if name == "limit" and below is not None:
        return sympy.limit(inner, variable, below)
    above = None if high is None else _build(high, symbols)
    if below is None or above is None:
        return sympy.integrate(inner, variable) if name == "integral" else sympy.nan
    bounds = (variable, below, above)
    return {"sum": sympy.Sum, "product": sympy.Product, "integral": sympy.Integral}[name](inner, bounds)
