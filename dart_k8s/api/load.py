"""Declarations from text, and back to text."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from pydantic import ValidationError

from dart_k8s.errors import SpecError

from .evaluation import Evaluation
from .explain import Fault, explain, path_text
from .metadata import API_VERSION
from .synthesis import Synthesis
from .text import Document, Misread, read, write
from .training import Training

Declaration: TypeAlias = Synthesis | Training | Evaluation
MODELS: Mapping[str, type[Declaration]] = MappingProxyType(
    {"Synthesis": Synthesis, "Training": Training, "Evaluation": Evaluation}
)
KINDS = tuple(MODELS)
"""Kinds that this version knows."""


def load_documents(text: str, origin: str) -> list[Declaration]:
    """All declarations of a YAML or JSON text; `origin` is its name in messages.

    Raises SpecError that lists everything wrong with all documents at once, each with line and path.
    """
    faults: list[Fault] = []
    loaded: list[Declaration] = []
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


def load_only(text: str, origin: str) -> Declaration:
    """The only declaration of a text, of any kind. Raises SpecError, also when there are several."""
    loaded = load_documents(text, origin)
    if len(loaded) > 1:
        names = ", ".join(item.metadata.name for item in loaded)
        raise SpecError(f"{origin} holds {len(loaded)} declarations ({names}).", remedy="Name one of them.")
    [only] = loaded
    return only


def load_one(text: str, origin: str) -> Synthesis:
    """The only declaration of a text, a Synthesis. Raises SpecError, also when there are several."""
    return _a_synthesis(load_only(text, origin), origin)


def load_any(value: Any, origin: str) -> Declaration:
    """A declaration from plain values, as a program has them: some 50 times as fast as from text. Raises SpecError."""
    faults: list[Fault] = []
    found = _load(Document(value, {}), faults)
    if found is None:
        raise SpecError(_message(faults, origin))
    return found


def load_value(value: Any, origin: str) -> Synthesis:
    """A Synthesis from plain values; see `load_any`."""
    return _a_synthesis(load_any(value, origin), origin)


def _a_synthesis(found: Declaration, origin: str) -> Synthesis:
    if not isinstance(found, Synthesis):
        raise SpecError(f"{origin} declares a {found.kind}.", remedy="A Synthesis is wanted here.")
    return found


def _load(document: Document, faults: list[Fault]) -> Declaration | None:
    value, lines = document
    top = lines.get((), 1)
    if not isinstance(value, dict):
        faults.append(Fault(top, "", f"a {type(value).__name__} where a mapping with apiVersion and kind should be"))
        return None
    version, kind = value.get("apiVersion"), value.get("kind")
    if version != API_VERSION:
        said = "missing" if version is None else f"{version!r} is not known to this version"
        faults.append(Fault(lines.get(("apiVersion",), top), "apiVersion", f"{said}; write apiVersion: {API_VERSION}"))
    model = MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        said = "missing" if kind is None else f"{kind!r} is not known to this version"
        faults.append(Fault(lines.get(("kind",), top), "kind", f"{said}; known: {', '.join(KINDS)}"))
        return None
    if version != API_VERSION:
        value = {**value, "apiVersion": API_VERSION}
    try:
        return model.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        faults.extend(explain(error, model, lines))
        return None


def _message(faults: list[Fault], origin: str) -> str:
    heading = f"{origin}: {len(faults)} problem{'s' if len(faults) > 1 else ''} in the declaration"
    return "\n".join([heading, *(f"  {fault.text()}" for fault in sorted(faults, key=lambda f: f.line or 0))])


def to_dict(declaration: Declaration) -> dict[str, Any]:
    """A declaration with its defaults, by wire names, as JSON values; fields that hold nothing are left out."""
    return declaration.plain()


def to_yaml(declaration: Declaration) -> str:
    """A declaration with its defaults as YAML; loads to an equal one."""
    return write(to_dict(declaration))


__all__ = [
    "KINDS",
    "MODELS",
    "Declaration",
    "load_any",
    "load_documents",
    "load_one",
    "load_only",
    "load_value",
    "path_text",
    "to_dict",
    "to_yaml",
]
