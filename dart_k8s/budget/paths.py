"""Simulated futures of single queries: trials until target, hopeless stop or cap, for several hopeless stops at once.

All paths of one call move together from checkpoint to checkpoint: a binomial draw says how many successes fall between
two of them, and where one of those matters (the target's, the floor's) its place is drawn given their number. The
checkpoints are where the hopeless rule is looked at. All stops see the same draws, so their differences are those of
the rule alone.
"""

from dataclasses import dataclass, replace

import numpy as np

from .posterior import Bools, Floats, Ints, Prior, alike, chance
from .stops import next_look
from .strategies import Goal, targets


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """Where each path begins; arrays of shape (N,)."""

    trials: Ints
    correct: Ints
    distinct: Ints
    last: Ints
    """Trials at which the query's cap ends it."""
    open: Bools
    pass_rate: Floats
    """The true one of this path."""
    fresh: Floats
    """Chance that a correct response has a new text."""
    target: Ints
    least: Ints
    """Trials before which it does not close at its target."""
    tracked: bool
    """Whether the hopeless rule sees targets from the posterior mean, as a run does, rather than `target`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where each path ends under each stop; arrays of shape (E, N)."""

    trials: Ints
    distinct: Ints


def simulate(goal: Goal, prior: Prior, starts: Starts, eps: Floats, rng: np.random.Generator) -> Ends:
    """Ends of all paths under the hopeless stops `eps` (shape (E,); 0: none). `prior` is what the run judges by."""
    paths = _Paths(goal, prior, starts, eps, rng)
    paths.close_at_once()
    for checkpoint in checkpoints(goal, int(starts.last.max(initial=0))):
        paths.advance(checkpoint)
    return Ends(trials=paths.end_trials, distinct=paths.end_distinct)


def checkpoints(goal: Goal, last: int) -> list[int]:
    """Ascending numbers of trials at which paths are looked at; `last` is the end of them."""
    marks, mark = {last}, next_look(goal, 0)
    while mark < last:
        marks.add(mark)
        mark = next_look(goal, mark)
    return sorted(mark for mark in marks if mark > 0)


class _Paths:
    def __init__(self, goal: Goal, prior: Prior, starts: Starts, eps: Floats, rng: np.random.Generator) -> None:
        self.goal, self.prior, self.starts, self.eps, self.rng = goal, prior, starts, eps, rng
        self.at, self.found = starts.trials.copy(), starts.distinct.copy()
        self.success = starts.pass_rate * starts.fresh
        shape = (eps.size, starts.trials.size)
        self.end_trials = np.broadcast_to(starts.trials, shape).copy()
        self.end_distinct = np.broadcast_to(starts.distinct, shape).copy()
        self.live = np.broadcast_to(starts.open, shape).copy()
        self.floor = np.zeros(shape, dtype=np.int64)

    def close_at_once(self) -> None:
        """Paths that have what they need, or no hope, at the start."""
        done = (self.found >= self.starts.target) & (self.at >= self.starts.least)
        self.live &= ~(done | (self.at >= self.starts.last))
        self._give_up(np.flatnonzero(self.live.any(axis=0) & (self.at >= self.goal.hopeless_after)))

    def advance(self, checkpoint: int) -> None:
        """Move all open paths that are behind the checkpoint up to it or to their cap."""
        which = np.flatnonzero(self.live.any(axis=0) & (self.at < np.minimum(checkpoint, self.starts.last)))
        if which.size == 0:
            return
        begin, before = self.at[which], self.found[which]
        end = np.minimum(checkpoint, self.starts.last[which])
        after = before + self.rng.binomial(end - begin, self.success[which])
        target, least = self.starts.target[which], self.starts.least[which]
        self.at[which], self.found[which] = end, after
        cross = (before < target) & (after >= target)
        reached = begin.copy()
        reached[cross] += self._place(target[cross] - before[cross], after[cross] - before[cross], (end - begin)[cross])
        # Whoever is at its target before its least trials goes on to exactly those.
        stop = np.where(after >= target, np.clip(least, reached, end), end)
        have = np.where(cross & (reached >= least), target, after)
        closes = ((after >= target) & (end >= least)) | (end >= self.starts.last[which])
        for row in range(self.eps.size):
            live = self.live[row, which]
            floor = self.floor[row, which]
            early = np.flatnonzero(live & (floor > 0) & (before < floor) & (after >= floor))
            at = begin[early] + self._place(
                floor[early] - before[early], after[early] - before[early], (end - begin)[early]
            )
            # Looked at again with the success that brings it to its floor.
            reach, _, _ = self._hope(which[early], at, floor[early])
            over = reach < self.eps[row]
            self._end(row, which[early[over]], at[over], floor[early[over]])
            rest = self.live[row, which] & closes
            self._end(row, which[rest], stop[rest], have[rest])
        if checkpoint >= self.goal.hopeless_after:
            self._give_up(which[self.live[:, which].any(axis=0)])

    def _place(self, wanted: Ints, successes: Ints, trials: Ints) -> Ints:
        """Trial of success number `wanted` among `successes` in `trials` (negative hypergeometric as beta-binomial)."""
        share = self.rng.beta(wanted, successes - wanted + 1)
        return wanted + self.rng.binomial(trials - successes, share)

    def _end(self, row: int, which: Ints, trials: Ints, distinct: Ints) -> None:
        self.end_trials[row, which] = trials
        self.end_distinct[row, which] = distinct
        self.live[row, which] = False

    def _give_up(self, which: Ints) -> None:
        """The rule of `stops.hopeless` on the paths `which`, where they are."""
        if which.size == 0 or not (self.eps > 0).any():
            return
        found = self.found[which]
        reach, one, target = self._hope(which, self.at[which], found)
        for row, eps in enumerate(self.eps):
            low = reach < eps
            floor = np.where((found == 0) & (one < eps), 0, self.goal.floor(target))
            self.floor[row, which] = np.where(low, floor, 0)
            stops = low & (found >= floor) & self.live[row, which]
            self._end(row, which[stops], self.at[which[stops]], found[stops])

    def _hope(self, which: Ints, at: Ints, found: Ints) -> tuple[Floats, Floats, Ints]:
        """Chance to reach the target, chance of one response, and the target, of paths with `found` after `at` trials;
        who is at its target reaches it."""
        gained = np.rint((found - self.starts.distinct[which]) / self.starts.fresh[which]).astype(np.int64)
        correct = np.minimum(at, self.starts.correct[which] + gained)
        first, index = alike(at, correct, found, self.starts.target[which] * (not self.starts.tracked))
        trials, correct, distinct = at[first], correct[first], found[first]
        target = self.starts.target[which][first]
        if self.starts.tracked:
            target = targets(self.goal.kind, self.goal.scale, self.prior.mean(correct, trials))
        need, left = np.maximum(0, target - distinct), np.maximum(0, self.goal.cap - trials)
        reach, one = np.ones(first.size), np.ones(first.size)
        for part, mass in self.prior.pieces(correct, trials):
            reach[part] = chance(mass, need[part], left[part])
            one[part] = chance(mass, np.ones_like(left[part]), left[part])
        reach[need == 0] = 1.0
        return reach[index], one[index], target[index]


def repeated(starts: Starts, times: int, pass_rate: Floats, target: Ints, least: Ints) -> Starts:
    """The same starts `times` times over, each with its own true pass rate, target and least trials (shape
    (times * N,))."""
    return replace(
        starts,
        trials=np.tile(starts.trials, times),
        correct=np.tile(starts.correct, times),
        distinct=np.tile(starts.distinct, times),
        last=np.tile(starts.last, times),
        open=np.tile(starts.open, times),
        fresh=np.tile(starts.fresh, times),
        pass_rate=pass_rate,
        target=target,
        least=least,
    )
