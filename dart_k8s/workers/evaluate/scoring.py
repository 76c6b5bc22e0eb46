"""Every response of the passes' pools, read again under its item's own policies: from pools to outcomes.

Responses are read in batches and kept no longer than their verdicts take; what stays are counts per item.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.api.passes import GREEDY
from dart_k8s.benchmarks import POLICIES, Item, Name
from dart_k8s.edges.store import Store
from dart_k8s.ledger.segments import Span
from dart_k8s.scores.benchmark import Judged, Outcomes, Votes
from dart_k8s.workers.checking import Checkers
from dart_k8s.workers.curate.database import local_files
from dart_k8s.workers.curate.pool import PoolSource
from dart_k8s.workers.responding.path import prose

from .judging import Asked, Both, classes, form_of, judge
from .problems import Problems

BATCH = 1024
"""Responses judged at a time: enough for many cores, some MB of text."""
MERGING = 64
"""Items whose answers are put into classes at a time."""


@dataclass(slots=True)
class Given:
    """What the responses to one item came to under one policy."""

    greedy: bool = False
    correct: int = 0
    first: int = -1
    wrong: Counter[str] = field(default_factory=Counter)
    """Answers by their normal form."""

    def add(self, trial: int, right: bool, answer: str | None) -> None:
        """A trial of the second pass."""
        if right:
            self.correct += 1
            self.first = trial if self.first < 0 else min(self.first, trial)
        elif answer is not None:
            self.wrong[form_of(answer)] += 1


@dataclass(slots=True)
class ItemFacts:
    """All that is known of one item."""

    given: dict[Name, Given] = field(default_factory=lambda: {policy: Given() for policy in POLICIES})
    greedy: Both | None = None
    greedy_finish: str = ""
    greedy_tokens: int = 0
    trials: int = 0
    undecided: int = 0
    unanswered: int = 0
    cut_off: int = 0
    tokens: int = 0
    classes: tuple[Counter[str], tuple[int, ...]] | None = None
    """Wrong answers and the sizes of their classes, as worked out last."""


@dataclass(slots=True, kw_only=True)
class Scoring:
    """The pools of one Evaluation on their way to outcomes."""

    problems: Problems
    checkers: Checkers
    progress: Callable[[int, int], None] = lambda done, total: None
    """Called with responses judged so far, and all."""
    facts: list[ItemFacts] = field(init=False)
    _rows: dict[int, list[int]] = field(init=False)
    _done: int = 0
    _total: int = 0

    def __post_init__(self) -> None:
        self.facts = [ItemFacts() for _ in self.problems.items]
        self._rows = self.problems.by_row()

    async def run(self, pools: Sequence[tuple[str, PoolSource]]) -> None:
        """Judge everything in the pools, named by their passes."""
        with TemporaryDirectory(prefix="dart-score-") as name:
            opened = []
            for number, (which, pool) in enumerate(pools):
                files = await asyncio.to_thread(_files, pool, Path(name) / str(number))
                opened.append((which, files))
                self._total += sum(pq.read_metadata(file).num_rows for file in files)
            for which, files in opened:
                batches = _batches(files)
                while (rows := await asyncio.to_thread(next, batches, None)) is not None:
                    await self._batch(which == GREEDY, rows)
                    self._done += len(rows)
                    self.progress(self._done, self._total)

    async def _batch(self, greedy: bool, rows: Sequence[dict[str, Any]]) -> None:
        where: list[tuple[int, dict[str, Any]]] = []
        batch: list[Asked] = []
        for row in rows:
            if row["surplus"]:
                continue
            spans = tuple(Span(one["kind"], one["start"], one["end"]) for one in row["spans"] or ())
            text = prose(row["response"] or "", spans)
            for number in self._rows.get(row["query_number"], ()):
                where.append((number, row))
                batch.append(Asked(self.problems.items[number], text, row["finish_reason"]))
        for (number, row), found in zip(where, await judge(self.checkers, batch), strict=True):
            self._take(self.facts[number], greedy, row, found)

    def _take(self, facts: ItemFacts, greedy: bool, row: dict[str, Any], found: Both) -> None:
        if greedy:
            # One trial a prompt; a second one could only come of a run that was reverified or repaired.
            if facts.greedy is None:
                facts.greedy, facts.greedy_finish, facts.greedy_tokens = found, row["finish_reason"], row["tokens"]
                for policy in POLICIES:
                    facts.given[policy].greedy = found.of(policy).verdict == "correct"
            return
        facts.trials += 1
        facts.tokens += row["tokens"]
        facts.undecided += found.strict.verdict == "undecided"
        facts.unanswered += found.strict.answer is None
        facts.cut_off += row["finish_reason"] == "length"
        for policy in POLICIES:
            verdict = found.of(policy)
            facts.given[policy].add(row["trial"], verdict.verdict == "correct", verdict.answer)

    async def outcomes(self, names: Sequence[str], *, greedy: bool) -> list[Outcomes]:
        """One for each benchmark, in their order; wrong answers are put into classes by the verifier."""
        return [await self._outcomes(name, greedy=greedy) for name in names]

    async def _outcomes(self, name: str, *, greedy: bool) -> Outcomes:
        numbers = self.problems.of(name)
        items = [self.problems.items[number] for number in numbers]
        facts = [self.facts[number] for number in numbers]
        judged = {policy: await self._judged(policy, items, facts, greedy=greedy) for policy in POLICIES}
        return Outcomes(
            name=name,
            ids=tuple(item.id for item in items),
            subjects=tuple(item.subject for item in items),
            levels=tuple(item.level for item in items),
            pictures=np.array([item.picture for item in items], dtype=np.bool_),
            trials=np.array([one.trials for one in facts], dtype=np.int64),
            judged=judged,
        )

    async def _judged(self, policy: Name, items: Sequence[Item], facts: Sequence[ItemFacts], *, greedy: bool) -> Judged:
        given = [one.given[policy] for one in facts]
        votes: list[Votes] = []
        for start in range(0, len(items), MERGING):
            part = list(zip(items[start : start + MERGING], facts[start : start + MERGING], strict=True))
            sizes = await asyncio.gather(*(self._classes(policy, item, fact) for item, fact in part))
            votes += [
                Votes(others=others, silent=fact.trials - fact.given[policy].correct - sum(others))
                for others, (_, fact) in zip(sizes, part, strict=True)
            ]
        return Judged(
            greedy=np.array([one.greedy for one in given], dtype=np.bool_) if greedy else None,
            correct=np.array([one.correct for one in given], dtype=np.int64),
            first=np.array([one.first for one in given], dtype=np.int64),
            votes=tuple(votes),
        )

    async def _classes(self, policy: Name, item: Item, fact: ItemFacts) -> tuple[int, ...]:
        """Sizes of the classes of wrong answers; worked out once where both policies have the same answers."""
        wrong = fact.given[policy].wrong
        if fact.classes is not None and wrong == fact.classes[0]:
            return fact.classes[1]
        sizes = await classes(self.checkers, item, policy, wrong)
        fact.classes = (wrong, sizes)
        return sizes


def _files(pool: PoolSource, folder: Path) -> list[Path]:
    return local_files(pool.store, pool.parts(), folder)


def _batches(files: Sequence[Path]) -> Iterator[list[dict[str, Any]]]:
    columns = ["query_number", "trial", "surplus", "response", "finish_reason", "tokens", "spans"]
    for file in files:
        parquet = pq.ParquetFile(file)
        there = [name for name in columns if name in parquet.schema_arrow.names]
        for batch in parquet.iter_batches(batch_size=BATCH, columns=there):
            table = pa.Table.from_batches([batch])
            if "spans" not in there:
                table = table.append_column("spans", pa.nulls(table.num_rows))
            yield table.to_pylist()


def table_of(problems: Problems, facts: Sequence[ItemFacts]) -> pa.Table:
    """One row per item: its greedy response's verdicts, and the counts of its trials."""
    rows = []
    for item, one in zip(problems.items, facts, strict=True):
        greedy = one.greedy
        rows.append(
            {
                "benchmark": item.benchmark,
                "id": item.id,
                "subject": item.subject,
                "level": item.level,
                "picture": item.picture,
                "reference": item.reference,
                "strict": None if greedy is None else greedy.strict.verdict,
                "strict_answer": None if greedy is None else greedy.strict.answer,
                "lenient": None if greedy is None else greedy.lenient.verdict,
                "lenient_answer": None if greedy is None else greedy.lenient.answer,
                "reason": None if greedy is None else greedy.strict.reason,
                "finish_reason": one.greedy_finish or None,
                "tokens": one.greedy_tokens if greedy is not None else None,
                "trials": one.trials,
                "correct_strict": one.given["strict"].correct,
                "correct_lenient": one.given["lenient"].correct,
                "undecided": one.undecided,
            }
        )
    text, number = pa.string(), pa.int64()
    kinds = {"picture": pa.bool_(), **dict.fromkeys(("tokens", "trials", "undecided"), number)}
    kinds |= dict.fromkeys(("correct_strict", "correct_lenient"), number)
    names = list(rows[0]) if rows else []
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, kinds.get(name, text)) for name in names]))


def write_table(store: Store, key: str, table: pa.Table) -> None:
    """A table as Parquet."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    store.put(key, bytes(sink.getvalue().to_pybytes()))


__all__ = ["Given", "ItemFacts", "Scoring", "table_of", "write_table"]
