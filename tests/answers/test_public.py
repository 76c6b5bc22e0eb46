"""`check` as others use it: alone, in threads, under asyncio, in forked and spawned processes."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from dart_k8s import answers
from dart_k8s.answers import Policy, check
from dart_k8s.answers.pool import default

EASY = ("so \\boxed{\\frac{1}{2}}", "0.5")
HARD = ("so \\boxed{\\sum_{k=1}^{n} k^3}", r"\frac{n^2(n+1)^2}{4}")

ALONE = f"""
import sys
ALLOWED = {{"dart_k8s", "sympy", "mpmath", "gmpy2", "flint"}} | set(sys.stdlib_module_names)
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ALLOWED:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Guard())
from dart_k8s.answers import check
before = "sympy" in sys.modules
verdicts = [check(*pair).verdict for pair in ({EASY!r}, {HARD!r})]
print(before, "sympy" in sys.modules, *verdicts)
"""


def test_it_needs_nothing_but_sympy_and_loads_that_in_children_only() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
    )
    assert done.stdout.split() == ["False", "False", "correct", "correct"], done.stderr


def test_a_program_that_used_a_child_ends_by_itself() -> None:
    program = f"from dart_k8s.answers import check; print(check(*{HARD!r}).verdict)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
    )
    assert (done.stdout.strip(), done.stderr) == ("correct", "")


def test_threads_may_check_at_once() -> None:
    with ThreadPoolExecutor(4) as threads:
        verdicts = list(threads.map(lambda pair: check(*pair).verdict, [EASY, HARD] * 8))
    assert verdicts == ["correct"] * 16


async def test_coroutines_may_check_without_blocking_their_loop() -> None:
    verdicts = await asyncio.gather(*(default().verify(*pair) for pair in [EASY, HARD] * 4))
    assert [verdict.verdict for verdict in verdicts] == ["correct"] * 8


def verdict_of(pair: tuple[str, str]) -> str:
    return check(*pair).verdict


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_processes_may_check_however_they_are_started(method: str) -> None:
    assert check(*HARD).verdict == "correct"  # so that a forked process finds the pool of its parent
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as processes:
        assert list(processes.map(verdict_of, [EASY, HARD] * 2)) == ["correct"] * 4
    assert check("so \\boxed{\\sum_{k=1}^{n} 5 k^3}", r"\frac{5n^2(n+1)^2}{4}").verdict == "correct"


def test_everything_public_says_what_it_is() -> None:
    for name in answers.__all__:
        assert name == "VERSION" or getattr(answers, name).__doc__, name


OLYMPIAD = [
    (Policy(absolute=0.1, exact_references_too=True), r"\frac{13}{4}", "3.3", "correct", "an error per item"),
    (Policy(absolute=0.1, exact_references_too=True), "3", "\\sqrt{11}", "incorrect", "an error per item"),
    (Policy(kind="set"), "3, 1, 2", "1,2,3", "correct", "several numerical answers"),
    (Policy(kind="set"), "(1,2), (3,4)", "(3,4),(1,2)", "correct", "several tuples"),
    (Policy(kind="set"), "(1,2), (3,4)", "(2,1),(3,4)", "incorrect", "several tuples, the order inside them"),
    (Policy(kind="tuple"), "(1,2,3)", "$(1,2,3)$", "correct", "one tuple"),
    (Policy(kind="interval"), r"(1,\infty)", "x>1", "correct", "an interval by its condition"),
    (Policy(kind="interval"), "(1,2)", "[1,2]", "incorrect", "ends of an interval"),
    (Policy(relative=0.04, exact_references_too=True), "3.2", "3.14", "correct", "TheoremQA's floats"),
    (Policy(), "3.2", "3", "incorrect", "TheoremQA's integers"),
    (Policy(kind="list"), "[1, 2]", "[1, 2]", "correct", "TheoremQA's lists"),
    (Policy(), "True", "True", "correct", "TheoremQA's truth values"),
    (Policy(choices=True), "(b)", "(b)", "correct", "TheoremQA's options"),
]


@pytest.mark.parametrize(("policy", "answer", "reference", "verdict", "why"), OLYMPIAD)
def test_policies_for_benchmarks_do_as_documented(
    policy: Policy, answer: str, reference: str, verdict: str, why: str
) -> None:
    assert check(f"\\boxed{{{answer}}}", reference, policy=policy).verdict == verdict, why
