"""A budget state from nothing but the tallies of a run and a generation of verdicts."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dart_k8s.budget import planning, totals
from dart_k8s.budget.planning import LEAST_SHARD
from dart_k8s.budget.posterior import Prior, fit
from dart_k8s.budget.stops import Stop
from dart_k8s.edges.store import open_store
from dart_k8s.ledger import fold as folding
from dart_k8s.ledger import generations, segments
from dart_k8s.ledger.fold import Arrival
from dart_k8s.ledger.keys import AttemptName
from dart_k8s.ledger.segments import Tally
from dart_k8s.ledger.state import BudgetState, Phase

from . import earlier
from .access import Access
from .draft import counts_of, judged_state, wants_more
from .record import RunRecord
from .snapshot import Query, Snapshot
from .translate import goal_of

GROUP = 256
"""Segments that are folded together: their tallies are in memory at a time."""
FETCHES = 16
"""Requests to the store under way at a time."""
NAMES = {segments.PENDING: "pending", segments.CORRECT: "correct", segments.INCORRECT: "incorrect",
         segments.UNDECIDED: "undecided"}  # fmt: skip

Changes = Counter[tuple[str, str]]
"""(verdict before, verdict now) -> trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What an attempt wrote that counts."""

    name: str
    segments: int
    """The first so many."""
    generation: int
    """Which generation its verdicts are of so far."""


async def rebuilt(
    access: Access,
    before: BudgetState,
    written: Sequence[Written],
    *,
    generation: int,
    verifier: str,
    found: RunRecord,
    snapshot: Snapshot,
) -> tuple[BudgetState, Changes]:
    """The state by a generation's verdicts, all attempts sealed; and what changed. Nothing is written.

    Its phase says whether the declaration's targets want more trials now. RunError, StoreError, DataError.
    """
    current = BudgetState.empty(before.size, verifier=verifier)
    for uri in found.synthesis.spec.pool.from_:
        current = await asyncio.to_thread(_bring, current, uri, found, snapshot)
    changes: Changes = Counter()
    for group in _groups(written):
        current = await _fold(access, current, group, generation, changes)
    current = replace(
        current,
        table=replace(current.table, failures=before.table.failures),
        totals=replace(current.totals, late=before.totals.late, folds=before.totals.folds + 1),
        generation=generation,
        rejudged=len(current.attempts),
        plan=before.plan,
        epoch=before.epoch,
        note=before.note,
    )
    return await asyncio.to_thread(_judged, current, found, snapshot), changes


def _bring(current: BudgetState, uri: str, found: RunRecord, snapshot: Snapshot) -> BudgetState:
    queries = [Query(**{name: row[name] for name in Query.__slots__}) for row in snapshot.table.to_pylist()]
    made = replace(found, verifier=current.verifier)
    return earlier.bring(current, open_store(uri), uri, queries, made)[0]


def _groups(written: Sequence[Written]) -> Iterator[list[Written]]:
    group: list[Written] = []
    for one in written:
        if group and sum(other.segments for other in group) + one.segments > GROUP:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


async def _fold(
    access: Access, current: BudgetState, group: Sequence[Written], generation: int, changes: Changes
) -> BudgetState:
    """Take the attempts up with what they wrote, and seal them. Their trials name no other attempt any more."""
    gate = asyncio.Semaphore(FETCHES)

    async def tally(one: Written, sequence: int) -> Tally:
        attempt = AttemptName.parse(one.name)
        async with gate:
            key = attempt.tally(sequence)
            old = segments.read_tally((await access.call(access.store.get, key)).data, key=key)
            now = await _verdicts(access, generation, attempt, sequence, old)
            was = None
            if one.generation:
                was = await _verdicts(access, one.generation, attempt, sequence, old)
        new = generations.retally(old, now)
        past = old.verdict[old.fresh] if was is None else generations.retally(old, was).verdict
        for pair in zip(past.tolist(), new.verdict.tolist(), strict=True):
            if segments.VOID not in pair:
                changes[NAMES[pair[0]], NAMES[pair[1]]] += 1
        return new

    for one in group:
        tallies = await asyncio.gather(*(tally(one, sequence) for sequence in range(one.segments)))
        query = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(t.query for t in tallies)]))
        nothing = np.zeros(query.size, dtype=np.int64)
        current = folding.register(current, one.name, query=query, need=nothing, allowance=nothing)
        arrivals = [Arrival(attempt=one.name, sequence=at, tally=t) for at, t in enumerate(tallies)]
        current = folding.fold(current, arrivals) if arrivals else current
        current = folding.end(current, one.name, segments=one.segments)
    return folding.seal(current, [one.name for one in group])


async def _verdicts(
    access: Access, generation: int, attempt: AttemptName, sequence: int, tally: Tally
) -> list[str | None]:
    key = generations.key_of(generation, attempt, sequence)
    blob = await access.call(access.store.get, key)
    said, _ = generations.read(blob.data, key=key, rows=tally.query.size)
    verdicts: list[str | None] = said["verdict"].to_pylist()
    return verdicts


def _judged(current: BudgetState, found: RunRecord, snapshot: Snapshot) -> BudgetState:
    """Prior, targets, reasons to stop, and the phase that follows."""
    fitted = fit(current.table.correct, current.table.trials, start=None)
    current = replace(current, weights=tuple(float(weight) for weight in fitted.weights))
    goal, prior = goal_of(found.synthesis), Prior.of(current.weights)
    own, rates = snapshot.own_targets, snapshot.fixed_rates
    counts = counts_of(current, goal.kind, own=own, rates=rates)
    more = wants_more(current, goal, own, rates)
    if goal.total is None:
        judged = planning.look(goal, prior, counts)
    else:
        left = max(0, goal.total - int(current.spent().sum()))
        judged = totals.stage(goal, prior, counts, left=left, least=LEAST_SHARD).judged
        if not more:
            judged = replace(judged, reason=np.where(judged.reason == Stop.OPEN, int(Stop.BUDGET), judged.reason))
    return replace(judged_state(current, judged), phase=Phase.SAMPLING if more else Phase.CLOSED)
