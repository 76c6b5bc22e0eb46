"""Rows per query against difficulty for data sets side by side, and what else their rows can tell."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dart_k8s.errors import DataError
from dart_k8s.scores.curves import Curve, Reach, pass_at_k, reach, shared_trials, sizes_up_to
from dart_k8s.workers.curate import figures
from dart_k8s.workers.curate.bands import Bands, Floats, Ints, deciles

from .reference import Reference, Row, normal

ANALYSIS_FORMAT = "dart-k8s.io/analysis/v1"
_EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Where a data set keeps what is looked for."""

    query: str = "query"
    original: str = ""
    """Field with the original query where `query` holds a rewritten one (MetaMathQA: original_question)."""
    id: str = "query_id"
    verdict: str = "verdict"
    trial: str = "trial"
    surplus: str = "surplus"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBias:
    """One data set against the reference queries (Q)."""

    name: str
    rows: int
    matched: int
    """Rows whose query is one of the reference."""
    unmatched_examples: tuple[str, ...]
    per_query: Ints
    """Rows per reference query (correct ones where the rows have verdicts), shape (Q,)."""
    reach: Reach | None
    """Coverage and pass@k, if the rows can tell."""
    refused: str
    """Why they cannot; empty if they can."""

    @property
    def unmatched(self) -> int:
        """Rows of other queries."""
        return self.rows - self.matched

    @property
    def without_row(self) -> int:
        """Reference queries without any row."""
        return int((self.per_query == 0).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsReach:
    """Coverage and pass@k from (n, c) per query."""

    reach: Reach | None
    refused: str = ""
    """Why there is none."""
    caution: str = ""
    """What to keep in mind about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Data sets side by side."""

    difficulty: Floats
    origin: str
    sets: tuple[SetBias, ...]
    counts: CountsReach
    """What the reference's own counts tell, whatever the sets hold."""

    @property
    def bands(self) -> Bands:
        """Deciles of difficulty."""
        return deciles(self.difficulty)

    def rows(self) -> list[dict[str, str | int | float | None]]:
        """By decile, easy to hard, the total last: queries, pass rate, rows of each set, queries without one."""
        bands = self.bands
        whole = Bands(name="decile", labels=("all",), index=np.where(bands.index < 0, -1, 0))
        return [*self._lines(bands), *self._lines(whole)]

    def to_json(self) -> str:
        """Everything as JSON; the same analysis gives the same text."""
        value = {
            "format": ANALYSIS_FORMAT,
            "queries": int(self.difficulty.size),
            "queriesOfUnknownDifficulty": int(np.isnan(self.difficulty).sum()),
            "difficulties": self.origin,
            "sets": [self._summary(one) for one in self.sets],
            "byDecile": self.rows(),
            "counts": {
                "reach": None if self.counts.reach is None else _reach(self.counts.reach),
                "refused": self.counts.refused or None,
                "caution": self.counts.caution or None,
            },
        }
        return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def figure(self) -> bytes:
        """Rows per query against difficulty, as PNG."""
        return figures.rows_per_query(
            self.difficulty, [figures.Series(name=one.name, values=one.per_query) for one in self.sets]
        )

    def coverage_figure(self) -> bytes | None:
        """Coverage against trials of the sets that can tell, as PNG; None where none can."""
        known = {one.name: one.reach for one in self.sets if one.reach is not None}
        if self.counts.reach is not None:
            known[self.origin] = self.counts.reach
        return figures.coverage(known) if known else None

    def _lines(self, bands: Bands) -> list[dict[str, str | int | float | None]]:
        sizes, rates = bands.sizes(), 1.0 - bands.mean(np.nan_to_num(self.difficulty))
        counts = [(one.name, bands.count(one.per_query), bands.count(one.per_query == 0)) for one in self.sets]
        lines = []
        for number, label in enumerate(bands.labels):
            line: dict[str, str | int | float | None] = {
                "decile": label,
                "queries": int(sizes[number]),
                "pass rate": None if np.isnan(rates[number]) else round(float(rates[number]), 6),
            }
            for name, rows, without in counts:
                line[f"{name} rows"] = int(rows[number])
                line[f"{name} rows per query"] = round(int(rows[number]) / max(1, int(sizes[number])), 3)
                line[f"{name} without row"] = int(without[number])
            lines.append(line)
        return lines

    def _summary(self, one: SetBias) -> dict[str, Any]:
        known = ~np.isnan(self.difficulty)
        weights = one.per_query[known]
        mean = float((weights * self.difficulty[known]).sum() / weights.sum()) if weights.sum() else None
        return {
            "name": one.name,
            "rows": one.rows,
            "matchedRows": one.matched,
            "unmatchedRows": one.unmatched,
            "unmatchedExamples": list(one.unmatched_examples),
            "queriesWithoutRow": one.without_row,
            "shareWithoutRow": round(one.without_row / max(1, one.per_query.size), 6),
            "meanDifficultyOfRows": None if mean is None else round(mean, 6),
            "meanDifficultyOfQueries": round(float(self.difficulty[known].mean()), 6) if known.any() else None,
            "reach": None if one.reach is None else _reach(one.reach),
            "reachRefused": one.refused or None,
        }


def analyze(sets: Sequence[tuple[str, Iterable[Row], Fields]], reference: Reference) -> Analysis:
    """Hold data sets (name, rows, fields) against the reference queries; rows are read once and not kept.

    Rows are joined by id where both sides have it, else by the normalised text of the original query. Rows with
    verdicts give coverage and pass@k, rows alone never do. Raises DataError where a row names no query.
    """
    index = reference.index()
    return Analysis(
        difficulty=reference.difficulty,
        origin=reference.origin,
        sets=tuple(_one(name, rows, fields, reference, index) for name, rows, fields in sets),
        counts=from_counts(reference),
    )


def from_counts(reference: Reference) -> CountsReach:
    """Coverage and pass@k from the reference's (n, c), or why not."""
    n, c = reference.trials, reference.correct
    if n is None or c is None:
        return CountsReach(reach=None, refused=f"Difficulties from {reference.origin} come without counts (n, c).")
    m = shared_trials(n)
    enough = n >= m
    if m < 1:
        return CountsReach(reach=None, refused="The counts are all zero.")
    ks = sizes_up_to(m)
    curve = Curve(k=ks, value=pass_at_k(n[enough][:, None], c[enough][:, None], ks[None, :]).mean(axis=0))
    found = Reach(
        m=m, queries=int(enough.sum()), left_out=int(enough.size - enough.sum()), coverage=curve, pass_at_k=curve
    )
    tried = n[n > 0]
    if tried.min() == tried.max():
        return CountsReach(reach=found)
    return CountsReach(
        reach=found,
        caution=(
            f"Queries have {int(tried.min()):,} to {int(tried.max()):,} trials: where these stopped at a number of "
            "successes, the curves lean high. The verdicts in order would tell."
        ),
    )


class _Verdicts:
    """Trials of a set whose rows have verdicts: which were correct, by index."""

    def __init__(self, queries: int) -> None:
        self._places: list[list[tuple[int, bool]]] = [[] for _ in range(queries)]

    def add(self, query: int, place: int | None, correct: bool) -> None:
        trials = self._places[query]
        trials.append((len(trials) if place is None else place, correct))

    def reach(self) -> Reach | None:
        ordered = [[correct for _, correct in sorted(trials)] for trials in self._places]
        n = np.array([len(trials) for trials in ordered], dtype=np.int64)
        m = shared_trials(n)
        first = np.array([trials.index(True) if True in trials else -1 for trials in ordered], dtype=np.int64)
        within = np.array([sum(trials[:m]) for trials in ordered], dtype=np.int64)
        return reach(n, first, within, m)


def _one(name: str, rows: Iterable[Row], fields: Fields, reference: Reference, index: Mapping[str, int]) -> SetBias:
    per_query = np.zeros(reference.difficulty.size, dtype=np.int64)
    verdicts = _Verdicts(per_query.size)
    total = matched = judged = 0
    examples: list[str] = []
    for row in rows:
        query = _find(row, fields, index, name=name, number=total)
        verdict = row.get(fields.verdict)
        total += 1
        judged += verdict is not None
        if query is None:
            if len(examples) < _EXAMPLES:
                examples.append(_text(row, fields)[:160])
            continue
        matched += 1
        if verdict is None:
            per_query[query] += 1
        elif not row.get(fields.surplus):
            per_query[query] += verdict == "correct"
            verdicts.add(query, row.get(fields.trial), verdict == "correct")
    found = verdicts.reach() if judged == total else None
    return SetBias(
        name=name,
        rows=total,
        matched=matched,
        unmatched_examples=tuple(examples),
        per_query=per_query,
        reach=found,
        refused="" if found is not None else _ROWS_ALONE if not judged else _SOME.format(judged=judged, total=total),
    )


_ROWS_ALONE = "Rows without verdicts cannot tell coverage or pass@k: that needs all verdicts, or counts (n, c)."
_SOME = (
    "Coverage and pass@k need a verdict in every row and rows of the reference queries: {judged} of {total} have one."
)


def _find(row: Row, fields: Fields, index: Mapping[str, int], *, name: str, number: int) -> int | None:
    """The reference query of a row; DataError if the row names none at all."""
    query_id = row.get(fields.id)
    if query_id is not None and (found := index.get(f"id:{query_id}")) is not None:
        return found
    text = _text(row, fields)
    if not text and query_id is None:
        wanted = fields.original or fields.query
        raise DataError(
            f"Cannot analyze '{name}': row {number} has neither '{wanted}' nor '{fields.id}', "
            f"it has {', '.join(sorted(row))}.",
            remedy="Name the column that holds the query.",
        )
    return index.get(f"text:{normal(text)}") if text else None


def _text(row: Row, fields: Fields) -> str:
    value = row.get(fields.original or fields.query)
    return "" if value is None else str(value)


def _reach(found: Reach) -> dict[str, Any]:
    curves = {"coverage": found.coverage, "passAtK": found.pass_at_k}
    return {
        "m": found.m,
        "queries": found.queries,
        "leftOut": found.left_out,
        **{
            name: {"k": curve.k.tolist(), "value": [round(float(value), 6) for value in curve.value]}
            for name, curve in curves.items()
        },
    }
