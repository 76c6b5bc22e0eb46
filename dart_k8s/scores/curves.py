"""Coverage and pass@k from the first trials of each query. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln

from .numbers import Floats, Ints

LEFT_OUT = 0.05
"""Share of the tried queries that may be left out for a longer curve: adaptive runs stop easy queries early, so leaving
out more would leave a set of hard ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Values over numbers of trials."""

    k: Ints
    value: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What the first `m` trials of the queries that have so many say."""

    m: int
    queries: int
    """Queries with at least m trials."""
    left_out: int
    """Queries with fewer, untried ones included."""
    coverage: Curve
    """Share of queries with a correct response among their first k trials."""
    pass_at_k: Curve
    """Unbiased pass@k from the m trials, mean over queries."""
    coverage_posterior: Curve | None = None
    """Expected coverage from the posterior, for k beyond m."""


def shared_trials(trials: ArrayLike) -> int:
    """The largest m such that at most 5 % of the tried queries have fewer trials; 0 without trials."""
    tried = np.sort(np.asarray(trials, dtype=np.int64))
    tried = tried[tried > 0]
    return int(tried[int(LEFT_OUT * tried.size)]) if tried.size else 0


def pass_at_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> Floats:
    """1 - C(n-c, k) / C(n, k), the unbiased estimate of Chen et al. 2021 (arXiv 2107.03374); arguments broadcast.

    NaN where k > n: n trials cannot tell.
    """
    n, c, k = (np.asarray(value, dtype=np.float64) for value in (n, c, k))
    given, enough, possible = c, k <= n, (k <= n - c) & (c > 0)
    # The ratio is that of two beta functions, B(n-c+1, c) / B(n-c-k+1, c): no binomial coefficient that overflows, and
    # nine digits are right with 100,000 trials.
    n, c, k = np.broadcast_arrays(n, np.maximum(c, 1.0), k)
    rest = np.where(possible, n - c - k, 0.0) + 1.0
    log = betaln(np.maximum(n - c, 0.0) + 1.0, c) - betaln(rest, c)
    value = np.where(possible, -np.expm1(np.where(possible, log, 0.0)), np.where(given == 0, 0.0, 1.0))
    result: Floats = np.where(enough, value, np.nan)
    return result


def reach(trials: Ints, first: Ints, correct: Ints, m: int, *, posterior: Curve | None = None) -> Reach | None:
    """The curves from the first `m` trials by index; None where no query has so many (or m is 0).

    Arrays of shape (Q,): `trials` counted ones, `first` index of the first correct one (-1: none), `correct` among the
    first m.
    """
    enough = trials >= m
    if m < 1 or not enough.any():
        return None
    ks = sizes_up_to(m)
    pass_rates = pass_at_k(m, correct[enough][:, None], ks[None, :])
    return Reach(
        m=m,
        queries=int(enough.sum()),
        left_out=int(enough.size - enough.sum()),
        coverage=coverage(first[enough], m),
        pass_at_k=Curve(k=ks, value=pass_rates.mean(axis=0)),
        coverage_posterior=posterior,
    )


def coverage(first: Ints, m: int) -> Curve:
    """Share of queries with a correct response among their first 1 ... m trials. `first`: index of the first correct
    one, -1 without one, shape (Q,); every query has m trials."""
    found = np.bincount(first[(first >= 0) & (first < m)], minlength=m)
    return Curve(k=np.arange(1, m + 1), value=np.cumsum(found) / first.size)


def sizes_up_to(m: int) -> Ints:
    """1, 2, 4, ... and m itself."""
    powers = [2**e for e in range(m.bit_length()) if 2**e < m]
    return np.array([*powers, m], dtype=np.int64)
