"""Look for counter-examples in the verifier for a given time.

    python -m tests.answers.fuzzing --seconds 300 [--seed N] [--plain]

Half of the time guided by coverage where atheris is installed (`.venv/bin/uv pip install "atheris>=3"`), else at
random. What must hold: nothing raises; nothing takes over a second; a text that can be read is equal to itself and to
no other number; the comparison is the same both ways round; labelled pairs keep their label under layout.
Prints each counter-example once and ends with exit code 1 if there was one.
"""

import argparse
import itertools
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

from dart_k8s.answers import Policy, Verdict, check_reference, find_answer, normal_answer
from dart_k8s.answers.decide import UNEXPECTED, Question, decide
from dart_k8s.answers.read import Problem, read
from dart_k8s.answers.tree import EXPRESSIONS, Call, Constant, walk

from .pairs import Pair, made

MOST_SECONDS = 1.0
INPUTS = Path(".cache/fuzz")
_POLICIES = (
    Policy(),
    Policy(lenient=True),
    Policy(relative=0.01, absolute=0.01, exact_references_too=True),
    Policy(kind="set"),
    Policy(kind="tuple"),
    Policy(kind="interval"),
    Policy(kind="list"),
    Policy(choices=True),
    Policy(truth=True),
    Policy(relative=0.04, exact_references_too=True, unit=True),
)
_LAYOUT = (
    "%s.",
    " %s ",
    "~%s",
    "$%s$",
    "%s\\\\",
    "\\displaystyle %s",
    "{%s}",
    "%s\\,",
    "\\text{The answer is } %s",
    "\\;%s",
)
_PIECES = [
    *"0123456789",
    *"xyzabcdefinmkABCX",
    *"+-*/^_(){}[]|,.;:!'=<>%$&~ \\\n\"#?",
    "10",
    "2024",
    "0.5",
    ".5",
    "5.",
    "1,000",
    "1 000",
    "{,}",
    "\\frac",
    "\\frac{1}{2}",
    "\\frac12",
    "\\dfrac",
    "\\sqrt",
    "\\sqrt{2}",
    "\\sqrt[3]",
    "\\text{",
    "\\text{cm}",
    "\\text{ and }",
    "\\text{ or }",
    "\\mathrm{",
    "\\mathbf{",
    "\\pi",
    "\\infty",
    "\\{",
    "\\}",
    "\\cup",
    "\\cap",
    "\\setminus",
    "\\in",
    "\\mathbb{R}",
    "\\mathbb{Z}",
    "\\emptyset",
    "\\le",
    "\\ge",
    "\\neq",
    "\\approx",
    "\\equiv",
    "\\pmod{7}",
    "\\mod",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "\\begin{cases}",
    "\\end{cases}",
    "\\begin{array}{cc}",
    "\\end{array}",
    "\\\\",
    "\\cr",
    "\\sin",
    "\\cos",
    "\\tan^{-1}",
    "\\log",
    "\\log_2",
    "\\ln",
    "\\exp",
    "e^{",
    "\\pm",
    "\\mp",
    "\\times",
    "\\cdot",
    "\\div",
    "\\boxed{",
    "\\boxed",
    "\\fbox{",
    "####",
    "The answer is ",
    "**",
    "\\left(",
    "\\right)",
    "\\left[",
    "\\right.",
    "\\sum_{k=1}^{n}",
    "\\prod_{k=1}^{5}",
    "\\int_0^1",
    "dx",
    "\\lim_{x\\to0}",
    "and",
    "or",
    " apples",
    " meters",
    " m/s^2",
    " mph",
    " feet 6 inches",
    "\\$",
    "\\%",
    "^\\circ",
    "\\overline{",
    "\\overline{3}",
    "\\choose",
    "\\over",
    "\\binom{",
    "\\lfloor",
    "\\rfloor",
    "\\lvert",
    "\\rvert",
    "\\langle",
    "\\rangle",
    "\\angle ABC",
    "\\triangle",
    "\\vec{",
    "\\hat{",
    "\\ldots",
    "...",
    "half",
    "five",
    "hundred",
    "no solution",
    "yes",
    "(B)",
    "Option C",
    "f(x)",
    "f'(x)",
    "f^{-1}(x)",
    "x_1",
    "C_{5}^{2}",
    "1001_2",
    "3:30",
    " PM",
    "3:4",
    "\\colon",
    " to ",
    "½",
    "²",
    "√",
    "≤",
    "°",
    "−",
    "×",
    "∞",
    "π",
    "∪",
    "€",
    "{}",
    "\\ ",
    "\\quad",
    "\\,",
    "\\displaystyle",
    "\\color{red}",
    "!",
    "'",
    "\\prime",
    "|x|",
    "1e5",
    "1e-5",
    "0.\\overline{3}",
    "k\\in\\mathbb{Z}",
    "\\operatorname{cis}",
]


class Found(Exception):
    """A counter-example; the message says which promise it breaks."""


def _text(draw: random.Random) -> str:
    return "".join(draw.choice(_PIECES) for _ in range(draw.randint(1, 14)))


def _verdict(response: str, reference: str, policy: Policy = _POLICIES[0], query: str | None = None) -> str:
    """The verdict in this process, `question` for what would go to a child."""
    outcome = decide(response, reference, query, policy=policy)
    if isinstance(outcome, Question):
        return "question"
    if not isinstance(outcome, Verdict) or outcome.reason.startswith(UNEXPECTED):
        raise Found(f"unexpected: {outcome}")
    return outcome.verdict


def _balanced(text: str) -> bool:
    depth = 0
    for char in text.replace("\\\\", "").replace("\\{", "").replace("\\}", ""):
        depth += (char == "{") - (char == "}")
        if depth < 0:
            return False
    return depth == 0


def _plain(text: str) -> bool:
    """Whether a text stays whole in a box: balanced, without an answer's marks of its own."""
    return (
        _balanced(text) and not text.endswith("\\") and "box" not in text and "#" not in text and "answer" not in text
    )


def texts(first: str, second: str, policy: Policy) -> None:
    """The promises about any two texts. Raises Found."""
    began = time.process_time()
    _verdict(first, second, policy)
    _verdict(f"\\boxed{{{first}}}", second, policy)
    check_reference(second)
    find_answer(first, lenient=True)
    normal_answer(first)
    there, back = read(first), read(second)
    if time.process_time() - began > MOST_SECONDS:
        raise Found("over a second")
    if isinstance(there, Problem) or not _plain(first):
        return
    if _verdict(f"\\boxed{{{first}}}", first) not in ("correct", "undecided", "question"):
        raise Found("not equal to itself")
    finite = all(
        part != Constant("infinity") and not (isinstance(part, Call) and part.name == "pm") for part in walk(there)
    )
    if isinstance(there, EXPRESSIONS) and finite and "=" not in first:
        for other in (f"({first})+1", f"({first})+10^{{-30}}"):
            if not isinstance(read(other), Problem) and _verdict(f"\\boxed{{{other}}}", first) == "correct":
                raise Found(f"equal to {other!r}")
    if isinstance(back, Problem) or not _plain(second):
        return
    forth, again = _verdict(f"\\boxed{{{first}}}", second), _verdict(f"\\boxed{{{second}}}", first)
    if forth != again and not {"undecided", "question"} & {forth, again}:
        raise Found("not the same both ways round")


def labelled(pair: Pair, layout: str) -> None:
    """The promises about a labelled pair. Raises Found."""
    answer = find_answer(pair.response).answer
    if answer is None:
        return
    for response in (pair.response, f"\\boxed{{{layout.replace('%s', answer)}}}"):
        given = _verdict(response, pair.reference, query=pair.query)
        if given != "question" and (given == "correct") != pair.equal and not (given == "undecided" and not pair.equal):
            raise Found(f"labelled {'equal' if pair.equal else 'different'}, found {given}: {response!r}")


class Hunt:
    """Runs one example after the other and keeps the counter-examples, one of each kind of promise and text."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.tried = 0
        self.found: dict[str, dict[str, Any]] = {}
        lines = (Path(__file__).parent / "cases.jsonl").read_text(encoding="utf-8").splitlines()
        self.known = [
            text for case in map(json.loads, lines) for text in (case.get("answer", ""), case["reference"]) if text
        ]
        self.pairs = itertools.cycle(list(made(seed, rounds=3)))

    def example(self, draw: random.Random) -> None:
        """One example from a source of randomness."""
        self.tried += 1
        kind = draw.random()
        if kind < 0.25:
            pair, layout = next(self.pairs), draw.choice(_LAYOUT)
            self._try(lambda: labelled(pair, layout), [pair.response, pair.reference, layout])
            return
        first = _text(draw) if kind < 0.6 else self._mutated(draw, draw.choice(self.known))
        second = _text(draw) if draw.random() < 0.4 else self._mutated(draw, first)
        policy = draw.choice(_POLICIES)
        self._try(lambda: texts(first, second, policy), [first, second, repr(policy)])

    def _mutated(self, draw: random.Random, text: str) -> str:
        for _ in range(draw.randint(0, 3)):
            at, end = sorted((draw.randint(0, len(text)), draw.randint(0, len(text))))
            change = draw.randrange(4)
            if change == 0:
                text = text[:at] + draw.choice(_PIECES) + text[at:]
            elif change == 1:
                text = text[:at] + text[min(end, at + 3) :]
            elif change == 2:
                text = text[:end] + text[at:end] + text[end:]
            else:
                text = text[:at] + draw.choice(_PIECES) + text[min(end, at + 2) :]
        return text[:600]

    def _try(self, promise: Any, example: list[str]) -> None:
        try:
            promise()
        except Exception as error:
            key = f"{type(error).__name__}: {str(error)[:60]}"
            if key not in self.found:
                self.found[key] = {"error": repr(error)[:400], "example": example}
                print(json.dumps(self.found[key]), file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.answers.fuzzing", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--plain", action="store_true", help="at random, even where atheris is installed")
    asked = parser.parse_args(arguments)
    hunt = Hunt(asked.seed)
    guided = not asked.plain and _guided(hunt, asked.seconds // 2)
    draw = random.Random(asked.seed)
    end = time.monotonic() + (asked.seconds // 2 if guided else asked.seconds)
    while time.monotonic() < end:
        hunt.example(draw)
    print(f"{hunt.tried:,} examples, seed {asked.seed}: {len(hunt.found)} counter-examples")
    return 1 if hunt.found else 0


class _Bytes(random.Random):
    """A source of randomness that is a given text of bytes, and zeros behind it: what a guided fuzzer mutates."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data = data
        self._at = 0

    def getrandbits(self, k: int, /) -> int:
        size = (k + 7) // 8
        chunk = self._data[self._at : self._at + size].ljust(size, b"\0")
        self._at += size
        return int.from_bytes(chunk, "big") >> (8 * size - k)

    def random(self) -> float:
        return self.getrandbits(24) / (1 << 24)


def _functions() -> Iterator[FunctionType]:
    """All functions and methods of the verifier."""
    for name, module in list(sys.modules.items()):
        if name.startswith("dart_k8s.answers"):
            for value in vars(module).values():
                members = vars(value).values() if isinstance(value, type) else (value,)
                yield from (
                    member for member in members if isinstance(member, FunctionType) and member.__module__ == name
                )


def _guided(hunt: Hunt, seconds: int) -> bool:
    """Whether atheris ran. It ends by leaving its process, so it has one of its own."""
    try:
        import atheris
    except ImportError:
        print("atheris is not installed, so at random. Guided by coverage: .venv/bin/uv pip install 'atheris>=3'")
        return False
    child = os.fork()
    if child == 0:
        INPUTS.mkdir(parents=True, exist_ok=True)
        for function in _functions():
            atheris.instrument_func(function)
        end = time.monotonic() + seconds

        def one(data: bytes) -> None:
            hunt.example(_Bytes(data))
            if time.monotonic() > end:
                print(f"{hunt.tried:,} examples under atheris: {len(hunt.found)} counter-examples", flush=True)
                os._exit(1 if hunt.found else 0)

        atheris.Setup([sys.argv[0], "-max_len=512", "-verbosity=0", f"-artifact_prefix={INPUTS}/", str(INPUTS)], one)
        atheris.Fuzz()
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status):
        hunt.found["atheris"] = {}
    return True


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
