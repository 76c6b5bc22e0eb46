"""Of a run's state, what the operator hears: at most 4 KiB, whatever the number of queries. Pure."""

import json
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dart_k8s.budget.posterior import Ints, Prior
from dart_k8s.budget.stops import Stop
from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.ledger.claims import Hold
from dart_k8s.ledger.fold import pending
from dart_k8s.ledger.state import BudgetState, Held
from dart_k8s.reconcile.progress import BANDS, MOST_BYTES, Progress
from dart_k8s.workers.planner import Planner
from dart_k8s.workers.status import band_of, beyond_bound

RATE_SECONDS = 300.0
"""Window of the rate of trials: several of the longest interval between two folds."""
NAMED = 8
"""Shards that were set aside which are named; the others are counted."""


@dataclass(slots=True)
class Pace:
    """How fast a run goes: trials at the folds of the last minutes. Times in seconds, of one clock."""

    _points: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, now: float, trials: int) -> None:
        """A fold found so many trials in all."""
        self._points.append((now, trials))
        while len(self._points) > 2 and now - self._points[1][0] >= RATE_SECONDS:
            self._points.popleft()

    @property
    def rate(self) -> float:
        """Trials a second; 0 as long as it is not known."""
        (then, before), (now, after) = self._points[0], self._points[-1]
        return (after - before) / (now - then) if now > then else 0.0


def progress_of(planner: Planner, state: BudgetState, *, own: bool) -> Progress:
    """The progress that a state shows. `own`: this process has folded it, so it also knows about claims."""
    table, goal = state.table, planner.goal
    wanted = _wanted(state, goal)
    reached = table.trials >= wanted if goal.kind is Kind.VANILLA else (table.distinct >= wanted) & (wanted > 0)
    rows = table.distinct if goal.kind is Kind.VANILLA else np.minimum(table.distinct, table.target)
    aside, spent = sorted(planner.aside), state.spent()
    rate = Prior.of(state.weights).mean(table.correct, table.trials)
    band = band_of(rate)

    def by_band(numbers: Ints) -> tuple[int, ...]:
        return tuple(int(n) for n in np.bincount(band, weights=numbers, minlength=len(BANDS)))

    return Progress(
        prepared=True,
        phase=state.phase.value,
        epoch=state.epoch,
        plan="" if state.plan is None else str(state.plan),
        queries=state.size,
        open=int((table.reason == Stop.OPEN).sum()),
        covered=int((table.distinct > 0).sum()),
        at_target=int(reached.sum()),
        stopped={s.name.lower(): n for s in Stop if s is not Stop.OPEN and (n := int((table.reason == s).sum()))},
        trials=int(spent.sum()),
        correct=int(table.correct.sum()),
        distinct=int(table.distinct.sum()),
        undecided=int(table.undecided.sum()),
        pending=sum(pending(state).values()),
        wanted=int(wanted.sum()),
        accepted=int(rows.sum()),
        surplus=int(table.surplus.sum()),
        overhead=round(beyond_bound(state, goal, rate), 1),
        remaining=round(planner.remaining, 1) if own else 0.0,
        aborted=state.totals.aborted,
        wasted_tokens=state.totals.wasted_tokens,
        by_difficulty={
            "queries": by_band(np.ones(state.size, dtype=np.int64)),
            "trials": by_band(spent),
            "correct": by_band(table.correct),
            "accepted": by_band(rows),
            "wanted": by_band(wanted),
        },
        tokens=state.totals.tokens,
        generating_seconds=round(state.totals.generating_seconds, 3),
        held_seconds=round(state.totals.held_seconds, 3),
        live_claims=int((state.held == Held.LIVE).sum()),
        unclaimed_shards=_unclaimed(planner) if own else 0,
        set_aside=tuple(aside[:NAMED]),
        set_aside_total=len(aside),
        late=state.totals.late,
        note=state.note,
    )


def _wanted(state: BudgetState, goal: Goal) -> Ints:
    return np.full(state.size, int(goal.scale)) if goal.kind is Kind.VANILLA else state.table.target


def _unclaimed(planner: Planner) -> int:
    """Shards of the plan in force that a sampler could take: never claimed, or given back."""
    if planner.plan is None:
        return 0
    return planner.plan.shards - sum(hold is not Hold.RELEASED for hold in planner.holds.values())


def plain(progress: Progress) -> dict[str, Any]:
    """As JSON values, within the bytes that a fold may say; what is cut is the note, then the names of shards."""
    while True:
        said = progress.to_json()
        over = len(json.dumps(said).encode()) - MOST_BYTES
        if over <= 0:
            return said
        if progress.note:
            progress = replace(progress, note=progress.note[: max(0, len(progress.note) - over - 3)])
        else:
            progress = replace(progress, set_aside=progress.set_aside[:-1])


__all__ = ["Pace", "plain", "progress_of"]
