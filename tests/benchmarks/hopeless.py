"""What the hopeless stop saves and what it loses, against the same coins without it.

python -m tests.benchmarks hopeless [--queries N] [--seeds N]
"""

from dataclasses import replace
from typing import Any

import numpy as np

from dart_k8s.budget.strategies import Goal, Kind

from .one_by_one import Ending, run
from .populations import Floats, population

EPS = 0.05

GOALS = {
    "uniform": Goal(kind=Kind.UNIFORM, scale=40, cap=2048, hopeless_probability=EPS),
    "prop2diff": Goal(
        kind=Kind.PROP2DIFF, scale=192, cap=8192, min_trials=32, precision=0.04, hopeless_probability=EPS
    ),
}

Found = dict[str, float | list[float]]


def measure(*, population_name: str, strategy: str, queries: int, seed: int) -> Found:
    """One seed. Deciles are of true pass rates, the hardest first; counts are sums over queries."""
    rates, goal = population(population_name, queries), GOALS[strategy]
    without = run(replace(goal, hopeless_probability=0.0), rates, seed=seed)
    stopped = run(goal, rates, seed=seed)
    found: Found = {}
    for name, ending in (("without", without), ("with", stopped)):
        found |= {
            f"trials_{name}": int(ending.trials.sum()),
            f"rows_{name}": int(ending.rows.sum()),
            f"covered_{name}": float((ending.correct > 0).mean()),
            f"decile_trials_{name}": _deciles(rates, ending.trials),
            f"decile_rows_{name}": _deciles(rates, ending.rows),
        }
    found["tail_rows_without"], found["tail_rows_with"] = (_tail(rates, ending) for ending in (without, stopped))
    return found


def mean(runs: list[Found]) -> Found:
    """The mean over seeds, field by field."""
    return {name: np.mean([one[name] for one in runs], axis=0).tolist() for name in runs[0]}


def _deciles(rates: Floats, values: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[float]:
    return [float(part.sum()) for part in np.array_split(values[np.argsort(rates, kind="stable")], 10)]


def _tail(rates: Floats, ending: Ending) -> float:
    """Rows per query where p is .005 to .01: the tail that prop2diff is for."""
    where = (rates >= 0.005) & (rates < 0.01)
    return float(ending.rows[where].mean()) if where.any() else 0.0


HEAD = """\
| strategy | population | queries | seeds | trials saved | rows lost | covered, points | rows at p .005-.01 |
| --- | --- | --- | --- | --- | --- | --- | --- |"""

DECILE_HEAD = """\
| decile, the hardest first | trials without | trials saved | rows without | rows lost |
| --- | --- | --- | --- | --- |"""


def row(key: tuple[str, str, int], found: Any, seeds: int) -> str:
    """Means over seeds of one (strategy, population, queries) as a row under `HEAD`."""
    return (
        f"| {key[0]} | {key[1]} | {key[2]:,} | {seeds} | {1 - found['trials_with'] / found['trials_without']:.1%} "
        f"| {1 - found['rows_with'] / found['rows_without']:.2%} "
        f"| {100 * (found['covered_with'] - found['covered_without']):+.2f} "
        f"| {found['tail_rows_without']:.1f} / {found['tail_rows_with']:.1f} |"
    )


def decile_rows(found: Any) -> list[str]:
    """Means over seeds by decile, rows under `DECILE_HEAD`."""
    names = ("decile_trials_without", "decile_trials_with", "decile_rows_without", "decile_rows_with")
    columns = [found[name] for name in names]
    return [
        f"| {number} | {trials:,.0f} | {1 - less / max(1, trials):.1%} | {rows:,.0f} | {1 - fewer / max(1, rows):.1%} |"
        for number, (trials, less, rows, fewer) in enumerate(zip(*columns, strict=True), start=1)
    ]
