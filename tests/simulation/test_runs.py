"""Whole runs of the operator, a seed each: submitted, disturbed, ended, at rest."""

from collections import Counter

import pytest

from .cases import draw
from .runs import simulate
from .seeds import many

SEEDS, BLOCK = 1000, 50
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


class Seeds:
    """Results of seeds in their order, as far as somebody has asked for them."""

    def __init__(self, seeds: range) -> None:
        self._coming = many(seeds)
        self._left = len(seeds)
        self.happened: Counter[str] = Counter()

    def end_well(self, count: int) -> None:
        """Assert that the next so many seeds end as they should."""
        failed = []
        for _ in range(min(count, self._left)):
            result = next(self._coming)
            self._left -= 1
            self.happened.update(result.happened)
            if result.failed:
                failed.append(result.failed)
        assert not failed, f"{len(failed)} of {count} seeds:\n" + "\n\n".join(failed[:3])


@pytest.fixture(scope="module")
def seeds() -> Seeds:
    return Seeds(range(SEEDS))


@pytest.mark.parametrize("block", range(SEEDS // BLOCK))
def test_disturbed_runs_end_as_they_should(seeds: Seeds, block: int) -> None:
    seeds.end_well(BLOCK)


def test_every_kind_of_fault_really_comes_about(seeds: Seeds) -> None:
    seeds.end_well(SEEDS)
    missing = [what for what in HAPPENS if not seeds.happened[what]]
    assert not missing, f"{missing}: {dict(seeds.happened)}"


@pytest.mark.soak
def test_ten_thousand_disturbed_runs_end_as_they_should() -> None:
    Seeds(range(SEEDS, SEEDS + 10_000)).end_well(10_000)
