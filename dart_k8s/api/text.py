"""YAML text to plain values and back. No tags, no duplicate keys, and a line number for every path."""

import json
import re
from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

import yaml

NODES = 100_000
"""Most values in one document after its aliases are followed; keeps a small text from becoming a huge one."""
DEPTH = 60
"""Deepest nesting; also what ends an anchor that contains itself."""


class Misread(Exception):
    """Text that is no acceptable YAML: the line (from 1, or None) and what is wrong there."""

    def __init__(self, line: int | None, says: str) -> None:
        super().__init__(says)
        self.line, self.says = line, says


class Document(NamedTuple):
    """One YAML document."""

    value: Any
    lines: dict[tuple[str | int, ...], int]
    """Line of each path, from 1; of a mapping's item the line of its key."""


class _Reader(yaml.SafeLoader):
    """YAML 1.2's core scalars (`off` and `010` and dates are no surprises), safe tags only, no duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[Any, int] = {}
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise Misread(line, "a mapping or list can't be a key; write KEY: VALUE")
            name = key.value
            if name in seen:
                raise Misread(line, f"{name!r} was already given in line {seen[name]}; remove one of the two")
            seen[name] = line
        return super().construct_mapping(node, deep)

    def construct_decimal(self, node: yaml.ScalarNode) -> int:
        return int(self.construct_scalar(node))


_CORE = {
    "null": (re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    "bool": (re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    "int": (re.compile(r"^[-+]?[0-9]{1,4000}$"), list("-+0123456789")),
    "float": (re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"), list("-+.0123456789")),
    "merge": (re.compile(r"^(?:<<)$"), ["<"]),
}
"""Scalars that are not text by YAML 1.2's core schema: pattern and first characters of each kind."""


def _patterns() -> None:
    _Reader.yaml_implicit_resolvers = {}
    for tag, (pattern, first) in _CORE.items():
        _Reader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", pattern, first)
    _Reader.add_constructor("tag:yaml.org,2002:int", _Reader.construct_decimal)


_patterns()


def read(text: str) -> Iterator[Document]:
    """The documents of a YAML (or JSON) text; empty ones are left out. Raises Misread."""
    try:
        reader = _Reader(text)
    except yaml.YAMLError as error:
        raise _misread(error) from None
    try:
        while reader.check_node():
            node = reader.get_node()
            if node is None:
                continue
            lines: dict[tuple[str | int, ...], int] = {}
            _walk(node, (), node.start_mark.line + 1, lines)
            value = reader.construct_document(node)
            if value is not None:
                yield Document(value, lines)
    except yaml.YAMLError as error:
        raise _misread(error) from None
    except RecursionError:
        raise Misread(None, f"nested more than {DEPTH} levels deep") from None
    finally:
        reader.dispose()


def _misread(error: yaml.YAMLError) -> Misread:
    mark = getattr(error, "problem_mark", None)
    says = getattr(error, "problem", None) or str(error).splitlines()[0]
    if "could not determine a constructor for the tag" in says:
        says = f"{says}; tags are not allowed in a declaration, remove it"
    return Misread(mark.line + 1 if mark else None, f"not readable as YAML: {says}")


def _walk(node: yaml.Node, path: tuple[str | int, ...], line: int, lines: dict[tuple[str | int, ...], int]) -> None:
    """Fill in `lines`; refuse what is too large or too deep once aliases are followed."""
    if len(lines) >= NODES:
        raise Misread(line, f"more than {NODES} values in one document (aliases count each time)")
    if len(path) > DEPTH:
        raise Misread(line, f"nested more than {DEPTH} levels deep")
    lines[path] = line
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                _walk(value, (*path, "<<"), key.start_mark.line + 1, lines)
            elif isinstance(key, yaml.ScalarNode):
                _walk(value, (*path, key.value), key.start_mark.line + 1, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, index), item.start_mark.line + 1, lines)


class _Writer(yaml.SafeDumper):
    """Block style with long texts as literal blocks; shared values are written out, not anchored."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(writer: yaml.SafeDumper, text: str) -> yaml.Node:
    if "\n" in text:
        return writer.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    # Quote what a reader of YAML 1.1 (PyYAML's own resolvers see to most of that) or 1.2 would take for something else.
    taken = text.lower() in ("y", "n", "yes", "no", "on", "off") or any(p.match(text) for p, _ in _CORE.values())
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style='"' if taken else None)


_Writer.add_representer(str, _text)


def write(value: Any) -> str:
    """Plain values as YAML, in the order they have."""
    text: str = yaml.dump(value, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=120)
    return text


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


__all__ = ["Document", "Misread", "canonical_json", "read", "write"]
