"""Numerals in a base, units, money, times, ratios, words, options."""

from collections.abc import Iterator
from math import gcd

from .drawing import Draw, Made, family


@family
def bases(draw: Draw) -> Iterator[Made]:
    base = draw.randint(2, 9)
    digits = "".join(str(draw.randint(0 if place else 1, base - 1)) for place in range(draw.randint(3, 7)))
    r = f"{digits}_{base}"
    for form in (
        f"{digits}_{{{base}}}",
        f"({digits})_{{{base}}}",
        f"{digits}_{{\\text{{{NUMBERS[base]}}}}}",
        f"{digits}_{{{NUMBERS[base]}}}",
        f"{digits} _{base}",
        r,
        f"\\text{{{digits}}}_{base}",
        f"({digits})_{base}",
        r,
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
def quantities(draw: Draw) -> Iterator[Made]:
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
        f"\\${n}",
        f"\\text{{\\$}}{n}",
        f"\\textdollar {n}",
        f"{n}\\text{{ USD}}",
        f"\\$\\,{n}",
        f"{{\\$}}{n}",
        f"\\mathdollar {n}",
        f"\\${n}.0",
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
        f"{x}:{y}",
    ):
        yield form, f"{x}:{y}", True, "What is the ratio of boys to girls?"
    yield f"{y}:{x}", f"{x}:{y}", False, "What is the ratio of boys to girls?"
    yield f"{x}:{y + 1}", f"{x}:{y}", False, "What is the ratio of boys to girls?"


@family
def words(draw: Draw) -> Iterator[Made]:
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
        word,
        f'"{word}"',
        word,
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
