"""References of any data set written in other ways (equal), and changed a little (different).

Works on the text alone and knows nothing of the verifier. A rewriting that would not change the text, or would not
fit it, is left out. What is changed is one figure, sign, bracket, relation or member, so that a change is always one
of the answer's value; the few texts where it is not are for the reader of the list to tell.
"""

import random
import re
from collections.abc import Iterator

_SIMPLE = re.compile(r"-?\d+(?:\.\d+)?")
_INTEGER = re.compile(r"-?\d+")
_FRACTION = re.compile(r"\\frac\{(-?\d+)\}\{(\d+)\}")
_TUPLE = re.compile(r"\(([^()\[\]]+,[^()\[\]]+)\)")


def bare(reference: str) -> str:
    """A reference without its dollar signs."""
    text = reference.strip()
    if text.startswith("$") and text.endswith("$") and text.count("$") == 2:
        return text[1:-1].strip()
    return text


def places(text: str) -> Iterator[tuple[str, str]]:
    """Responses that end in the answer."""
    wrapped = text if "$" in text else f"${text}$"
    boxed = text if text.count("$") % 2 == 0 else re.sub(r"(?<!\\)\$", r"\\$", text)
    yield "box", f"So the result is $\\boxed{{{boxed}}}$."
    yield "box", f"Thus\n\\[\n\\boxed{{ {boxed} }}\n\\]"
    yield "box", f"First \\boxed{{17}}? No. We correct this: \\boxed{{{boxed}}}"
    yield "box", f"\\boxed{{{boxed}.}}"
    yield "box", f"\\boxed {{{boxed}}}"
    yield "box", f"\\fbox{{{boxed}}}"
    yield "box", f"\\boxed{{\\text{{The answer is }} {boxed}}}"
    yield "hashes", f"Adding 3 and 4 gives 7.\n#### {text}"
    yield "phrase", f"Adding 3 and 4 gives 7. The answer is {wrapped}."
    yield "phrase", f"Adding 3 and 4 gives 7. The final answer is: {wrapped}"
    yield "phrase", f"Final Answer: The final answer is {wrapped}. I hope it is correct."
    yield "phrase", f"Adding 3 and 4 gives 7.\n\n**Answer:** {wrapped}"
    if "**" not in text:
        yield "phrase", f"Therefore, the answer is **{wrapped}**."
    if "$" not in text:
        yield "phrase", f"Therefore, the answer is \\({text}\\)."
        yield "phrase", f"Therefore, the answer is\n\\[{text}\\]"
        yield "box", f"\\boxed{{${text}$}}"


def rewritten(reference: str, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Other ways to write a reference."""
    text = bare(reference)
    yield "stop", f"{text}."
    yield "space", f" {text} "
    yield "space", f"~{text}"
    yield "space", f"{text}\\,"
    yield "layout", f"\\displaystyle {text}"
    yield "layout", f"{text}\\\\"
    if "$" not in text:
        yield "layout", f"${text}$"
        yield "layout", f"{{{text}}}"
    if "\\frac" in text:
        yield "fraction", text.replace("\\frac", "\\dfrac")
        yield "fraction", text.replace("\\frac", "\\tfrac")
        if found := _FRACTION.fullmatch(text.removeprefix("-")):
            sign = "-" if text.startswith("-") else ""
            yield "fraction", f"{sign}{found[1]}/{found[2]}"
            yield "fraction", f"{sign}\\frac{{{3 * int(found[1])}}}{{{3 * int(found[2])}}}"
        simple = re.sub(r"\\frac\{(\d)\}\{(\d)\}", r"\\frac\1\2", text)
        if simple != text:
            yield "fraction", simple
    if re.search(r"\\sqrt\{\d+\}", text):
        yield "root", re.sub(r"\\sqrt\{(\d+)\}", r"√\1", text)
        yield "root", re.sub(r"\\sqrt\{(\d+)\}", r"\\sqrt{\1 \\cdot 1}", text)
        if "\\ln" not in text:
            yield "root", re.sub(r"\\sqrt\{(\d+)\}", r"(\1)^{1/2}", text)
        yield "root", re.sub(r"\\sqrt\{(\d)\}", r"\\sqrt\1 ", text)
    if "(" in text and "\\left" not in text:
        yield "brackets", re.sub(r"(?<!\\)([\[(])", r"\\left\1", re.sub(r"(?<!\\)([\])])", r"\\right\1", text))
    if "\\left" in text:
        yield "brackets", text.replace("\\left", "").replace("\\right", "")
    for name, sign in (
        ("\\pi", "π"),
        ("\\infty", "∞"),
        ("\\leq", "≤"),
        ("\\geq", "≥"),
        ("\\cup", "∪"),
        ("\\pm", "±"),
        ("\\times", "×"),
        ("^{2}", "²"),
        ("^{\\circ}", "°"),
        ("\\cdot", "·"),
        ("-", "−"),
        ("\\in ", "∈"),
    ):
        if re.search(re.escape(name) + r"(?![A-Za-z])", text) and "\\text" not in text:
            yield "unicode", re.sub(re.escape(name) + r"(?![A-Za-z])", sign, text)
    if "\\leq" in text:
        yield "relation", re.sub(r"\\leq(?![A-Za-z])", r"\\leqslant", text)
        yield "relation", re.sub(r"\\leq(?![A-Za-z])", r"\\le", text)
    if "^{" in text:
        yield "power", re.sub(r"\^\{(\w)\}", r"^\1", text)
        yield "power", re.sub(r"\^\{(\d)\}", r"**\1", text) if "\\text" not in text else text
    if re.search(r"[+*=-]", text) and "\\text" not in text and not re.search(r"\de[+-]", text):
        yield "space", re.sub(r"(?<=[\w})])([+=-])(?=[\w\\({])", r" \1 ", text)
        yield "space", re.sub(r"(?<=[\w})]) ([+=-]) (?=[\w\\({])", r"\1", text)
    if _SIMPLE.fullmatch(text):
        yield "name", f"x = {text}"
        yield "name", f"n={text}"
        for unit in (
            "\\text{ apples}",
            "\\text{ cm}",
            "\\ \\text{miles}",
            "~\\mathrm{kg}",
            "\\text{ square meters}",
            " dollars",
        ):
            yield "unit", text + unit
        yield "money", f"\\${text}"
        yield "bold", f"\\mathbf{{{text}}}"
        yield "bold", f"\\textbf{{{text}}}"
        yield "plus", f"+{text}" if not text.startswith("-") else text
    if _INTEGER.fullmatch(text):
        yield "decimal", f"{text}.0"
        yield "decimal", f"{text}.00"
        yield "fraction", f"\\frac{{{2 * int(text)}}}{{2}}"
        yield "fraction", f"{text}/1"
        if abs(int(text)) > 999:
            for separator in (",", "{,}", "\\,", "~", " ", ",\\!"):
                yield "thousands", f"{int(text):,}".replace(",", separator)
    elif _SIMPLE.fullmatch(text):
        yield "decimal", f"{text}0"
        digits = len(text.partition(".")[2])
        yield "fraction", f"\\frac{{{text.replace('.', '').lstrip('0') or 0}}}{{{10**digits}}}".replace("{-0", "{-")
    if "," in text and not re.search(r"[(\[{=<>]|\\(?:left|text|leq|geq|pm|mp|frac|in)|\d,\d{3}|[A-Za-z]{2}", text):
        members = [member.strip() for member in text.split(",")]
        mixed = draw.sample(members, len(members))
        yield "members", ", ".join(mixed)
        yield "members", f"\\{{{', '.join(mixed)}\\}}"
        yield "members", " and ".join((", ".join(mixed[:-1]), mixed[-1]))
        yield "members", "\\text{ or }".join(mixed) if len(mixed) == 2 else ", ".join(mixed)
        yield "members", "$" + "$, $".join(mixed) + "$"
        yield "members", ", ".join(f"x={member}" for member in mixed)
    if found := _TUPLE.fullmatch(text):
        members = [member.strip() for member in found[1].split(",")]
        if "infty" not in text and len(members) < 4 and all(_SIMPLE.fullmatch(member) for member in members):
            yield "tuple", f"({', '.join('xyz'[: len(members)])}) = ({', '.join(members)})"
            yield "tuple", ", ".join(f"{name} = {member}" for name, member in zip("xyz", members, strict=False))
    if re.fullmatch(r"\d+\\%", text):
        yield "percent", text.replace("\\%", "%")
        yield "percent", text.replace("\\%", "\\text{ percent}")
    if re.fullmatch(r"[A-Za-z ]{3,}", text) and text not in ("pi",):
        yield "word", f"\\text{{{text}}}"
        yield "word", text.upper()
        yield "word", f"**{text}**"
    if re.fullmatch(r"[A-Za-z] ?=[^=<>,]+", text):
        yield "name", text.partition("=")[2]
        left, _, right = text.partition("=")
        yield "name", f"{right.strip()} = {left.strip()}"


def changed(reference: str, draw: random.Random) -> Iterator[tuple[str, str]]:
    """A reference with one thing changed, so that its value is another."""
    text = bare(reference)
    figures = list(re.finditer(r"(?<![\d.A-Za-z_{^])\d+(?![\d.]*\d*[_^])|(?<=\{)\d+(?=\})", text))
    zero = re.search(r"(?<!\d)0(?!\d|\.)", text) is not None
    if figures and not zero:
        found = draw.choice(figures)
        before = text[: found.start()]
        if before.endswith("sqrt{") or not before.endswith(("sqrt[", "\\log_", "_", "_{")):
            number = int(found[0])
            yield "figure", before + str(number + draw.choice((1, 2, 10))) + text[found.end() :]
            yield "figure", before + str(number * 10 + 3) + text[found.end() :]
    if _SIMPLE.fullmatch(text) and float(text):
        yield "sign", text.removeprefix("-") if text.startswith("-") else f"-{text}"
        yield "factor", f"{text}00" if "." not in text else f"{float(text) * 100:.10f}"
        yield "claim", f"\\neq {text}"
        yield "claim", f"> {text}"
        yield "claim", f"\\text{{not }}{text}"
        yield "claim", f"{text}\\text{{ is wrong}}"
        yield "member", f"{text}, {text}1"
        yield "digits", f"{text}0" if "." not in text else f"{text}01"
        yield "near", f"{text}.0000000001" if "." not in text else f"{text}0000000001"
    if found := re.search(r"(?<=[\w})]) ?[+] ?(?=[\w\\({])", text):
        yield "sign", f"{text[: found.start()]}-{text[found.end() :]}"
    if found := _TUPLE.fullmatch(text):
        members = [member.strip() for member in found[1].split(",")]
        if members[0] != members[-1]:
            yield "order", f"({', '.join(reversed(members))})"
        yield "bracket", f"[{found[1]}]"
        yield "bracket", f"[{found[1]})"
        yield "member", f"({found[1]}, 5)"
        yield "member", f"({', '.join(members[1:])})" if len(members) > 2 else members[1]
    if re.search(r"\\leq?(?![A-Za-z])", text):
        yield "relation", re.sub(r"\\leq?(?![A-Za-z])", "<", text, count=1)
        yield "relation", re.sub(r"\\leq?(?![A-Za-z])", r"\\geq", text)
    if "," in text and not re.search(r"[(\[{=<>]|\\(?:left|text|leq|geq|pm|mp|frac|in)|\d,\d{3}|[A-Za-z]{2}", text):
        members = [member.strip() for member in text.split(",")]
        yield "member", ", ".join(members[1:])
        yield "member", ", ".join((*members, "987"))
    if "\\sqrt" in text and "\\sqrt[" not in text:
        yield "root", re.sub(r"\\sqrt(?!\[)", r"\\sqrt[3]", text, count=1)
        yield "root", text.replace("\\sqrt", "", 1)
    if "\\pi" in text and "=" not in text:
        yield "constant", re.sub(r"\\pi(?![A-Za-z])", "3.14", text)


def broken(reference: str) -> Iterator[tuple[str, str]]:
    """Responses without a final answer, in which the reference stands all the same."""
    text = bare(reference)
    yield "empty", f"So x is ${text}$ and the answer: \\boxed{{}}"
    yield "cut", f"We find ${text}$, so \\boxed{{{text}"
    yield "cut", f"Computing, we get ${text}$ and now we have to"
    yield "cut", f"We find {text}. The answer is"
    yield "later", f"\\boxed{{{text}}}. Wait, that is wrong. Again: \\boxed{{"
    yield "later", f"\\boxed{{{text}}}. Wait, that is wrong: \\boxed{{\\text{{987 apples or so}}}}"
