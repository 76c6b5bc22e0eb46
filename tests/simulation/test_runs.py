"""Whole runs of the operator, a seed each: submitted, disturbed, ended, at rest."""

from collections import Counter
from collections.abc import Iterator

import pytest

from .cases import draw
from .runs import simulate
from .seeds import Result, many

SEEDS, BLOCK = 200, 20
HAPPENS = (
    "killed before a write", "killed after a write", "killed at a moment", "folding child killed", "write refused",
    "read refused", "reply to a write lost", "event lost", "stale view", "slow events", "history compacted",
    "others between two requests", "deposed", "write of a deposed leader", "sampler drained", "sampler out of memory",
    "sampler lost with its node", "sampler on a node cut off", "sampler pod deleted by a user", "verifier drained",
    "no node has room", "suspended", "resumed", "target changed", "trials changed", "replicas changed",
    "deletion policy Delete", "deletion policy Retain", "Synthesis deleted", "Synthesis made again",
    "sampler killed at a request", "prepare killed at a request", "curate killed at a request", "store unavailable",
)  # fmt: skip
"""What has to come about in so many seeds, or they would show nothing."""


def test_runs_without_faults_end_complete_and_rest() -> None:
    for seed in range(10):
        run = simulate(draw(seed, frozenset()))
        jobs = {name: n for (kind, name), n in run.books.created.items() if kind == "Job"}
        assert jobs == {"s-prepare-1": 1, "s-sampler-1": 1, "s-curate-1": 1}


@pytest.fixture(scope="module")
def results() -> Iterator[Iterator[Result]]:
    """In the order of seeds, begun in the background."""
    found = many(range(SEEDS))
    yield found
    found.close()  # type: ignore[attr-defined]


HAPPENED: Counter[str] = Counter()


def _all_end_well(results: Iterator[Result], count: int) -> None:
    failed = []
    for _ in range(count):
        result = next(results)
        HAPPENED.update(result.happened)
        if result.failed:
            failed.append(result.failed)
    assert not failed, f"{len(failed)} of {count} seeds: " + "\n\n".join(failed[:3])


@pytest.mark.parametrize("block", range(SEEDS // BLOCK))
def test_disturbed_runs_end_as_they_should(results: Iterator[Result], block: int) -> None:
    _all_end_well(results, BLOCK)


def test_every_kind_of_fault_really_came_about() -> None:
    missing = [what for what in HAPPENS if not HAPPENED[what]]
    assert not missing, f"{missing}: {dict(HAPPENED)}"


@pytest.mark.soak
def test_ten_thousand_disturbed_runs_end_as_they_should() -> None:
    _all_end_well(many(range(SEEDS, SEEDS + 10_000)), 10_000)
