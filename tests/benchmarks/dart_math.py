"""dart-math's sampling policy, for comparison: batches of 16,384 paths, several collectors that know nothing of each
other, each of which goes on until it has *more* than its part of the target.

Modelled after its published generation script: eight processes, each with a target of k/8 and a cap of cap/8, look at
their counts between batches only; a batch goes round the open queries until it is full.
"""

import numpy as np

from .populations import Floats, expected_bound

BATCH = 16_384
COLLECTORS = 8


def measure(rates: Floats, *, need: int, cap: int, seed: int = 0) -> dict[str, float]:
    """Trials over the expected sequential bound, correct responses kept per query that finished, and batches."""
    rng = np.random.default_rng([seed, 7])
    spent, batches = 0, 0
    correct = np.zeros(rates.size, dtype=np.int64)
    for _ in range(COLLECTORS):
        trials, found, used = _collect(rates, need // COLLECTORS, cap // COLLECTORS, rng)
        spent += int(trials.sum())
        correct += found
        batches = max(batches, used)
    bound = expected_bound(rates, need, cap)
    return {
        "trials": spent,
        "bound": bound,
        "overhead": spent / bound - 1.0,
        "kept": float(np.median(correct[correct >= need])),
        "batches": batches,
    }


def _collect(
    rates: Floats, need: int, cap: int, rng: np.random.Generator
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]], int]:
    trials, found = np.zeros((2, rates.size), dtype=np.int64)
    batches, at = 0, 0
    while True:
        going = np.flatnonzero((found <= need) & (trials < cap))
        if going.size == 0:
            return trials, found, batches
        batches += 1
        paths = np.full(going.size, BATCH // going.size)
        paths[(at + np.arange(BATCH % going.size)) % going.size] += 1
        at = (at + BATCH % going.size) % going.size
        paths = np.minimum(paths, cap - trials[going])
        trials[going] += paths
        found[going] += rng.binomial(paths, rates[going])
