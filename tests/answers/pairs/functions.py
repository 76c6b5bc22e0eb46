"""Polynomials and other functions; equations and inequalities."""

from collections.abc import Iterator

from .drawing import Draw, Made, family


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
def polynomials(draw: Draw) -> Iterator[Made]:
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
        text,
        text,
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
        "5",
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
    yield "3a^2b", "3ba^2", True
    yield "2xy+3", "3+2yx", True
    yield "a_1+a_2", "a_{1}+a_{2}", True
    yield "x_1", "x_{2}", False


@family
def equations(draw: Draw) -> Iterator[Made]:
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
        f"y={m}x+{c + 1}",
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
