"""Strategies side by side on the same queries: at the trials they made, and cut to equal rows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bands import Bands, Floats, Ints, deciles

ALIKE = 0.05
"""Most relative difference in rows or trials at which a comparison is like for like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one strategy did with each query. Arrays of shape (Q,)."""

    name: str
    trials: Ints
    rows: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One strategy in one band."""

    name: str
    trials: int
    rows: int
    without_row: int
    """Queries without any row."""
    equal_rows: int
    """Rows after all sets were cut to the size of the smallest."""
    equal_without_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One band of queries, or all of them."""

    band: str
    queries: int
    pass_rate: float | None
    """Mean over the band."""
    cells: tuple[Cell, ...]
    """One per strategy, in the order given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The strategies by band of difficulty, easy to hard, and in all."""

    kind: str
    """What the bands are: decile or level."""
    lines: tuple[Line, ...]
    total: Line
    equal_size: int
    """Rows of each set after the cut."""
    equal: tuple[Ints, ...]
    """Rows per query after the cut, one array of shape (Q,) per strategy."""
    cautions: tuple[str, ...]
    """Why this is not like for like, if it is not."""

    def rows(self) -> list[dict[str, str | int | float | None]]:
        """Flat rows for a table, the total last."""
        return [self._flat(line) for line in (*self.lines, self.total)]

    def _flat(self, line: Line) -> dict[str, str | int | float | None]:
        flat: dict[str, str | int | float | None] = {
            self.kind: line.band,
            "queries": line.queries,
            "pass rate": line.pass_rate,
        }
        for cell in line.cells:
            flat[f"{cell.name} trials"] = cell.trials
            flat[f"{cell.name} rows"] = cell.rows
            flat[f"{cell.name} without row"] = cell.without_row
            flat[f"{cell.name} equal rows"] = cell.equal_rows
            flat[f"{cell.name} equal without row"] = cell.equal_without_row
        return flat


def compare(pass_rate: Floats, runs: Sequence[Run], *, bands: Bands | None = None, seed: int = 0) -> Comparison:
    """Compare strategies on queries with posterior mean `pass_rate`, shape (Q,); deciles unless `bands` are given.

    `runs` must have made about equal trials for the first comparison; the second cuts larger sets by `cut`.
    """
    groups = bands or deciles(1.0 - pass_rate)
    size = min(int(run.rows.sum()) for run in runs)
    equal = tuple(cut_per_query(run.rows, size, deciles(1.0 - pass_rate), seed=seed) for run in runs)
    everything = Bands(name=groups.name, labels=("all",), index=np.zeros(pass_rate.size, dtype=np.int64))
    return Comparison(
        kind=groups.name,
        lines=_lines(pass_rate, runs, equal, groups),
        total=_lines(pass_rate, runs, equal, everything)[0],
        equal_size=size,
        equal=equal,
        cautions=_cautions(runs),
    )


def cut(row_query: Ints, size: int, bands: Bands, *, seed: int) -> Ints:
    """Indices (ascending, shape (size,)) of a seeded choice of rows that keeps the set's shape over difficulty.

    `row_query` is the query number of each row. Every band keeps its share of the rows to within one row (largest
    remainder); within a band the choice is by chance, so the shape over queries is kept in expectation.
    """
    band = bands.index[row_query]
    groups = np.unique(band)
    if size >= row_query.size:
        return np.arange(row_query.size, dtype=np.int64)
    counts = np.array([np.count_nonzero(band == group) for group in groups])
    exact = counts * (size / row_query.size)
    quota = np.floor(exact).astype(np.int64)
    largest = np.argsort(-(exact - quota), kind="stable")
    quota[largest[: size - int(quota.sum())]] += 1
    chance = np.random.default_rng(seed)
    kept = [
        chance.permutation(np.flatnonzero(band == group))[:count] for group, count in zip(groups, quota, strict=True)
    ]
    return np.sort(np.concatenate(kept)).astype(np.int64)


def cut_per_query(rows: Ints, size: int, bands: Bands, *, seed: int) -> Ints:
    """Rows per query, shape (Q,), after `cut`."""
    row_query = np.repeat(np.arange(rows.size), rows)
    return np.bincount(row_query[cut(row_query, size, bands, seed=seed)], minlength=rows.size).astype(np.int64)


def _lines(pass_rate: Floats, runs: Sequence[Run], equal: Sequence[Ints], bands: Bands) -> tuple[Line, ...]:
    sizes, rates = bands.sizes(), bands.mean(pass_rate)
    columns = [
        (
            run.name,
            bands.count(run.trials),
            bands.count(run.rows),
            bands.count(run.rows == 0),
            bands.count(cut_rows),
            bands.count(cut_rows == 0),
        )
        for run, cut_rows in zip(runs, equal, strict=True)
    ]
    return tuple(
        Line(
            band=label,
            queries=int(sizes[number]),
            pass_rate=None if np.isnan(rates[number]) else float(rates[number]),
            cells=tuple(
                Cell(
                    name=name,
                    trials=int(trials[number]),
                    rows=int(rows[number]),
                    without_row=int(without[number]),
                    equal_rows=int(cut_rows[number]),
                    equal_without_row=int(cut_without[number]),
                )
                for name, trials, rows, without, cut_rows, cut_without in columns
            ),
        )
        for number, label in enumerate(bands.labels)
    )


def _cautions(runs: Sequence[Run]) -> tuple[str, ...]:
    found = []
    for what, totals in (
        ("trials", {run.name: int(run.trials.sum()) for run in runs}),
        ("rows", {run.name: int(run.rows.sum()) for run in runs}),
    ):
        least, most = min(totals.values()), max(totals.values())
        if most and (most - least) / most > ALIKE:
            listed = ", ".join(f"{name} {count:,}" for name, count in totals.items())
            found.append(f"Not like for like: {what} differ by {100 * (most - least) / most:.0f} % ({listed}).")
    return tuple(found)
