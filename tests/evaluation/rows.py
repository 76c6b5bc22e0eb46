"""Rows in the forms of the publishers, with problems of our own."""

import itertools
from typing import Any

Row = dict[str, Any]


def math(number: int = 0, **given: Any) -> Row:
    solution = f"Adding gives $\\boxed{{{number}}}$, no: $\\boxed{{{number + 1}}}$."
    row = {"problem": f"What is ${number}+1$?", "level": "Level 2", "type": "Prealgebra", "solution": solution}
    return row | given


def gsm8k(number: int = 0, **given: Any) -> Row:
    answer = f"He has {number}+1=<<{number}+1={number + 1}>>{number + 1}.\n#### {number + 1:,}"
    return {"question": f"Ben has {number} pens and gets one. How many has he?", "answer": answer} | given


def college_math(number: int = 0, **given: Any) -> Row:
    row = {
        "data_source": "college_math.Algebra_Book",
        "question_number": f"exercise.1.{number}",
        "question": f"Simplify: ${number} x+x$",
        "answer": f"${number + 1} x$",
        "license": "CC BY 4.0",
        "data_topic": "college_math.algebra",
    }
    return row | given


def deepmind(number: int = 0, **given: Any) -> Row:
    return {"question": f"Calculate {number} + 0.5.", "answer": f"{number}.5"} | given


def olympiadbench(number: int = 0, **given: Any) -> Row:
    row = {
        "id": 5000 + number,
        "subfield": "Algebra",
        "context": None,
        "question": f"Find the largest $x$ with $x \\leq {number}$.",
        "solution": ["It is clear."],
        "final_answer": [f"${number}$"],
        "is_multiple_answer": False,
        "unit": None,
        "answer_type": "Numerical",
        "error": None,
    }
    return row | given


def theoremqa(number: int = 0, **given: Any) -> Row:
    row = {
        "Question": f"How many edges has a path with {number + 1} vertices?",
        "Answer": number,
        "Answer_type": "integer",
        "Picture": None,
        "source": "self",
        "id": f"someone/path_{number}.json",
        "explanation": "NONE",
        "theorem": "path",
        "subfield": "Graph theory",
        "field": "Math",
    }
    return row | given


MAKERS = {
    "math": math,
    "gsm8k": gsm8k,
    "college-math": college_math,
    "deepmind-mathematics": deepmind,
    "olympiadbench-oe": olympiadbench,
    "theoremqa": theoremqa,
}


def whole(name: str, count: int) -> list[Row]:
    """So many rows of a benchmark; TheoremQA with its 53 pictures."""
    rows = [MAKERS[name](number) for number in range(count)]
    for row in itertools.islice(rows, 53 if name == "theoremqa" else 0):
        row["Picture"] = "images/path.png"
    return rows
