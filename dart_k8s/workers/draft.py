"""From the budget state to a plan: what planning needs to know of each query, and the plan put together. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, replace

import numpy as np

from dart_k8s.budget import planning
from dart_k8s.budget.planning import Counts, Judgement
from dart_k8s.budget.posterior import Floats, Prior
from dart_k8s.budget.stops import Stop
from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.ledger.keys import AttemptName, PlanName, ShardName
from dart_k8s.ledger.plans import Grants, Plan
from dart_k8s.ledger.state import BudgetState, Held, Ints, Table

POISON = 3
"""Attempts in a row without a result after which a query is set aside."""

REFUSED = 16
"""Requests of a query that the engine refused, above which it is set aside if they are over four fifths of all."""


def unused(current: BudgetState) -> Ints:
    """Trials granted and not known to be spent, of each row of `current.live`."""
    live, waiting, size = current.live, current.waiting, current.size
    key = np.searchsorted(live.attempt * size + live.query, waiting.attempt * size + waiting.query)
    waits = np.bincount(key, minlength=live.query.size)[: live.query.size]
    left: Ints = np.maximum(0, live.allowance - live.counted - waits)
    return left


def unknown(current: BudgetState) -> int:
    """Trials that attempts which fell silent may have written without a tally: known once they are swept."""
    lost = current.held[current.live.attempt] == Held.LOST
    return int(unused(current)[lost].sum())


def counts_of(current: BudgetState, kind: Kind, *, own: Ints, rates: Floats) -> Counts:
    """What planning needs to know of each query, what live claims may still bring included."""
    table, live, size = current.table, current.live, current.size
    mine = current.held[live.attempt] == Held.LIVE
    done = live.counted if kind is Kind.VANILLA else live.found
    need = np.maximum(0, live.need - done)
    trials = unused(current)
    # A claim that has used its trials up brings nothing more, whatever it still needs.
    need = np.where(trials > 0, need, 0)
    return Counts(
        trials=table.trials,
        correct=table.correct,
        distinct=table.distinct,
        singles=table.singles,
        spent=current.spent(),
        live_need=np.bincount(live.query[mine], weights=need[mine], minlength=size).astype(np.int64),
        live_trials=np.bincount(live.query[mine], weights=trials[mine], minlength=size).astype(np.int64),
        aside=set_aside(table),
        own=own,
        pass_rate=rates,
    )


def left_of_shard(
    current: BudgetState, shard: ShardName, number: int, plan: Plan, rows: slice, kind: Kind
) -> tuple[Ints, Ints]:
    """Need and allowance of a shard's rows, less what earlier attempts at it (not sealed yet) found and spent."""
    need, allowance = plan.grants.need[rows].copy(), plan.grants.allowance[rows].copy()
    index = current.attempt_index()
    for earlier in range(number):
        row = index[str(AttemptName(shard, earlier))]
        mine = current.live.attempt == row
        where = np.searchsorted(current.live.query[mine], plan.grants.query[rows])
        if mine.any():
            done = current.live.counted if kind is Kind.VANILLA else current.live.found
            need -= done[mine][where]
            waits = np.bincount(current.waiting.query[current.waiting.attempt == row], minlength=current.size)
            allowance -= current.live.counted[mine][where] + waits[plan.grants.query[rows]]
    return np.maximum(0, need), np.maximum(0, allowance)


def no_rows() -> planning.Rows:
    none = np.zeros(0, dtype=np.int64)
    return planning.Rows(
        shard=none, query=none, need=none, allowance=none, share=none, expected=np.zeros(0, dtype=np.float64)
    )


def set_aside(table: Table) -> Ints:
    """1 where a query ended its samplers, or the engine refused nearly all its requests, shape (Q,)."""
    refused = (table.voids >= REFUSED) & (table.voids > 4 * table.trials)
    return ((table.failures >= POISON) | refused).astype(np.int64)


def judged_state(current: BudgetState, judged: Judgement) -> BudgetState:
    """The state with targets and reasons in it; the same object if nothing changed."""
    table = current.table
    if np.array_equal(table.target, judged.target) and np.array_equal(table.reason, judged.reason):
        return current
    return replace(current, table=replace(table, target=judged.target, reason=judged.reason))


def assemble(
    current: BudgetState,
    goal: Goal,
    prior: Prior,
    counts: Counts,
    rows: planning.Rows,
    own: Ints,
    rates: Floats,
    sweep: list[str],
) -> Plan:
    """A plan from its rows and what is known of their queries."""
    query = rows.query
    fixed = ~np.isnan(rates[query]) if rates.size else np.zeros(query.size, dtype=bool)
    target = np.where((own[query] > 0) | fixed, current.table.target[query], 0)
    ends = np.cumsum(current.table.distinct)
    pieces = []
    for q in query:
        part = slice(int(ends[q] - current.table.distinct[q]), int(ends[q]))
        once = current.once[part]
        pieces += [current.texts[part][once], current.texts[part][~once]]
    number = 1 if current.plan is None else current.plan.number + 1
    expected = np.bincount(rows.shard, weights=rows.expected, minlength=rows.shards)
    return Plan(
        name=PlanName(number, current.epoch),
        parent=current.plan,
        goal=_plain(goal),
        weights=tuple(float(w) for w in prior.weights),
        grants=Grants(
            shard=rows.shard,
            query=query,
            need=rows.need,
            allowance=rows.allowance,
            share=rows.share,
            trials=counts.trials[query],
            correct=counts.correct[query],
            spent=counts.spent[query],
            target=target,
            distinct=current.table.distinct[query],
            singles=current.table.singles[query],
        ),
        texts=np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.uint64),
        expected=tuple(float(e) for e in expected),
        sweep=tuple((name,) for name in sweep),
    )


def _plain(goal: Goal) -> Mapping[str, object]:
    return {**asdict(goal), "kind": goal.kind.value}


def wants_more(current: BudgetState, goal: Goal, own: Ints, rates: Floats) -> bool:
    """Whether a closed run has queries to sample by another goal than the one it was closed under."""
    zeros = np.zeros(current.size, dtype=np.int64)
    table = current.table
    counts = Counts(
        trials=table.trials,
        correct=table.correct,
        distinct=table.distinct,
        singles=table.singles,
        spent=current.spent(),
        live_need=zeros,
        live_trials=zeros,
        aside=set_aside(table),
        own=own,
        pass_rate=rates,
    )
    if goal.total is not None and int(current.spent().sum()) >= goal.total:
        return False
    judged = planning.look(goal, Prior.of(current.weights), counts)
    return bool((judged.reason == Stop.OPEN).any())
