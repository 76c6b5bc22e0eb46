"""DeepMind-Mathematics: generated questions (Saxton et al. 2019), the 1,000 that MAmmoTH and DART-Math drew."""

import re

from dart_k8s.answers import Policy
from dart_k8s.benchmarks.benchmark import Benchmark, Entry, Row, text
from dart_k8s.benchmarks.shots import Example

_LIST = re.compile(r"\[(?P<members>[^\[\]]*)\]")


def _entry(row: Row) -> Entry:
    answer = text(row, "answer").strip()
    listed = _LIST.fullmatch(answer)
    members = [member.strip() for member in listed["members"].split(",")] if listed else [answer]
    return Entry(
        problem=text(row, "question"),
        references=tuple(members),
        reference=", ".join(members),
        # Prime factors: the questions ask for all of them, in no order.
        policy=Policy(kind="set") if listed else Policy(),
    )


DEEPMIND_MATHEMATICS = Benchmark(
    name="deepmind-mathematics",
    title="DeepMind-Mathematics",
    items=1000,
    source=None,
    publisher="deepmind-mathematics.json of github.com/hkust-nlp/dart-math: a JSON list of question and answer",
    reader=_entry,
    fields=("question", "answer"),
    examples=(
        Example(
            "Solve 3*k + 7 - 2*k = 30 - 18 for k.",
            "The left side is k + 7 and the right side 12, so k = 12 - 7 = 5.\nThe answer is 5.",
        ),
        Example("Calculate -0.4 - 17.", "-0.4 - 17 = -(0.4 + 17) = -17.4.\nThe answer is -17.4."),
        Example(
            "What is the remainder when 845 is divided by 37?",
            "37 * 22 = 814 and 845 - 814 = 31, which is below 37.\nThe answer is 31.",
        ),
        Example(
            "Let r = 1380 + 6. List the prime factors of r.",
            "r = 1386 = 2 * 693 = 2 * 3 * 231 = 2 * 3 * 3 * 77 = 2 * 3 * 3 * 7 * 11.\nThe answer is 2, 3, 7, 11.",
        ),
    ),
    rule="the rules for data sets; a list, of prime factors, in any order",
)
