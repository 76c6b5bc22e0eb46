"""Whole runs of the operator, a seed each: submitted, disturbed, ended, at rest."""

from .cases import draw
from .runs import simulate


def test_runs_without_faults_end_complete_and_rest() -> None:
    for seed in range(10):
        run = simulate(draw(seed, frozenset()))
        jobs = {name: n for (kind, name), n in run.books.created.items() if kind == "Job"}
        assert jobs == {"s-prepare-1": 1, "s-sampler-1": 1, "s-curate-1": 1}
