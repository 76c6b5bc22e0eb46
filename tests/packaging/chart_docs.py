"""The README of the chart: what stands in front of its values stays, the tables of values are made from values.yaml.

python -m tests.packaging.chart_docs    writes it
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "charts/dart"
README, VALUES = CHART / "README.md", CHART / "values.yaml"
MARK = "<!-- Made from values.yaml by `make chart-docs`; a test keeps it up to date. -->\n"
COMMENT = re.compile(r"^\s*#\s?(.*)$")


@dataclass(frozen=True, slots=True)
class Value:
    """A row of the tables, or a heading (`plain` is then no mapping's end)."""

    path: str
    default: Any
    says: str
    group: bool
    """A mapping whose keys have rows of their own."""


def values(text: str) -> Iterator[Value]:
    """Each value with the comment above it, in the file's order. ValueError: a value without one."""
    lines = text.splitlines()
    loader = yaml.SafeLoader(text)
    node = loader.get_single_node()
    assert isinstance(node, yaml.MappingNode)

    def above(line: int) -> str:
        found: list[str] = []
        while line > 0 and (match := COMMENT.match(lines[line - 1])):
            found.append(match[1])
            line -= 1
        # A comment that stands alone, with nothing under it, is the file's.
        return " ".join(reversed(found))

    def walk(mapping: yaml.MappingNode, path: str) -> Iterator[Value]:
        for key, value in mapping.value:
            name = f"{path}.{key.value}".lstrip(".")
            says = above(key.start_mark.line)
            inner = (
                isinstance(value, yaml.MappingNode)
                and not value.flow_style
                and any(above(below.start_mark.line) for below, _ in value.value)
            )
            if not says and not inner:
                raise ValueError(f"{name} has no comment above it in values.yaml; say what it is for")
            yield Value(name, None if inner else loader.construct_object(value, deep=True), says, inner)
            if inner:
                yield from walk(value, name)

    yield from walk(node, "")


def tables(text: str) -> str:
    """All values as Markdown."""
    found = list(values(text))
    lines = ["| value | default | meaning |", "| --- | --- | --- |"]
    for value in found:
        if value.group:
            if value.says:
                lines.append(f"| **`{value.path}`** | | {_cell(value.says)} |")
            continue
        default = json.dumps(value.default, ensure_ascii=False)
        lines.append(f"| `{value.path}` | `{_cell(default)}` | {_cell(value.says)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def page() -> str:
    """The README as it should be."""
    head = README.read_text("utf-8").partition(MARK)[0]
    return f"{head}{MARK}\n{tables(VALUES.read_text('utf-8'))}"


if __name__ == "__main__":
    README.write_text(page(), "utf-8")
    print(README)
