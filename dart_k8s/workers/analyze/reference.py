"""The queries that data sets are held against, with their difficulties."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dart_k8s.errors import DataError
from dart_k8s.workers.curate.bands import Floats, Ints

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Q queries. A query is found by its id or its normalised text; either may be missing (empty)."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    difficulty: Floats
    """Fail rate, shape (Q,); NaN where unknown."""
    origin: str
    """Where the difficulties come from, for the report."""
    trials: Ints | None = None
    """Counted trials, shape (Q,), if known."""
    correct: Ints | None = None
    """Correct ones of them."""

    def index(self) -> dict[str, int]:
        """Query number by "id:..." and "text:..."; of queries with the same text the first."""
        found: dict[str, int] = {}
        for number, (query_id, text) in enumerate(zip(self.ids, self.texts, strict=True)):
            if query_id:
                found.setdefault(f"id:{query_id}", number)
            if text:
                found.setdefault(f"text:{normal(text)}", number)
        return found


def normal(text: str) -> str:
    """A text as it is compared: Unicode composed, white space as single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def from_state(queries: pa.Table, state: pa.Table) -> Reference:
    """From a run: its snapshot, and the final columns p, n, s in query order."""
    return Reference(
        ids=tuple(queries["id"].to_pylist()),
        texts=tuple(queries["query"].to_pylist()),
        difficulty=1.0 - state["p"].to_numpy().astype(np.float64),
        origin="a run's posterior means",
        trials=state["n"].to_numpy().astype(np.int64),
        correct=state["s"].to_numpy().astype(np.int64),
    )


def from_query_info(rows: Iterable[Row], *, texts: Mapping[str, str] | None = None) -> Reference:
    """From a file in dart-math's query-info columns; `texts` by query id, where rows are to be found by text.

    The posterior pass rate is used where the file has it. Raises DataError where columns are missing.
    """
    listed = list(rows)
    needed = {"query_id", "tot_n_samples", "tot_n_corrects"}
    if not listed or not needed <= set(listed[0]):
        have = ", ".join(sorted(listed[0])) if listed else "no rows"
        raise DataError(
            f"Cannot read difficulties from query-info: columns {', '.join(sorted(needed))} needed, found {have}.",
            remedy="Give a query-info file, a run's output, or a data set with a difficulty column.",
        )
    n = np.array([int(row["tot_n_samples"]) for row in listed], dtype=np.int64)
    s = np.array([int(row["tot_n_corrects"]) for row in listed], dtype=np.int64)
    rates = [row.get("pass_rate_posterior", row.get("pass_rate")) for row in listed]
    plain = [s[q] / n[q] if n[q] else np.nan for q in range(len(listed))]
    rate = np.array([plain[q] if given is None else float(given) for q, given in enumerate(rates)])
    ids = tuple(str(row["query_id"]) for row in listed)
    return Reference(
        ids=ids,
        texts=tuple((texts or {}).get(query_id, "") for query_id in ids),
        difficulty=1.0 - rate,
        origin="query-info counts",
        trials=n,
        correct=s,
    )


def from_rows(
    rows: Iterable[Row], *, query: str = "query", id_field: str = "query_id", difficulty: str = "", pass_rate: str = ""
) -> Reference:
    """From any rows with a query text and a column of difficulty (fail rate) or of pass rate; one of them is named.

    Queries are the distinct texts in order; of several rows the first value counts. DataError without the column.
    """
    column = difficulty or pass_rate
    found: dict[str, tuple[str, float]] = {}
    for number, row in enumerate(rows):
        if query not in row or column not in row:
            missing = query if query not in row else column
            raise DataError(
                f"Cannot read difficulties: row {number} has no '{missing}', it has {', '.join(sorted(row))}.",
                remedy="Name the columns that hold the query and its difficulty or pass rate.",
            )
        value = row[column]
        known = np.nan if value is None else float(value)
        found.setdefault(normal(str(row[query])), (str(row.get(id_field) or ""), 1.0 - known if pass_rate else known))
    return Reference(
        ids=tuple(query_id for query_id, _ in found.values()),
        texts=tuple(found),
        difficulty=np.array([value for _, value in found.values()], dtype=np.float64),
        origin=f"the column {column}",
    )
