"""Tuples, sets, lists, intervals, matrices."""

from collections.abc import Iterator

from .drawing import Draw, Made, family
from .irrational import squarefree


@family
def tuples(draw: Draw) -> Iterator[Made]:
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
    yield f"({a},{b})", f"({a}, {b})", True
    yield f"({a},{b})", f"({a},{b + 1})", False


@family
def sets(draw: Draw) -> Iterator[Made]:
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
def intervals(draw: Draw) -> Iterator[Made]:
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
        f"({a},{b})\\cup ({c},{d}]",
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
def matrices(draw: Draw) -> Iterator[Made]:
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
