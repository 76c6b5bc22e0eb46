"""Verifying a file of responses: rows in, verdicts out, on all cores, in bounded memory, killed and gone on with.

Rows are read ahead in pieces; each piece is checked as a whole, several at a time; their verdicts are written in the
order of the source, every few seconds.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata, util
from itertools import islice
from pathlib import Path
from typing import Any

from dart_k8s import answers
from dart_k8s.answers import Verdict
from dart_k8s.edges.sources import SourceRows
from dart_k8s.errors import DataError, SpecError
from dart_k8s.workers.checking import Checkers

from .fields import Asked, Fields, asked
from .output import Output, disk
from .summary import Summary

PIECE = 512
"""Rows that are read and checked together."""
PIECES = 8
"""In hand at a time; one that computer algebra holds up leaves seven for the cores."""
PART_SECONDS = 3.0
"""Between two parts of the output: what a kill costs at most."""
PART_ROWS = 65_536
YARDSTICK_SECONDS = 5.0
"""For one response by the other verifier, whose own limits add up to more on some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job is."""

    done: int
    """Rows with their verdicts, those of earlier starts included."""
    total: int | None
    """None if the source does not say."""
    seconds: float
    """Since this start."""
    fresh: int
    """Rows done since this start."""


@dataclass(slots=True, kw_only=True)
class Job:
    """What is verified how."""

    source: SourceRows
    fields: Fields
    out: Path
    lenient: bool = False
    asks: Mapping[str, Any] = field(default_factory=dict)
    """More of `answers.Policy`, by its fields."""
    compare: bool = False
    """Also ask Math-Verify."""
    processes: int = 1
    anew: bool = False
    """Forget what an earlier job has written there."""
    deadline: float
    """Seconds of computer algebra for one comparison."""
    memory: int
    """Bytes of address space of a child for it."""
    progress: Callable[[Progress], None] = lambda _: None
    tell: Callable[..., None] = lambda _, **facts: None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set: write what is done, and end."""

    def facts(self) -> dict[str, Any]:
        """What must be the same for an output to be gone on with. Not the address: a moved file is the same one."""
        return {
            "rules": answers.VERSION,
            "content": self.source.revision,
            "fields": asdict(self.fields),
            "where": dict(self.source.where),
            "lenient": self.lenient,
            **({"asks": dict(self.asks)} if self.asks else {}),
            "compare": f"math-verify {metadata.version('math-verify')}" if self.compare else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a job came to."""

    summary: Summary
    finished: bool
    """False: stopped on request; the same again goes on."""
    output: Output
    fresh: int
    """Rows checked since this start; 0 if all was there already."""
    seconds: float
    """Since this start, with the start of processes."""
    kills: int
    """Child processes that died or were killed."""


def need_yardstick() -> None:
    """SpecError unless Math-Verify is installed."""
    if util.find_spec("math_verify") is None:
        raise SpecError(
            "Cannot compare with math-verify: it is not installed.",
            remedy="Install it: pip install 'math-verify[antlr4_13_2]'.",
        )


async def verify(job: Job) -> Outcome:
    """Do the job, or what is left of it. Raises DataError, SpecError, StoreError, RunError."""
    if job.compare:
        need_yardstick()
    output = Output(job.out, job.facts())
    began = time.monotonic()
    try:
        done, counts = await asyncio.to_thread(output.open, anew=job.anew)
        if counts is not None:
            return Outcome(
                summary=Summary.from_json(counts), finished=True, output=output, fresh=0, seconds=0.0, kills=0
            )
        ours, theirs = _fleets(job)
        try:
            await asyncio.gather(ours.start(), *([theirs.start()] if theirs else []))
            written = await _rows(job, output, done, ours, theirs)
        finally:
            await asyncio.gather(ours.close(), *([theirs.close()] if theirs else []))
        finished = not job.stop.is_set()
        summary = await asyncio.to_thread(_summarise, output, finished=finished, compared=job.compare)
        kills = ours.counts.checkers + ours.counts.children + (theirs.counts.checkers if theirs else 0)
        return Outcome(
            summary=summary,
            finished=finished,
            output=output,
            fresh=written - done,
            seconds=time.monotonic() - began,
            kills=kills,
        )
    except DataError:
        # Mended content, or other fields, are another job: nothing could ever go on from these parts.
        await asyncio.to_thread(output.discard)
        raise
    finally:
        output.close()


def _fleets(job: Job) -> tuple[Checkers, Checkers | None]:
    ours = Checkers(processes=job.processes, deadline=job.deadline, memory=job.memory, tell=job.tell)
    if not job.compare:
        return ours, None
    theirs = Checkers(
        processes=job.processes,
        check_seconds=YARDSTICK_SECONDS,
        attempts=1,
        program="dart_k8s.workers.checking.yardstick",
        tell=job.tell,
    )
    return ours, theirs


async def _rows(job: Job, output: Output, done: int, ours: Checkers, theirs: Checkers | None) -> int:
    """Check all rows from `done` on, and write them; how many have their verdicts at the end."""
    pieces = _pieces(job.source, job.fields, done)
    pending: deque[asyncio.Task[list[dict[str, Any]]]] = deque()
    held: list[dict[str, Any]] = []
    first, fresh = done, 0
    began = wrote = time.monotonic()
    ended = False
    try:
        while not job.stop.is_set():
            while not ended and len(pending) < PIECES:
                piece = await asyncio.to_thread(next, pieces, None)
                if piece is None:
                    ended = True
                else:
                    pending.append(asyncio.create_task(_check(piece, job, ours, theirs)))
            if not pending:
                break
            # Not beyond a stop: whoever asks for it does not wait for computer algebra.
            stopped = asyncio.create_task(job.stop.wait())
            await asyncio.wait({pending[0], stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if not pending[0].done():
                break
            rows = pending.popleft().result()
            held += rows
            fresh += len(rows)
            now = time.monotonic()
            if now - wrote >= PART_SECONDS or len(held) >= PART_ROWS:
                await asyncio.to_thread(output.write_part, first, held)
                first, held, wrote = first + len(held), [], now
            job.progress(Progress(done=done + fresh, total=job.source.count, seconds=now - began, fresh=fresh))
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        # Also after an error of the store: these have been paid for.
        if held:
            await asyncio.to_thread(output.write_part, first, held)
    if first + len(held) == 0 and ended:
        raise DataError(f"{job.source.uri} holds no rows.")
    return first + len(held)


def _pieces(source: SourceRows, fields: Fields, done: int) -> Iterator[list[Asked]]:
    """Rows to check in pieces, those that are done passed over."""
    rows = islice(enumerate(source), done, None)
    while piece := [asked(number, row, fields, source.uri) for number, row in islice(rows, PIECE)]:
        yield piece


async def _check(piece: list[Asked], job: Job, ours: Checkers, theirs: Checkers | None) -> list[dict[str, Any]]:
    usable = [one for one in piece if not one.problem]
    items = [(one.response, one.reference, one.query) for one in usable]
    policy = {**job.asks, **({"lenient": True} if job.lenient else {})}
    asking = [ours.check(items, policy), *([theirs.check(items)] if theirs is not None else [])]
    verdicts = {one.row: given for one, *given in zip(usable, *await asyncio.gather(*asking), strict=True)}
    return [_row(one, *verdicts.get(one.row, ())) for one in piece]


def _row(one: Asked, verdict: Verdict | None = None, other: Verdict | None = None) -> dict[str, Any]:
    return {
        "row": one.row,
        "verdict": verdict.verdict if verdict else None,
        "answer": _clean(verdict.answer) if verdict else None,
        "reference": _clean(one.reference) or None,
        "tier": verdict.tier if verdict else "reference",
        "reason": _clean(verdict.reason) if verdict else one.problem,
        "math_verify": other.verdict if other else None,
        "math_verify_answer": _clean(other.answer) if other else None,
    }


def _clean(text: str | None) -> str | None:
    """Without lone surrogates, which no Parquet file holds."""
    return None if text is None else text.encode("utf-8", "replace").decode("utf-8")


def _summarise(output: Output, *, finished: bool, compared: bool) -> Summary:
    """Count all parts; if they are all, make the whole output."""
    summary = Summary()
    if compared:
        made = output.disagreements.with_name(output.disagreements.name + ".tmp")
        with disk(output.disagreements), made.open("w", encoding="utf-8") as lines:
            for rows in output.rows():
                lines.writelines(json.dumps(row) + "\n" for row in summary.add(rows))
        with disk(output.disagreements):
            made.replace(output.disagreements)
    else:
        for rows in output.rows():
            summary.add(rows)
    if finished:
        output.finish(summary.to_json(), compared=compared)
    return summary


__all__ = ["Job", "Outcome", "Progress", "need_yardstick", "verify"]
