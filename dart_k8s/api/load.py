"""Declarations from text, and back to text."""

from typing import Any

from pydantic import ValidationError

from dart_k8s.errors import SpecError

from .explain import Fault, explain, path_text
from .synthesis import API_VERSION, Synthesis
from .text import Document, Misread, read, write

KINDS = ("Synthesis",)
"""Kinds that this version can run."""


def load_documents(text: str, origin: str) -> list[Synthesis]:
    """All declarations of a YAML or JSON text; `origin` is its name in messages.

    Raises SpecError that lists everything wrong with all documents at once, each with line and path.
    """
    faults: list[Fault] = []
    loaded: list[Synthesis] = []
    first: dict[tuple[str, str | None, str], int] = {}
    count = 0
    try:
        for document in read(text):
            count += 1
            found = _load(document, faults)
            if found is None:
                continue
            key = (found.kind, found.metadata.namespace, found.metadata.name)
            line = document.lines.get(("metadata", "name"))
            if key in first:
                says = f"{key[2]!r} is already the name of the {key[0]} in line {first[key]}; rename one of the two"
                faults.append(Fault(line, "metadata.name", says))
            first.setdefault(key, line or 0)
            loaded.append(found)
    except Misread as error:
        faults.append(Fault(error.line, "", error.says))
    if not count and not faults:
        says = f"no declaration in it; it should start with apiVersion: {API_VERSION}, kind: {KINDS[0]}"
        faults.append(Fault(None, "", says))
    if faults:
        raise SpecError(_message(faults, origin))
    return loaded


def load_one(text: str, origin: str) -> Synthesis:
    """The only declaration of a text. Raises SpecError, also when there are several."""
    loaded = load_documents(text, origin)
    if len(loaded) > 1:
        names = ", ".join(item.metadata.name for item in loaded)
        raise SpecError(f"{origin} holds {len(loaded)} declarations ({names}).", remedy="Name one of them.")
    return loaded[0]


def _load(document: Document, faults: list[Fault]) -> Synthesis | None:
    value, lines = document
    top = lines.get((), 1)
    if not isinstance(value, dict):
        faults.append(Fault(top, "", f"a {type(value).__name__} where a mapping with apiVersion and kind should be"))
        return None
    version, kind = value.get("apiVersion"), value.get("kind")
    if version != API_VERSION:
        said = "missing" if version is None else f"{version!r} is not known to this version"
        faults.append(Fault(lines.get(("apiVersion",), top), "apiVersion", f"{said}; write apiVersion: {API_VERSION}"))
    if kind not in KINDS:
        said = "missing" if kind is None else f"{kind!r} is not known to this version"
        faults.append(Fault(lines.get(("kind",), top), "kind", f"{said}; known: {', '.join(KINDS)}"))
        return None
    if version != API_VERSION:
        value = {**value, "apiVersion": API_VERSION}
    try:
        return Synthesis.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        faults.extend(explain(error, Synthesis, lines))
        return None


def _message(faults: list[Fault], origin: str) -> str:
    heading = f"{origin}: {len(faults)} problem{'s' if len(faults) > 1 else ''} in the declaration"
    return "\n".join([heading, *(f"  {fault.text()}" for fault in sorted(faults, key=lambda f: f.line or 0))])


def to_dict(synthesis: Synthesis) -> dict[str, Any]:
    """A declaration with its defaults, by wire names, as JSON values; fields that hold nothing are left out."""
    return synthesis.plain()


def to_yaml(synthesis: Synthesis) -> str:
    """A declaration with its defaults as YAML; loads to an equal one."""
    return write(to_dict(synthesis))


__all__ = ["KINDS", "load_documents", "load_one", "path_text", "to_dict", "to_yaml"]
