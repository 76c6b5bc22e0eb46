"""One query inside a claim: what its verdicts say so far, and how many trials may be in flight.

The planner's rules (`stops.judge`) applied verdict by verdict, so that a query is closed at its need and not at the
next plan. Verdicts must arrive in launch order (the sampler sees to that): so the counts are those of sequential
sampling, and short responses have no advantage.
"""

from dataclasses import dataclass

import numpy as np

from .posterior import GRID, Floats, Prior, chance
from .stops import SATURATED_AFTER, SATURATED_SHARE, Stop, next_look
from .strategies import PILOT, Goal, Kind, least_trials, targets

REFUSED = 8
"""Void trials in a row after which a query is let go: an engine that refuses a prompt goes on refusing it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a plan lets one claim do for one query, and what was known of the query then."""

    query: int
    need: int
    """Distinct correct responses this claim may bring (vanilla: trials)."""
    allowance: int
    """Most trials this claim may launch."""
    share: bool = False
    """Whether other claims work on the query too: then the need is fixed, else it follows the posterior."""
    trials: int = 0
    correct: int = 0
    spent: int = 0
    target: int = 0
    """Target fixed from outside (own target of a source, or from a given difficulty); 0: the goal's."""
    known: tuple[int, ...] = ()
    """Hashes of the distinct correct texts so far, those seen once first."""
    singles: int = 0
    """How many of `known` were seen once."""


class Tracker:
    """Counts of one query and what follows from them. Not thread-safe; mutated by `launch`, `void` and `observe`."""

    __slots__ = (
        "_floor",
        "_goal",
        "_look",
        "_mass",
        "_mean",
        "_once",
        "_refused",
        "_texts",
        "allowance",
        "correct",
        "counted",
        "found",
        "grant",
        "launched",
        "stop",
        "trials",
        "voided",
    )

    def __init__(self, goal: Goal, prior: Prior, grant: Grant) -> None:
        self._goal = goal
        self.grant = grant
        self._mass: Floats = prior.posterior(grant.correct, grant.trials)
        self._mean = float(self._mass @ GRID)
        self._texts: dict[int, bool] = {text: place < grant.singles for place, text in enumerate(grant.known)}
        self._once = grant.singles
        self.trials, self.correct = grant.trials, grant.correct
        self.launched = self.counted = self.voided = self.found = self._refused = 0
        self.allowance = grant.allowance
        self.stop: Stop = Stop.OPEN
        self._floor: int | None = None
        self._look = next_look(goal, self.trials)
        self._judge()
        if not self.closed:
            self._hope()

    @property
    def pass_rate(self) -> float:
        """Posterior mean."""
        return self._mean

    @property
    def outstanding(self) -> int:
        """Trials launched whose verdict has not been counted."""
        return self.launched - self.counted - self.voided

    @property
    def closed(self) -> bool:
        """No further trial will be launched, and what is in flight is of no use."""
        return self.stop is not Stop.OPEN

    @property
    def exhausted(self) -> bool:
        """Nothing left to launch here, though the query may stay open."""
        return self.closed or self.launched - self.voided >= self.allowance

    def target(self) -> int:
        """Distinct correct responses the query should have, as known now."""
        if self.grant.target:
            return self.grant.target
        return int(targets(self._goal.kind, self._goal.scale, self._mean))

    def least(self) -> int:
        """Trials before the query may close at its target, as known now."""
        if self.grant.target:
            return self._goal.min_trials
        return int(least_trials(self._goal, self._mean))

    def texts(self) -> tuple[tuple[int, ...], int]:
        """Hashes of the distinct correct texts, those seen once first, and how many those are."""
        once = [text for text, single in self._texts.items() if single]
        return (*once, *(text for text, single in self._texts.items() if not single)), len(once)

    def need(self) -> int:
        """Distinct correct responses (vanilla: trials) still wanted here; 0 when closed."""
        if self.closed:
            return 0
        if self._goal.kind is Kind.VANILLA:
            return max(0, self.grant.need - self.counted)
        if self.grant.share:
            return max(0, self.grant.need - self.found)
        return max(0, self._aim() - len(self._texts))

    def room(self, slots: int) -> int:
        """How many more trials may be launched now, given the engine's slots.

        Cap in flight: clamp(floor(r / (2 p)), 1, min(slots, allowance left)) with r the need and p the posterior mean,
        so that what is in flight at the end is about half of what is still to come; 8 before 8 verdicts. Until
        `min_trials` exactly those are launched, since the first verdicts may close the query. At its target it may have
        in flight what it still lacks to be sure of that, but no more than it has behind it.
        """
        left = self.allowance - (self.launched - self.voided)
        if self.closed or left <= 0:
            return 0
        if self._goal.kind is Kind.VANILLA:
            return min(left, slots, max(0, self.grant.need - (self.launched - self.voided)))
        first = self._goal.min_trials - self.trials
        if first > 0:
            cap = first
        else:
            need = self.need()
            cap = max(1, int(need / (2.0 * self._mean)))
            if need == 0 and not self.grant.share:
                cap = max(cap, min(self.least() - self.trials, self.trials))
        if self.trials < PILOT:
            cap = min(cap, PILOT)
        return max(0, min(min(cap, slots) - self.outstanding, left))

    def launch(self) -> int:
        """Take the next trial; its launch place within the claim."""
        place = self.launched
        self.launched += 1
        return place

    def void(self) -> None:
        """A launched trial that the engine could not serve: not a trial, its allowance comes back.

        `REFUSED` of them with no verdict in between close the query in this claim.
        """
        self.voided += 1
        self._refused += 1
        if self._refused >= REFUSED and not self.closed:
            self.stop = Stop.SET_ASIDE

    def observe(self, correct: bool, text: int) -> bool:
        """Count the next verdict in launch order; True if the response is correct and its text new."""
        self.counted += 1
        self.trials += 1
        self._refused = 0
        self._mass = self._mass * (GRID if correct else 1.0 - GRID)
        self._mass /= self._mass.sum()
        self._mean = float(self._mass @ GRID)
        fresh = False
        if correct:
            self.correct += 1
            seen = self._texts.get(text)
            fresh = seen is None
            if fresh:
                self._once += 1
                self.found += 1
            elif seen:
                self._once -= 1
            self._texts[text] = fresh
        self._judge()
        return fresh

    def _aim(self) -> int:
        return self._floor if self._floor is not None else self.target()

    def _hope(self) -> None:
        """Judge whether the target is out of reach; then the query stops at the floor."""
        goal = self._goal
        target = self.target()
        distinct = len(self._texts)
        self._floor = None
        if goal.kind is Kind.VANILLA or goal.hopeless_probability <= 0:
            return
        if self.trials < goal.hopeless_after or distinct >= target:
            return
        left = max(0, goal.cap - self.grant.spent - self.counted)
        if float(chance(self._mass, target - distinct, left)) >= goal.hopeless_probability:
            return
        none = distinct == 0 and float(chance(self._mass, 1, left)) < goal.hopeless_probability
        self._floor = 0 if none else int(goal.floor(np.int64(target)))
        if distinct >= self._floor:
            self.stop = Stop.HOPELESS

    def _judge(self) -> None:
        goal = self._goal
        if self.closed:
            return
        if goal.kind is Kind.VANILLA:
            if self.counted >= self.grant.need:
                self.stop = Stop.TRIALS
            return
        distinct = len(self._texts)
        if self.grant.share:
            if self.found >= self.grant.need:
                self.stop = Stop.TARGET
        elif distinct >= self.target() and self.trials >= self.least():
            self.stop = Stop.TARGET
        if not self.closed and self.correct >= SATURATED_AFTER and self._once < SATURATED_SHARE * self.correct:
            self.stop = Stop.SATURATED
        at_floor = self._floor is not None and distinct >= self._floor
        if not self.closed and (at_floor or self.trials >= self._look):
            # The success that brought it to the floor is news: hopeless is what it is with that one counted.
            self._look = next_look(goal, self.trials)
            self._hope()
        if not self.closed and self.grant.spent + self.counted >= goal.cap:
            self.stop = Stop.CAP
