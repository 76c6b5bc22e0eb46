"""Items of the benchmarks that an Evaluation declares: from the hub, or from a file in the publisher's form."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from dart_k8s.api.benchmarks import Benchmark as Declared
from dart_k8s.api.sources import Fields
from dart_k8s.benchmarks import BENCHMARKS, Benchmark, Example, Item, choose, own, read
from dart_k8s.edges.sources import read_objects
from dart_k8s.errors import DataError, SpecError

from .opening import open_rows


class Rows(Protocol):
    """What a source holds: rows, and the revision that was read."""

    @property
    def revision(self) -> str:
        """A commit of the hub, or sha256:... of a file's content."""
        ...

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows."""
        ...


Opener = Callable[..., Rows]
"""`opening.open_rows`, or what takes its arguments: uri, split, revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A benchmark as an Evaluation uses it."""

    benchmark: Benchmark
    items: tuple[Item, ...]
    """Those that are evaluated, in their order."""
    of: int
    """Items that the source has."""
    examples: tuple[Example, ...]
    """Worked examples that were asked for."""
    uri: str
    """Where the rows came from; of several sources the first."""
    revision: str
    """What was read: a commit, or sha256:... of the content."""
    notes: tuple[str, ...]
    """What a report has to say of the set: a part of it, pictures, references that can't be read."""


def load(declared: Declared, *, opener: Opener = open_rows) -> Loaded:
    """Read and check one benchmark.

    Raises DataError (another form, another number of items, with the file, row and field), SpecError (no place known,
    more examples asked for than there are), and what the hub or the store says.
    """
    known = BENCHMARKS.get(declared.name)
    benchmark = known or own(declared.name, declared.fields or Fields(), declared.reference or "as-is")
    examples = _examples(benchmark, declared.shots or 0)
    uris = _uris(benchmark, declared)
    counts = _counts(benchmark, uris)
    opened = [_open(benchmark, declared, uri, opener) for uri in uris]
    revisions = list(dict.fromkeys(source.revision for source in opened))
    if len(revisions) > 1:
        raise DataError(
            f"Cannot use {uris[0]} and its sisters as benchmark {benchmark.name}: they are of the revisions "
            f"{', '.join(revisions)}.",
            remedy="The data set changed while it was read: run the same command again, or set its revision.",
        )
    rows = (row for source in opened for row in source)
    found = read(benchmark, rows, where=uris[0] if len(uris) == 1 else _whole(uris), items=counts)
    items = choose(found, declared.items)
    return Loaded(
        benchmark=benchmark,
        items=items,
        of=len(found),
        examples=examples,
        uri=uris[0],
        revision=revisions[0],
        notes=tuple(_notes(benchmark, found, items)),
    )


def _examples(benchmark: Benchmark, shots: int) -> tuple[Example, ...]:
    if shots <= len(benchmark.examples):
        return benchmark.examples[:shots]
    there = f"there are {len(benchmark.examples)}" if benchmark.examples else "a file of yours has none"
    raise SpecError(
        f"Cannot put {shots} worked examples before the problems of benchmark {benchmark.name}: {there}.",
        remedy=f"Lower spec.benchmarks[].shots; base models want {benchmark.base_shots or 4}."
        if benchmark.examples
        else "Remove spec.benchmarks[].shots, or write examples into spec.prompt.inline.",
    )


def _uris(benchmark: Benchmark, declared: Declared) -> tuple[str, ...]:
    if declared.uri is not None:
        return (declared.uri,)
    if benchmark.source is None:
        raise SpecError(
            f"Cannot read benchmark {benchmark.name}: no copy of it at the hub is known.",
            remedy=f"Give its file in spec.benchmarks[].uri: {benchmark.publisher}.",
        )
    return benchmark.source.uris


def _counts(benchmark: Benchmark, uris: tuple[str, ...]) -> tuple[int, ...] | None:
    """How many items there may be."""
    if benchmark.items is None:
        return None
    at_hub = benchmark.source is not None and all(uri.startswith("hf://") for uri in uris)
    return (benchmark.items, benchmark.source.items) if at_hub and benchmark.source else (benchmark.items,)


def _open(benchmark: Benchmark, declared: Declared, uri: str, opener: Opener) -> Rows:
    if benchmark.one_object_files and (objects := read_objects(uri)) is not None:
        return objects
    source = benchmark.source
    at_hub = uri.startswith("hf://")
    pinned = source.revision if source is not None and declared.uri is None else None
    return opener(
        uri, split=source.split if source is not None and at_hub else None, revision=declared.revision or pinned
    )


def _whole(uris: tuple[str, ...]) -> str:
    return f"{uris[0].rpartition('/')[0]} ({len(uris)} configurations)"


def _notes(benchmark: Benchmark, found: tuple[Item, ...], items: tuple[Item, ...]) -> Iterable[str]:
    if benchmark.source is not None and benchmark.items is not None and len(found) < benchmark.items:
        yield benchmark.source.lacks
    if len(items) < len(found):
        yield f"{len(items)} of {len(found)} items, by a seeded choice"
    pictures = sum(item.picture for item in items)
    if pictures:
        yield f"{pictures} items refer to a picture that the model does not see"
    same = len(items) - len({item.query for item in items})
    if same:
        yield f"{same} items have the same text as another"
    unreadable = [item.id for item in items if item.unreadable]
    if unreadable:
        shown = ", ".join(unreadable[:5]) + (", ..." if len(unreadable) > 5 else "")
        yield f"{len(unreadable)} references can't be read by the verifier: only their very text is right ({shown})"


__all__ = ["Loaded", "Opener", "Rows", "load"]
