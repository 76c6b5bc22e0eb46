"""Answers checked per second of one core, beside Math-Verify on the same responses in the same run; and hostile ones.

    python -m tests.benchmarks verifying attacks
    python -m tests.benchmarks.verifying FILE.jsonl [question answer]    the GSM8K-like mix from a file of one's own

Seconds are those of the processor, so that other programs on the machine matter less; latencies are of the wall clock.
Nothing is remembered between the responses of a mix: the memo is emptied before, and "again" is a second pass.
"""

import json
import logging
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dart_k8s.answers import check, check_reference
from dart_k8s.answers.decide import judge
from dart_k8s.answers.normalise import normal_answer
from dart_k8s.answers.pool import default
from dart_k8s.answers.read import read
from tests.answers.hostile import attacks, slow_attacks
from tests.answers.pairs import made

Found = dict[str, float]

_STEPS = (
    "First we find how many there are in each of the {a} boxes: {a} * {b} = {c}.",
    "Then we take away the {b} that were sold on Monday, which leaves {c} - {b} = {d}.",
    "Since $x + {a} = {c}$, we have $x = {d}$, and $\\frac{{x}}{{2}}$ is what each of them gets.",
    "Let $f(x) = x^2 - {a}x + {b}$. Its discriminant is ${a}^2 - 4\\cdot {b}$.",
    "Each costs ${a} and there are {b} of them, so together they cost ${c}.",
    "By symmetry the two triangles are congruent, so that $AB = CD = {a}\\sqrt{{{b}}}$.",
    "We add up: {a} + {b} + {c} = {d}.",
)


@dataclass(frozen=True, slots=True)
class Item:
    """A response, its reference and its query."""

    response: str
    reference: str
    query: str | None


def _prose(draw: random.Random, steps: int) -> str:
    lines = []
    for _ in range(steps):
        a, b, c, d = (draw.randint(2, 400) for _ in range(4))
        lines.append(draw.choice(_STEPS).format(a=a, b=b, c=c, d=d))
    return "\n".join(lines)


def _ended(draw: random.Random, body: str, answer: str) -> str:
    ends = (
        f"#### {answer}",
        f"The answer is {answer}.",
        f"So the answer is $\\boxed{{{answer}}}$.",
        f"**Answer:** {answer}",
        f"She has \\boxed{{{answer}\\text{{ dollars}}}} left.",
    )
    return f"{body}\n{draw.choice(ends)}"


def grade_school(count: int, seed: int = 0) -> list[Item]:
    """Worked solutions of some 400 characters with a whole number at the end; a third is wrong."""
    draw = random.Random(seed)
    items = []
    for _ in range(count):
        right = draw.choice((draw.randint(1, 99), draw.randint(100, 9_999), draw.randint(10_000, 3_000_000)))
        given = right if draw.random() < 0.67 else right + draw.choice((-1, 1, 10))
        answer = f"{given:,}" if draw.random() < 0.5 else str(given)
        items.append(Item(_ended(draw, _prose(draw, draw.randint(4, 8)), answer), str(right), "How many are left?"))
    return items


def grade_school_file(path: Path, question: str, answer: str, seed: int = 0) -> list[Item]:
    """The same from a file whose answers end in `#### number`."""
    draw = random.Random(seed)
    items = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        body, _, right = row[answer].rpartition("####")
        right = right.strip()
        given = right if draw.random() < 0.67 else str(int(right.replace(",", "")) + draw.choice((-1, 1, 10)))
        items.append(Item(_ended(draw, body, given), right, row[question]))
    return items


def mathematics(count: int, seed: int = 0) -> list[Item]:
    """Worked solutions that end in a box, of all kinds of answers of tests/answers/pairs, right and wrong ones."""
    draw = random.Random(seed)
    pairs = list(made(seed, rounds=1 + count // 900))
    draw.shuffle(pairs)
    return [
        Item(f"{_prose(draw, draw.randint(3, 9))}\n{pair.response}", pair.reference, pair.query)
        for pair in pairs[:count]
    ]


MIXES: dict[str, Callable[[int], list[Item]]] = {"GSM8K-like": grade_school, "MATH-like": mathematics}


def _forget() -> None:
    for memo in (judge, read, normal_answer):
        memo.cache_clear()


def _timed(items: list[Item], one: Callable[[Item], object]) -> tuple[float, list[float]]:
    latencies = []
    began = time.process_time()
    for item in items:
        start = time.perf_counter()
        one(item)
        latencies.append(time.perf_counter() - start)
    return len(items) / (time.process_time() - began), sorted(latencies)


def _ours(item: Item) -> object:
    return check(item.response, item.reference, item.query)


def _yardstick() -> Callable[[Item], object]:
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    kinds = (LatexExtractionConfig(boxed_match_priority=0), ExprExtractionConfig())

    def one(item: Item) -> object:
        reference = item.reference if "$" in item.reference else f"${item.reference}$"
        return verify(parse(reference, kinds), parse(item.response, kinds))

    return one


def compare(items: list[Item], beside: int) -> Found:
    """Both verifiers on the same responses; Math-Verify on the first `beside` of them."""
    for item in items[:50]:
        _ours(item)
    theirs = _yardstick()
    for item in items[:20]:
        theirs(item)
    _forget()
    rate, latencies = _timed(items, _ours)
    again, _ = _timed(items, _ours)
    _forget()
    sample = items[:beside]
    rate_beside, _ = _timed(sample, _ours)
    their_rate, their_latencies = _timed(sample, theirs)

    def at(values: list[float], share: float) -> float:
        return 1000 * values[min(int(share * len(values)), len(values) - 1)]

    return {
        "responses": len(items),
        "rate": rate,
        "again": again,
        "p50": at(latencies, 0.5),
        "p99": at(latencies, 0.99),
        "longest": 1000 * latencies[-1],
        "their_rate": their_rate,
        "ratio": rate_beside / their_rate,
        "their_p50": at(their_latencies, 0.5),
        "their_p99": at(their_latencies, 0.99),
    }


def measure(*, mix: str, responses: int, beside: int) -> Found:
    """One mix; milliseconds and responses per second of processor time."""
    return compare(MIXES[mix](responses), beside)


HEAD = """\
| mix | responses | a second | again | p50, ms | p99, ms | longest, ms | Math-Verify a second | p50, p99, ms | ratio |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def row(size: dict[str, object], found: Found) -> str:
    """One run as a row under `HEAD`."""
    return (
        f"| {size['mix']} | {found['responses']:,} | {found['rate']:,.0f} | {found['again']:,.0f} "
        f"| {found['p50']:.2f} | {found['p99']:.2f} | {found['longest']:.0f} | {found['their_rate']:,.0f} "
        f"| {found['their_p50']:.1f}, {found['their_p99']:.0f} | {found['ratio']:.0f} |"
    )


# Hostile answers


def _hostile(kind: str) -> Iterator[tuple[str, str]]:
    """Response and reference of every attack, in every place where it can go."""
    if kind == "long or deep":
        listed = [(attack.answer, attack.reference) for attack in attacks()]
    elif kind == "computer algebra":
        listed = [(attack.answer, attack.reference) for attack in slow_attacks()]
    else:
        lines = (Path(__file__).parents[1] / "answers" / "attacks.jsonl").read_text(encoding="utf-8").splitlines()
        listed = [(case["answer"], case["reference"]) for case in map(json.loads, lines)]
    for answer, reference in listed:
        for text in (f"\\boxed{{{answer}}}", f"#### {answer}", f"The answer is {answer}", answer):
            yield text, reference
        yield "\\boxed{123456789123}", answer


def measure_attacks(*, kind: str) -> Found:
    """Seconds of the wall clock and memory: this process's largest, and the largest of its children that ended."""
    pool = default()
    pool.warm_up()
    seconds = []
    undecided = 0
    for response, reference in _hostile(kind):
        began = time.perf_counter()
        undecided += check(response, reference).verdict == "undecided"
        if response.startswith("\\boxed{123456789123}"):
            check_reference(reference)
        seconds.append(time.perf_counter() - began)
        if check("\\boxed{5}", "5").verdict != "correct":
            raise AssertionError(f"After {response[:60]!r} the next check went wrong.")
    pool.close()
    seconds.sort()
    return {
        "attacks": len(seconds),
        "undecided": undecided,
        "p50": 1000 * seconds[len(seconds) // 2],
        "p99": 1000 * seconds[int(0.99 * len(seconds))],
        "longest": 1000 * seconds[-1],
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "children": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


ATTACKS = ("texts of a line", "long or deep", "computer algebra")
ATTACKS_HEAD = """\
| attacks | checks | undecided | p50, ms | p99, ms | longest, ms | MiB | MiB, children |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def attacks_row(size: dict[str, object], found: Found) -> str:
    """One kind as a row under `ATTACKS_HEAD`."""
    return (
        f"| {size['kind']} | {found['attacks']:,.0f} | {found['undecided']:,.0f} | {found['p50']:.2f} "
        f"| {found['p99']:.0f} | {found['longest']:.0f} | {found['memory']:.0f} | {found['children']:.0f} |"
    )


def main(arguments: list[str]) -> None:
    """The GSM8K-like mix from a file."""
    path, *names = arguments
    question, answer = names or ("question", "answer")
    items = grade_school_file(Path(path), question, answer)
    print(HEAD)
    print(row({"mix": Path(path).name}, compare(items, min(len(items), 1_000))))


if __name__ == "__main__":
    main(sys.argv[1:])
