"""What there is to know of a benchmark before its rows are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dart_k8s.answers import Policy
from dart_k8s.benchmarks.item import DEFAULT
from dart_k8s.benchmarks.shots import Example

Row = Mapping[str, Any]


class Fault(ValueError):
    """What is wrong with a row; the sentence begins with "it"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a benchmark is at the hub."""

    uris: tuple[str, ...]
    """hf://owner/name[/configuration], read one after the other."""
    split: str
    revision: str | None
    """The commit that this version was made for. None if none is known: then the newest, which reports name."""
    items: int
    """Items there, asserted. Where the publisher's own file has more, `lacks` says so."""
    lacks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a row says, before it has a place and an id."""

    problem: str
    references: tuple[str, ...]
    reference: str
    query: str | None = None
    """None: the bare problem."""
    id: str | None = None
    """The publisher's, where every published form of the benchmark has it."""
    subject: str | None = None
    level: str | None = None
    picture: bool = False
    policy: Policy = DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One benchmark: source, size, reader, prompt and rules."""

    name: str
    title: str
    items: int | None
    """Asserted; None for a file of the user's."""
    pictures: int = 0
    """Items among them that refer to a picture, asserted."""
    source: Source | None
    """None: not at the hub, as far as is known; then a declaration has to give its `uri`."""
    publisher: str
    """Where its publisher has it, and in what form, for people."""
    reader: Callable[[Row], Entry | None]
    """Raises Fault; None for a row that belongs to another benchmark in the same file."""
    fields: tuple[str, ...]
    """Fields that every row has."""
    one_object_files: bool = False
    """Published as folders with one JSON object in each file."""
    base_shots: int = 4
    """Worked examples that a base model wants (Tong et al. 2024, section 4.1); a fine-tuned one wants none."""
    examples: tuple[Example, ...] = ()
    """Worked examples, written for this project: no problem of a benchmark."""
    rule: str
    """How answers are compared, for people."""

    def parse(self, row: Row) -> Entry | None:
        """What a row says; None if it belongs to another benchmark. Raises Fault."""
        for name in self.fields:
            if name not in row:
                raise Fault(f"it has no field '{name}' (it has {', '.join(map(repr, row)) or 'none'})")
        return self.reader(row)


def text(row: Row, name: str) -> str:
    """A field that holds text. Raises Fault for any other kind, and for white space only."""
    value = row.get(name)
    if not isinstance(value, str):
        raise Fault(f"its field '{name}' is {kind(value)}, not text")
    if not value.strip():
        raise Fault(f"its field '{name}' is empty")
    return value


def label(row: Row, name: str | None) -> str | None:
    """A field for reports: text, a number or nothing."""
    value = row.get(name) if name else None
    return None if value is None else str(value)


def kind(value: object) -> str:
    """A JSON value's kind, in words."""
    names: Mapping[type, str] = {
        bool: "a truth value",
        int: "a number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "an object",
    }
    return "null" if value is None else names.get(type(value), type(value).__name__)
