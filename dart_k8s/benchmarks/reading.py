"""Raw rows to items: every row is looked at, all that is wrong is said at once, and the count has to be right."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from dart_k8s.answers import check_reference
from dart_k8s.benchmarks.benchmark import Benchmark, Entry, Fault, Row
from dart_k8s.benchmarks.item import Item
from dart_k8s.errors import DataError

SHOWN = 8
"""Faults named in one message."""
ID_CHARACTERS = 12
"""Hexadecimal characters of an id made from a text: two of 5,000 items meet with probability 5e-8."""


def read(
    benchmark: Benchmark, rows: Iterable[Row], *, where: str, items: Collection[int] | None = None
) -> tuple[Item, ...]:
    """The benchmark's items, in the order of the rows; `where` names the file or data set in messages.

    `items` are the numbers that are right, if others than the publisher's are. Raises DataError
    for rows in another format, for none at all, and for another number than there has to be.
    """
    faults: list[str] = []
    entries: list[Entry] = []
    seen = 0
    for number, row in enumerate(rows, start=1):
        seen = number
        try:
            entry = benchmark.parse(row)
        except Fault as fault:
            faults.append(f"row {number}: {fault}")
            continue
        if entry is not None:
            entries.append(entry)
    subject = f"Cannot use {where} as benchmark {benchmark.name}"
    form = f"Its form is {benchmark.publisher}."
    if faults:
        more = f"\n  ... and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        listed = "".join(f"\n  {fault}" for fault in faults[:SHOWN]) + more
        raise DataError(f"{subject}: {len(faults)} of {seen} rows are not in its form.{listed}\n", remedy=form)
    wanted = items if items is not None or benchmark.items is None else (benchmark.items,)
    if not entries:
        raise DataError(f"{subject}: it has {seen} rows, none of them an item of it.", remedy=form)
    if wanted is not None and len(entries) not in wanted:
        right = " or ".join(map(str, dict.fromkeys(wanted)))
        raise DataError(
            f"{subject}: it has {len(entries)} items, not {right}.",
            remedy="Scores on another set are not comparable. Give the whole file; spec.benchmarks[].items takes a "
            "part. For a set of your own choose another name.",
        )
    pictures = sum(entry.picture for entry in entries)
    if len(entries) == benchmark.items and pictures != benchmark.pictures:
        raise DataError(
            f"{subject}: {pictures} of its items have a picture, not {benchmark.pictures}.",
            remedy="Is it another version? " + form,
        )
    return tuple(_items(benchmark, entries))


def _items(benchmark: Benchmark, entries: Sequence[Entry]) -> Iterable[Item]:
    times: Counter[str] = Counter()
    readable: dict[str, str | None] = {}
    for number, entry in enumerate(entries):
        made = entry.id or hashlib.sha256(entry.problem.encode()).hexdigest()[:ID_CHARACTERS]
        times[made] += 1
        if entry.reference not in readable:
            readable[entry.reference] = check_reference(entry.reference)
        yield Item(
            benchmark=benchmark.name,
            # The same text twice in a benchmark: two items, one prompt.
            id=made if times[made] == 1 else f"{made}-{times[made]}",
            number=number,
            problem=entry.problem,
            query=entry.problem if entry.query is None else entry.query,
            references=entry.references,
            reference=entry.reference,
            subject=entry.subject,
            level=entry.level,
            picture=entry.picture,
            policy=entry.policy,
            unreadable=readable[entry.reference],
        )


def choose(items: Sequence[Item], count: int | None, *, seed: int = 0) -> tuple[Item, ...]:
    """`count` of the items, in their order: a choice that depends on seed and ids alone, so that a smaller one is part
    of a larger one, and a file's order changes nothing. All of them for None. Raises DataError if there are fewer."""
    if count is None:
        return tuple(items)
    if count > len(items):
        raise DataError(
            f"Cannot take {count} items of benchmark {items[0].benchmark if items else '(empty)'}: it has "
            f"{len(items)}.",
            remedy="Lower spec.benchmarks[].items, or leave it out.",
        )
    ranked = sorted(items, key=lambda item: hashlib.sha256(f"{seed}:{item.id}".encode()).digest())
    return tuple(sorted(ranked[:count], key=lambda item: item.number))


def prompts(items: Iterable[Item]) -> Mapping[str, tuple[Item, ...]]:
    """Items by their query, in first order: each distinct one is sampled once, whatever its items' references."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.query, []).append(item)
    return {query: tuple(members) for query, members in found.items()}
