"""Score an Evaluation whose passes are closed: seal the pools, judge, write report, table, figures and summary."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dart_k8s.answers import VERSION
from dart_k8s.api import Synthesis
from dart_k8s.api.passes import pass_output
from dart_k8s.edges.store import Store
from dart_k8s.errors import NotFound
from dart_k8s.workers.access import Tell, silent
from dart_k8s.workers.checking import Checkers, cores
from dart_k8s.workers.curate.pool import PoolSource
from dart_k8s.workers.finish import Closed, open_closed

from . import problems
from .record import EvaluationRecord
from .report import EARLIER, ITEMS_TABLE, REPORT, SUMMARY, TABLE, PassFacts, dumps, report_of, summary_of
from .scoring import Scoring, table_of, write_table
from .table import markdown

FIGURES = "report/figures/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A report that is written."""

    report: Mapping[str, Any]
    uri: str
    """Of the output."""
    earlier: str | None = None
    """Where the report lies that this one has replaced."""


def report_in(store: Store) -> Mapping[str, Any] | None:
    """The report of an output, None if there is none that can be read."""
    try:
        found: Mapping[str, Any] = json.loads(store.get(REPORT).data)
        return found
    except (NotFound, ValueError):
        return None


def is_current(report: Mapping[str, Any] | None, record: EvaluationRecord) -> bool:
    """Whether a report is what scoring again would write: the same passes, rules and intervals."""
    if report is None or report.get("digest") != record.digest:
        return False
    intervals = record.evaluation.spec.intervals
    said = report.get("intervals", {})
    return bool(
        report.get("versions", {}).get("verifier") == VERSION
        and all(said.get(name) == getattr(intervals, name) for name in ("resamples", "confidence", "seed"))
    )


async def score(
    store: Store,
    record: EvaluationRecord,
    *,
    processes: int | None = None,
    keep_earlier: bool = False,
    tell: Tell = silent,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scored:
    """Judge every response of the sealed pools and write what comes of it.

    `keep_earlier`: the report that is there is kept beside the new one. Killed at any moment, it is done again.
    """
    passes = record.passes()
    closed = [await asyncio.to_thread(_closed, store, one) for one in passes]
    settings = record.evaluation.spec.verifiers
    tell("step", step="reading the problems", where=store.uri)
    items = await asyncio.to_thread(problems.load, store)
    checkers = Checkers(
        processes=processes or settings.processes or cores(),
        deadline=settings.deadline_seconds,
        memory=settings.memory_mib << 20,
        tell=tell,
    )
    scoring = Scoring(problems=items, checkers=checkers, progress=progress)
    tell("step", step="scoring", where=store.uri)
    try:
        await checkers.start()
        await scoring.run([(_name(one), _pool(one, found)) for one, found in zip(passes, closed, strict=True)])
        outcomes = await scoring.outcomes(
            [one.name for one in record.benchmarks], greedy=record.evaluation.spec.decoding.greedy
        )
    finally:
        await checkers.close()
    facts = [_facts(one, found) for one, found in zip(passes, closed, strict=True)]
    tell("step", step="computing the scores", where=store.uri)
    report = await asyncio.to_thread(report_of, record, items, scoring.facts, outcomes, facts)
    earlier = await asyncio.to_thread(_write, store, report, items, scoring, keep_earlier)
    return Scored(report=report, uri=store.uri, earlier=earlier)


def _write(
    store: Store, report: Mapping[str, Any], items: problems.Problems, scoring: Scoring, keep_earlier: bool
) -> str | None:
    """Everything, the report last: its presence says that the rest is there."""
    from .figures import figures_of

    earlier = _keep(store) if keep_earlier else None
    write_table(store, ITEMS_TABLE, table_of(items, scoring.facts))
    store.put(TABLE, markdown(report).encode())
    for name, data in figures_of(report).items():
        store.put(f"{FIGURES}{name}.png", data)
    store.put(REPORT, dumps(report))
    store.put(SUMMARY, json.dumps(summary_of(report)).encode())
    return earlier


def _keep(store: Store) -> str | None:
    """A copy of the report and its items under a number of their own; its place, None if there was nothing."""
    try:
        data = store.get(REPORT).data
    except NotFound:
        return None
    numbers = [int(entry.key.removeprefix(EARLIER).partition("/")[0]) for entry in store.list(EARLIER)]
    prefix = f"{EARLIER}{max(numbers, default=0) + 1:03d}/"
    store.put_if_absent(f"{prefix}evaluation.json", data)
    with contextlib.suppress(NotFound):
        store.put(f"{prefix}items.parquet", store.get(ITEMS_TABLE).data)
    return f"{store.uri}/{prefix}evaluation.json"


def _closed(store: Store, one: Synthesis) -> Closed:
    """A pass that is finished; where its output was moved with the Evaluation's, it is found beside it."""
    return open_closed(pass_output(store.uri, _name(one)))


def _name(one: Synthesis) -> str:
    return one.spec.output.uri.rpartition("/")[2]


def _pool(one: Synthesis, found: Closed) -> PoolSource:
    return replace(found.pool(one.metadata.name), name=_name(one))


def _facts(one: Synthesis, found: Closed) -> PassFacts:
    totals = found.state.totals
    return PassFacts(
        name=_name(one),
        output=one.spec.output.uri,
        trials=int(found.state.spent().sum()),
        tokens=totals.tokens,
        generating_seconds=round(totals.generating_seconds, 3),
        held_seconds=round(totals.held_seconds, 3),
    )


__all__ = ["FIGURES", "Scored", "is_current", "report_in", "score"]
