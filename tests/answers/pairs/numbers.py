"""Integers, decimals, fractions, percent, huge and tiny numbers."""

from collections.abc import Iterator
from fractions import Fraction

from .drawing import Draw, Made, family


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
def plain_integers(draw: Draw) -> Iterator[Made]:
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
        "%s",
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
        f"{r}x" if n else "x",
        f"x^{{{r}}}" if n != 1 else "x^2",
        f"{r}\\%" if n and n < 2 else f"{r}!" if n > 2 else "77",
        f"\\frac{{{other}}}{{7}}" if other % 7 and Fraction(other, 7) != n else "0.123",
        f"{r}\\text{{ million}}" if n else "12",
        f"{r}/2" if n else "3",
        f"{r}^2" if n > 1 else "12",
    ):
        yield wrong, r, False


@family
def thousands(draw: Draw) -> Iterator[Made]:
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
def decimals(draw: Draw) -> Iterator[Made]:
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
def fractions(draw: Draw) -> Iterator[Made]:
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
        "998",
        f"({a},{b})",
        f"{sign}{a}, {b}",
    ):
        yield wrong, r, False


@family
def percents(draw: Draw) -> Iterator[Made]:
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
def huge(draw: Draw) -> Iterator[Made]:
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
    yield f"{{{m} \\choose 3}}", str(m * (m - 1) * (m - 2) // 6), True
    yield f"\\dbinom{{{m}}}{{3}}", str(m * (m - 1) * (m - 2) // 6), True
    yield f"10^{{{p}}}", f"10^{{{p}}}+10^{{-{p}}}", False


@family
def scientific(draw: Draw) -> Iterator[Made]:
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
