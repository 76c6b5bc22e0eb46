"""Bootstrap intervals over problems (Efron, Annals of Statistics 7, 1979), and what a comparison could have seen.

A resample of a mean depends only on how often each distinct value is drawn, and these counts are multinomial: so N
problems are not drawn one by one, and their order does not matter.
"""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from scipy.special import ndtri

from .numbers import Estimate, Floats, Resampling

CELLS = 4_000_000
"""Counts drawn at a time: 32 MB."""
POWER = 0.8
"""Chance to see a difference of the size that `detectable` gives (Cohen's convention)."""


def means(values: Floats, how: Resampling, *, of: str) -> Floats:
    """The mean of each resample of the values, shape (resamples,). `of` names what is resampled: other names, other
    draws. NaN without values."""
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    size = int(counts.sum())
    if not size:
        return np.full(how.resamples, np.nan)
    if distinct.size == 1:
        return np.full(how.resamples, distinct[0])
    draws = np.random.default_rng([how.seed, crc32(of.encode())])
    result = np.empty(how.resamples)
    step = max(1, CELLS // distinct.size)
    for start in range(0, how.resamples, step):
        part = result[start : start + step]
        part[:] = draws.multinomial(size, counts / size, size=part.size) @ distinct / size
    return result


def interval(resampled: Floats, value: float, how: Resampling) -> Estimate:
    """An estimate with its percentile interval."""
    if not resampled.size or np.isnan(value):
        return Estimate(value=value, low=value, high=value)
    tail = (1.0 - how.confidence) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail])
    return Estimate(value=value, low=float(low), high=float(high))


def estimate(values: Floats, how: Resampling, *, of: str) -> Estimate:
    """The mean of the values with its interval. Values that are all alike have an interval of no width: a resample can
    only hold what was seen."""
    value = float(np.mean(values)) if len(values) else float("nan")
    return interval(means(values, how, of=of), value, how)


def estimate_average(sets: Sequence[tuple[str, Floats]], how: Resampling) -> Estimate:
    """The mean of the means of several sets of problems (named, for the draws), each resampled by itself."""
    value = float(np.mean([np.mean(values) for _, values in sets])) if sets else float("nan")
    parts = [means(values, how, of=name) for name, values in sets]
    return interval(np.mean(parts, axis=0) if parts else np.zeros(0), value, how)


def detectable(sets: Sequence[Floats], *, confidence: float, power: float = POWER) -> float | None:
    """The smallest true difference that the comparison would have shown with chance `power`, at a two-sided level of
    1 - confidence: (z + z') times the standard error of the mean of the sets' mean differences.

    `sets` hold paired differences per problem. None where no problem differs: then the standard error is not known.
    """
    variances = [float(np.var(values, ddof=1)) / len(values) if len(values) > 1 else 0.0 for values in sets]
    error = float(np.sqrt(sum(variances))) / max(1, len(sets))
    if not error:
        return None
    return float(ndtri((1.0 + confidence) / 2.0) + ndtri(power)) * error


__all__ = ["POWER", "detectable", "estimate", "estimate_average", "interval", "means"]
