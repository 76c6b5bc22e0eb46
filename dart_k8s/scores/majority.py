"""maj@k: whether the answer that most of k trials agree on is right; the exact mean over all choices of k trials."""

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from .numbers import Floats

NEGLIGIBLE = 1e-13
"""Chance under which a number of votes is left out."""


def majority_at_k(correct: int, others: Sequence[int], silent: int, k: int) -> float:
    """The chance that a majority vote of k trials, chosen at random without replacement, is right.

    `correct` trials gave the right answer, `others` are the sizes of the classes of equal wrong answers, `silent`
    trials gave none and cast no vote. Most votes win; a tie is settled by lot, so a right answer that ties with t
    others counts 1 / (t + 1). NaN if there are fewer than k trials.

    Choosing k of n is the same as tossing a coin with chance k / n for each trial, given that k of them fall heads; so
    classes are independent binomials, and only their sum has to be k. For each number of votes of the right answer the
    classes that could reach it are convolved, cut off at it; all smaller ones are one heap.
    """
    sizes = sorted((size for size in others if size > 0), reverse=True)
    n = correct + sum(sizes) + silent
    if k > n or k < 1:
        return float("nan")
    if not correct:
        return 0.0
    whole = float(binomial(n, k / n)[k])
    chances = binomial(correct, k / n)
    won = 0.0
    for votes in range(1, min(correct, k) + 1):
        if chances[votes] < NEGLIGIBLE:
            continue
        rivals = [size for size in sizes if size >= votes]
        heap = binomial(n - correct - sum(rivals), k / n)
        won += float(chances[votes]) * _share(rivals, heap, votes, k - votes, k / n)
    return min(1.0, won / whole)


def binomial(size: int, chance: float) -> Floats:
    """Chance of 0 ... size heads; shape (size + 1,). By logarithms, so that no binomial coefficient overflows."""
    j = np.arange(size + 1, dtype=np.float64)
    log = gammaln(size + 1.0) - gammaln(j + 1.0) - gammaln(size - j + 1.0)
    result: Floats = np.exp(log + xlogy(j, chance) + xlog1py(size - j, -chance))
    return result


def _share(rivals: Sequence[int], heap: Floats, votes: int, left: int, chance: float) -> float:
    """Chance that the others cast exactly `left` votes, none of them more than `votes`, times the share of the tie."""
    most = min(len(rivals), left // votes)
    # Row t, column v: so many rivals tie, so many votes are cast.
    table = np.zeros((most + 1, left + 1))
    table[0, : heap.size] = heap[: left + 1]
    for size in rivals:
        odds = binomial(size, chance)
        fresh = np.zeros_like(table)
        for cast in range(min(votes - 1, left) + 1):
            fresh[:, cast:] += odds[cast] * table[:, : left + 1 - cast]
        if most:
            fresh[1:, votes:] += odds[votes] * table[:-1, : left + 1 - votes]
        table = fresh
    return float((table[:, left] / np.arange(1, most + 2)).sum())


__all__ = ["majority_at_k"]
