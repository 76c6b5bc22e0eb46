"""What an attempt that fell silent left behind: segments without a tally, and trials without a verdict."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from dart_k8s.errors import Conflict
from dart_k8s.ledger import segments
from dart_k8s.ledger.keys import AttemptName, sequence_of
from dart_k8s.ledger.segments import Row

from .access import Access


async def tally_orphans(access: Access, attempt: AttemptName) -> int:
    """Write the tallies that are missing; how many there were.

    The tally is a function of the segment, so the holder writing it too at the same moment does no harm.
    """
    store = access.store
    written = await access.call(lambda: [sequence_of(e.key) for e in store.list(attempt.segments)])
    tallied = set(await access.call(lambda: [sequence_of(e.key) for e in store.list(attempt.tallies)]))
    missing = [sequence for sequence in written if sequence not in tallied]
    for sequence in missing:
        key = attempt.segment(sequence)
        blob = await access.call(store.get, key)
        # Other bytes are the holder's own, of another version of the program.
        with suppress(Conflict):
            await access.call(store.put_if_absent, attempt.tally(sequence), segments.tally_of(blob.data, key=key))
    return len(missing)


async def written_rows(access: Access, attempt: AttemptName) -> list[Row]:
    """All rows of an attempt in the order of writing; pending trials with the verdict that came later, if one did."""
    store = access.store
    keys = await access.call(lambda: [e.key for e in store.list(attempt.segments)])
    rows: list[Row] = []
    for key in keys:
        blob = await access.call(store.get, key)
        rows += segments.read_segment(blob.data, key=key)
    verdicts = {(r.query, r.place): r for r in rows if _speaks_of(r, "")}
    return [_with_verdict(r, verdicts) for r in rows if not _speaks_of(r, "")]


def pending_rows(history: Sequence[tuple[AttemptName, Iterable[Row]]]) -> list[Row]:
    """Trials of these attempts that have no verdict anywhere in them, each naming its attempt."""
    judged = {(r.attempt, r.query, r.place) for _, rows in history for r in rows if r.attempt and r.response is None}
    return [
        replace(row, attempt=str(attempt))
        for attempt, rows in history
        for row in rows
        if row.verdict is None and row.response is not None and (str(attempt), row.query, row.place) not in judged
    ]


def _speaks_of(row: Row, attempt: str) -> bool:
    """Whether the row only brings the verdict of a trial of `attempt`."""
    return row.response is None and row.finish != "error" and row.attempt == attempt


def _with_verdict(row: Row, verdicts: dict[tuple[int, int], Row]) -> Row:
    late = verdicts.get((row.query, row.place))
    if late is None or row.verdict is not None or row.attempt or row.response is None:
        return row
    return replace(row, verdict=late.verdict, reason=late.reason, answer=late.answer, tier=late.tier)
