"""Hostile answers that are too long for a file of cases, or too slow for `make test`. None equals its reference."""

from collections.abc import Iterator
from dataclasses import dataclass

LONG = 100_000
"""Characters of the long ones: over the bound of an answer, as long as the longest responses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """An answer that must not be found equal to its reference."""

    family: str
    answer: str
    reference: str = "5"


SLOW = (
    "\\sum_{k=1}^{n}\\sum_{j=1}^{k}\\sum_{i=1}^{j} i^j",
    "\\sum_{k=0}^{n}\\binom{n}{k}^2 x^k",
    "\\int_0^1 x^x dx",
    "\\int_0^1 \\sin(\\sin(\\sin(x))) dx",
    "\\int_0^\\infty e^{-x^3}\\sin(x^2) dx",
    "\\int \\frac{x^{99}}{x^{100}+x+1} dx",
    "\\int \\sqrt{x+\\sqrt{x+\\sqrt{x}}} dx",
    "\\int e^{e^{e^{x}}} dx",
    "\\int_0^1 \\frac{\\ln(1+x)}{1+x^2}\\cdot\\tan^{-1}(x)^{3} dx",
    "\\int \\frac{1}{\\sin^{5} x+\\cos^{7} x} dx",
    "\\lim_{x\\to0} x^{x^{x^{x}}}",
)
"""Sums, integrals and limits on which computer algebra works until it is stopped."""


def repeated(unit: str, length: int) -> str:
    """The unit so often that the text has about that many characters."""
    return unit * max(1, length // len(unit))


def nested(left: str, right: str, depth: int, core: str = "x") -> str:
    """The core inside as many pairs."""
    return left * depth + core + right * depth


def attacks() -> Iterator[Attack]:
    """All of them; those of attacks.jsonl are apart."""
    yield from _depths()
    yield from _lengths()


def slow_attacks() -> Iterator[Attack]:
    """What only a deadline ends: up to a second each."""
    for answer in SLOW:
        yield Attack(family="sum", answer=answer)
        yield Attack(family="sum", answer=f"{answer}+1", reference=answer)
        yield Attack(family="sum", answer=f"x+{answer}", reference="x+\\sqrt{x}")


def _depths() -> Iterator[Attack]:
    pairs = (
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("\\{", "\\}"),
        ("|", "|"),
        ("\\sqrt{", "}"),
        ("\\frac{1}{", "}"),
        ("\\frac{", "}{2}"),
        ("x^{", "}"),
        ("x_{", "}"),
        ("\\left(", "\\right)"),
        ("\\sin(", ")"),
        ("\\text{", "}"),
        ("\\mathbf{", "}"),
        ("\\boxed{", "}"),
        ("$", "$"),
        ("**", "**"),
        ("\\lfloor ", "\\rfloor "),
        ("\\begin{pmatrix}", "\\end{pmatrix}"),
        ("\\begin{cases}", "\\end{cases}"),
        ("\\sum_{k=1}^{2}{", "}"),
        ("\\int_0^1 ", " dx"),
        ("-(", ")"),
        ("1+(", ")"),
        ("\\binom{", "}{2}"),
        ("\\overline{", "}"),
        ("\\log_{", "}2"),
        ("f(", ")"),
        ("(1,", ")"),
        ("\\{x|", "\\}"),
        ("\\langle ", "\\rangle "),
        ("\\color{red}{", "}"),
        ("\\text{The answer is }{", "}"),
        ("x+\\frac{1}{1+", "}"),
    )
    for left, right in pairs:
        for depth in (20, 35, 41, 300, 3_000):
            yield Attack(family="depth", answer=nested(left, right, depth))
        yield Attack(family="depth", answer=repeated(left, 3_900))
        yield Attack(family="depth", answer=repeated(right, 3_900))
        yield Attack(family="depth", answer=repeated(left, LONG))
        yield Attack(family="depth", answer=repeated(right, LONG))
        yield Attack(family="depth", answer=nested(left, right, 35), reference=nested(left, right, 34))


def _lengths() -> Iterator[Attack]:
    units = (
        "9",
        "0",
        "1+",
        "x+",
        "1,",
        "1, ",
        " ",
        "\t",
        "\n",
        "~",
        "\\,",
        "\\ ",
        "\\\\",
        "\\",
        "$",
        "$1$ ",
        "*",
        "**",
        "_",
        "`",
        ".",
        "..",
        "-",
        "- ",
        "+",
        "=",
        "x=",
        "<",
        "1<",
        "&",
        "\\quad ",
        "(1,2),",
        "\\pm ",
        "\\pm1,",
        "a",
        "ab ",
        "A1_",
        "\\text{a}",
        "\\text{ a }",
        "\\frac12",
        "\\frac1",
        "\\sqrt2",
        "2^",
        "^2",
        "x^2",
        "_1",
        "!",
        "3!",
        "'",
        "\\pi",
        "\\cup",
        "[1,2]\\cup",
        "\\{1\\}\\cup",
        "x\\in",
        " and ",
        " or ",
        "and,",
        "1 000",
        "1,000",
        "1{,}000",
        "{,}",
        "{}",
        "{ }",
        "0.",
        ".0",
        "5.",
        "\\%",
        "%",
        "\\$",
        "\\$5",
        "°",
        "^\\circ",
        "½",
        "²",
        "√",
        "−",
        "，",
        "①",
        "\u200b",
        "e",
        "1e",
        "e1",
        "1e1",
        "i",
        "dx",
        "\\int",
        "\\sum",
        "x>1,",
        "x>1 or ",
        "|",
        "|x",
        "||x",
        ":",
        "1:",
        "1:2",
        ";",
        "#",
        "##",
        "####",
        "#### 5\n",
        "\\#\\#",
        "answer",
        "answer is ",
        "The answer is 5. ",
        "Answer: ",
        "\\boxed",
        "\\boxed{",
        "\\boxed{}",
        "\\boxed{5}",
        "\\boxed5 ",
        "\\boxed{5}, ",
        "\\boxed{5} and ",
        "\\text",
        "\\text{",
        "\\left",
        "\\right",
        "\\left(",
        "\\begin",
        "\\begin{cases}",
        "\\end{cases}",
        "\\mathrm{C}_",
        "C_1^",
        "_1C_",
        "<1,",
        "0. 0",
        "feet ",
        "5 feet ",
        "5 ft 2 in ",
        "per ",
        "sq ",
        "one hundred ",
        "hundred ",
        "half ",
        "five ",
        "five-",
        "\\colon",
        "{:}",
        "to 5 ",
        "1 to ",
        "(1)",
        "\\mathbb{R}\\setminus",
        "\\overline{3}",
        "0.\\overline{3}+",
        "\\log_",
        "\\sin ",
        "\\sin x",
        "sin",
        "\\bmod ",
        "\\pmod{7}",
        "\\choose ",
        "\\over ",
        "\\ldots",
        "...",
        "\\cr ",
        "\\\\[2pt]",
        "\\textdollar ",
        "\\displaystyle",
        "\\phantom{x}",
        "\\color{red}",
        "\\mathbf",
        "\\vec",
        "\\hat{",
        "\\underline",
    )
    for unit in units:
        for length in (300, 3_900, LONG):
            text = repeated(unit, length)
            yield Attack(family="length", answer=text)
            if length < LONG:
                yield Attack(family="length", answer=f"1{text}1", reference=f"1{text}2")
                yield Attack(family="length", answer=f"{text}x", reference=f"{text}y")
