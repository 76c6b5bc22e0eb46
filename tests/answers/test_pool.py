"""Children that can be killed: from threads, from coroutines, under fire, and after their parent's death."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dart_k8s.answers import Verdict
from dart_k8s.answers import pool as module
from dart_k8s.answers.pool import Pool
from dart_k8s.errors import VerifierError

_numbers = itertools.count(2)


def new() -> tuple[str, str, None]:
    """A question for computer algebra that no pool has been asked before: answers are remembered."""
    factor = next(_numbers)
    return f"\\boxed{{\\sum_{{k=1}}^{{n}} {factor} k}}", rf"\frac{{{factor} n(n+1)}}{{2}}", None


HARD = ("\\boxed{\\sum_{k=1}^{n} k^2}", r"\frac{n(n+1)(2n+1)}{6}", None)
ENDLESS = (
    "\\boxed{\\int_0^1 \\sin(x^x) \\cos(x^{x+1}) e^{x^x} dx}",
    r"\int_1^2 \sin(x^x)\cos(x^{x+2}) e^{x^x} dx",
    None,
)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(processes=2, deadline=20.0) as made:
        yield made


def keepers(pool: Pool) -> list[int]:
    return [keeper.process.pid for keeper in pool._keepers]


def test_a_pool_starts_no_child_for_what_needs_none() -> None:
    with Pool() as made:
        assert made.check("\\boxed{5}", "5").verdict == "correct"
        assert asyncio.run(made.verify("\\boxed{5}", "6")).verdict == "incorrect"
        assert keepers(made) == []


def test_computer_algebra_decides_in_a_child(pool: Pool) -> None:
    assert pool.check(*HARD).verdict == "correct"
    assert pool.check("\\boxed{\\sum_{k=1}^{n} k^2}", r"\frac{n(n+1)(2n+1)}{7}").verdict == "incorrect"


def test_loading_computer_algebra_counts_against_no_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    # A second more of loading than the deadline has.
    slow = "import time; time.sleep(1.5); "
    monkeypatch.setattr(module, "_START", slow + module._START)
    with Pool(deadline=1.4) as cold:
        assert cold.check(*HARD).verdict == "correct"


def test_threads_share_a_pool(pool: Pool) -> None:
    verdicts: list[Verdict] = []
    threads = [threading.Thread(target=lambda: verdicts.append(pool.check(*new()))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [verdict.verdict for verdict in verdicts] == ["correct"] * 6


async def test_coroutines_share_a_pool(pool: Pool) -> None:
    items = [HARD, ("\\boxed{5}", "5", None), ("\\boxed{5}", "6", None)] * 3
    verdicts = await asyncio.gather(*(pool.verify(*item) for item in items))
    assert [verdict.verdict for verdict in verdicts] == ["correct", "correct", "incorrect"] * 3


def test_map_keeps_the_order(pool: Pool) -> None:
    items = [("\\boxed{5}", str(number), None) for number in range(10)] + [HARD]
    assert [verdict.verdict for verdict in pool.map(items)] == ["incorrect"] * 5 + ["correct"] + ["incorrect"] * 4 + [
        "correct"
    ]


def test_a_question_past_its_deadline_is_undecided_and_the_pool_is_whole_again() -> None:
    with Pool(deadline=0.2) as made:
        verdict = made.check(*ENDLESS)
        assert (verdict.verdict, verdict.tier) == ("undecided", "limit")
        assert verdict.answer is not None and "deadline" in verdict.reason
        assert made.kills == 1
        made.deadline = 20.0
        assert made.check(*HARD).verdict == "correct"


def test_what_computer_algebra_said_is_remembered_and_a_missed_deadline_the_second_time() -> None:
    question = new()
    with Pool(deadline=20.0) as made:
        assert made.check(*question).verdict == "correct"
        for pid in keepers(made):
            os.kill(pid, signal.SIGKILL)
        assert made.check(*question).verdict == "correct" and made.kills == 0
    with Pool(deadline=0.1) as made:
        assert [made.check(*ENDLESS).verdict for _ in range(4)] == ["undecided"] * 4
        assert made.kills == 2


def test_a_child_without_memory_leaves_the_question_undecided() -> None:
    with Pool(memory=1 << 20, deadline=20.0) as made:
        verdict = made.check(r"\boxed{\int_0^1 9^{9^9} x dx}", "5")
        assert verdict.verdict == "undecided" and "memory" in verdict.reason


def test_a_killed_child_is_replaced_and_asked_once_more(pool: Pool) -> None:
    pool.check(*new())
    before = keepers(pool)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert pool.check(*new()).verdict == "correct"
    assert pool.kills >= 1


def test_a_closed_pool_says_so() -> None:
    made = Pool()
    made.close()
    with pytest.raises(VerifierError, match="closed"):
        made.check(*HARD)


@pytest.mark.parametrize("arguments", [{"processes": 0}, {"deadline": 0.0}])
def test_an_impossible_pool_is_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(VerifierError, match="above 0"):
        Pool(**arguments)  # type: ignore[arg-type]


def test_children_end_with_a_parent_that_was_killed() -> None:
    program = (
        "import sys, threading\n"
        "from dart_k8s.answers.pool import Pool\n"
        f"pool = Pool(deadline=300.0); pool.check(*{HARD!r})\n"
        "print(*[keeper.process.pid for keeper in pool._keepers], flush=True)\n"
        f"pool.check(*{ENDLESS!r})\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
    )
    assert parent.stdout is not None
    keeper = int(parent.stdout.readline())
    ends = [os.pidfd_open(pid) for pid in (keeper, *children(keeper))]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for end in ends:
        assert ended(end, 30.0), "a child outlived its parent"
        os.close(end)


def test_a_worker_ends_with_its_keeper(pool: Pool) -> None:
    pool.check(*new())
    keeper = next(pid for pid in keepers(pool) if children(pid))
    workers = [os.pidfd_open(pid) for pid in children(keeper)]
    os.kill(keeper, signal.SIGKILL)
    for worker in workers:
        assert ended(worker, 30.0), "a worker outlived its keeper"
        os.close(worker)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def ended(pidfd: int, seconds: float) -> bool:
    """Whether a process ends within a time; its pidfd becomes readable when it does."""
    import select

    return bool(select.select([pidfd], [], [], seconds)[0])
