"""OlympiadBench: open-ended competition problems in English, text only, without proofs (He et al. 2024)."""

import re
from collections.abc import Mapping

from dart_k8s.answers import Policy
from dart_k8s.answers.verdict import Kind
from dart_k8s.benchmarks.benchmark import Benchmark, Entry, Fault, Row, Source, kind, label, text
from dart_k8s.benchmarks.shots import Example

TYPES = {
    "Numerical": "a numerical value",
    "Expression": "an expression",
    "Equation": "an equation",
    "Interval": "an interval",
}
"""Answer types by their publisher's words. It has none for `Tuple`, which means too many things."""
_SHAPES: Mapping[str, Kind] = {"Tuple": "tuple", "Interval": "interval"}
SHOWN = 60
_NUMBER = re.compile(r"\s*\d+(?:\.\d*)?(?:[eE][+-]?\d+)?\s*")


def query(problem: str, *, answer_type: str, multiple: bool, unit: bool) -> str:
    """The prompt of the publisher's own evaluation (inference/code/evaluators/evaluator.py), word for word: scores are
    comparable only under it."""
    last = "\\boxed{multiple answers connected with commas}" if multiple else "\\boxed{answer}"
    note = ""
    if unit:
        last += "(unit)"
        note = ", note that the unit of the answer should not be included in \\boxed{}"
    return (
        "The following is an open-ended problem from an International Math competition. "
        f"{_expected(answer_type, multiple)}"
        "Please calculate the answer according to the given requirements and the information provided. Please use "
        "LaTeX format to represent the variables and formulas used in the solution process and results. Please end "
        "your solution "
        f'with "So the final answer is {last}." and give the result explicitly{note}.\n{problem}'
    )


def _expected(answer_type: str, multiple: bool) -> str:
    if "Tuple" in answer_type:
        return ""
    if not multiple:
        return f"The answer of The problem should be {_words(answer_type)}. "
    names = [_words(one) for one in answer_type.split(",")]
    if len(set(names)) == 1:
        return f"The problem has multiple answers, each of them should be {names[0]}. "
    return f"The problem has multiple answers, with the answers in order being {', '.join(names)}. "


def _words(answer_type: str) -> str:
    for name, words in TYPES.items():
        if name in answer_type:
            return words
    raise Fault(f"its field 'answer_type' is {answer_type!r}: known are {', '.join(TYPES)} and Tuple")


def members(answer: str) -> tuple[str, ...]:
    """The answers in a text that joins them with commas: at its top level, outside all brackets."""
    found, depth, start = [], 0, 0
    for place, character in enumerate(answer):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            found.append(answer[start:place])
            start = place + 1
    found.append(answer[start:])
    return tuple(stripped for one in found if (stripped := one.strip(" $"))) or (answer,)


def _entry(row: Row) -> Entry:
    problem, answer_type = text(row, "question"), text(row, "answer_type")
    multiple = row["is_multiple_answer"]
    if not isinstance(multiple, bool):
        raise Fault(f"its field 'is_multiple_answer' is {kind(multiple)}, not a truth value")
    finals = row["final_answer"]
    if not isinstance(finals, list) or not finals or not all(isinstance(one, str) and one.strip() for one in finals):
        raise Fault(f"its field 'final_answer' is {repr(finals)[:SHOWN]}, not a list of texts")
    reference = ", ".join(finals)
    # Several answers count in any order. Its publisher tells two intervals or tuples by their brackets alone.
    shape: Kind = "set" if multiple else _SHAPES.get(answer_type, "")
    error = _error(row["error"])
    return Entry(
        problem=problem,
        query=query(problem, answer_type=answer_type, multiple=multiple, unit=bool(row["unit"])),
        references=members(reference) if multiple else tuple(finals),
        reference=reference,
        id=label(row, "id"),
        subject=label(row, "subfield"),
        policy=Policy(kind=shape, absolute=error, exact_references_too=error > 0, unit=bool(row["unit"])),
    )


def _error(value: object) -> float:
    """The absolute error that an item allows; 0 for none."""
    if value is None or value == "":
        return 0.0
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    raise Fault(f"its field 'error' is {repr(value)[:SHOWN]}, not a number in text or null")


def _example(problem: str, answer_type: str, solution: str, *, multiple: bool = False) -> Example:
    return Example(query(problem, answer_type=answer_type, multiple=multiple, unit=False), solution)


OLYMPIADBENCH = Benchmark(
    name="olympiadbench-oe",
    title="OlympiadBench-OE",
    items=675,
    source=Source(
        uris=("hf://Hothan/OlympiadBench/OE_TO_maths_en_COMP",),
        split="train",
        revision="91184b52131e7fc9455fef848035173aea8cc01a",
        items=674,
        lacks="the hub's copy has 674 of the 675 problems of the publisher's file",
    ),
    publisher=(
        "OE_TO_maths_en_COMP.json of github.com/OpenBMB/OlympiadBench: a JSON list of objects with id, question, "
        "final_answer, is_multiple_answer, answer_type, unit, error and subfield"
    ),
    reader=_entry,
    fields=("id", "question", "final_answer", "is_multiple_answer", "answer_type", "unit", "error"),
    examples=(
        _example(
            "Find the number of ordered pairs $(a, b)$ of positive integers with $a b=2^{4} \\cdot 3^{2}$ such that "
            "$a$ is even and $b$ is odd.",
            "Numerical",
            "Since $b$ is odd, all four factors $2$ belong to $a$. The two factors $3$ can be shared in three ways: "
            "$b$ is $1$, $3$ or $9$, and $a$ follows from it. So the final answer is $\\boxed{3}$.",
        ),
        _example(
            "Let $n$ be a positive integer. Express the sum $1+5+9+\\cdots+(4 n-3)$ in terms of $n$.",
            "Expression",
            "The terms $4k-3$ for $k=1,\\ldots,n$ add up to $4\\cdot\\frac{n(n+1)}2-3n=2n^2-n$. "
            "So the final answer is $\\boxed{2n^2-n}$.",
        ),
        _example(
            "Find all real numbers $x$ for which $|x-3|=2|x|$.",
            "Numerical",
            "Either $x-3=2x$, and then $x=-3$, or $x-3=-2x$, and then $x=1$. Both solve the equation: $6=2\\cdot 3$ "
            "and $2=2\\cdot 1$. So the final answer is $\\boxed{-3,1}$.",
            multiple=True,
        ),
        _example(
            "Find the ordered pair $(x, y)$ of real numbers with $x+y=7$ and $x^{2}-y^{2}=21$.",
            "Tuple",
            "From $x^2-y^2=(x+y)(x-y)$ we get $x-y=3$. Adding $x+y=7$ gives $2x=10$, so $x=5$ and $y=2$. "
            "So the final answer is $\\boxed{(5,2)}$.",
        ),
    ),
    rule="several answers as a set, a tuple or interval by its type, the item's absolute error where it has one",
)
