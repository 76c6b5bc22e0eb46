"""What a run will cost and bring, before it and at any time in it, for several hopeless stops side by side.

Monte Carlo from what is known: a population of pass rates is drawn (how uncertain it is depends on how many queries
have been tried, and how often), each query's pass rate from its posterior under that population, each query's future
from that pass rate (see `paths`). So an interval holds what is not known of the population, of each query, and of the
coin tosses to come. Pass rates that were fixed from outside are taken as they are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from . import totals
from .paths import Ends, Starts, repeated, simulate
from .planning import Counts, look
from .posterior import GRID, PSEUDO_QUERIES, Floats, Ints, Pairs, Prior, fit, pairs
from .stops import Stop
from .strategies import Goal, Kind, least_trials, targets

FORMAT = "dart-k8s.io/forecast/v1"

EPS = (0.0, 0.01, 0.05, 0.2, 0.5)
"""Hopeless stops that are compared."""

PATHS = 240_000
"""Futures of single queries that a forecast simulates: a few seconds."""

LEAST_WORLDS = 24
MOST_WORLDS = 400
"""Populations drawn."""

MOST_QUERIES = 20_000
"""Of a larger set so many are simulated, drawn evenly over queries in order of what is known of them, and scaled up.
What that adds to an interval is under a percent."""

UNKNOWN_QUERIES = 3_000
"""The same while the population is hardly known: then more populations say more than more queries."""

HARDLY_KNOWN = 300
"""Queries tried, up to which the population is hardly known."""

_EDGES = np.array([1e-4, 1e-3, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97])
_BIN = np.searchsorted(_EDGES, GRID)
"""Populations differ by the weight of each of these ranges of pass rates; shape (G,)."""
_IN_BIN: Floats = (np.arange(_EDGES.size + 1) == _BIN[:, None]).astype(np.float64)

_TAIL = 0.03
"""Pass rate below which populations differ by the slope of their tail."""

SLOPE, SLOPE_SPREAD = 0.5, 0.5
"""Mean and standard deviation, before any trial, of the exponent of p that the tail's weight is multiplied with. The
flat prior spreads its tail evenly over the orders of magnitude, a power law of exponent 0; an exponent of 1 spreads it
evenly over pass rates. Published populations lie between ("Large Language Monkeys", arXiv 2407.21787; "How Do Large
Language Monkeys Get Their Power (Laws)?", arXiv 2502.17578)."""

_SLOPES = (-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)

APPROXIMATIONS = (
    "prop2diff's targets follow the simulated pass rate; a run follows its estimate, which costs some per cent more",
    "a query's chance of a new text per correct response stays as it is now, and none becomes saturated",
    "the hopeless stop judges by the population as estimated now",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Mean of the simulated values, and the range that holds the middle 90 per cent of them."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What one hopeless stop comes to."""

    eps: float
    trials: Interval
    """Of the whole run, those already spent included."""
    further: Interval
    """Trials from now on."""
    tokens: Interval | None
    """Generated from now on; None if tokens per trial are not known."""
    gpu_hours: Interval | None
    """From now on; None if the speed is not known either."""
    rows: Interval
    """Of the data set: distinct correct responses up to each query's target."""
    rows_by_decile: tuple[Interval, ...]
    """The same by decile of difficulty, the easiest first; fewer than ten queries give as many parts."""
    covered: Interval
    """Queries with at least one row."""
    at_target: Interval
    """Queries with as many as their target (vanilla: with all their trials)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Outlooks by rising eps; the goal's own is among them."""

    kind: Kind
    scale: float
    """Target scale; with a fixed total the one that the total affords."""
    queries: int
    spent: int
    own_eps: float
    outlooks: tuple[Outlook, ...]
    approximations: tuple[str, ...]
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Plain data; intervals are {mean, low, high}."""
        return {
            "format": FORMAT,
            "strategy": self.kind.value,
            "scale": self.scale,
            "queries": self.queries,
            "spentTrials": self.spent,
            "hopelessProbability": self.own_eps,
            "interval": "5-95 %",
            "outlooks": [{_camel(f.name): _plain(getattr(o, f.name)) for f in fields(o)} for o in self.outlooks],
            "approximations": list(self.approximations),
            "seed": self.seed,
        }

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Header and one row of texts per eps; columns that are not known are left out."""
        columns = [("eps", [f"{o.eps:g}" + ("*" if o.eps == self.own_eps else "") for o in self.outlooks])]
        for name, title in _COLUMNS:
            values = [getattr(outlook, name) for outlook in self.outlooks]
            if values[0] is not None:
                columns.append((title, [_words(value) for value in values]))
        rows = zip(*(cells for _, cells in columns), strict=True)
        return (tuple(title for title, _ in columns), *rows)

    def decile_table(self) -> tuple[tuple[str, ...], ...]:
        """Header and one row of texts per decile of difficulty: rows of the data set under each eps."""
        parts = range(len(self.outlooks[0].rows_by_decile))
        header = ("decile", *(f"eps {outlook.eps:g}" for outlook in self.outlooks))
        body = ((f"{part + 1}", *(_words(outlook.rows_by_decile[part]) for outlook in self.outlooks)) for part in parts)
        return (header, *body)


_COLUMNS = (
    ("trials", "trials"),
    ("further", "of these to come"),
    ("tokens", "tokens to come"),
    ("gpu_hours", "GPU-hours to come"),
    ("rows", "rows"),
    ("covered", "covered queries"),
    ("at_target", "queries at target"),
)


def forecast(
    goal: Goal,
    prior: Prior,
    counts: Counts,
    *,
    tokens_per_trial: float | None = None,
    tokens_per_second: float | None = None,
    known: tuple[Ints, Ints] | None = None,
    eps: Sequence[float] = EPS,
    seed: int = 0,
) -> Forecast:
    """Forecast a run from `counts` (nothing tried yet: all zeros) and the `prior` that it judges by.

    `known` are (correct, trials) of other queries of the same kind under the same model, such as a query-info file or
    an earlier run; without them and before any trial all is possible, and the intervals say so. `tokens_per_second` is
    that of one GPU. Live claims are ignored: what they bring is simulated like the rest. Vanilla has no hopeless stop.
    """
    stops = np.unique(np.array([*eps, goal.hopeless_probability], dtype=np.float64))
    if goal.kind is Kind.VANILLA:
        goal, stops = replace(goal, hopeless_probability=0.0), np.zeros(1)
    rng = np.random.default_rng(seed)
    size, spent = counts.trials.size, int(counts.spent.sum())
    correct, trials = counts.correct, counts.trials
    if known is not None:
        correct, trials = np.concatenate([correct, known[0]]), np.concatenate([trials, known[1]])
        prior = fit(correct, trials, start=prior)
    sample = _sample(counts, MOST_QUERIES if (trials > 0).sum() >= HARDLY_KNOWN else UNKNOWN_QUERIES, rng)
    part = sample.trials.size / max(1, size)
    if goal.total is not None:
        left = max(0.0, (goal.total - spent) * part)
        goal = totals.scaled(goal, max(1.0, totals.solve(goal, prior, sample, left)))
    times = int(np.clip(PATHS // max(1, sample.trials.size), LEAST_WORLDS, MOST_WORLDS))
    starts = _starts(goal, prior, sample)
    fits, chances = _populations(prior, correct, trials)
    rates = _draw_rates(fits, chances, sample, pairs(correct[trials > 0], trials[trials > 0]), times, rng)
    fixed = ~np.isnan(sample.pass_rate)
    rates[:, fixed] = np.clip(sample.pass_rate[fixed], GRID[0], GRID[-1])
    wanted = np.where(starts.open, _targets(goal, sample, rates), starts.target)
    least = np.where(starts.tracked, least_trials(goal, rates), goal.min_trials)
    runs = repeated(starts, times, rates.ravel(), wanted.ravel(), least.ravel())
    ends = _vanilla(runs, stops.size, rng) if goal.kind is Kind.VANILLA else simulate(goal, prior, runs, stops, rng)
    order = np.argsort(-rates, axis=1, kind="stable")
    summary = partial(
        _outlook, goal, runs, ends, order, spent, 1.0 / max(part, 1e-9), tokens_per_trial, tokens_per_second
    )
    return Forecast(
        kind=goal.kind,
        scale=goal.scale,
        queries=size,
        spent=spent,
        own_eps=goal.hopeless_probability,
        outlooks=tuple(summary(row, float(stop)) for row, stop in enumerate(stops)),
        approximations=APPROXIMATIONS,
        seed=seed,
    )


def _sample(counts: Counts, most: int, rng: np.random.Generator) -> Counts:
    """At most `most` queries, evenly spread over all of them in the order of their counts."""
    size = counts.trials.size
    if size <= most:
        return counts
    order = np.lexsort((counts.own, counts.distinct, counts.correct, counts.trials))
    which = order[np.floor((np.arange(most) + rng.random()) * (size / most)).astype(np.int64).clip(0, size - 1)]
    return Counts(**{field.name: getattr(counts, field.name)[which] for field in fields(Counts)})


def _starts(goal: Goal, prior: Prior, counts: Counts) -> Starts:
    """Where the queries stand; `target` is that of the estimate, for those closed whatever the hopeless stop."""
    judged = look(replace(goal, hopeless_probability=0.0), prior, counts)
    last = counts.trials + np.maximum(0, goal.cap - counts.spent)
    if goal.kind is Kind.VANILLA:
        last = counts.trials + judged.need
    return Starts(
        trials=counts.trials,
        correct=counts.correct,
        distinct=counts.distinct,
        last=last,
        open=judged.reason == Stop.OPEN,
        pass_rate=judged.pass_rate,
        # Good-Turing with one text more of each sort: 1 before any repetition, never 0.
        fresh=np.minimum(1.0, (counts.singles + 1.0) / (counts.correct + 1.0)),
        target=judged.target,
        least=judged.least,
        tracked=goal.kind is Kind.PROP2DIFF and not counts.own.any() and bool(np.isnan(counts.pass_rate).all()),
    )


def _populations(prior: Prior, correct: Ints, trials: Ints) -> tuple[list[Prior], Floats]:
    """Fits that differ in the slope of their tail, and the posterior probability of each.

    Few trials per query tell next to nothing about how pass rates far below one in that number are spread, so the fit
    keeps there the slope that it started from.
    """
    fits, odds = [], []
    grouped = pairs(correct[trials > 0], trials[trials > 0])
    equal = Prior(np.full(GRID.size, 1.0 / GRID.size))
    for slope in _SLOPES:
        weights = prior.weights * (np.minimum(GRID, _TAIL) / _TAIL) ** slope
        fitted = fit(correct, trials, start=Prior(weights / weights.sum()))
        pieces = equal.pieces(grouped.correct, grouped.trials)
        likelihood = sum(float(grouped.count[part] @ np.log(mass @ fitted.weights)) for part, mass in pieces)
        fits.append(fitted)
        odds.append(likelihood - ((slope - SLOPE) / SLOPE_SPREAD) ** 2 / 2)
    chances = np.exp(np.array(odds) - max(odds))
    return fits, chances / chances.sum()


def _strength(prior: Prior, tried: Pairs) -> Floats:
    """Queries that each range's weight rests on, shape of the ranges.

    A query counts by the cube of its posterior there: whole if its trials tell where it is, hardly if it may as well be
    elsewhere. The power was chosen among 1, 2 and 3 on simulated runs after 16 trials per query. On 120 runs with other
    seeds the 90 % intervals of trials, rows and covered queries held 89 % of what came; the worst, trials of prop2diff
    with 120 queries, 73 %, since a run that follows its estimate needs 4 % more trials than the forecast says.
    """
    strength = PSEUDO_QUERIES * (Prior.flat().weights @ _IN_BIN)
    for part, mass in prior.pieces(tried.correct, tried.trials):
        strength = strength + tried.count[part] @ (mass @ _IN_BIN) ** 3
    result: Floats = strength
    return result


def _draw_rates(
    fits: list[Prior], chances: Floats, counts: Counts, tried: Pairs, times: int, rng: np.random.Generator
) -> Floats:
    """Pass rates of all queries in `times` worlds, shape (times, Q).

    Each world has its own population: one of the fits, with the weight of each range of pass rates drawn anew as a
    Dirichlet distribution would (Bayesian bootstrap; Rubin, Annals of Statistics 9, 1981).
    """
    rates = np.empty((times, counts.trials.size))
    if rates.size == 0:
        return rates
    grouped = pairs(counts.correct, counts.trials)
    order = np.argsort(grouped.index, kind="stable")
    sizes = np.bincount(grouped.index, minlength=grouped.count.size)
    behind = np.arange(sizes.size)
    chosen = rng.choice(len(fits), size=times, p=chances)
    for number in np.unique(chosen):
        prior = fits[number]
        mass = np.concatenate([part for _, part in prior.pieces(grouped.correct, grouped.trials)])
        strength = _strength(prior, tried)
        for world in np.flatnonzero(chosen == number):
            share = np.cumsum(mass * np.maximum(1e-9, rng.gamma(strength) / strength)[_BIN], axis=1)
            # One search for all groups: each group's cumulative shares are moved behind those of the group before.
            share /= share[:, -1:]
            draw = rng.random(order.size) + np.repeat(behind, sizes)
            place = np.searchsorted((share + behind[:, None]).ravel(), draw) - np.repeat(behind, sizes) * GRID.size
            rates[world, order] = GRID[np.clip(place, 0, GRID.size - 1)]
    return rates


def _targets(goal: Goal, counts: Counts, rates: Floats) -> Ints:
    """Targets in each world, shape of `rates`."""
    fixed = ~np.isnan(counts.pass_rate)
    wanted = targets(goal.kind, goal.scale, np.where(fixed, counts.pass_rate, rates))
    return np.where((counts.own > 0) & (goal.kind is not Kind.VANILLA), counts.own, wanted)


def _vanilla(starts: Starts, stops: int, rng: np.random.Generator) -> Ends:
    """The trials left, whatever comes of them."""
    more = np.where(starts.open, starts.last - starts.trials, 0)
    found = starts.distinct + rng.binomial(more, starts.pass_rate * starts.fresh)
    shape = (stops, found.size)
    return Ends(trials=np.broadcast_to(starts.trials + more, shape), distinct=np.broadcast_to(found, shape))


def _outlook(
    goal: Goal,
    starts: Starts,
    ends: Ends,
    order: Ints,
    spent: int,
    factor: float,
    tokens_per_trial: float | None,
    tokens_per_second: float | None,
    row: int,
    eps: float,
) -> Outlook:
    """Summary of the stop number `row`; `order` (worlds, Q) are the queries by difficulty, the easiest first."""
    shape = order.shape
    found, target = ends.distinct[row].reshape(shape), starts.target.reshape(shape)
    further = (ends.trials[row] - starts.trials).reshape(shape).sum(axis=1) * factor
    if goal.total is not None:
        further = np.minimum(further, max(0, goal.total - spent))
    rows, done = np.minimum(found, target), found >= target
    if goal.kind is Kind.VANILLA:
        rows, done = found, (ends.trials[row] >= starts.last).reshape(shape)
    parts = min(10, shape[1])
    edges = -(-np.arange(parts) * shape[1] // max(1, parts))
    deciles = np.add.reduceat(np.take_along_axis(rows, order, axis=1), edges, axis=1) * factor if parts else rows
    tokens = None if tokens_per_trial is None else further * tokens_per_trial
    return Outlook(
        eps=eps,
        trials=_interval(spent + further),
        further=_interval(further),
        tokens=None if tokens is None else _interval(tokens),
        gpu_hours=None if tokens is None or not tokens_per_second else _interval(tokens / tokens_per_second / 3600.0),
        rows=_interval(rows.sum(axis=1) * factor),
        rows_by_decile=tuple(_interval(deciles[:, part]) for part in range(parts)),
        covered=_interval((found > 0).sum(axis=1) * factor),
        at_target=_interval(done.sum(axis=1) * factor),
    )


def _interval(values: Floats) -> Interval:
    low, high = np.quantile(values, (0.05, 0.95))
    return Interval(mean=float(values.mean()), low=float(low), high=float(high))


def _words(value: Interval) -> str:
    """As `1,234 (1,100 to 1,400)`; numbers under 10 with two digits."""
    digits = 0 if value.high >= 10 or value.high == 0 or not math.isfinite(value.high) else 2
    return f"{value.mean:,.{digits}f} ({value.low:,.{digits}f} to {value.high:,.{digits}f})"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return {"mean": value.mean, "low": value.low, "high": value.high}
    return [_plain(part) for part in value] if isinstance(value, tuple) else value
