"""Many seeds on all processors: how each ended, and how often each fault really came about."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from .cases import draw
from .runs import Run, simulate

__all__ = ["Result", "many", "one"]

COUNTED = ("Job", "ConfigMap", "Deployment", "Service", "NetworkPolicy")
"""Kinds that the operator creates and deletes."""
BLOCK = 10


@dataclass(kw_only=True)
class Result:
    """Of one seed."""

    seed: int
    failed: str = ""
    """What did not hold, and the story of the run."""
    happened: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    """Of a processor."""


def one(seed: int) -> Result:
    """Run a seed. With nothing but the operator disturbed it must create and delete what it would undisturbed."""
    began = time.process_time()
    result = Result(seed=seed)
    try:
        case = draw(seed)
        run = simulate(case)
        result.happened = run.happened
        # Who sees what was, or writes what it decided long ago, may make again what is gone: that goes once more.
        if case.of_operator and "stale" not in case.kinds and not run.happened["write of a deposed leader"]:
            _compare(run, simulate(draw(seed, frozenset())))
    except Exception as error:
        result.failed = (
            f"{error if isinstance(error, AssertionError) else repr(error)}\npython -m tests.simulation {seed}"
        )
    result.seconds = time.process_time() - began
    return result


def many(seeds: Iterable[int]) -> Iterator[Result]:
    """Run seeds, as many at a time as there are processors; in their order."""
    # Not fork: a child would have locks of threads that it does not have.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=os.cpu_count() or 1, mp_context=spawn) as pool:
        yield from pool.map(one, seeds, chunksize=BLOCK)


def _compare(run: Run, undisturbed: Run) -> None:
    for what, mine, theirs in (
        ("created", run.books.created, undisturbed.books.created),
        ("deleted", run.books.deleted, undisturbed.books.deleted),
    ):
        counts, wanted = ({k: n for k, n in c.items() if k[0] in COUNTED} for c in (mine, theirs))
        assert counts == wanted, f"seed {run.case.seed}: {what} {counts}, undisturbed {wanted}\n{run.story()}"
