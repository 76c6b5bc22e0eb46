"""Labelled pairs by construction: whether they are equal follows from how they were made, not from any verifier.

Each family is a function from a source of randomness to pairs; `made` draws from all of them. Used by the tests (a
few of each family), by `make fuzz` and by the benchmark of speed (many).
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, isqrt

Draw = random.Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A response, a reference, and whether the first ends in an answer equal to the second."""

    family: str
    response: str
    reference: str
    equal: bool
    query: str | None = None


FAMILIES: dict[str, Callable[[Draw], Iterator[tuple[str, str, bool] | tuple[str, str, bool, str]]]] = {}
"""By name. A family yields (answer, reference, equal[, query]); the answer is put into a box by `made`."""


def family(function: Callable[[Draw], Iterator[tuple[str, str, bool] | tuple[str, str, bool, str]]]) -> object:
    """Register a family under its function's name."""
    FAMILIES[function.__name__] = function
    return function


BOXES = (
    "\\boxed{%s}",
    "So we get $\\boxed{%s}$.",
    "Adding, $x = 3$ and then\n\\[\\boxed{%s}\\]",
    "Thus \\boxed{ %s }",
    "Hence the final answer is $\\boxed{%s}$. I hope it is correct.",
    "**\\boxed{%s}**",
    "It costs $3 and $4, so \\fbox{%s}",
    "\\( \\boxed{%s} \\)",
)


def made(seed: int, rounds: int = 1, only: str = "") -> Iterator[Pair]:
    """All families, `rounds` draws of each. The same seed makes the same pairs."""
    for name, function in FAMILIES.items():
        if only and only != name:
            continue
        for number in range(rounds):
            draw = random.Random(f"{seed} {name} {number}")
            for answer, reference, equal, *query in function(draw):
                yield Pair(
                    family=name,
                    response=draw.choice(BOXES) % answer,
                    reference=reference,
                    equal=equal,
                    query=query[0] if query else None,
                )


# Numbers


def integers(draw: Draw) -> int:
    """An integer of any size, small ones more often."""
    return draw.choice(
        (draw.randint(0, 12), draw.randint(0, 999), draw.randint(1000, 10**6), draw.randint(10**6, 10**12))
    )


def fraction(draw: Draw) -> Fraction:
    """A proper or improper fraction that is no integer."""
    while True:
        value = Fraction(draw.randint(1, 60), draw.randint(2, 40))
        if value.denominator > 1:
            return value


def grouped(number: int, separator: str) -> str:
    """Digits in groups of three."""
    return f"{number:,}".replace(",", separator)


@family
def plain_integers(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    n = integers(draw)
    sign = draw.choice(("", "-"))
    r = f"{sign}{n}"
    for form in (
        "%s",
        "%s.",
        "%s.0",
        "%s.00",
        "~%s",
        "$%s$",
        "\\left(%s\\right)",
        "{%s}",
        "%s\\\\",
        "%s\\,",
        "%s \\;",
        "\\mathbf{%s}",
        "\\textbf{%s}",
        "\\text{%s}",
        "\\mathrm{%s}",
        "\\displaystyle %s",
        "x = %s",
        "n=%s",
        "%s=x",
        "\\text{The answer is } %s",
        "\\text{Answer: }%s",
        "\\mbox{%s}",
        "\\underline{%s}",
        "\\ %s",
        "\\quad %s",
        "%s\\text{.}",
        "%s \\text{ apples}",
        "%s\\text{ units}",
        "%s\\ \\text{cm}",
        "**%s**",
        "\\bf %s",
        "\\color{blue}{%s}",
        "\\textcolor{red}{%s}",
        "(%s)",
        "= %s",
        "\\$%s",
        "%s\\text{ dollars}",
        "%s \\mathrm{~cm}",
        "%s\\;\\mathrm{m}",
        "%s^{\\circ}",
        "%s^\\circ",
        "%s°",
        "%s\\degree",
        "%s\\text{ degrees}",
        "\\boxed{%s}",
        "\\fbox{%s}",
        "\\frac{%s}{1}",
        "1\\cdot %s" if not sign else "%s",
        "\\mathbf{%s.}",
        "\\mathit{%s}",
        "\\;%s\\;",
        "%s \\text{ (apples)}",
        "\\Large %s",
        "\\textit{%s}",
        "%s\\text{ square units}",
        "%s\\text{ cm}^2",
        "%s\\text{ cm}^{2}",
        "%s\\text{ in}^3",
        "%s~\\text{kg}",
        "%s \\text{ km/h}",
        "%s\\ \\mathrm{m/s}",
        "%s \\frac{\\text{km}}{\\text{h}}",
        "\\approx %s" if False else "%s",
    ):
        yield form % r, r, True
    other = draw.choice((n + 1, n + 10, 10 * n if n else 7, n + 100))
    for wrong in (
        f"{sign}{other}",
        f"{'-' if not sign else ''}{n}" if n else "1",
        f"{sign}{n}.5",
        f"> {r}",
        f"\\neq {r}",
        f"\\text{{not }} {r}",
        f"{r} \\text{{ is wrong}}",
        f"{r}, {other}",
        f"\\{{{r}, {other}\\}}",
        f"{r} \\text{{ or }} {other}",
        f"\\geq {r}",
        f"< {r}",
        "",
        " ",
        "\\text{none}",
        f"{r}x",
        f"x^{{{r}}}" if n != 1 else "x^2",
        f"{r}\\%" if n and n < 2 else f"{r}!" if n > 2 else "77",
        f"\\frac{{{other}}}{{7}}" if other % 7 and Fraction(other, 7) != n else "0.123",
        f"{r}\\text{{ million}}" if n else "12",
        f"{r}/2" if n else "3",
        f"{r}^2" if n > 1 else "12",
    ):
        yield wrong, r, False


@family
def thousands(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    n = draw.choice((draw.randint(1000, 9999), draw.randint(10**4, 10**9)))
    r = str(n)
    for separator in (
        ",",
        "{,}",
        "\\,",
        "\\ ",
        " ",
        "~",
        ",\\!",
        "\\;",
        "\\:",
        "{\\,}",
        "\\thinspace ",
        "\u202f",
        "\u2009",
        "\u00a0",
    ):
        yield grouped(n, separator), r, True
        yield r, grouped(n, separator), True
        yield grouped(n, separator) + "\\text{ people}", r, True
        yield "\\$" + grouped(n, separator), r, True
        yield grouped(n + 1, separator), r, False
    yield grouped(n, ", "), r, False
    yield f"{n},{n % 1000:03d}", r, False


@family
def decimals(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    places = draw.randint(1, 4)
    value = Fraction(draw.randint(1, 10**5), 10**places)
    if value.denominator == 1:
        value += Fraction(1, 10)
    digits = len(str(value.denominator)) - 1
    text = f"{float(value):.{max(places, digits)}f}"
    text = text.rstrip("0")
    f = value
    for same in (
        f"\\frac{{{f.numerator}}}{{{f.denominator}}}",
        f"{f.numerator}/{f.denominator}",
        text + "0",
        text + "00",
        f"\\dfrac{{{f.numerator}}}{{{f.denominator}}}",
        text.removeprefix("0") if text.startswith("0.") else text,
        f"{text}\\text{{ m}}",
        f"\\${text}",
        f"+{text}",
        f"{text}.",
    ):
        yield same, text, True
        yield same, f"\\frac{{{f.numerator}}}{{{f.denominator}}}", True
    for wrong in (
        text + "1",
        f"{float(value) * 100:.4f}",
        f"{float(value) / 100:.8f}",
        f"-{text}",
        f"{float(value) * 10:.4f}",
        f"\\frac{{{f.denominator}}}{{{f.numerator}}}" if f != 1 else "2",
    ):
        yield wrong, text, False
    yield "0.333", "\\frac{1}{3}", False
    yield "0.3333333333", "\\frac13", False
    yield f"{float(Fraction(2, 7)):.6f}", "\\frac{2}{7}", False


@family
def fractions(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    f = fraction(draw)
    a, b, k = f.numerator, f.denominator, draw.randint(2, 9)
    sign = draw.choice(("", "-"))
    r = f"{sign}\\frac{{{a}}}{{{b}}}"
    forms = [
        f"{sign}\\dfrac{{{a}}}{{{b}}}",
        f"{sign}\\tfrac{{{a}}}{{{b}}}",
        f"{sign}{a}/{b}",
        f"\\frac{{{sign}{a}}}{{{b}}}",
        f"{sign}\\cfrac{{{a}}}{{{b}}}",
        f"{sign}\\frac{{{k * a}}}{{{k * b}}}",
        f"{sign}\\frac {{{a}}} {{{b}}}",
        f"{sign}\\left(\\frac{{{a}}}{{{b}}}\\right)",
        f"{sign}{{{a}}}/{{{b}}}",
        f"({sign}{a})/({b})",
        f"{sign}\\frac{{{a}}}{{{b}}}\\text{{ cups}}",
        f"{sign}{{{a} \\over {b}}}",
        f"{sign}\\frac{{\\frac{{{a}}}{{2}}}}{{\\frac{{{b}}}{{2}}}}",
        f"x=\\frac{{{sign}{a}}}{{{b}}}",
        f"{sign}{a} \\div {b}",
        f"{sign}{a}\\cdot\\frac{{1}}{{{b}}}",
        f"{sign}\\frac{{1}}{{{b}}}\\cdot {a}",
        f"{sign}\\left(\\frac{{{b}}}{{{a}}}\\right)^{{-1}}",
        f"{sign}{a} \\times {b}^{{-1}}",
        f"{sign}{a}⁄{b}",
        f"{sign}\\frac{{{a}.0}}{{{b}}}",
        f"{sign}\\sfrac{{{a}}}{{{b}}}",
        f"{sign}\\nicefrac{{{a}}}{{{b}}}",
        f"p = {sign}{a}/{b}",
        f"{sign}\\frac{{{a}}}{{{b}}}\\approx {sign}{a / b:.3f}",
    ]
    if a < 10 and b < 10:
        forms += [
            f"{sign}\\frac{a}{b}",
            f"{sign}\\frac {a} {b}",
            f"{sign}\\dfrac{a}{b}",
            f"{sign}\\frac{a}{{{b}}}",
            f"{sign}\\frac{{{a}}}{b}",
        ]
    if a > b:
        w, c = divmod(a, b)
        forms += [
            f"{sign}{w}\\frac{{{c}}}{{{b}}}",
            f"{sign}{w}\\dfrac{{{c}}}{{{b}}}",
            f"{sign}{w} {c}/{b}",
            f"{sign}{w}\\ \\frac{{{c}}}{{{b}}}",
            f"{sign}{w}\\,\\frac{{{c}}}{{{b}}}",
            f"{sign}{w}~{c}/{b}",
            f"{sign}{w} \\tfrac{{{c}}}{{{b}}}",
            f"{sign}{w}{{\\frac{{{c}}}{{{b}}}}}",
        ]
        if not sign:
            forms.append(f"{w}+\\frac{{{c}}}{{{b}}}")
    for form in forms:
        yield form, r, True
    for wrong in (
        f"{sign}\\frac{{{a + 1}}}{{{b}}}",
        f"{sign}\\frac{{{a}}}{{{b + 1}}}",
        f"{sign}\\frac{{{b}}}{{{a}}}" if a != b else "3",
        f"{'' if sign else '-'}\\frac{{{a}}}{{{b}}}",
        f"{sign}{a / b:.3f}" if b % 7 == 0 or b % 3 == 0 or b % 11 == 0 else "999",
        f"{sign}{a}{b}",
        f"{sign}{a}:{b}" if False else "998",
        f"({a},{b})",
        f"{sign}{a}, {b}",
    ):
        yield wrong, r, False


@family
def percents(draw: Draw) -> Iterator[tuple[str, str, bool] | tuple[str, str, bool, str]]:
    n = draw.randint(2, 99)
    asks = "What percent of the parts fail?"
    for form in (
        f"{n}\\%",
        f"{n}%",
        f"{n} \\%",
        f"{n}\\,\\%",
        f"{n}\\text{{ percent}}",
        f"{n} percent",
        f"{n}\\text{{\\%}}",
        f"\\text{{{n}\\%}}",
        f"{n}.0\\%",
        f"${n}\\%$",
        f"{n}％",
        f"{n}\\%.",
    ):
        yield form, f"{n}\\%", True
        yield form, str(n), True, asks
        yield str(n), form, True, asks
        yield form, f"{n}%", True
    yield f"{n}\\%", f"{n + 1}\\%", False
    yield f"{n}\\%", f"0.{n:02d}\\%", False
    yield f"{n}", f"0.{n:02d}", False
    yield f"{n}", f"{n}00", False
    yield f"{n}\\%", f"\\frac{{{n}}}{{100}}", True


@family
def huge(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    n = draw.randint(10**11, 10**40)
    yield str(n), str(n), True
    yield grouped(n, ","), str(n), True
    for delta in (1, -1, 10):
        yield str(n + delta), str(n), False
    p = draw.randint(60, 400)
    b = draw.choice((2, 3, 5, 7, 10))
    yield f"{b}^{{{p}}}", str(b**p), True
    yield f"{b}^{{{p}}}+1", str(b**p), False
    yield f"{b}^{{{p}}}", f"{b}^{{{p + 1}}}", False
    yield f"{b}^{{{p}}}-1", f"{b}^{{{p}}}", False
    yield f"\\frac{{1}}{{{b}^{{{p}}}}}", f"{b}^{{-{p}}}", True
    yield f"\\frac{{1}}{{{b}^{{{p}}}}}", f"{b}^{{-{p + 1}}}", False
    yield f"1/{b}^{{{p}}}", f"2/{b}^{{{p}}}", False
    yield f"{b}^{{-{p}}}", "0", False
    m = draw.randint(20, 60)
    yield f"\\frac{{1}}{{{m}!}}", f"\\frac{{1}}{{{m + 1}!}}", False
    yield f"{m}!", f"{m + 1}\\cdot {m}!", False
    yield f"{m + 1}!", f"{m + 1}\\cdot {m}!", True
    yield f"\\frac{{{m}!}}{{{m - 2}!}}", str(m * (m - 1)), True
    yield f"\\binom{{{m}}}{{3}}", str(m * (m - 1) * (m - 2) // 6), True
    yield f"\\binom{{{m}}}{{3}}", f"\\binom{{{m}}}{{{m - 3}}}", True
    yield f"\\binom{{{m}}}{{3}}", f"\\binom{{{m}}}{{4}}", False
    yield f"{m}\\choose 3" if False else f"{{{m} \\choose 3}}", str(m * (m - 1) * (m - 2) // 6), True
    yield f"C({m},3)" if False else f"\\dbinom{{{m}}}{{3}}", str(m * (m - 1) * (m - 2) // 6), True
    yield f"10^{{{p}}}", f"10^{{{p}}}+10^{{-{p}}}", False


@family
def scientific(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    m, k = draw.randint(11, 99), draw.randint(3, 12)
    mantissa = f"{m // 10}.{m % 10}"
    value = m * 10 ** (k - 1)
    for form in (
        f"{mantissa} \\times 10^{{{k}}}",
        f"{mantissa}\\times10^{k}" if k < 10 else f"{mantissa}\\times10^{{{k}}}",
        f"{mantissa} \\cdot 10^{{{k}}}",
        f"{mantissa}e{k}",
        f"{mantissa}E{k}",
        f"{mantissa}e+{k}",
        f"{mantissa}*10^{k}" if k < 10 else f"{mantissa}*10^{{{k}}}",
        f"{mantissa} × 10^{{{k}}}",
        f"{mantissa} x 10^{k}",
        f"{m}\\times 10^{{{k - 1}}}",
        f"{mantissa}*10**{k}",
        f"{mantissa}\\times {{10}}^{{{k}}}",
        f"{mantissa}×10" + str(k).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")),
    ):
        yield form, str(value), True
        yield form, f"{mantissa} \\times 10^{{{k}}}", True
    yield f"{mantissa} \\times 10^{{{k + 1}}}", str(value), False
    yield f"{mantissa} \\times 10^{{-{k}}}", f"{mantissa} \\times 10^{{{k}}}", False
    tiny = f"{mantissa} \\times 10^{{-{k + 8}}}"
    yield tiny, f"{mantissa} \\times 10^{{-{k + 9}}}", False
    yield tiny, f"{mantissa}e-{k + 8}", True
    yield tiny, "0", False
    yield f"0.{'0' * (k + 7)}{m}", tiny, True


# Irrational numbers


def squarefree(draw: Draw) -> int:
    """2, 3, 5, 6, 7, 10, ..."""
    return draw.choice([n for n in range(2, 60) if all(n % (d * d) for d in range(2, isqrt(n) + 1))])


@family
def radicals(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    d, c, q = squarefree(draw), draw.randint(2, 12), draw.randint(2, 9)
    for form in (
        f"{c}\\sqrt{{{d}}}",
        f"\\sqrt{{{c * c * d}}}",
        f"{c} \\sqrt{{{d}}}",
        f"{c}\\cdot\\sqrt{{{d}}}",
        f"{c}*sqrt({d})",
        f"{c}√{d}",
        f"\\sqrt{{{d}}}\\cdot {c}",
        f"{c}\\sqrt {{{d}}}",
        f"{c}({d})^{{1/2}}",
        f"{c} \\times \\sqrt{{{d}}}",
        f"\\frac{{{c * d}}}{{\\sqrt{{{d}}}}}",
        f"{c}\\sqrt[2]{{{d}}}",
        f"{c}\\cdot {d}^{{\\frac{{1}}{{2}}}}",
        f"{c}√({d})",
        f"{c}\\cdot{d}^{{0.5}}",
        f"\\sqrt{{{c * c}}}\\sqrt{{{d}}}",
        f"{c}\\sqrt{{{d}}}\\text{{ cm}}",
        f"{c}sqrt{{{d}}}",
        f"x={c}\\sqrt{{{d}}}",
        f"{c}\\sqrt{{{d}}}\\approx {c * d**0.5:.2f}",
        f"\\left({c}\\right)\\left(\\sqrt{{{d}}}\\right)",
        f"{c}\\sqrt{d}" if d < 10 else f"{c}\\sqrt{{{d}}}",
    ):
        yield form, f"{c}\\sqrt{{{d}}}", True
    yield f"\\frac{{{q}}}{{\\sqrt{{{d}}}}}", f"\\frac{{{q}\\sqrt{{{d}}}}}{{{d}}}", True
    yield f"\\sqrt{{\\frac{{{q}}}{{{d}}}}}", f"\\frac{{\\sqrt{{{q * d}}}}}{{{d}}}", True
    yield f"\\frac{{{c} + \\sqrt{{{d}}}}}{{{q}}}", f"\\frac{{{c}}}{{{q}}}+\\frac{{\\sqrt{{{d}}}}}{{{q}}}", True
    yield f"({c}+\\sqrt{{{d}}})^2", f"{c * c + d}+{2 * c}\\sqrt{{{d}}}", True
    if c * c != d + 0:
        yield f"\\frac{{1}}{{{c}+\\sqrt{{{d}}}}}", f"\\frac{{{c}-\\sqrt{{{d}}}}}{{{c * c - d}}}", True
    yield f"\\sqrt[3]{{{q**3 * d}}}", f"{q}\\sqrt[3]{{{d}}}", True
    yield f"{d}^{{1/3}}", f"\\sqrt[3]{{{d}}}", True
    yield f"\\sqrt[3]{{-{d}}}", f"-\\sqrt[3]{{{d}}}", True
    yield f"\\sqrt{{{c * c + d}+{2 * c}\\sqrt{{{d}}}}}", f"{c}+\\sqrt{{{d}}}", True
    yield f"\\sqrt{{{d}}}-{c}", f"-{c}+\\sqrt{{{d}}}", True
    for wrong in (
        f"{c + 1}\\sqrt{{{d}}}",
        f"{c}\\sqrt{{{d + 1}}}",
        f"-{c}\\sqrt{{{d}}}",
        f"{c * d**0.5:.4f}",
        f"{c}\\sqrt[3]{{{d}}}",
        f"{c}+\\sqrt{{{d}}}",
        f"\\frac{{{c}}}{{\\sqrt{{{d}}}}}",
        f"{c * d**0.5:.12f}",
        f"{c}^{{\\sqrt{{{d}}}}}",
        f"\\sqrt{{{c * d}}}" if c > 1 else "0",
        f"\\pm {c}\\sqrt{{{d}}}",
    ):
        yield wrong, f"{c}\\sqrt{{{d}}}", False
    yield f"{c}-\\sqrt{{{d}}}", f"{c}+\\sqrt{{{d}}}", False
    yield f"\\sqrt{{{d}}}+\\sqrt{{{d + 1}}}", f"\\sqrt{{{2 * d + 1}}}", False


@family
def constants(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    f = fraction(draw)
    a, b, c = f.numerator, f.denominator, draw.randint(2, 20)
    r = f"\\frac{{{a}\\pi}}{{{b}}}"
    for form in (
        f"\\frac{{{a}}}{{{b}}}\\pi",
        f"{a}\\pi/{b}",
        f"{a}π/{b}",
        f"({a}/{b})*pi",
        f"\\pi\\cdot\\frac{{{a}}}{{{b}}}",
        f"\\frac{{{a}}}{{{b}}} \\cdot \\pi",
        f"\\dfrac{{{a}\\pi}}{{{b}}}",
        f"{a}pi/{b}",
        f"\\frac{{{a} \\pi}}{{{b}}}\\text{{ radians}}",
        f"\\frac{{{a}}}{{{b}}}π",
        f"\\frac{{\\pi {a}}}{{{b}}}",
        f"{a}*pi/{b}",
    ):
        yield form, r, True
    yield f"{a / b * 3.14159265:.4f}", r, False
    yield f"\\frac{{{a}}}{{{b}}}", r, False
    yield f"\\frac{{{a + 1}\\pi}}{{{b}}}", r, False
    yield f"{c}\\pi", f"{c}\\pi\\text{{ cm}}^2", True
    yield f"{c}e^{{2}}", f"{c}\\exp(2)", True
    yield f"e^{c}" if c < 10 else f"e^{{{c}}}", f"\\mathrm{{e}}^{{{c}}}", True
    yield f"e^{{-{c}}}", f"\\frac{{1}}{{e^{{{c}}}}}", True
    yield f"\\frac{{e^{{{c}}}-1}}{{e}}", f"e^{{{c - 1}}}-e^{{-1}}", True
    yield f"e^{{{c}}}+1", f"e^{{{c}}}-1", False
    yield f"1-\\frac{{1}}{{e}}", "1+\\frac1e", False
    yield f"\\ln {c * c}", f"2\\ln {c}", True
    yield f"\\ln({c * c})", f"2\\ln({c})", True
    yield f"\\log_{{2}} {2**c}", str(c), True
    yield f"\\log_2({c})", f"\\frac{{\\ln {c}}}{{\\ln 2}}", True
    yield f"\\log_{{{c}}} 7", f"\\frac{{\\log 7}}{{\\log {c}}}", True
    yield f"\\ln {c}+\\ln 3", f"\\ln {3 * c}", True
    yield f"\\ln {c}", f"\\ln {c + 1}", False
    yield f"\\ln\\frac{{{c}}}{{7}}", f"\\ln {c}-\\ln 7", True
    yield f"-\\ln {c}", f"\\ln \\frac{{1}}{{{c}}}", True
    yield f"\\ln {c}", f"\\log_2 {c}", False
    yield f"\\ln|{c}|", f"\\ln {c}", True


@family
def angles(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    sines = {
        30: "\\frac{1}{2}",
        45: "\\frac{\\sqrt{2}}{2}",
        60: "\\frac{\\sqrt{3}}{2}",
        90: "1",
        15: "\\frac{\\sqrt6-\\sqrt2}{4}",
        75: "\\frac{\\sqrt6+\\sqrt2}{4}",
        18: "\\frac{\\sqrt5-1}{4}",
        54: "\\frac{\\sqrt5+1}{4}",
    }
    angle = draw.choice(list(sines))
    for form in (
        f"\\sin {angle}^\\circ",
        f"\\sin({angle}^\\circ)",
        f"\\sin {angle}°",
        f"\\cos {90 - angle}^{{\\circ}}",
        f"\\sin\\left({180 - angle}^\\circ\\right)",
        f"\\sin\\frac{{{angle}\\pi}}{{180}}",
        f"\\sin({angle}\\pi/180)",
    ):
        yield form, sines[angle], True
    yield f"\\sin {angle + 1}^\\circ", sines[angle], False
    yield f"-\\sin {angle}^\\circ", sines[angle], False
    yield f"\\tan {angle}^\\circ" if angle != 45 else "2", sines[angle], False
    yield "\\arctan 1", "\\frac{\\pi}{4}", True
    yield "\\arcsin\\frac12", "\\frac{\\pi}{6}", True
    yield "\\tan^{-1} \\frac{1}{2}", "\\arctan \\frac12", True
    yield "\\arctan 2", "\\frac{\\pi}{2}-\\arctan\\frac12", True
    yield "\\arctan 2", "\\arctan 3", False
    n = draw.randint(1, 179)
    for form in (
        f"{n}^\\circ",
        f"{n}°",
        f"{n}^{{\\circ}}",
        f"{n} degrees",
        f"{n}\\text{{ degrees}}",
        f"{n}\\degree",
        f"{n}^o" if False else f"{n}^{{\\circ}}",
        f"{n}",
        f"\\theta = {n}^\\circ",
        f"{n}\\,^\\circ",
        f"{n}^\\circ.",
        f"{n}{{}}^\\circ",
    ):
        yield form, f"{n}^\\circ", True
        yield form, str(n), True
    yield f"{n + 1}^\\circ", f"{n}^\\circ", False
    yield f"{n}^\\circ", f"{n}\\pi", False


@family
def complexes(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    a, b = draw.randint(1, 20), draw.randint(2, 20)
    r = f"{a}+{b}i"
    for form in (
        f"{a} + {b}i",
        f"{b}i+{a}",
        f"{a}+{b}\\cdot i",
        f"{a}+{b}\\mathrm{{i}}",
        f"z={a}+{b}i",
        f"{a} + {b} i",
        f"{a}+i{b}",
        f"{a}+i\\cdot {b}",
        f"({a}+{b}i)",
        f"{a}+{b}\\text{{i}}",
        f"\\frac{{{2 * a}+{2 * b}i}}{{2}}",
        f"{a}+{b}\\textit{{i}}",
        f"{a}+{b}\\imath",
    ):
        yield form, r, True
    for wrong in (
        f"{a}-{b}i",
        f"-{a}+{b}i",
        f"{b}+{a}i" if a != b else "1",
        f"{a}+{b}",
        f"({a},{b})",
        f"{a + 1}+{b}i",
        f"{a}+{b}j" if False else "2",
        f"{b}i",
        str(a),
    ):
        yield wrong, r, False
    yield f"({a}+{b}i)^2", f"{a * a - b * b}+{2 * a * b}i", True
    yield f"\\frac{{1}}{{{a}+{b}i}}", f"\\frac{{{a}-{b}i}}{{{a * a + b * b}}}", True
    yield f"|{a}+{b}i|", f"\\sqrt{{{a * a + b * b}}}", True
    yield f"-i", "\\frac{1}{i}", True
    yield "e^{i\\pi/3}", "\\frac{1+\\sqrt3 i}{2}", True
    yield f"\\pm {b}i", f"{b}i, -{b}i", True
    yield f"{b}i,-{b}i", f"\\pm {b}i", True


# Functions


def polynomial(coefficients: list[int], variable: str = "x") -> str:
    """The text of a polynomial, highest power first."""
    out = ""
    degree = len(coefficients) - 1
    for place, coefficient in enumerate(coefficients):
        power = degree - place
        if not coefficient:
            continue
        size = abs(coefficient)
        term = (
            ""
            if power == 0
            else variable
            if power == 1
            else f"{variable}^{power}"
            if power < 10
            else f"{variable}^{{{power}}}"
        )
        body = (str(size) if size != 1 or power == 0 else "") + term
        out += ("-" if coefficient < 0 else "+" if out else "") + body
    return out or "0"


@family
def polynomials(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    v = draw.choice("xyzntab")
    a, b, c = (draw.choice([-1, 1]) * draw.randint(1, 9) for _ in range(3))
    product = [1, a + b, a * b]
    text = polynomial(product, v)

    def linear(number: int) -> str:
        return f"({v}{number:+d})"

    for form in (
        text,
        f"{linear(a)}{linear(b)}",
        f"{linear(b)}{linear(a)}",
        f"{linear(a)}\\cdot{linear(b)}",
        f"\\left({v}{a:+d}\\right)\\left({v}{b:+d}\\right)",
        text.replace("^2", "^{2}"),
        text.replace("^2", "**2"),
        text.replace("^2", "²"),
        text.replace("+", " + ").replace("-", " - "),
        f"{a * b:d}{a + b:+d}{v}+{v}^2",
        f"({v}{a:+d})*({v}{b:+d})",
        f"{v}({v}{a + b:+d}){a * b:+d}",
        f"[{v}{a:+d}][{v}{b:+d}]" if False else text,
        f"-({-a}-{v})({v}{b:+d})" if False else text,
        f"f({v})={text}",
        f"\\frac{{{polynomial([2, 2 * (a + b), 2 * a * b], v)}}}{{2}}",
    ):
        yield form, text, True
    for wrong in (
        polynomial([1, a + b, a * b + 1], v),
        polynomial([1, a + b + 1, a * b], v),
        polynomial([2, a + b, a * b], v),
        f"({v}{-a:+d})({v}{b:+d})",
        polynomial([1, 0, a + b, a * b], v),
        text.replace(v, "w"),
        f"-({text})",
        f"{text}=0" if False else "5",
    ):
        yield wrong, text, False
    cubic = [1, a + b + c, a * b + b * c + a * c, a * b * c]
    yield f"{linear(a)}{linear(b)}{linear(c)}", polynomial(cubic, v), True
    yield f"{linear(a)}{linear(b)}", polynomial(cubic, v), False
    yield f"({v}{a:+d})^2", polynomial([1, 2 * a, a * a], v), True
    yield f"({v}{a:+d})^2", polynomial([1, 2 * a, -a * a], v), False
    yield f"\\frac{{{v}^2-{a * a}}}{{{v}{a:+d}}}", f"{v}{-a:+d}", True
    yield f"\\frac{{1}}{{{v}}}+\\frac{{1}}{{{v}+1}}", f"\\frac{{2{v}+1}}{{{v}^2+{v}}}", True
    yield f"\\frac{{1}}{{{v}}}-\\frac{{1}}{{{v}+1}}", f"\\frac{{1}}{{{v}({v}+1)}}", True
    yield f"{v}^{{-1}}", f"\\frac1{v}", True
    yield f"\\frac{{{v}}}{{2}}", f"0.5{v}", True
    yield f"\\frac{{{v}}}{{2}}", f"\\frac{{1}}{{2}}{v}", True
    yield f"2^{{{v}+1}}", f"2\\cdot2^{{{v}}}", True
    yield f"4^{{{v}}}", f"2^{{2{v}}}", True
    yield f"2^{{{v}}}", f"2^{{{v}+1}}", False
    yield f"e^{{2{v}}}", f"(e^{{{v}}})^2", True
    yield f"\\sin^2 {v}", f"1-\\cos^2 {v}", True
    yield f"\\sin(2{v})", f"2\\sin({v})\\cos({v})", True
    yield f"\\cos 2{v}", f"1-2\\sin^2 {v}", True
    yield f"\\tan {v}", f"\\frac{{\\sin {v}}}{{\\cos {v}}}", True
    yield f"\\sin {v}", f"\\cos {v}", False
    yield f"\\sqrt{{{v}^2+1}}", f"({v}^2+1)^{{1/2}}", True
    yield f"\\sqrt{{{v}}}", f"{v}^{{\\frac12}}", True
    yield f"\\sqrt{{4{v}}}", f"2\\sqrt{{{v}}}", True
    yield f"\\ln({v}^2+1)", f"\\ln(1+{v}^2)", True
    yield f"|{v}-{abs(a)}|", f"|{abs(a)}-{v}|", True
    yield f"\\frac{{{v}^3}}{{3}}+C", f"\\frac13{v}^3+C", True
    yield f"3a^2b", "3ba^2", True
    yield "2xy+3", "3+2yx", True
    yield "a_1+a_2", "a_{1}+a_{2}", True
    yield "x_1", "x_{2}", False


# Collections


@family
def tuples(draw: Draw) -> Iterator[tuple[str, str, bool] | tuple[str, str, bool, str]]:
    members = draw.sample(range(-20, 100), draw.randint(2, 4))
    names = "xyzw"[: len(members)] if len(members) < 4 else "abcd"
    body = ",".join(map(str, members))
    r = f"({body})"
    spaced = ", ".join(map(str, members))
    for form in (
        f"({spaced})",
        f"\\left({spaced}\\right)",
        f"( {spaced} )",
        f"({','.join(names)})=({body})",
        f"\\left( {spaced} \\right)",
        f"\\bigl({spaced}\\bigr)",
        f"({spaced}).",
        f"$({spaced})$",
        "(" + spaced.replace(", ", ",\\ ") + ")",
        "(" + spaced.replace(", ", ",\\;") + ")",
        f"({', '.join(f'{m}.0' for m in members)})",
        f"({', '.join(f'{name}={m}' for name, m in zip(names, members, strict=True))})",
        f"\\text{{({spaced})}}",
        f"\\Big({spaced}\\Big)",
        f"（{spaced}）",
        ", ".join(f"{name} = {m}" for name, m in zip(names, members, strict=True)),
    ):
        yield form, r, True
    other = members[::-1]
    for wrong in (
        other,
        [*members, 7],
        members[:-1],
        [members[0] + 1, *members[1:]],
        [-members[0] if members[0] else 3, *members[1:]],
    ):
        yield f"({', '.join(map(str, wrong))})", r, False, "Find the ordered pair. Find all."
    yield f"[{spaced}]", r, False
    yield f"\\{{{spaced}\\}}", r, False
    yield str(members[0]), r, False
    yield f"({members[0]},{members[1]}]", f"({members[0]},{members[1]})", False
    a, b, c, d = draw.sample(range(1, 60), 4)
    yield f"({a},{b}),({c},{d})", f"({c},{d}),({a},{b})", True
    yield f"({a},{b}),({c},{d})", f"({a},{b}) and ({c},{d})", True
    yield f"({a},{b}),({c},{d})", f"\\{{({a},{b}),({c},{d})\\}}", True
    yield f"({a},{b}),({c},{d})", f"({b},{a}),({c},{d})", False
    yield f"({a},{b}),({c},{d})", f"({a},{c}),({b},{d})", False
    yield f"({a},{b})", f"({a},{b}),({c},{d})", False
    yield f"(\\frac{{{a}}}{{2}}, \\sqrt{{{b * b}}})", f"({a / 2}, {b})", True
    yield f"({a}\\frac12, {b})" if False else f"({a},{b})", f"({a}, {b})", True
    yield f"({a},000, {b})" if False else f"({a},{b})", f"({a},{b + 1})", False


@family
def sets(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    members = draw.sample(range(-30, 100), draw.randint(2, 5))
    mixed = members[:]
    draw.shuffle(mixed)
    spaced = ", ".join(map(str, mixed))
    r = f"\\{{{', '.join(map(str, members))}\\}}"
    for form in (
        f"\\{{{spaced}\\}}",
        f"\\left\\{{{spaced}\\right\\}}",
        spaced,
        f"\\lbrace {spaced}\\rbrace",
        spaced.replace(", ", ","),
        f"x\\in\\{{{spaced}\\}}",
        " and ".join(spaced.rsplit(", ", 1)),
        "\\text{ or }".join(spaced.rsplit(", ", 1)),
        ", ".join(f"x={m}" for m in mixed),
        "$" + "$, $".join(spaced.split(", ")) + "$",
        spaced.replace(", ", " , "),
        spaced.replace(", ", ",\\ "),
        spaced.replace(", ", ", \\quad "),
        " or ".join(f"x={m}" for m in mixed),
        f"S = \\{{{spaced}\\}}",
        spaced.replace(", ", "; "),
        f"\\text{{{spaced}}}",
    ):
        yield form, r, True
        yield form, ", ".join(map(str, members)), True
    for wrong in ([*members, 200], members[:-1], [members[0] + 300, *members[1:]]):
        yield ", ".join(map(str, wrong)), r, False
        yield f"\\{{{', '.join(map(str, wrong))}\\}}", r, False
    p, d = draw.randint(1, 20), squarefree(draw)
    yield f"\\pm {p}", f"{p}, -{p}", True
    yield f"{p},-{p}", f"\\pm{p}", True
    yield f"x=\\pm {p}", f"\\{{-{p},{p}\\}}", True
    yield f"{p}\\pm\\sqrt{{{d}}}", f"{p}+\\sqrt{{{d}}}, {p}-\\sqrt{{{d}}}", True
    yield f"{p}+\\sqrt{{{d}}}", f"{p}\\pm\\sqrt{{{d}}}", False
    yield (
        f"\\frac{{{p}\\pm\\sqrt{{{d}}}}}{{2}}",
        f"\\frac{{{p}-\\sqrt{{{d}}}}}{{2}},\\frac{{{p}+\\sqrt{{{d}}}}}{{2}}",
        True,
    )
    yield f"\\pm {p}", str(p), False
    yield f"±{p}", f"\\pm {p}", True
    yield f"{p}", f"{p},{p + 1}", False
    yield f"\\frac12, {p}", f"{p}, 0.5", True
    yield "\\emptyset", "\\{\\}", True
    yield "\\varnothing", "\\emptyset", True
    yield "\\emptyset", "0", False


@family
def intervals(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    a = draw.randint(-20, 20)
    b = a + draw.randint(1, 20)
    left, right = draw.choice("(["), draw.choice(")]")
    less = {"(": "<", "[": "\\le "}[left]
    more = {")": "<", "]": "\\leq "}[right]
    r = f"{left}{a},{b}{right}"
    forms = [
        f"{left}{a}, {b}{right}",
        f"\\left{left}{a}, {b}\\right{right}",
        f"x\\in{left}{a},{b}{right}",
        f"{a}{less}x{more}{b}",
        f"\\{{x \\mid {a}{less}x{more}{b}\\}}",
        f"\\{{x : {a}{less} x{more}{b}\\}}",
        f"\\{{x | {a}{less} x{more}{b}\\}}",
        f"x\\in \\left{left}{a},{b}\\right{right}",
    ]
    back = {"<": ">", "\\le ": "\\ge ", "\\leq ": "\\geq "}
    forms += [
        f"{b}{back[more]}x{back[less]}{a}",
        f"x{back[less]}{a} \\text{{ and }} x{more}{b}",
        f"{a}{less}x{more}{b}".replace("\\leq ", "≤").replace("\\le ", "≤"),
        f"{a}{less}x{more}{b}".replace("\\leq ", "\\leqslant ").replace("\\le ", "\\leqslant "),
        f"{a}{less}x{more}{b}".replace("\\leq ", "<=").replace("\\le ", "<="),
        f"{left}{2 * a}/2,{b}.0{right}",
    ]
    for form in forms:
        yield form, r, True
        if "x" in form:
            yield r, form, True
    flip = {"(": "[", "[": "(", ")": "]", "]": ")"}
    for wrong in (
        f"{flip[left]}{a},{b}{right}",
        f"{left}{a},{b}{flip[right]}",
        f"{left}{a},{b + 1}{right}",
        f"{left}{a - 1},{b}{right}",
        f"\\{{{a},{b}\\}}",
        f"{a},{b}",
        f"{left}{b},{a}{right}",
        f"{left}{a},\\infty)",
        f"({a},{b})\\cup({b},{b + 5})",
    ):
        yield wrong, r, False
    yield f"x>{a}", f"({a},\\infty)", True
    yield f"({a},\\infty)", f"x>{a}", True
    yield f"{a}<x", f"x>{a}", True
    yield f"x \\ge {a}", f"[{a}, \\infty)", True
    yield f"x \\geqslant {a}", f"[{a}, +\\infty)", True
    yield f"x>{a}", f"[{a},\\infty)", False
    yield f"x<{a}", f"x>{a}", False
    yield f"x>{a}", f"x\\ge {a}", False
    yield f"x>{a}", f"x>{a + 1}", False
    yield f"x>{a}", str(a), False
    c, d = b + 2, b + 7
    yield f"({a},{b})\\cup({c},{d}]", f"({c},{d}]\\cup({a},{b})", True
    yield f"({a},{b}) ∪ ({c},{d}]", f"({a},{b})\\cup({c},{d}]", True
    yield f"({a},{b}) U ({c},{d}]", f"({a},{b})\\cup({c},{d}]", True
    yield (
        f"({a},{b}) \\text{{ or }} ({c},{d}]" if False else f"({a},{b})\\cup ({c},{d}]",
        f"(({a},{b})\\cup({c},{d}])",
        True,
    )
    yield f"x<{a} \\text{{ or }} x>{b}", f"(-\\infty,{a})\\cup({b},\\infty)", True
    yield f"(-\\infty,{a})\\cup({b},\\infty)", f"x<{a} \\text{{ or }} x>{b}", True
    yield f"x\\le {a} \\text{{ or }} x\\ge {b}", f"(-\\infty,{a})\\cup({b},\\infty)", False
    yield f"(-\\infty,{a})\\cup({a},\\infty)", f"x\\neq {a}", True
    yield f"\\mathbb{{R}}\\setminus\\{{{a}\\}}", f"(-\\infty,{a})\\cup({a},\\infty)", True
    yield "(-\\infty,\\infty)", "\\mathbb{R}", True
    yield f"({a},{b})\\cap({c},{d})", f"({a},{b})\\cup({c},{d})", False
    yield f"({a},{b})\\cup({c},{d})", f"({a},{b})\\cup({c},{d}]", False
    yield f"-\\infty<x<{a}", f"(-\\infty,{a})", True
    yield f"(-∞,{a}]", f"(-\\infty,{a}]", True


@family
def equations(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    m, c, k = draw.choice([-1, 1]) * draw.randint(2, 9), draw.randint(1, 9), draw.randint(2, 7)
    r = f"y={m}x+{c}"
    for form in (
        f"y = {m}x + {c}",
        f"{m}x+{c}=y",
        f"{k}y={k * m}x+{k * c}",
        f"y-{m}x-{c}=0" if m > 0 else f"y+{-m}x-{c}=0",
        f"{m}x-y+{c}=0",
        f"y={c}{m:+d}x",
        f"-y={-m}x-{c}",
        f"y-{c}={m}x",
        f"\\frac{{y}}{{{k}}}=\\frac{{{m}x+{c}}}{{{k}}}",
        f"y={m}\\cdot x+{c}",
        f"0={m}x-y+{c}",
        f"y={m}\\left(x+\\frac{{{c}}}{{{m}}}\\right)",
    ):
        yield form, r, True
    for wrong in (
        f"y={m}x-{c}",
        f"y={m + 1}x+{c}",
        f"x={m}y+{c}",
        f"y={m}x",
        f"y>{m}x+{c}",
        f"{m}x+{c}" if False else f"y={m}x+{c + 1}",
        f"y={m}x^2+{c}",
    ):
        yield wrong, r, False
    h, w, q = draw.randint(1, 9), draw.randint(1, 9), draw.randint(1, 9)
    yield f"(x-{h})^2+(y+{w})^2={q * q}", f"x^2-{2 * h}x+y^2+{2 * w}y+{h * h + w * w - q * q}=0", True
    yield f"(x-{h})^2+(y+{w})^2={q * q}", f"(x+{h})^2+(y+{w})^2={q * q}", False
    yield f"\\frac{{x^2}}{{{h}}}+\\frac{{y^2}}{{{w}}}=1", f"{w}x^2+{h}y^2={w * h}", True
    yield f"\\frac{{x^2}}{{{h}}}-\\frac{{y^2}}{{{w}}}=1", f"\\frac{{x^2}}{{{h}}}+\\frac{{y^2}}{{{w}}}=1", False
    yield f"x={h}", f"x={h + 1}", False
    yield f"x={h}", str(h), True
    yield f"{h}", f"x={h}", True
    yield f"x={h}", f"y={h}", False
    yield f"x={h}", f"{h}x", False
    yield f"x+y\\le {h}", f"{h}\\ge x+y", True
    yield f"{k}x+{k}y\\le {k * h}", f"x+y\\le {h}", True
    yield f"-x-y\\ge -{h}", f"x+y\\le {h}", True
    yield f"x+y<{h}", f"x+y\\le {h}", False
    yield f"x+y\\ge {h}", f"x+y\\le {h}", False
    yield f"f(x)={h}x+{w}", f"{h}x+{w}", True
    yield f"{h}x+{w}", f"f(x)={h}x+{w}", True
    yield f"a={h}, b={w}", f"({h},{w})", True
    yield f"a={h}, b={w}", f"b={w}, a={h}", True
    yield f"a={h}, b={w + 1}", f"a={h}, b={w}", False
    yield f"x={h}=3" if h != 3 else "x=4=5", str(h), False
    yield f"{h}+{w}={h + w}", str(h + w), True


@family
def matrices(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    a, b, c, d = (draw.randint(-9, 30) for _ in range(4))
    r = f"\\begin{{pmatrix}} {a} & {b} \\\\ {c} & {d} \\end{{pmatrix}}"
    for form in (
        r.replace(" ", ""),
        r.replace("pmatrix", "bmatrix"),
        f"\\left(\\begin{{array}}{{cc}} {a} & {b} \\\\ {c} & {d} \\end{{array}}\\right)",
        f"\\left[\\begin{{array}}{{cc}}{a}&{b}\\\\{c}&{d}\\end{{array}}\\right]",
        r.replace("\\end", "\\\\ \\end"),
        r.replace(f" {a} ", f" \\frac{{{2 * a}}}{{2}} ", 1),
        f"\\left(\\begin{{matrix}}{a}&{b}\\\\{c}&{d}\\end{{matrix}}\\right)",
        f"A = {r}",
        f"\\begin{{bmatrix}} {a}.0 & {b} \\\\ {c} & {d} \\end{{bmatrix}}",
        f"\\left(\\begin{{smallmatrix}}{a}&{b}\\\\{c}&{d}\\end{{smallmatrix}}\\right)",
        f"\\begin{{pmatrix}} {a} & {b} \\cr {c} & {d} \\end{{pmatrix}}",
        f"\\begin{{pmatrix}} {a} & {b} \\\\[2pt] {c} & {d} \\end{{pmatrix}}",
    ):
        yield form, r, True
    yield f"\\begin{{pmatrix}} {a} & {b} \\\\ {c} & {d + 1} \\end{{pmatrix}}", r, False
    if b != c:
        yield f"\\begin{{pmatrix}} {a} & {c} \\\\ {b} & {d} \\end{{pmatrix}}", r, False
    yield f"\\begin{{pmatrix}} {a} & {b} & {c} & {d} \\end{{pmatrix}}", r, False
    yield f"\\begin{{pmatrix}} {a} \\\\ {b} \\end{{pmatrix}}", f"\\begin{{pmatrix}} {a} \\\\ {b}\\end{{pmatrix}}", True
    yield (
        f"\\begin{{pmatrix}} {a} \\\\ {b} \\end{{pmatrix}}",
        f"\\begin{{pmatrix}} {b} \\\\ {a + 1} \\end{{pmatrix}}",
        False,
    )
    yield f"\\begin{{pmatrix}} {a} \\\\ {b} \\end{{pmatrix}}", f"\\begin{{pmatrix}} {a} & {b} \\end{{pmatrix}}", False


@family
def bases(draw: Draw) -> Iterator[tuple[str, str, bool] | tuple[str, str, bool, str]]:
    base = draw.randint(2, 9)
    digits = "".join(str(draw.randint(0 if place else 1, base - 1)) for place in range(draw.randint(3, 7)))
    r = f"{digits}_{base}"
    for form in (
        f"{digits}_{{{base}}}",
        f"({digits})_{{{base}}}",
        f"{digits}_{{\\text{{{NUMBERS[base]}}}}}",
        f"{digits}_{{{NUMBERS[base]}}}",
        f"{digits} _{base}",
        f"{digits}\\text{{ base }}{base}" if False else r,
        f"\\text{{{digits}}}_{base}",
        f"({digits})_{base}",
        f"{digits}_{{({base})}}" if False else r,
        digits.translate(str.maketrans("", "")) + "₀₁₂₃₄₅₆₇₈₉"[base],
    ):
        yield form, r, True
    yield digits, r, True, f"Write the number in base {base}."
    yield f"{digits}_{base + 1}", r, False
    yield f"{digits}0_{base}", r, False
    yield str(int(digits, base)), r, False
    yield digits, r, False


NUMBERS = "zero one two three four five six seven eight nine ten".split()


@family
def quantities(draw: Draw) -> Iterator[tuple[str, str, bool] | tuple[str, str, bool, str]]:
    n = draw.randint(2, 90)
    unit, other = draw.choice(
        (
            ("cm", "m"),
            ("m", "km"),
            ("kg", "g"),
            ("apples", "oranges"),
            ("miles", "feet"),
            ("hours", "minutes"),
            ("dollars", "cents"),
            ("square meters", "meters"),
            ("students", "teachers"),
            ("inches", "feet"),
            ("days", "weeks"),
            ("liters", "gallons"),
            ("mph", "km"),
            ("miles per hour", "miles"),
            ("marbles", "boxes"),
            ("years old", "weeks"),
        )
    )
    for form in (
        f"{n}\\text{{ {unit}}}",
        f"{n} {unit}" if len(unit) > 2 else f"{n}\\text{{{unit}}}",
        f"{n}\\ \\text{{{unit}}}",
        f"{n}~\\text{{{unit}}}",
        f"{n}\\,\\text{{{unit}}}",
        f"{n}\\mathrm{{~{unit}}}" if " " not in unit else f"{n}\\text{{ {unit}}}",
        f"{n} \\mathrm{{{unit}}}" if " " not in unit else str(n),
        f"{n}\\;\\textrm{{{unit}}}",
        f"{n} \\mbox{{ {unit}}}",
        f"{n}\\textbf{{ {unit}}}",
        f"\\text{{{n} {unit}}}",
        f"{n}\\quad\\text{{{unit}}}",
        f"{n}.0\\text{{ {unit}}}",
        f"{n} \\text{{ {unit}.}}",
        f"\\text{{{n}}} \\text{{{unit}}}",
        f"\\mathbf{{{n}\\text{{ {unit}}}}}",
        f"{n}\\;{unit}" if len(unit) > 3 and " " not in unit else str(n),
    ):
        yield form, str(n), True
        yield form, f"{n}\\text{{ {unit}}}", True
        yield str(n), form, True
    yield f"{n}\\text{{ {unit}}}", f"{n}\\text{{ {other}}}", False
    yield f"{n + 1}\\text{{ {unit}}}", f"{n}\\text{{ {unit}}}", False
    yield f"{n + 1}\\text{{ {unit}}}", str(n), False
    for form in (
        f"\\${n}",
        f"${n}",
        f"\\${n}.00",
        f"{n} dollars",
        f"{n}\\text{{ dollars}}",
        f"\\$ {n}",
        f"\\text{{\\${n}}}",
        f"{n}\\$",
        f"USD {n}" if False else f"\\${n}",
        f"\\text{{\\$}}{n}",
        f"\\textdollar {n}",
        f"{n}\\text{{ USD}}",
        f"\\$\\,{n}",
        f"{{\\$}}{n}",
        f"\\mathdollar {n}",
        f"\\text{{\\textdollar}}{n}" if False else f"\\${n}.0",
    ):
        yield form, str(n), True
        yield form, f"\\${n}", True
    yield f"\\${n}", f"\\${n + 1}", False
    yield f"\\${n}", f"€{n}", False
    yield f"{n}\\text{{ cents}}", f"\\${n}", False
    yield f"£{n}", str(n), True
    yield f"€{n}", str(n), True
    yield f"{n}€", str(n), True
    h, m = draw.randint(1, 12), draw.randint(10, 59)
    half, wrong = draw.choice((("AM", "PM"), ("PM", "AM")))
    r = f"{h}:{m} \\text{{ {half}}}"
    for form in (
        f"{h}:{m} {half}",
        f"{h}:{m}\\text{{ {half.lower()}}}",
        f"{h}:{m}\\text{{ {half[0].lower()}.m.}}",
        f"{h}:{m}{half}",
        f"{h}:{m}",
        f"\\text{{{h}:{m} {half}}}",
        f"{h}:{m}\\ \\text{{{half[0]}.M.}}",
        f"{h}{{:}}{m}\\text{{ {half}}}",
        f"{h}:{m} \\mathrm{{{half}}}",
    ):
        yield form, r, True
    yield f"{h}:{m} {wrong}", r, False
    yield f"{h}:{m % 50 + 10 if m % 50 + 10 != m else m - 1} {half}", r, False
    x, y = draw.randint(1, 9), draw.randint(10, 19)
    k = draw.randint(2, 5)
    g = gcd(x, y)
    for form in (
        f"{x}:{y}",
        f"{x} : {y}",
        f"{k * x}:{k * y}",
        f"{x}\\colon {y}",
        f"{x // g}:{y // g}",
        f"{x}\\text{{ : }}{y}",
        f"{x}\\text{{ to }}{y}",
        f"{x} to {y}",
        f"{x}{{:}}{y}",
        f"${x}:{y}$",
        f"{x} \\mathbin{{:}} {y}" if False else f"{x}:{y}",
    ):
        yield form, f"{x}:{y}", True, "What is the ratio of boys to girls?"
    yield f"{y}:{x}", f"{x}:{y}", False, "What is the ratio of boys to girls?"
    yield f"{x}:{y + 1}", f"{x}:{y}", False, "What is the ratio of boys to girls?"


@family
def words(draw: Draw) -> Iterator[tuple[str, str, bool]]:
    names = (
        "north",
        "Tuesday",
        "Alice",
        "isosceles",
        "hyperbola",
        "even",
        "yes",
        "no solution",
        "odd",
        "circle",
        "ellipse",
        "increasing",
        "Evelyn",
        "never",
        "all real numbers",
        "Friday",
        "two lines",
        "parabola",
        "blue",
        "monday",
        "infinite",
        "undefined",
        "sphere",
        "Noon",
        "tan",
        "east",
    )
    word, other = draw.sample(names, 2)
    for form in (
        f"\\text{{{word}}}",
        word,
        word.lower(),
        word.upper(),
        word.capitalize(),
        f"\\textbf{{{word}}}",
        f"\\text{{ {word} }}",
        f"\\text{{{word}.}}",
        f"{word}.",
        f"\\mathrm{{{word}}}" if " " not in word else word,
        f"**{word}**",
        f"\\text{{The answer is {word}}}",
        f"$\\text{{{word}}}$",
        f"\\textit{{{word}}}",
        f"\\mbox{{{word}}}",
        f"\\textnormal{{{word}}}",
        f"\\emph{{{word}}}",
        f"\\texttt{{{word}}}",
        f"``{word}''" if False else word,
        f'"{word}"',
        f"\\text{{``{word}''}}" if False else word,
    ):
        if word == "tan" and "\\t" not in form and "**" not in form and '"' not in form:
            continue
        yield form, f"\\text{{{word}}}", True
        if word != "tan":
            yield form, word, True
    yield f"\\text{{{other}}}", f"\\text{{{word}}}", False
    yield f"\\text{{not {word}}}", f"\\text{{{word}}}", False
    yield f"\\text{{{word} or {other}}}", f"\\text{{{word}}}", False
    yield "5", f"\\text{{{word}}}", False
    yield f"\\text{{{word}}}", "5", False
    letter, wrong = draw.sample("ABCDE", 2)
    for form in (
        letter,
        f"({letter})",
        f"\\text{{{letter}}}",
        f"\\text{{({letter})}}",
        f"\\textbf{{({letter})}}",
        f"{letter}.",
        f"\\mathrm{{{letter}}}",
        f"\\mathbf{{{letter}}}",
        f"\\text{{Option {letter}}}",
        f"Option {letter}",
        f"\\textbf{{({letter})}}\\ ",
        f"{letter})",
        f"\\mathrm{{({letter})}}",
        f"\\text{{choice }}({letter})",
        f"\\left({letter}\\right)",
        f"**{letter}**",
        f"\\text{{{letter}.}}",
    ):
        yield form, letter, True
        yield form, f"\\text{{{letter}}}", True
        yield form, f"({letter})", True
    yield wrong, letter, False
    yield f"\\text{{{wrong}}}", f"({letter})", False
    yield f"{letter}{wrong}", letter, False
    yield f"{letter}, {wrong}", letter, False
    first, second, third = draw.sample(("Alice", "Bob", "Carla", "Dimitri", "Evelyn", "Briana", "red", "green"), 3)
    yield f"\\text{{{first}, {second}}}", f"\\text{{{first}}}, \\text{{{second}}}", True
    yield f"\\text{{{first} and {second}}}", f"\\text{{{first}, {second}}}", True
    yield f"\\text{{{first}, {third}}}", f"\\text{{{first}, {second}}}", False
