"""Populations of queries and the plainest ways to sample them, to hold the budget room against."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dart_k8s.budget.planning import Counts
from dart_k8s.budget.posterior import Prior, fit
from dart_k8s.budget.stops import Stop, current_targets, hopeless, judge, next_look
from dart_k8s.budget.strategies import Goal, least_trials
from dart_k8s.budget.totals import Stage, stage
from dart_k8s.budget.tracker import Grant, Tracker

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def heavy_tail(size: int, *, seed: int = 0) -> Floats:
    """Pass rates like those of MATH and GSM8K under a strong sampler: bimodal, with a tail of hard queries."""
    rng = np.random.default_rng([seed, 2])
    part = rng.random(size)
    rates = np.where(part < 0.125, rng.beta(1, 40, size), rng.beta(1.6, 0.3, size))
    return np.clip(np.where(part > 0.5, rng.beta(1, 0.046, size), rates), 1e-5, 1.0)


def spread_out(size: int, *, least: float = 0.03, most: float = 0.97, seed: int = 0) -> Floats:
    """Pass rates spread evenly, none of them out of reach."""
    return np.random.default_rng(seed).permutation(np.linspace(least, most, size))


def counts_of(trials: Ints, correct: Ints, **others: object) -> Counts:
    """Counts where every text is new, nothing is live and nothing fixed from outside."""
    none = np.zeros(trials.size, dtype=np.int64)
    counts = Counts(
        trials=trials,
        correct=correct,
        distinct=correct,
        singles=correct,
        spent=trials,
        live_need=none,
        live_trials=none,
        aside=none,
        own=none,
        pass_rate=np.full(trials.size, np.nan),
    )
    return replace(counts, **others)


def untried(size: int, **others: object) -> Counts:
    """Counts before a run."""
    none = np.zeros(size, dtype=np.int64)
    return counts_of(none, none, **others)


def pilot(rates: Floats, trials: int, *, seed: int = 0) -> Counts:
    """Counts after the same number of trials of every query."""
    correct = np.random.default_rng([seed, 1]).binomial(trials, rates).astype(np.int64)
    return counts_of(np.full(rates.size, trials, dtype=np.int64), correct)


@dataclass
class Ending:
    """How a sequential run ended; arrays of shape (Q,)."""

    trials: Ints
    correct: Ints
    target: Ints
    reason: Ints

    @property
    def rows(self) -> int:
        """Rows of the data set."""
        return int(np.minimum(self.correct, self.target).sum())


def sequential(goal: Goal, prior: Prior, rates: Floats, counts: Counts, *, seed: int = 0) -> Ending:
    """One trial of every open query at a time, all judged after each: the rules of the method and nothing else."""
    rng = np.random.default_rng([seed, 2])
    trials, correct = counts.trials.copy(), counts.correct.copy()
    calm = replace(goal, hopeless_probability=0.0)
    floor, look = np.full(rates.size, -1), np.zeros(rates.size)
    while True:
        mean = prior.mean(correct, trials)
        target = current_targets(goal, mean, counts.own)
        known = {"correct": correct, "trials": trials, "distinct": correct, "spent": trials, "target": target}
        reason, _ = judge(calm, prior, **known, singles=correct, least=least_trials(goal, mean))
        due = (trials >= look) | ((floor >= 0) & (correct >= floor) & (reason == Stop.OPEN))
        if due.any():
            floor[due] = hopeless(goal, prior, **{name: values[due] for name, values in known.items()})
            look[due] = [next_look(goal, int(n)) for n in trials[due]]
        reason[(reason == Stop.OPEN) & (floor >= 0) & (correct >= floor)] = Stop.HOPELESS
        going = np.flatnonzero(reason == Stop.OPEN)
        if going.size == 0:
            return Ending(trials, correct, target, reason)
        trials[going] += 1
        correct[going] += rng.random(going.size) < rates[going]


@dataclass
class Staged:
    """A run under a total, a stage at a time, each stage carried out by trackers."""

    goal: Goal
    rates: Floats
    least: int = 16
    seed: int = 0
    counts: Counts = field(init=False)

    def __post_init__(self) -> None:
        self.counts = untried(self.rates.size)

    def stages(self) -> Iterator[tuple[Stage, Prior]]:
        """Each stage after it was carried out, with the prior it was planned by, until nothing is left or wanted."""
        rng = np.random.default_rng([self.seed, 3])
        prior = Prior.flat()
        assert self.goal.total is not None
        while (left := self.goal.total - int(self.counts.trials.sum())) > 0:
            prior = fit(self.counts.correct, self.counts.trials, start=prior)
            now = stage(self.goal, prior, self.counts, left=left, least=self.least)
            if not now.allowance.any():
                return
            assert int(now.allowance.sum()) <= left
            self._carry_out(now, prior, rng)
            yield now, prior

    def _carry_out(self, now: Stage, prior: Prior, rng: np.random.Generator) -> None:
        goal = replace(self.goal, scale=now.scale)
        trials, correct = self.counts.trials.copy(), self.counts.correct.copy()
        for query in np.flatnonzero(now.allowance):
            had = tuple(range(int(correct[query])))
            tracker = Tracker(
                goal,
                prior,
                Grant(
                    query=int(query),
                    need=int(now.need[query]),
                    allowance=int(now.allowance[query]),
                    trials=int(trials[query]),
                    correct=int(correct[query]),
                    spent=int(trials[query]),
                    known=had,
                    singles=len(had),
                ),
            )
            while not tracker.exhausted:
                text = tracker.launch()
                tracker.observe(bool(rng.random() < self.rates[query]), 1_000_000 + text)
            trials[query], correct[query] = tracker.trials, tracker.correct
        self.counts = counts_of(trials, correct)
