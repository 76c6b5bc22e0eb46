"""From what a user names to what `analyze` takes: data sets as rows, and the queries they are held against."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dart_k8s.edges.store import open_store
from dart_k8s.errors import DataError, SpecError
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET, DATASET, POOL
from dart_k8s.workers import record
from dart_k8s.workers.finish import Closed
from dart_k8s.workers.opening import open_rows
from dart_k8s.workers.snapshot import Snapshot

from .reference import Reference, Row, from_query_info, from_rows, from_state

FILES = (".jsonl", ".ndjson", ".json", ".parquet", ".pq", ".gz", ".zst")
"""Endings of files with rows; anything else is an output, a folder or a hub id."""

TEXTS = ("query", "problem", "question", "prompt")
"""Columns in which a file with difficulties may hold the queries' texts, the first that is there."""

AGAINST = (
    "Name with --against an output of `dart run`, a query-info file, column:NAME (a column of the first set with the "
    "fail rate) or pass-rate:NAME."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSet:
    """A data set as the user named it, opened."""

    name: str
    rows: Iterable[Row]
    output: str | None
    """The output of ours that it belongs to."""


def open_set(text: str, *, split: str | None = None) -> NamedSet:
    """A file, a folder, a store URI, a hub id (owner/name or hf://owner/name), or an output of ours, which stands for
    its dataset/. OUTPUT/pool gives all its responses with their verdicts.

    Raises DataError for what cannot be read, SpecError for an output without a data set.
    """
    uri = text.rstrip("/") or text
    parent, _, last = uri.rpartition("/")
    if uri.startswith("hf://") or is_hub_id(uri):
        address = uri.removeprefix("hf://")
        return NamedSet(name=last, rows=open_rows(f"hf://{address}", split=split), output=None)
    if uri.endswith(FILES):
        return NamedSet(name=last.partition(".")[0], rows=open_rows(uri), output=None)
    if is_output(uri):
        if open_store(uri).head(f"{DATASET}README.md") is None:
            raise SpecError(
                f"Cannot analyze {uri}: its run has no data set yet.",
                remedy="Finish it with `dart run FILE`; `dart status` shows how far it is.",
            )
        return NamedSet(name=last, rows=open_rows(f"{uri}/{DATASET.rstrip('/')}", split="train"), output=uri)
    if parent and is_output(parent):
        # Beside its parts, a pool has counts per query, which are no responses.
        part = "part" if f"{last}/" == POOL else "train" if last.startswith("dataset") else split
        return NamedSet(name=f"{parent.rpartition('/')[2]} {last}", rows=open_rows(uri, split=part), output=parent)
    return NamedSet(name=last, rows=open_rows(uri, split=split), output=None)


def open_reference(against: str | None, sets: list[NamedSet], *, query: str) -> Reference:
    """The queries with their difficulties; by default those of the first set that is an output of ours.

    `query` is the first set's field with the query. Raises SpecError where nothing was named and nothing can be taken,
    DataError where columns are missing.
    """
    if against is None:
        against = next((one.output for one in sets if one.output is not None), None)
        if against is None:
            raise SpecError("Which queries and difficulties are the sets held against?", remedy=AGAINST)
    kind, separator, column = against.partition(":")
    if separator and kind in ("column", "pass-rate") and not column.startswith("//"):
        named = {"difficulty" if kind == "column" else "pass_rate": column}
        return from_rows(sets[0].rows, query=query, **named)
    uri = against.rstrip("/") or against
    if not uri.endswith(FILES) and not uri.startswith("hf://") and is_output(uri):
        store = open_store(uri)
        current = state.decode(store.get(BUDGET).data)
        run = Closed(store=store, record=record.need(store), state=current, queries=Snapshot.load(store))
        return from_state(run.queries.table, run.known)
    rows = list(open_rows(f"hf://{uri}" if is_hub_id(uri) else uri))
    columns = set(rows[0]) if rows else set()
    text = next((name for name in (query, *TEXTS) if name in columns), "")
    if {"query_id", "tot_n_samples", "tot_n_corrects"} <= columns:
        texts = {str(row["query_id"]): str(row[text] or "") for row in rows} if text else None
        return from_query_info(rows, texts=texts)
    for name in ("difficulty", "pass_rate"):
        if text and name in columns:
            return from_rows(rows, query=text, **{name: name})
    raise DataError(
        f"Cannot take difficulties from {against}: it holds neither a run nor rows with tot_n_samples and "
        f"tot_n_corrects, difficulty or pass_rate (it has {', '.join(sorted(columns)) or 'no rows'}).",
        remedy=AGAINST,
    )


def with_responses(one: NamedSet, field: str) -> Iterator[Row]:
    """The rows that have a response; DataError if a row has no such field at all."""
    for number, row in enumerate(one.rows, start=1):
        if field not in row:
            raise DataError(
                f"Cannot analyze '{one.name}': row {number} has no field '{field}', it has {', '.join(sorted(row))}.",
                remedy="Name the column that holds the response with --response.",
            )
        if row[field] not in (None, ""):
            yield row


def is_output(uri: str) -> bool:
    """Whether a URI is the output of a run."""
    return record.read(open_store(uri)) is not None


def is_hub_id(text: str) -> bool:
    """Whether a text is owner/name of a hub, and no path: nothing lies there."""
    owner, _, name = text.partition("/")
    return (
        bool(owner and name)
        and "/" not in name
        and "://" not in text
        and owner not in (".", "..", "~")
        and not text.endswith(FILES)
        and not Path(owner).exists()
    )
