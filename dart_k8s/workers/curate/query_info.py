"""Counts per query in the columns of dart-math's query-info data sets."""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

_LEVEL = re.compile(r"(?:Level\s*)?(\d{1,4})")
"""MATH writes "Level 5", others "5"; dart-math's column holds whole numbers."""


def query_info(
    queries: pa.Table, counts: pa.Table, by_attempt: pa.Table, *, posterior: Sequence[float] | None = None
) -> pa.Table:
    """One row per query of the snapshot, in its order.

    `counts`: n and s per query in query order. `by_attempt`: query, and n and s per attempt in launch order as lists.
    `pass_rate` is the plain quotient s/n of that format and `pass_rate_bernoulli_std` its standard error
    sqrt(r (1 - r) / n), null without trials. After an adaptive run the quotient is biased: use `pass_rate_posterior`.
    """
    n = counts["n"].to_numpy().astype(np.float64)
    s = counts["s"].to_numpy().astype(np.float64)
    tried = n > 0
    rate = np.divide(s, n, out=np.zeros_like(n), where=tried)
    error = np.sqrt(np.divide(rate * (1.0 - rate), n, out=np.zeros_like(n), where=tried))
    lists = {row["query"]: row for row in by_attempt.to_pylist()}
    numbers = range(queries.num_rows)
    return pa.table(
        {
            "query_id": queries["id"].cast(pa.string()),
            "level": levels(queries["level"].to_pylist()),
            "domain": queries["subject"].cast(pa.string()),
            "n_samples_list": pa.array([lists[q]["n"] if q in lists else [] for q in numbers], pa.list_(pa.int64())),
            "n_corrects_list": pa.array([lists[q]["s"] if q in lists else [] for q in numbers], pa.list_(pa.int64())),
            "tot_n_samples": counts["n"].cast(pa.int64()),
            "tot_n_corrects": counts["s"].cast(pa.int64()),
            "pass_rate": pa.array(rate, pa.float64(), mask=~tried),
            "pass_rate_bernoulli_std": pa.array(error, pa.float64(), mask=~tried),
            "pass_rate_posterior": pa.array(
                [None] * queries.num_rows if posterior is None else list(posterior), pa.float64()
            ),
        }
    )


def levels(given: Sequence[str | None]) -> pa.Array:
    """Levels as whole numbers if all of them are ("Level 5", "5"), else as the texts they are."""
    found = [None if level is None else _LEVEL.fullmatch(level.strip()) for level in given]
    if all(match is not None or level is None for match, level in zip(found, given, strict=True)):
        return pa.array([int(match[1]) if match else None for match in found], pa.int64())
    return pa.array(given, pa.string())
