"""Random faults: a seed is a world, its processes and all that happens to them. A failing seed is noted in its error.

`make soak` runs DART_SOAK seeds (3,000 if it is not set), beginning at DART_SOAK_FROM.
"""

import os

import pytest

from .faults import check
from .schedules import random_trouble

SEEDS = 100
BATCH = 5


def survive(seed: int) -> None:
    """Run a seed and check all that must hold."""
    case = random_trouble(seed)
    case.run()
    # Only a holder that was cut off for longer than its time to live can write after its seal.
    check(case.world, late=any(wire.faults.frozen or wire.faults.outages for wire in case.wires))


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_a_run_survives_random_faults(first: int) -> None:
    for seed in range(first, first + BATCH):
        try:
            survive(seed)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise


@pytest.mark.soak
def test_runs_survive_random_faults_for_long() -> None:
    first = int(os.environ.get("DART_SOAK_FROM", "1000"))
    for seed in range(first, first + int(os.environ.get("DART_SOAK", "3000"))):
        try:
            survive(seed)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
