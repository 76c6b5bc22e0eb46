"""One claim in a sampler: its queries, their trials in launch order, and the rows that wait to be written.

No input or output here; the sampler drives it. Trials of a query are named by their launch place. Verdicts may come in
any order, but reach the query's tracker in launch order, so that short responses have no advantage.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from dart_k8s.answers import Verdict
from dart_k8s.budget.posterior import Prior
from dart_k8s.budget.strategies import Goal
from dart_k8s.budget.tracker import Grant, Tracker
from dart_k8s.ledger.plans import Plan
from dart_k8s.ledger.segments import Row

ROW_OVERHEAD = 200
"""Bytes of a row besides its response, for deciding when a segment is full."""


@dataclass(slots=True, kw_only=True)
class Buffered:
    """A row that is not written yet."""

    row: Row
    since: float
    """Loop time at which the response finished."""


@dataclass(slots=True)
class Line:
    """A query's trials in this claim."""

    tracker: Tracker
    next: int = 0
    """First place whose verdict has not been counted."""
    verdicts: dict[int, Row | None] = field(default_factory=dict)
    """Verdicts behind a gap by place; None: a void place."""

    @property
    def query(self) -> int:
        """Row number in the snapshot."""
        return self.tracker.grant.query

    def settle(self, place: int, row: Row | None) -> int:
        """Take the verdict of a place (None: void); count what is countable. Returns new distinct correct responses."""
        self.verdicts[place] = row
        fresh = 0
        while self.next in self.verdicts:
            done = self.verdicts.pop(self.next)
            self.next += 1
            if done is not None:
                fresh += self.tracker.observe(done.verdict == "correct", done.text)
        return fresh


class Work:
    """Everything a sampler knows about one claim."""

    def __init__(self, name: str, lines: Iterable[Line]) -> None:
        self.name = name
        """The attempt."""
        self.lines = {line.query: line for line in lines}
        self.ready: deque[Line] = deque(self.lines.values())
        """Queries that may have room for a trial."""
        self._queued = set(self.lines)
        self.rows: list[Buffered] = []
        self.bytes = 0
        self.pending_written: set[tuple[int, int]] = set()
        """Trials of this attempt written before their verdict: (query, place)."""
        self.running = 0
        """Trials in the engine."""
        self.verifying = 0
        self.unverified = 0
        """Trials that the verifier failed on: they stay pending for whoever takes the shard next."""
        self.segments = 0
        """Written and tallied so far."""
        self.unsent: bytes | None = None
        """The next segment once it is encoded: it is repeated with the same bytes until it is written and tallied."""
        self.writing = asyncio.Lock()
        self.launching = True
        """False once nothing new may be started: lost, stopping."""

    def launch(self, slots: int) -> tuple[Line, int] | None:
        """The next trial: its query's line and its place; None when no query has room.

        Round robin over the queries, so that few trials of one query are in flight when it closes.
        """
        while self.launching and self.ready:
            line = self.ready.popleft()
            if line.tracker.room(slots) > 0:
                self.ready.append(line)
                self.running += 1
                return line, line.tracker.launch()
            self._queued.discard(line.query)
        return None

    def finished(self, row: Row, now: float) -> Buffered:
        """A response came back: it waits to be written, with its verdict if that is quick."""
        self.running -= 1
        self.verifying += 1
        buffered = Buffered(row=row, since=now)
        self.rows.append(buffered)
        self.bytes += len(row.response or "") + ROW_OVERHEAD
        return buffered

    def failed(self, line: Line, place: int, now: float) -> None:
        """The engine could not serve the trial: a void place closes the gap in the launch order."""
        self.running -= 1
        line.tracker.void()
        self.rows.append(Buffered(row=Row(query=line.query, place=place, finish="error"), since=now))
        line.settle(place, None)
        self.wake(line)

    def aborted(self) -> None:
        """A trial was aborted: not a trial, its place stays a gap."""
        self.running -= 1

    def judged(self, line: Line | None, row: Row, verdict: Verdict, now: float) -> None:
        """The verdict of a response; `line` is None for a trial of an earlier attempt, which `row.attempt` names."""
        self.verifying -= 1
        row.verdict, row.reason, row.answer, row.tier = verdict.verdict, verdict.reason, verdict.answer, verdict.tier
        if row.attempt or (row.query, row.place) in self.pending_written:
            self.pending_written.discard((row.query, row.place))
            self.rows.append(Buffered(row=replace(row, response=None, tokens=0, prompt_tokens=0), since=now))
            self.bytes += ROW_OVERHEAD
        if line is not None:
            line.settle(row.place, row)
            self.wake(line)

    def wake(self, line: Line) -> None:
        """Look at the query again: a verdict may have made room."""
        if line.query not in self._queued and not line.tracker.exhausted:
            self._queued.add(line.query)
            self.ready.append(line)

    def take_rows(self, *, older_than: float | None) -> list[Row]:
        """Rows to write now: all with a verdict, and pending ones that finished before `older_than` (None: all)."""
        out: list[Row] = []
        kept: list[Buffered] = []
        for buffered in self.rows:
            row = buffered.row
            settled = row.verdict is not None or row.finish == "error"
            if settled or older_than is None or buffered.since <= older_than:
                if not settled:
                    self.pending_written.add((row.query, row.place))
                # A copy: the verdict of a pending row goes into a row of its own.
                out.append(replace(row))
            else:
                kept.append(buffered)
        self.rows = kept
        self.bytes = sum(len(b.row.response or "") + ROW_OVERHEAD for b in kept)
        return out

    @property
    def idle(self) -> bool:
        """Nothing runs, nothing is being verified, nothing can be launched."""
        if self.running or self.verifying:
            return False
        return not self.launching or all(line.tracker.room(1) == 0 for line in self.lines.values())


def lines_of(plan: Plan, shard: int, prior: Prior, goal: Goal) -> list[Line]:
    """The queries of a plan's shard, none of them started."""
    rows = plan.rows(shard)
    ends = plan.grants.distinct.cumsum()
    lines = []
    for row in range(rows.start, rows.stop):
        grants = plan.grants
        end = int(ends[row])
        grant = Grant(
            query=int(grants.query[row]),
            need=int(grants.need[row]),
            allowance=int(grants.allowance[row]),
            share=bool(grants.share[row]),
            trials=int(grants.trials[row]),
            correct=int(grants.correct[row]),
            spent=int(grants.spent[row]),
            target=int(grants.target[row]),
            known=tuple(int(t) for t in plan.texts[end - int(grants.distinct[row]) : end]),
            singles=int(grants.singles[row]),
        )
        lines.append(Line(Tracker(goal, prior, grant)))
    return lines


def carry_on(lines: Iterable[Line], earlier: Iterable[list[Row]], prior: Prior, goal: Goal) -> list[Line]:
    """The same queries after earlier attempts at the shard: what those spent is taken off, what they found is known.

    `earlier` are the rows of each earlier attempt. The counting rule holds within each of them.
    """
    attempts = [sorted((r for r in rows if not r.attempt), key=lambda r: (r.query, r.place)) for rows in earlier]
    result = []
    for line in lines:
        grant, tracker = line.tracker.grant, line.tracker
        spent = 0
        for rows in attempts:
            mine = {r.place: r for r in rows if r.query == line.query and (r.verdict or r.finish == "error")}
            spent += sum(1 for r in rows if r.query == line.query and r.response is not None)
            place = 0
            while place in mine and not tracker.closed:
                row = mine[place]
                if row.finish != "error":
                    tracker.observe(row.verdict == "correct", row.text)
                place += 1
        texts = tracker.texts()
        result.append(
            Line(
                Tracker(
                    goal,
                    prior,
                    replace(
                        grant,
                        need=max(0, grant.need - (tracker.counted if goal.kind == "vanilla" else tracker.found)),
                        allowance=max(0, grant.allowance - spent),
                        trials=tracker.trials,
                        correct=tracker.correct,
                        spent=grant.spent + spent,
                        known=texts[0],
                        singles=texts[1],
                    ),
                )
            )
        )
    return [line for line in result if not line.tracker.exhausted]
