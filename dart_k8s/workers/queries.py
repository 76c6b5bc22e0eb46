"""From declared sources to queries: every fault is found before anything is sampled, and all are said at once."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from dart_k8s import answers
from dart_k8s.api import QuerySource
from dart_k8s.errors import DartError, DataError, UnreadableReference, UnreadableReferences

from .record import SourceRecord
from .snapshot import Query, text_id

SHOWN = 12
"""Faults named in one error message."""
HALF = re.compile("[\ud800-\udfff]")
"""Half of a character, which JSON can hold and no Parquet, prompt or request can."""


class Rows(Protocol):
    """What a source holds: rows as mappings, and the revision that was read."""

    revision: str

    def __iter__(self) -> Any:
        """The rows."""


class UnusableReference(str):
    """Why a row is no query: its reference."""


Reader = Callable[[QuerySource], Rows]
"""Opens one source."""


@dataclass(slots=True)
class Reading:
    """All queries of a declaration, in the order of sources and rows."""

    queries: list[Query] = field(default_factory=list)
    sources: list[SourceRecord] = field(default_factory=list)


def read_queries(
    sources: Sequence[QuerySource], reader: Reader, *, progress: Callable[[str, int], None] = lambda name, rows: None
) -> Reading:
    """Read and check all sources.

    DataError: rows that are no usable queries (unless the source says `onInvalid: exclude`), the same query with two
    references, or no query at all; UnreadableReferences if it is references alone. Each fault names its source and row.
    """
    reading = Reading()
    faults: list[str] = []
    first: dict[str, Query] = {}
    ids: set[str] = set()
    references = 0
    for source in sources:
        rows, left_out, before = 0, [], len(reading.queries)
        content = reader(source)
        for number, row in enumerate(content, start=1):
            rows += 1
            if rows % 1000 == 0:
                progress(source.name, rows)
            made = _query(source, number, row)
            if isinstance(made, Query):
                fault, fatal = _clash(made, first, ids)
                if fault is None:
                    first[made.query] = made
                    ids.add(made.id)
                    reading.queries.append(made)
                    continue
            else:
                fault, fatal = made, False
            sentence = f"{source.name}, row {number}: {fault}"
            if fatal or source.on_invalid == "fail":
                faults.append(sentence)
                references += isinstance(fault, UnusableReference)
            else:
                left_out.append(sentence)
        if rows == 0:
            faults.append(f"{source.name}: no row ({source.uri or _configmap(source)}{_where(source)})")
        elif len(reading.queries) == before and not faults:
            faults.append(f"{source.name}: none of its {rows} rows is a usable query; the first: {left_out[0]}")
        reading.sources.append(
            SourceRecord(
                name=source.name,
                uri=source.uri or _configmap(source),
                revision=content.revision,
                rows=rows,
                queries=len(reading.queries) - before,
                left_out=tuple(left_out),
            )
        )
    if faults:
        kind = UnreadableReferences if references == len(faults) else DataError
        raise kind(
            _listed(f"Cannot use the queries: {len(faults)} faults.", faults),
            remedy="Mend the rows, or set onInvalid: exclude on the source to leave such rows out and be told which.",
        )
    return reading


def _query(source: QuerySource, number: int, row: Mapping[str, Any]) -> Query | str:
    """The row as a query, or why it is none."""
    names = source.fields
    for name in (names.query, names.answer):
        if name not in row:
            near = difflib.get_close_matches(name, row.keys(), n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            return f"it has no field '{name}' (it has {', '.join(map(repr, row)) or 'none'}){hint}"
    for used in (names.query, names.answer, names.id, names.subject, names.level):
        half = HALF.search(value) if used and isinstance(value := row.get(used), str) else None
        if half:
            return f"its field '{used}' holds half of a character ({half.group()!r}) at position {half.start()}"
    text, given = row[names.query], row[names.answer]
    if not isinstance(text, str) or not text.strip():
        return f"its query (field '{names.query}') is {'empty' if text in (None, '') else repr(text)[:60]}"
    if given is None or (isinstance(given, str) and not given.strip()):
        return UnusableReference(f"it has no reference answer (field '{names.answer}' is empty)")
    try:
        reference = answers.read_reference(str(given), source.reference)
        problem = answers.check_reference(reference)
    except UnreadableReference as error:
        return UnusableReference(str(error))
    if problem is not None:
        return UnusableReference(f"the verifier can't use its answer (field '{names.answer}'): {problem}")
    own = row.get(names.id) if names.id else None
    return Query(
        id=f"{source.name}/{own}" if own is not None else text_id(source.name, text),
        source=source.name,
        query=text,
        answer=reference,
        subject=_label(row, names.subject),
        level=_label(row, names.level),
        target=source.target,
    )


def _configmap(source: QuerySource) -> str:
    place = source.config_map
    return "" if place is None else f"configmap:{place.name}/{place.key}"


def _label(row: Mapping[str, Any], name: str | None) -> str | None:
    value = row.get(name) if name else None
    return None if value is None else str(value)


def _clash(made: Query, first: Mapping[str, Query], ids: set[str]) -> tuple[str | None, bool]:
    """Why a query can't stand beside those before it, and whether no setting excuses that."""
    same = first.get(made.query)
    if same is not None and same.answer != made.answer:
        references = f"{same.answer[:60]!r} there, {made.answer[:60]!r} here"
        return f"the same query text stands in {same.source} as '{same.id}' with another reference: {references}", True
    if same is not None:
        return f"the same query text stands in {same.source} as '{same.id}'", False
    if made.id in ids:
        return f"its id '{made.id}' is taken by an earlier row", False
    return None, False


def _where(source: QuerySource) -> str:
    return f" where {dict(source.where)}" if source.where else ""


def _listed(head: str, faults: Sequence[str]) -> str:
    more = f"\n  ... and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    return head + "".join(f"\n  {fault}" for fault in faults[:SHOWN]) + more + "\n"


def fix_difficulty(
    queries: Sequence[Query], rows: Iterable[Mapping[str, Any]], *, id_field: str, field_name: str, uri: str
) -> list[Query]:
    """The queries with their pass rates from outside, joined by id (with or without the source's name) or by text.

    DataError: a query without a rate, or a rate that is none.
    """
    rates: dict[str, float] = {}
    for number, row in enumerate(rows, start=1):
        if id_field not in row or field_name not in row:
            raise DataError(
                f"Cannot read difficulties from {uri}: row {number} lacks '{id_field}' or '{field_name}' "
                f"(it has {', '.join(map(repr, row))}).",
                remedy="Name the columns in spec.strategy.difficulty.id and .field.",
            )
        try:
            rate = float(row[field_name])
        except (TypeError, ValueError) as error:
            raise DataError(f"Cannot read difficulties from {uri}: row {number}: {error}.") from error
        if not 0.0 <= rate <= 1.0:
            raise DataError(f"Cannot use the pass rate {rate} of row {number} in {uri}: it must lie between 0 and 1.")
        rates[str(row[id_field])] = rate
    found, missing = [], []
    for query in queries:
        keys = (query.id, query.id.partition("/")[2], query.query)
        rate_of = next((rates[key] for key in keys if key in rates), None)
        if rate_of is None:
            missing.append(query.id)
        found.append(Query(**{**{n: getattr(query, n) for n in Query.__slots__}, "difficulty": rate_of}))
    if missing:
        raise DataError(
            _listed(f"{uri} has no pass rate for {len(missing)} of {len(queries)} queries.", missing),
            remedy="Give all of them, or leave spec.strategy.difficulty out to have difficulty estimated.",
        )
    return found


__all__ = ["DartError", "Reader", "Reading", "Rows", "fix_difficulty", "read_queries"]
