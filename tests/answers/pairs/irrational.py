"""Radicals, pi, e, logarithms, trigonometry of rational angles, complex numbers."""

from collections.abc import Iterator
from math import isqrt

from .drawing import Draw, Made, family
from .numbers import fraction


def squarefree(draw: Draw) -> int:
    """2, 3, 5, 6, 7, 10, ..."""
    return draw.choice([n for n in range(2, 60) if all(n % (d * d) for d in range(2, isqrt(n) + 1))])


@family
def radicals(draw: Draw) -> Iterator[Made]:
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
def constants(draw: Draw) -> Iterator[Made]:
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
    yield "1-\\frac{1}{e}", "1+\\frac1e", False
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
def angles(draw: Draw) -> Iterator[Made]:
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
        f"{n}^{{\\circ}}",
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
def complexes(draw: Draw) -> Iterator[Made]:
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
        "2",
        f"{b}i",
        str(a),
    ):
        yield wrong, r, False
    yield f"({a}+{b}i)^2", f"{a * a - b * b}+{2 * a * b}i", True
    yield f"\\frac{{1}}{{{a}+{b}i}}", f"\\frac{{{a}-{b}i}}{{{a * a + b * b}}}", True
    yield f"|{a}+{b}i|", f"\\sqrt{{{a * a + b * b}}}", True
    yield "-i", "\\frac{1}{i}", True
    yield "e^{i\\pi/3}", "\\frac{1+\\sqrt3 i}{2}", True
    yield f"\\pm {b}i", f"{b}i, -{b}i", True
    yield f"{b}i,-{b}i", f"\\pm {b}i", True
