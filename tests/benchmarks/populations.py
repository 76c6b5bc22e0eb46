"""Query sets whose pass rates follow what was published of MATH and GSM8K under DeepSeekMath-7B-RL.

Fits, not data. *heavy* has a tail of hopeless queries, as MATH's train set seems to have (coverage 93 % within 100
trials, 99 % within 1,000); *light* has fewer of them. Half of the queries are MATH's, half GSM8K's.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom

Floats = NDArray[np.float64]

FULL = 14_973
"""Queries of recipe dart-math: 7,500 of MATH, 7,473 of GSM8K."""

NAMES = ("heavy", "light")


def population(name: str, queries: int) -> Floats:
    """Pass rates, shape (queries,): the quantiles of the mixture, in an order that means nothing.

    Quantiles and not draws: a set of 500 then has the tail of a set of 15,000, and only outcomes are left to chance.
    """
    math, grade_school = queries // 2, queries - queries // 2
    hard = math // 4 if name == "heavy" else 0
    parts = [beta.ppf(_middles(grade_school), 1.0, 0.046)]
    if name == "heavy":
        parts += [beta.ppf(_middles(hard), 1.0, 40.0), beta.ppf(_middles(math - hard), 1.6, 0.3)]
    elif name == "light":
        parts += [beta.ppf(_middles(math), 0.6, 0.341)]
    else:
        raise ValueError(f"population {name!r} is not one of {', '.join(NAMES)}")
    return np.random.default_rng(queries).permutation(np.clip(np.concatenate(parts), 1e-6, 1.0))


def expected_bound(rates: Floats, need: int, cap: int) -> float:
    """Expected trials if each query stopped at its `need`-th success or at `cap`: no rule spends less.

    Wald: E min(N, cap) = E[successes] / p.
    """
    below = binom.cdf(need - 2, cap - 1, rates)
    successes = cap * rates * below + need * binom.sf(need - 1, cap, rates)
    return float((successes / rates).sum())


def _middles(size: int) -> Floats:
    return (np.arange(size) + 0.5) / max(1, size)
