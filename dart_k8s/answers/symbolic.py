"""Computer algebra, the last tier: SymPy on expressions built from the tree. Runs only in a child that can be killed.

No text reaches SymPy's parser: every node is built by its constructor, and symbols get names of our own (x0, x1, ...).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

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
_WORDS = re.compile(r"[A-Za-z]+")


def equal(left: Node, right: Node) -> bool:
    """Whether SymPy shows that two expressions are equal. May run without end and take any memory: only for
    children."""
    names = sorted(
        {part.name for node in (left, right) for part in walk(node) if isinstance(part, Symbol)}
        | _open(left)
        | _open(right)
    )
    real = _open(left) | _open(right)
    symbols = {name: _symbol(index, name, real=name in real) for index, name in enumerate(names)}
    scope = _Scope(symbols=symbols, bound=frozenset(), depth=0)
    difference = _build(left, scope) - _build(right, scope)
    if difference.has(AppliedUndef):
        # Nothing is known of such a function, so its integral is what it is: looking for a closed form has no end.
        return bool(sympy.expand(difference.doit(integrals=False)) == 0)
    difference = difference.doit()
    if difference.has(sympy.nan, sympy.zoo):
        return False
    if difference == 0:
        return True
    return bool(sympy.simplify(difference) == 0)


def _open(node: Node) -> set[str]:
    """Variables of the integrals without bounds: what comes out still depends on them."""
    return {part.variable for part in walk(node) if isinstance(part, Big) and part.low is None}


def _symbol(index: int, name: str, *, real: bool) -> Any:
    """A free symbol. The letters that usually are whole and positive count as such, but for variables of integrals."""
    return (
        sympy.Symbol(f"x{index}", integer=True, positive=True)
        if name in _COUNTING and not real
        else sympy.Symbol(f"x{index}", real=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """What the symbols mean at one place of an expression."""

    symbols: Mapping[str, Any]
    bound: frozenset[str]
    """Names of the variables of the sums, integrals and limits around it."""
    depth: int
    """How many sums, integrals and limits are around it: what names a bound variable, however it was written."""


def _build(node: Node, scope: _Scope) -> Any:
    match node:
        case Number(value):
            if max(value.numerator.bit_length(), value.denominator.bit_length()) > EXACT_BITS:
                raise LimitReached("a number too large for computer algebra")
            return sympy.Rational(value.numerator, value.denominator)
        case BaseNumber(digits, base):
            return sympy.Integer(int(digits, base))
        case Symbol(name):
            return _named(name, scope)
        case Constant(name):
            return _CONSTANTS[name]
        case Add(terms):
            return sympy.Add(*(_build(term, scope) for term in terms))
        case Mul(factors):
            return sympy.Mul(*(_build(factor, scope) for factor in factors))
        case Pow(base, exponent):
            return sympy.Pow(_build(base, scope), _build(exponent, scope))
        case Root(radicand, index):
            inner = _build(radicand, scope)
            return (
                sympy.real_root(inner, index)
                if index % 2 and inner.is_negative
                else sympy.Pow(inner, sympy.Rational(1, index))
            )
        case Call("log", arguments):
            return sympy.log(*(_build(argument, scope) for argument in arguments))
        case Call("logarithm", (argument,)):
            return sympy.log(_build(argument, scope)) / sympy.log(sympy.Symbol("base", positive=True))
        case Call(name, arguments):
            built = [_build(argument, scope) for argument in arguments]
            return _FUNCTIONS[name](*built) if name in _FUNCTIONS else _unknown(name)(*built)
        case Big():
            return _big(node, scope)
        case Word(_):
            raise LimitReached("a word has no value")
        case _:
            raise LimitReached(f"a {type(node).__name__} has no place in computer algebra")


def _unknown(name: str) -> Any:
    """A function of which only the name is known. The figures of the name's bytes keep f and g apart, and its text out
    of SymPy."""
    return sympy.Function(f"f_{name.encode('utf-8', 'surrogatepass').hex()}")


def _named(name: str, scope: _Scope) -> Any:
    """A symbol; `x_k` under a sum over k is a function of k."""
    base, _, subscript = name.partition("_")
    if subscript in scope.bound:
        return _unknown(f"{base}_")(scope.symbols[subscript])
    if scope.bound & set(_WORDS.findall(subscript)) or scope.bound & set(subscript):
        raise LimitReached("a subscript that is counted in another way than by a variable")
    return scope.symbols[name]


def _big(node: Big, scope: _Scope) -> Any:
    low = None if node.low is None else _build(node.low, scope)
    high = None if node.high is None else _build(node.high, scope)
    if low is None and node.name == "integral":
        return sympy.integrate(_build(node.body, scope), scope.symbols[node.variable])
    if low is None or (high is None and node.name != "limit"):
        return sympy.nan
    variable = _bound(node, low, f"b{scope.depth}")
    inner = _Scope(
        symbols={**scope.symbols, node.variable: variable},
        bound=scope.bound | {node.variable},
        depth=scope.depth + 1,
    )
    body = _build(node.body, inner)
    if node.name == "limit":
        # A limit has to be the same from both sides.
        return sympy.limit(body, variable, low, "+" if low.is_infinite else "+-")
    bounds = (variable, low, high)
    return {"sum": sympy.Sum, "product": sympy.Product, "integral": sympy.Integral}[node.name](body, bounds)


def _bound(node: Big, low: Any, name: str) -> Any:
    """The bound variable with what is known of it from its bounds, and no more: over [-1, 1] |n| is not n."""
    if node.name == "integral":
        return sympy.Symbol(name, real=True)
    if node.name == "limit":
        if low != sympy.oo:
            return sympy.Symbol(name, real=True)
        return sympy.Symbol(name, positive=True, integer=True if node.variable in _COUNTING else None)
    if low.is_integer is False and low.is_finite:
        raise LimitReached("a sum from a bound that is not whole")
    least = {"positive": True} if low.is_positive else {"nonnegative": True} if low.is_nonnegative else {}
    return sympy.Symbol(name, integer=True, **least)
