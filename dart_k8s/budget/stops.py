"""When a query is done, and why. One function, used by the planner on all queries and by a sampler on one.

Order of judgement (the first that holds is the reason):

    target      enough distinct correct responses, after enough trials to know the target (`least_trials`)
    trials      vanilla: its number of trials is spent
    saturated   new texts have become rare: more trials would bring the same responses again
    hopeless    the chance to reach the target within the cap is small, and the floor is reached (or is hopeless itself)
    cap         the query's most trials are spent
"""

from enum import IntEnum

import numpy as np

from .posterior import Floats, Ints, Prior, alike, chance
from .strategies import Goal, Kind, targets


class Stop(IntEnum):
    """Why a query takes no more trials; stored in the budget state, so numbers never change."""

    OPEN = 0
    TARGET = 1
    TRIALS = 2
    CAP = 3
    HOPELESS = 4
    SATURATED = 5
    BUDGET = 6
    """The run's total number of trials is spent."""
    SET_ASIDE = 7
    """Its shard ended its sampler again and again."""


LOOK_GROWTH = 1.25
"""A query is looked at for hopelessness each time its trials have grown by this factor. Looking more often closes more
queries in a spell of bad luck: what they would have given is lost, and the look costs 50 microseconds
(docs/decisions/0008)."""

SATURATED_AFTER = 16
"""Correct responses before saturation is judged: below that the estimate of new texts is too rough."""

SATURATED_SHARE = 0.05
"""Good-Turing's chance of a new text per correct response (singletons over correct) under which a query is saturated
(Good, Biometrika 40, 1953)."""


def saturated(correct: Ints, singles: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which queries hardly give new texts; `singles` are the texts seen exactly once."""
    return (correct >= SATURATED_AFTER) & (singles < SATURATED_SHARE * correct)


def hopeless(
    goal: Goal, prior: Prior, *, correct: Ints, trials: Ints, distinct: Ints, spent: Ints, target: Ints
) -> Ints:
    """The correct responses at which each query stops if it is hopeless, else -1; shape (Q,).

    0 means: stop at once, not even one correct response is to be expected.
    """
    result = np.full(correct.shape, -1, dtype=np.int64)
    if goal.hopeless_probability <= 0 or goal.kind is Kind.VANILLA:
        return result
    ripe = np.flatnonzero((trials >= goal.hopeless_after) & (distinct < target))
    if ripe.size == 0:
        return result
    left = np.maximum(0, goal.cap - spent[ripe])
    # Queries alike in all that enters the chance are judged once.
    need = target[ripe] - distinct[ripe]
    first, inverse = alike(trials[ripe], correct[ripe], need, left)
    low = np.empty(first.size, dtype=bool)
    none = np.empty(first.size, dtype=bool)
    s, n, r, m = correct[ripe][first], trials[ripe][first], need[first], left[first]
    for part, mass in prior.pieces(s, n):
        low[part] = chance(mass, r[part], m[part]) < goal.hopeless_probability
        none[part] = chance(mass, np.ones_like(r[part]), m[part]) < goal.hopeless_probability
    floors = np.where((distinct[ripe] == 0) & none[inverse], 0, goal.floor(target[ripe]))
    result[ripe] = np.where(low[inverse], floors, -1)
    return result


def judge(
    goal: Goal,
    prior: Prior,
    *,
    correct: Ints,
    trials: Ints,
    distinct: Ints,
    singles: Ints,
    spent: Ints,
    target: Ints,
    least: Ints,
) -> tuple[Ints, Ints]:
    """Stop reason of each query and how many more distinct correct responses an open one needs.

    All arrays have shape (Q,); `spent` are the trials that count against the cap (counted, surplus and waiting),
    `least` those before a query may close at its target.
    Returns (reasons, needs); need is 0 for closed queries. For vanilla the need is the trials left.
    """
    reasons = np.zeros(correct.shape, dtype=np.int64)
    if goal.kind is Kind.VANILLA:
        left = np.maximum(0, np.minimum(goal.scale, goal.cap) - trials)
        reasons[left == 0] = Stop.TRIALS
        return reasons, left
    floors = hopeless(goal, prior, correct=correct, trials=trials, distinct=distinct, spent=spent, target=target)
    aim = np.where(floors >= 0, floors, target)
    reached = (distinct >= target) & (trials >= least)
    for reason, where in (
        (Stop.TARGET, reached),
        (Stop.SATURATED, saturated(correct, singles)),
        (Stop.HOPELESS, (floors >= 0) & (distinct >= aim)),
        (Stop.CAP, spent >= goal.cap),
    ):
        reasons[(reasons == Stop.OPEN) & where] = reason
    needs = np.where(reasons == Stop.OPEN, np.maximum(1, aim - distinct), 0)
    return reasons, needs


def next_look(goal: Goal, trials: int) -> int:
    """The number of trials, above `trials`, at which a query is next looked at for hopelessness."""
    look = goal.hopeless_after
    while look <= trials:
        look = max(look + 1, int(np.ceil(look * LOOK_GROWTH)))
    return look


def current_targets(goal: Goal, pass_rate: Floats, own: Ints) -> Ints:
    """Target of each query now; `own` overrides it where a source sets its own (0: none)."""
    return np.where((own > 0) & (goal.kind is not Kind.VANILLA), own, targets(goal.kind, goal.scale, pass_rate))


__all__ = [
    "LOOK_GROWTH",
    "SATURATED_AFTER",
    "SATURATED_SHARE",
    "Stop",
    "current_targets",
    "hopeless",
    "judge",
    "next_look",
    "saturated",
]
