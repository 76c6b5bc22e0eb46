"""What is known about each query's pass rate, and what further trials will bring.

Pass rates of a query set are bimodal with a power-law left tail ("How Do Large Language Monkeys Get Their Power
(Laws)?", ICML 2025), which no single Beta distribution follows. So the prior is a weight on each point of a fixed grid,
fitted by expectation maximisation to all (correct, trials) pairs: the non-parametric maximum-likelihood estimate
(Laird, JASA 73, 1978). The likelihood p^s (1-p)^(n-s) does not depend on the stopping rule, so early stopping does not
bias it.

Shapes: Q queries, G grid points. `correct` and `trials` are integer arrays of one shape; results have that shape too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LOWEST = 1e-5
"""Smallest pass rate on the grid: one success in 100,000 trials, below what any run can afford to tell apart."""

GRID: Floats = np.concatenate([np.geomspace(LOWEST, 0.5, 110), 1.0 - np.geomspace(0.5, 1e-3, 61)[1:]])
"""Pass rates, ascending, shape (170,). Dense at both ends: trials go as 1/p on the left, prop2diff's targets as 1-p on
the right."""

_LOG_PASS: Floats = np.log(GRID)
_LOG_FAIL: Floats = np.log1p(-GRID)

_SPACING: Floats = np.gradient(GRID)
_FLAT: Floats = 0.9 * _SPACING / _SPACING.sum() + 0.1 / GRID.size
"""Before any verdict: pass rates spread evenly over [0, 1], with a tenth spread over the orders of magnitude."""

BASE_MASS = 1e-3
"""Share of the flat prior in every fit, so that no pass rate has probability zero."""

PSEUDO_QUERIES = 2.0
"""Weight of the flat prior in queries: matters for sets of dozens of queries, vanishes for thousands."""

_PIECE = 8192
"""Rows of the likelihood matrix held at once: 8192 x 170 floats are 11 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The distinct (correct, trials) pairs of a query set and where each query's pair is."""

    correct: Ints
    """Shape (U,)."""
    trials: Ints
    """Shape (U,)."""
    index: Ints
    """Shape (Q,): the pair of each query."""
    count: Ints
    """Shape (U,): queries per pair."""


def pairs(correct: ArrayLike, trials: ArrayLike) -> Pairs:
    """Group queries that look alike to the posterior: all arithmetic is done once per distinct pair."""
    s = np.asarray(correct, dtype=np.int64).ravel()
    n = np.asarray(trials, dtype=np.int64).ravel()
    width = int(s.max(initial=0)) + 1
    keys, index, count = np.unique(n * width + s, return_inverse=True, return_counts=True)
    return Pairs(correct=keys % width, trials=keys // width, index=index.astype(np.int64), count=count.astype(np.int64))


def alike(*columns: Ints) -> tuple[Ints, Ints]:
    """Group the rows of whole-number columns of shape (Q,), none negative: first row of each group, group of each row.

    Columns are packed into one key each, and the keys renumbered before they could overflow.
    """
    code = np.zeros(columns[0].shape, dtype=np.int64)
    span = 1
    for column in columns:
        width = int(column.max(initial=0)) + 1
        if span * width >= 1 << 62:
            _, code = np.unique(code, return_inverse=True)
            span = int(code.max(initial=0)) + 1
        code = code * width + column
        span *= width
    _, first, index = np.unique(code, return_index=True, return_inverse=True)
    return first.astype(np.int64), index.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Prior:
    """Distribution of pass rates over the query set."""

    weights: Floats
    """Shape (G,), positive, sum 1."""

    @classmethod
    def flat(cls) -> "Prior":
        """Nothing known yet."""
        return cls(_FLAT / _FLAT.sum())

    @classmethod
    def of(cls, weights: Sequence[float]) -> "Prior":
        """A prior as it was stored; flat if there is none yet."""
        return cls(np.array(weights, dtype=np.float64)) if len(weights) == GRID.size else cls.flat()

    def posterior(self, correct: ArrayLike, trials: ArrayLike) -> Floats:
        """Distribution over the grid given counts, shape (..., G), rows sum to 1.

        `correct` and `trials` broadcast against each other; keep them to some thousand elements or use `pieces`.
        """
        s = np.asarray(correct, dtype=np.float64)[..., None]
        n = np.asarray(trials, dtype=np.float64)[..., None]
        log = np.log(self.weights) + s * _LOG_PASS + (n - s) * _LOG_FAIL
        log -= log.max(axis=-1, keepdims=True)
        mass = np.exp(log)
        result: Floats = mass / mass.sum(axis=-1, keepdims=True)
        return result

    def pieces(self, correct: Ints, trials: Ints) -> Iterator[tuple[slice, Floats]]:
        """The posterior of many pairs in pieces that fit the cache: slice of the input, array (rows, G)."""
        for start in range(0, correct.size, _PIECE):
            part = slice(start, min(start + _PIECE, correct.size))
            yield part, self.posterior(correct[part], trials[part])

    def mean(self, correct: ArrayLike, trials: ArrayLike) -> Floats:
        """Posterior mean pass rate of each query; shape of the input."""
        grouped = pairs(correct, trials)
        means = np.empty(grouped.correct.size)
        for part, mass in self.pieces(grouped.correct, grouped.trials):
            means[part] = mass @ GRID
        result: Floats = means[grouped.index].reshape(np.shape(correct))
        return result


def fit(correct: ArrayLike, trials: ArrayLike, *, start: Prior | None = None, steps: int = 200) -> Prior:
    """Fit the prior to all counts by `steps` rounds of expectation maximisation, from `start` (default: flat).

    Queries without trials carry no information and are left out. Stops early once no weight moves by more than 1e-6.
    Starting from the previous fit, a few steps are enough after each fold.
    """
    s = np.asarray(correct, dtype=np.int64).ravel()
    n = np.asarray(trials, dtype=np.int64).ravel()
    tried = n > 0
    prior = start or Prior.flat()
    if not tried.any():
        return prior
    grouped = pairs(s[tried], n[tried])
    # The posterior under equal weights is the likelihood, each row up to a factor that cancels.
    equal = Prior(np.full(GRID.size, 1.0 / GRID.size))
    held = [(part, mass) for part, mass in equal.pieces(grouped.correct, grouped.trials)]
    flat = Prior.flat().weights
    total = float(grouped.count.sum())
    weights = prior.weights
    for _ in range(steps):
        expected = PSEUDO_QUERIES * flat
        for part, likelihood in held:
            expected = expected + weights * ((grouped.count[part] / (likelihood @ weights)) @ likelihood)
        moved = weights
        weights = (1.0 - BASE_MASS) * expected / (total + PSEUDO_QUERIES) + BASE_MASS * flat
        weights = weights / weights.sum()
        if float(np.abs(weights - moved).max()) < 1e-6:
            break
    return Prior(weights)


def chance(mass: Floats, need: ArrayLike, trials: ArrayLike) -> Floats:
    """Probability of at least `need` successes in `trials` further trials; shape (...,) for mass (..., G).

    Binomial tail as the regularised incomplete beta function: P(Bin(m, p) >= r) = I_p(r, m - r + 1).
    """
    points, p, r, m = _where_it_matters(mass, need, trials)
    return _spread(mass, points, _tail(r, m, p))


def expected_successes(mass: Floats, need: ArrayLike, trials: ArrayLike) -> Floats:
    """Expected successes when trials stop at the `need`-th success or after `trials`; shape (...,).

    E min(B, r) = m p P(Bin(m-1, p) <= r-2) + r P(Bin(m, p) >= r), with B ~ Bin(m, p).
    """
    points, p, r, m = _where_it_matters(mass, need, trials)
    return _spread(mass, points, _successes(r, m, p))


def expected_trials(mass: Floats, need: ArrayLike, trials: ArrayLike) -> Floats:
    """Expected trials until the `need`-th success, at most `trials`; shape (...,).

    Wald: E[trials] = E[successes] / p at each grid point.
    """
    points, p, r, m = _where_it_matters(mass, need, trials)
    return _spread(mass, points, _successes(r, m, p) / p)


NO_MASS = 1e-13
"""Mass of a grid point below which it is left out: times the largest cap it is no trial. Most points of a posterior."""


def _where_it_matters(mass: Floats, need: ArrayLike, trials: ArrayLike) -> tuple[Bools, Floats, Floats, Floats]:
    """The points of `mass` (..., G) with any weight, as a mask, and pass rate, need and trials at each of them."""
    points = mass > NO_MASS
    flat = [np.broadcast_to(np.asarray(value, dtype=np.float64)[..., None], mass.shape) for value in (need, trials)]
    return points, np.broadcast_to(GRID, mass.shape)[points], flat[0][points], flat[1][points]


def _spread(mass: Floats, points: Bools, values: Floats) -> Floats:
    """Expectation over the grid of `values`, given at `points` only."""
    whole = np.zeros(mass.shape)
    whole[points] = values
    result: Floats = np.sum(mass * whole, axis=-1)
    return result


def _successes(r: Floats, m: Floats, p: Floats) -> Floats:
    below = 1.0 - _tail(r - 1, m - 1, p)
    result: Floats = np.where((r <= 0) | (m <= 0), 0.0, m * p * below + r * _tail(r, m, p))
    return result


def _tail(r: Floats, m: Floats, p: Floats) -> Floats:
    """P(Bin(m, p) >= r) for whole numbers, total on all arguments."""
    inside = (r > 0) & (m >= r)
    value = betainc(np.where(inside, r, 1.0), np.where(inside, m - r + 1.0, 1.0), p)
    result: Floats = np.where(r <= 0, 1.0, np.where(m < r, 0.0, value))
    return result
