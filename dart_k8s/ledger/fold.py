"""Folding tallies into the budget state: idempotent, in any order of arrival, nothing dropped, nothing twice.

Identity of a trial is (attempt, query, launch place). An attempt's tallies are folded in sequence behind a cursor, so a
tally that is seen again changes nothing. Within an attempt a query's trials count as the longest run of places from 0
that all have their verdict; the others wait, and become surplus when the attempt is sealed. So what is counted does
not depend on which response happened to finish first.

A pending trial has the verdict that is folded first. One that comes later, from another claim, is passed over, and the
state says so: what was counted can't be counted again, and the pool has to say the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .segments import CORRECT, PENDING, UNDECIDED, VOID, Tally
from .state import BudgetState, Hashes, Held, Ints, Live, Passed, Table, Totals, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A tally and where it belongs."""

    attempt: str
    sequence: int
    tally: Tally


def register(state: BudgetState, attempt: str, *, query: Ints, need: Ints, allowance: Ints) -> BudgetState:
    """Take up an attempt with what its plan granted (arrays of shape (R,)); known attempts change nothing."""
    if attempt in state.attempts:
        return state
    row = len(state.attempts)
    order = np.argsort(query, kind="stable")
    zeros = np.zeros(query.size, dtype=np.int64)
    added = {
        "attempt": zeros + row,
        "query": query[order],
        "need": need[order],
        "allowance": allowance[order],
        "next": zeros,
        "counted": zeros,
        "found": zeros,
    }
    return replace(
        state,
        attempts=(*state.attempts, attempt),
        cursor=np.append(state.cursor, 0),
        held=np.append(state.held, int(Held.LIVE)),
        segments=np.append(state.segments, -1),
        live=Live(**{name: np.concatenate([getattr(state.live, name), column]) for name, column in added.items()}),
    )


def end(state: BudgetState, attempt: str, *, segments: int | None, barren: bool = False) -> BudgetState:
    """An attempt is over: what it was granted and did not use is free again.

    `segments` is what its holder said it wrote, None if it fell silent. `barren`: it fell silent without any result:
    its queries note a failure. A result of it that was folded takes earlier failures back.
    """
    row = state.attempt_index()[attempt]
    if state.held[row] != Held.LIVE:
        return state
    held, counts, table = state.held.copy(), state.segments.copy(), state.table
    held[row] = int(Held.LOST if segments is None else Held.ENDED)
    counts[row] = -1 if segments is None else segments
    failures = table.failures.copy()
    mine = state.live.query[state.live.attempt == row]
    if barren:
        failures[mine] += 1
    elif state.cursor[row] > 0:
        failures[mine] = 0
    return replace(state, held=held, segments=counts, table=replace(table, failures=failures))


def swept(state: BudgetState, attempts: Iterable[str]) -> BudgetState:
    """A sampler has tallied the orphans of these attempts and verified their pending trials."""
    index = state.attempt_index()
    held = state.held.copy()
    for name in attempts:
        if held[index[name]] == Held.LOST:
            held[index[name]] = int(Held.SWEPT)
    return replace(state, held=held)


def seal(state: BudgetState, attempts: Iterable[str]) -> BudgetState:
    """Close attempts for good: trials still waiting in them become surplus.

    ValueError if one of them has pending trials: those must be verified first.
    """
    index = state.attempt_index()
    rows = np.array([index[name] for name in attempts], dtype=np.int64)
    held = state.held.copy()
    held[rows] = int(Held.SEALED)
    gone = np.isin(state.waiting.attempt, rows)
    if (state.waiting.verdict[gone] == PENDING).any():
        raise ValueError(f"attempts {sorted(state.attempts[r] for r in rows)} have pending trials")
    real = gone & (state.waiting.verdict != VOID)
    void = gone & (state.waiting.verdict == VOID)
    surplus = state.table.surplus + np.bincount(state.waiting.query[real], minlength=state.size)
    voids = state.table.voids + np.bincount(state.waiting.query[void], minlength=state.size)
    return replace(
        state,
        held=held,
        table=replace(state.table, surplus=surplus, voids=voids),
        live=_live_where(state.live, ~np.isin(state.live.attempt, rows)),
        waiting=_waiting_where(state.waiting, ~gone),
    )


def pending(state: BudgetState) -> Mapping[str, int]:
    """Pending trials of each attempt that has any."""
    rows, counts = np.unique(state.waiting.attempt[state.waiting.verdict == PENDING], return_counts=True)
    return {state.attempts[row]: int(count) for row, count in zip(rows, counts, strict=True)}


def fold(state: BudgetState, arrivals: Sequence[Arrival]) -> BudgetState:
    """The state with the tallies in it. Attempts must be registered; ValueError for an unknown one.

    Tallies before an attempt's cursor are ignored; one beyond the next is left for later, as are those behind it.
    """
    index = state.attempt_index()
    cursor = state.cursor.copy()
    taken: list[_Taken] = []
    late = 0
    for arrival in sorted(arrivals, key=lambda a: (a.attempt, a.sequence)):
        if arrival.attempt not in index:
            raise ValueError(f"attempt '{arrival.attempt}' is not registered")
        row = index[arrival.attempt]
        if arrival.sequence != cursor[row]:
            continue
        if state.held[row] == Held.SEALED:
            # The cursor of a sealed attempt says how many segments count: it never moves again.
            late += 1
            continue
        cursor[row] += 1
        taken.append(_Taken(row, arrival.sequence, arrival.tally))
    totals = _totals(state.totals, [one.tally for one in taken], late)
    state = replace(state, cursor=cursor, totals=totals)
    if not taken:
        return state
    return _count(*_rows(state, index, taken))


class _Taken(NamedTuple):
    """A tally that is folded."""

    row: int
    """Of its attempt in the state."""
    sequence: int
    tally: Tally


class _Origin(NamedTuple):
    """Which segment rows come from that only bring a verdict, shape (R,) each; -1 for all others."""

    writer: Ints
    sequence: Ints

    def where(self, which: np.ndarray[tuple[int], np.dtype[np.generic]]) -> "_Origin":
        return _Origin(self.writer[which], self.sequence[which])


def _totals(totals: Totals, tallies: Sequence[Tally], late: int) -> Totals:
    return replace(
        totals,
        tokens=totals.tokens + sum(int(t.tokens[t.fresh].sum()) for t in tallies),
        prompt_tokens=totals.prompt_tokens + sum(int(t.prompt_tokens[t.fresh].sum()) for t in tallies),
        aborted=totals.aborted + sum(t.waste.aborted for t in tallies),
        wasted_tokens=totals.wasted_tokens + sum(t.waste.wasted_tokens for t in tallies),
        held_seconds=totals.held_seconds + sum(t.waste.held_seconds for t in tallies),
        busy_slot_seconds=totals.busy_slot_seconds + sum(t.waste.busy_slot_seconds for t in tallies),
        generating_seconds=totals.generating_seconds + sum(t.waste.generating_seconds for t in tallies),
        late=totals.late + late,
        folds=totals.folds + 1,
    )


def _rows(
    state: BudgetState, index: Mapping[str, int], taken: Sequence[_Taken]
) -> tuple[BudgetState, Waiting, _Origin, Ints]:
    """New rows and those waiting so far as one table, each (attempt, query, place) once; where they come from; and new
    tokens per query. The state says what was passed over."""
    attempt = [state.waiting.attempt]
    nowhere = np.full(state.waiting.place.size, -1, dtype=np.int64)
    writer, sequence = [nowhere], [nowhere]
    for row, number, tally in taken:
        own = np.full(tally.query.size, row, dtype=np.int64)
        for at, named in enumerate(tally.attempt):
            if named:
                own[at] = index.get(named, -1)
        attempt.append(own)
        writer.append(np.where(tally.fresh, -1, row))
        sequence.append(np.where(tally.fresh, -1, number))
    tallies = [one.tally for one in taken]
    merged = Waiting(
        attempt=np.concatenate(attempt),
        query=np.concatenate([state.waiting.query, *(t.query for t in tallies)]),
        place=np.concatenate([state.waiting.place, *(t.place for t in tallies)]),
        verdict=np.concatenate([state.waiting.verdict, *(t.verdict for t in tallies)]),
        text=np.concatenate([state.waiting.text, *(t.text for t in tallies)]).astype(np.uint64),
    )
    order = np.lexsort((merged.verdict == PENDING, merged.place, merged.query, merged.attempt))
    merged = _waiting_where(merged, order)
    origin = _Origin(np.concatenate(writer), np.concatenate(sequence)).where(order)
    again = np.zeros(merged.place.size, dtype=bool)
    again[1:] = (np.diff(merged.attempt) == 0) & (np.diff(merged.query) == 0) & (np.diff(merged.place) == 0)
    # The verdict of a trial in a sealed or unknown attempt comes too late to matter (-1, or no longer live).
    sealed = np.append(state.held == Held.SEALED, True)[merged.attempt]
    spoken = np.concatenate([t.query[t.fresh] for t in tallies])
    weight = np.concatenate([t.tokens[t.fresh] for t in tallies]).astype(np.float64)
    tokens = np.bincount(spoken, weights=weight, minlength=state.size).astype(np.int64)
    left = ~again & ~sealed
    # A segment that says the same twice is passed over as a whole, or not at all.
    twin = again.copy()
    twin[1:] &= (np.diff(origin.writer) == 0) & (np.diff(origin.sequence) == 0)
    gone = ~left & ~twin
    state = _pass_over(state, _waiting_where(merged, gone), origin.where(gone))
    return state, _waiting_where(merged, left), origin.where(left), tokens


def _pass_over(state: BudgetState, rows: Waiting, origin: _Origin) -> BudgetState:
    """Note verdicts that do not count; rows that are trials themselves are none, nor are those of unknown attempts."""
    only = (origin.writer >= 0) & (rows.attempt >= 0)
    if not only.any():
        return state
    rows, origin = _waiting_where(rows, only), origin.where(only)
    more = {
        "writer": origin.writer,
        "sequence": origin.sequence,
        "attempt": rows.attempt,
        "query": rows.query,
        "place": rows.place,
    }
    passed = Passed(**{name: np.append(getattr(state.passed, name), column) for name, column in more.items()})
    return replace(state, passed=passed)


def _count(state: BudgetState, rows: Waiting, origin: _Origin, tokens: Ints) -> BudgetState:
    """Count what is countable of `rows` (sorted by attempt, query, place); the rest waits."""
    live, size = state.live, state.size
    where = np.searchsorted(live.attempt * size + live.query, rows.attempt * size + rows.query)
    fits = where < live.query.size
    fits[fits] = (live.attempt[where[fits]] == rows.attempt[fits]) & (live.query[where[fits]] == rows.query[fits])
    if not fits.all():
        row = int(np.flatnonzero(~fits)[0])
        raise ValueError(f"attempt '{state.attempts[rows.attempt[row]]}' holds no grant for query {rows.query[row]}")
    fresh = rows.place >= live.next[where]
    state = _pass_over(state, _waiting_where(rows, ~fresh), origin.where(~fresh))
    rows, where = _waiting_where(rows, fresh), where[fresh]

    starts = np.flatnonzero(np.diff(where, prepend=-1))
    lengths = np.diff(np.append(starts, where.size))
    rank = np.arange(where.size) - np.repeat(starts, lengths)
    broken = (rows.place != live.next[where] + rank) | (rows.verdict == PENDING)
    breaks = np.cumsum(broken)
    before = np.repeat(breaks[starts] - broken[starts], lengths)
    counts = breaks == before

    real = counts & (rows.verdict != VOID)
    right = counts & (rows.verdict == CORRECT)
    state, first = _texts(state, rows.query[right], rows.text[right])
    table = state.table
    new = replace(
        table,
        trials=table.trials + np.bincount(rows.query[real], minlength=size),
        correct=table.correct + np.bincount(rows.query[right], minlength=size),
        undecided=table.undecided + np.bincount(rows.query[counts & (rows.verdict == UNDECIDED)], minlength=size),
        tokens=table.tokens + tokens,
        voids=table.voids + np.bincount(rows.query[counts & (rows.verdict == VOID)], minlength=size),
    )
    return replace(
        state,
        table=new,
        live=replace(
            live,
            next=live.next + np.bincount(where[counts], minlength=live.query.size),
            counted=live.counted + np.bincount(where[real], minlength=live.query.size),
            found=live.found + np.bincount(where[right][first], minlength=live.query.size),
        ),
        waiting=_waiting_where(rows, ~counts),
    )


def _texts(
    state: BudgetState, query: Ints, text: Hashes
) -> tuple[BudgetState, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Add correct texts; the state, and which of them are the first of their kind."""
    first = np.zeros(query.size, dtype=bool)
    if query.size == 0:
        return state, first
    touched = np.zeros(state.size, dtype=bool)
    touched[query] = True
    owner = np.repeat(np.arange(state.size), state.table.distinct)
    mine = touched[owner]
    all_query = np.concatenate([owner[mine], query])
    all_text = np.concatenate([state.texts[mine], text])
    all_seen = np.concatenate([np.where(state.once[mine], 1, 2), np.ones(query.size, dtype=np.int64)])
    origin = np.concatenate([np.full(int(mine.sum()), -1), np.arange(query.size)])
    order = np.lexsort((origin, all_text, all_query))
    all_query, all_text, all_seen, origin = all_query[order], all_text[order], all_seen[order], origin[order]
    head = np.ones(order.size, dtype=bool)
    head[1:] = (np.diff(all_query) != 0) | (all_text[1:] != all_text[:-1])
    heads = np.flatnonzero(head)
    seen = np.add.reduceat(all_seen, heads)
    newly = heads[origin[heads] >= 0]
    first[origin[newly]] = True

    owner = np.concatenate([owner[~mine], all_query[heads]])
    texts = np.concatenate([state.texts[~mine], all_text[heads]])
    once = np.concatenate([state.once[~mine], seen == 1])
    order = np.argsort(owner, kind="stable")
    table = replace(
        state.table,
        distinct=np.bincount(owner, minlength=state.size).astype(np.int64),
        singles=np.bincount(owner[once], minlength=state.size).astype(np.int64),
    )
    return replace(state, table=table, texts=texts[order], once=once[order]), first


def bring(state: BudgetState, *, query: Ints, text: Hashes, trials: Ints | None, correct: Ints | None) -> BudgetState:
    """Start from earlier pools: their distinct correct texts (arrays of shape (T,)), and their counts (shape (Q,)).

    The counts are None when the earlier pool was made in another way: then its rows count towards targets, but say
    nothing about this sampler's pass rates.
    """
    state, _ = _texts(state, query, text)
    if trials is None or correct is None:
        return state
    table: Table = replace(
        state.table,
        trials=state.table.trials + trials,
        correct=state.table.correct + correct,
        earlier_trials=state.table.earlier_trials + trials,
    )
    return replace(state, table=table)


def _waiting_where(rows: Waiting, which: np.ndarray[tuple[int], np.dtype[np.generic]]) -> Waiting:
    return Waiting(**{name: getattr(rows, name)[which] for name in Waiting.__slots__})


def _live_where(rows: Live, which: np.ndarray[tuple[int], np.dtype[np.generic]]) -> Live:
    return Live(**{name: getattr(rows, name)[which] for name in Live.__slots__})
