"""The method's rules and nothing else: one trial of every open query at a time, judged after each verdict.

No samplers, no lateness: fast enough for whole populations and several seeds. The rules are the project's own
(`budget.strategies.targets`, `budget.stops.hopeless`), applied when a sampler's tracker applies them: targets at every
verdict, hope each time a query's trials have grown by a quarter and when it is at its
floor. Outcomes are a function of (seed, query, trial), so two goals see the same coins.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dart_k8s.budget.posterior import Prior, fit
from dart_k8s.budget.stops import hopeless, next_look
from dart_k8s.budget.strategies import Goal, least_trials, targets

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
    least = np.full(size, goal.min_trials)
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
            target[going], least[going] = _aims(goal, prior, correct[going], step)
        if goal.hopeless_probability > 0 and step >= goal.hopeless_after:
            at_floor = (floor[going] >= 0) & (correct[going] >= floor[going])
            which = going if step == next_look(goal, step - 1) else going[at_floor]
            if which.size:
                s, n = correct[which], trials[which]
                floor[which] = hopeless(goal, prior, correct=s, trials=n, distinct=s, spent=n, target=target[which])
            over = (floor[going] >= 0) & (correct[going] >= floor[going])
        else:
            over = np.zeros(going.size, dtype=bool)
        over |= (correct[going] >= target[going]) & (step >= least[going])
        if over.any():
            going = going[~over]
        if going.size == 0:
            break
    if fixed is None:
        # A query's last target is that of the prior at the end of the run, which curation uses.
        prior = fit(correct, trials, start=prior)
        target = targets(goal.kind, goal.scale, prior.mean(correct, trials))
    return Ending(trials=trials, correct=correct, target=target)


def _aims(goal: Goal, prior: Prior, correct: Ints, step: int) -> tuple[Ints, Ints]:
    """Targets and least trials of queries with `correct` successes in `step` trials each."""
    values, index = np.unique(correct, return_inverse=True)
    mean = prior.mean(values, np.full(values.size, step))
    return targets(goal.kind, goal.scale, mean)[index], least_trials(goal, mean)[index]
