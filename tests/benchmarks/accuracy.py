"""prop2diff against k_q from the true pass rate: how far targets are off, and how many more trials that costs.

python -m tests.benchmarks accuracy [--queries N]
"""

from dataclasses import replace
from typing import Any

import numpy as np

from dart_k8s.budget.strategies import Goal, Kind, targets

from .one_by_one import run
from .populations import population

GOAL = Goal(kind=Kind.PROP2DIFF, scale=192, cap=8192, min_trials=32, precision=0.04, hopeless_probability=0.0)


def measure(*, population_name: str, queries: int, seed: int) -> dict[str, float]:
    """One seed. The bound stops each query at its k_q-th success of the same coins, k_q known and no least trials."""
    rates = population(population_name, queries)
    known = targets(GOAL.kind, GOAL.scale, rates)
    tracked = run(GOAL, rates, seed=seed)
    bound = run(replace(GOAL, min_trials=0, precision=0.0), rates, seed=seed, fixed=known)
    first = np.maximum(0, np.minimum(tracked.trials, GOAL.min_trials) - bound.trials)
    extra = tracked.trials.sum() - bound.trials.sum() - first.sum()
    return {
        "error": float(np.abs(tracked.target - known).sum() / known.sum()),
        "trials": int(tracked.trials.sum()),
        "bound": int(bound.trials.sum()),
        "extra": float(extra / bound.trials.sum()),
        "min_trials": float(first.sum() / bound.trials.sum()),
        "rows": int(tracked.rows.sum()),
        "rows_wanted": int(known.sum()),
    }


HEAD = """\
| population | queries | seed | L1 error of targets | more trials | of minTrials apart | trials | rows of wanted |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def row(size: dict[str, Any], found: dict[str, float]) -> str:
    """One run as a row under `HEAD`."""
    return (
        f"| {size['population_name']} | {size['queries']:,} | {size['seed']} | {found['error']:.2%} "
        f"| {found['extra']:+.2%} | {found['min_trials']:+.2%} | {found['trials']:,} "
        f"| {found['rows'] / found['rows_wanted']:.1%} |"
    )
