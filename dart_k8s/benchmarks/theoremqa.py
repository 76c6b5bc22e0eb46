"""TheoremQA: questions of university level with a theorem behind each (Chen et al. 2023)."""

import json
import re
from collections.abc import Sequence

from dart_k8s.answers import Policy
from dart_k8s.benchmarks.benchmark import Benchmark, Entry, Fault, Row, Source, kind, label, text
from dart_k8s.benchmarks.shots import Example

FLOAT_TOLERANCE = 0.04
"""Relative: what the publisher's code allows for floats, and for the members of their lists."""
_FLOATS = Policy(relative=FLOAT_TOLERANCE, exact_references_too=True, unit=True)
RULES = {
    "integer": Policy(unit=True),
    "float": _FLOATS,
    "bool": Policy(truth=True),
    "list of integer": Policy(kind="tuple"),
    "list of float": Policy(kind="tuple", relative=FLOAT_TOLERANCE, exact_references_too=True),
    "option": Policy(choices=True),
}
"""Policies by Answer_type."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_OPTION = re.compile(r"\(?([a-zA-Z])\)?")


def _entry(row: Row) -> Entry:
    problem, answer_type = text(row, "Question"), text(row, "Answer_type")
    if answer_type not in RULES:
        raise Fault(f"its field 'Answer_type' is {answer_type!r}: known are {', '.join(RULES)}")
    references = _references(row["Answer"], answer_type)
    listed = answer_type.startswith("list")
    return Entry(
        problem=problem,
        references=references,
        reference=f"({', '.join(references)})" if listed and len(references) > 1 else ", ".join(references),
        subject=label(row, "field") or label(row, "subfield"),
        picture=row["Picture"] not in (None, ""),
        policy=RULES[answer_type],
    )


def _references(value: object, answer_type: str) -> tuple[str, ...]:
    """The answer as texts. The publisher's file has JSON's own kinds, its copy at the hub their text."""
    wrong = Fault(f"its field 'Answer' is {kind(value)} ({str(value)[:60]!r}), not of Answer_type {answer_type!r}")
    if answer_type == "bool":
        if str(value).strip() not in ("True", "False"):
            raise wrong
        return (str(value).strip(),)
    if answer_type == "option":
        found = _OPTION.fullmatch(str(value).strip())
        if found is None:
            raise wrong
        return (f"({found[1]})",)
    if answer_type.startswith("list"):
        members = _list(value)
        if not members or not all(_NUMBER.fullmatch(member) for member in members):
            raise wrong
        return tuple(members)
    written = "" if isinstance(value, bool) else _written(value)
    if not _NUMBER.fullmatch(written):
        raise wrong
    return (written,)


def _list(value: object) -> Sequence[str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return ()
    if not isinstance(value, list) or any(isinstance(member, bool) for member in value):
        return ()
    return [_written(member) for member in value]


def _written(value: object) -> str:
    return str(value).strip()


THEOREMQA = Benchmark(
    name="theoremqa",
    title="TheoremQA",
    items=800,
    pictures=53,
    source=Source(
        uris=("hf://TIGER-Lab/TheoremQA",),
        split="test",
        revision="a340b1782960a712843aae3ed25f1e013cc008a5",
        items=800,
    ),
    publisher=(
        "theoremqa_test.json of github.com/TIGER-AI-Lab/TheoremQA: a JSON list of objects with Question, Answer, "
        "Answer_type and Picture"
    ),
    reader=_entry,
    fields=("Question", "Answer", "Answer_type", "Picture"),
    base_shots=5,
    examples=(
        Example(
            "A source emits the symbols a, b and c with probabilities 0.5, 0.25 and 0.25. What is its entropy in bits "
            "per symbol?",
            "The entropy is 0.5 * log2(2) + 0.25 * log2(4) + 0.25 * log2(4) = 0.5 + 0.5 + 0.5 = 1.5.\nThe answer is "
            "1.5.",
        ),
        Example(
            "How many edges does the complete bipartite graph with 7 and 9 vertices in its parts have?",
            "Each of the 7 vertices is joined to each of the 9 others: 7 * 9 = 63.\nThe answer is 63.",
        ),
        Example(
            "What are the coordinates of the vector [7, 1] in the basis u = [1, 1], v = [2, -1]? Give a list.",
            "We want a and b with a + 2b = 7 and a - b = 1. Subtracting gives 3b = 6, so b = 2 and a = 3.\n"
            "The answer is [3, 2].",
        ),
        Example(
            "Does the series with the terms 1/(n * sqrt(n)), n = 1, 2, 3, ..., converge? True or False?",
            "The terms are n to the power of -1.5. A series of powers n^(-s) converges for s > 1, and 1.5 > 1.\n"
            "The answer is True.",
        ),
        Example(
            "Which of these groups of order 6 is not abelian? (a) Z/6Z (b) Z/2Z x Z/3Z (c) the symmetric group S_3 "
            "(d) none",
            "Cyclic groups and their products are abelian. In S_3 the transpositions (1 2) and (2 3) do not commute.\n"
            "The answer is (c).",
        ),
    ),
    rule="by Answer_type: floats within 4 %, lists in order, an option by its letter, yes for true; integers exactly",
)
