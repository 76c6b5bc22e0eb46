"""The problems of an Evaluation as two immutable objects: the prompts that are sampled, and the items they stand for.

Items whose prompts are the same text are sampled once and scored each with its own reference.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.answers import Policy
from dart_k8s.api import Template
from dart_k8s.api.passes import ITEMS
from dart_k8s.benchmarks import Item, body
from dart_k8s.edges.store import Store
from dart_k8s.errors import NotFound, RunError
from dart_k8s.workers.benchmarks import Loaded

PROBLEMS = "state/problems.parquet"
"""Items with references and policies, in the order of the declaration."""
FORMAT = b"dart-k8s.io/problems/v1"
ANY_REFERENCE = "0"
"""Reference of a prompt whose item's own can't be read: a pass's verdicts are used for nothing, scoring has its own."""

PROMPT_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("answer", pa.string(), nullable=False),
        pa.field("benchmark", pa.string(), nullable=False),
    ]
)
PROBLEM_SCHEMA = pa.schema(
    [
        pa.field("benchmark", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("number", pa.int32(), nullable=False),
        pa.field("problem", pa.string(), nullable=False),
        pa.field("query", pa.string(), nullable=False),
        pa.field("references", pa.list_(pa.string()), nullable=False),
        pa.field("reference", pa.string(), nullable=False),
        pa.field("subject", pa.string()),
        pa.field("level", pa.string()),
        pa.field("picture", pa.bool_(), nullable=False),
        pa.field("policy", pa.string(), nullable=False),
        pa.field("unreadable", pa.string()),
        pa.field("row", pa.int32(), nullable=False),
    ],
    metadata={b"format": FORMAT},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problems:
    """All items of an Evaluation, I of them, and the prompt that each is put by."""

    items: tuple[Item, ...]
    rows: tuple[int, ...]
    """Number of the prompt's row, shape (I,)."""

    def by_row(self) -> dict[int, list[int]]:
        """Prompt's row -> numbers of its items."""
        found: dict[int, list[int]] = {}
        for number, row in enumerate(self.rows):
            found.setdefault(row, []).append(number)
        return found

    def of(self, benchmark: str) -> list[int]:
        """Numbers of a benchmark's items."""
        return [number for number, item in enumerate(self.items) if item.benchmark == benchmark]


def problems_of(benchmarks: Sequence[Loaded], template: Template) -> tuple[Problems, list[dict[str, str]]]:
    """The items, and one row for each distinct prompt (its place is its number)."""
    row_of: dict[str, int] = {}
    prompts: list[dict[str, str]] = []
    items: list[Item] = []
    rows: list[int] = []
    for item, loaded in _all(benchmarks):
        prompt = body(item.query, loaded.examples, template)
        if prompt not in row_of:
            row_of[prompt] = len(prompts)
            reference = ANY_REFERENCE if item.unreadable else item.reference
            name = f"{item.benchmark}-{item.id}"
            prompts.append({"id": name, "prompt": prompt, "answer": reference, "benchmark": item.benchmark})
        items.append(item)
        rows.append(row_of[prompt])
    return Problems(items=tuple(items), rows=tuple(rows)), prompts


def write(store: Store, problems: Problems, prompts: Sequence[dict[str, str]]) -> None:
    """Both objects; the same problems give the same bytes."""
    columns: dict[str, list[Any]] = {name: [row[name] for row in prompts] for name in PROMPT_SCHEMA.names}
    store.put(ITEMS, _bytes(pa.table(columns, schema=PROMPT_SCHEMA)))
    columns = {
        name: [getattr(item, name) for item in problems.items]
        for name in PROBLEM_SCHEMA.names
        if name not in ("policy", "row", "references")
    }
    columns["references"] = [list(item.references) for item in problems.items]
    columns["policy"] = [json.dumps(asdict(item.policy), sort_keys=True) for item in problems.items]
    columns["row"] = list(problems.rows)
    store.put(PROBLEMS, _bytes(pa.table({name: columns[name] for name in PROBLEM_SCHEMA.names}, schema=PROBLEM_SCHEMA)))


def load(store: Store) -> Problems:
    """The problems of a prepared output. RunError if they are not there or can't be read."""
    try:
        table = pq.read_table(pa.BufferReader(store.get(PROBLEMS).data))
        rows = table.to_pylist()
        return Problems(items=tuple(_item(row) for row in rows), rows=tuple(row["row"] for row in rows))
    except (NotFound, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"Cannot read the problems '{PROBLEMS}' in {store.uri}: {error}.",
            remedy="The output was not prepared to the end; run `dart run FILE` again.",
        ) from error


def _item(row: dict[str, Any]) -> Item:
    fields = {name: row[name] for name in Item.__slots__ if name not in ("references", "policy")}
    return Item(**fields, references=tuple(row["references"]), policy=Policy(**json.loads(row["policy"])))


def _all(benchmarks: Sequence[Loaded]) -> Iterator[tuple[Item, Loaded]]:
    for loaded in benchmarks:
        for item in loaded.items:
            yield item, loaded


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=65536)
    return bytes(sink.getvalue().to_pybytes())


__all__ = ["ITEMS", "PROBLEMS", "Problems", "load", "problems_of", "write"]
