"""The method's rules and nothing else: one trial of every open query at a time, judged after each verdict.

No samplers, no lateness: fast enough for whole populations and several seeds. The rules are the project's own
(`budget.strategies.targets`, `budget.stops.hopeless`), applied when a sampler's tracker applies them: targets at every
verdict, hope at every eighth. Outcomes are a function of (seed, query, trial), so two goals see the same coins.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dart_k8s.budget.posterior import Prior, fit
from dart_k8s.budget.stops import hopeless
from dart_k8s.budget.strategies import Goal, targets
from dart_k8s.budget.tracker import HOPE_STEP

from .populations import Floats

Ints = NDArray[np.int64]

REFITS = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
"""Trials per query after which the prior is fitted anew: a planner does it at every fold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended; arrays of shape (Q,)."""

    trials: Ints
    correct: Ints
    target: Ints

    @property
    def rows(self) -> Ints:
        """Rows of the data set from each query."""
        return np.minimum(self.correct, self.target)


def run(goal: Goal, rates: Floats, *, seed: int, fixed: Ints | None = None) -> Ending:
    """Sample all queries to their end. `fixed` are targets known from outside, shape (Q,)."""
    size = rates.size
    trials, correct = np.zeros((2, size), dtype=np.int64)
    target = np.zeros(size, dtype=np.int64) if fixed is None else fixed.copy()
    floor = np.full(size, -1, dtype=np.int64)
    going = np.arange(size)
    prior = Prior.flat()
    coins = np.random.default_rng([seed, 11])
    for step in range(1, goal.cap + 1):
        coin = coins.random(size, dtype=np.float32)
        trials[going] = step
        correct[going] += coin[going] < rates[going]
        if step in REFITS:
            prior = fit(correct, trials, start=prior)
        if fixed is None:
            target[going] = _targets(goal, prior, correct[going], step)
        if goal.hopeless_probability > 0 and step >= goal.hopeless_after:
            if (step - goal.hopeless_after) % HOPE_STEP == 0:
                s, n = correct[going], trials[going]
                floor[going] = hopeless(goal, prior, correct=s, trials=n, distinct=s, spent=n, target=target[going])
            over = (floor[going] >= 0) & (correct[going] >= floor[going])
        else:
            over = np.zeros(going.size, dtype=bool)
        over |= (correct[going] >= target[going]) & (step >= goal.min_trials)
        if over.any():
            going = going[~over]
        if going.size == 0:
            break
    if fixed is None:
        # A query's last target is that of the prior at the end of the run, which curation uses.
        prior = fit(correct, trials, start=prior)
        target = targets(goal.kind, goal.scale, prior.mean(correct, trials))
    return Ending(trials=trials, correct=correct, target=target)


def _targets(goal: Goal, prior: Prior, correct: Ints, step: int) -> Ints:
    """Targets of queries with `correct` successes in `step` trials each."""
    values, index = np.unique(correct, return_inverse=True)
    return targets(goal.kind, goal.scale, prior.mean(values, np.full(values.size, step)))[index]
