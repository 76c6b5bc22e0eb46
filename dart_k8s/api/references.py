"""References between documents: which needs which, in which order they can be done, and what becomes of a name."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dart_k8s.errors import SpecError

from .evaluation import Evaluation
from .load import Declaration
from .training import Training

DATASET, MODEL = "dataset", "model"
"""Folders of an output that a later document reads: a Synthesis's and a Training's."""


class Reference(NamedTuple):
    """Another object, by kind and name."""

    kind: str
    name: str


def reference_of(document: Declaration) -> Reference | None:
    """The object whose result a document reads; None if it names a place itself."""
    match document:
        case Training() if document.spec.data.from_synthesis is not None:
            return Reference("Synthesis", document.spec.data.from_synthesis)
        case Evaluation() if document.spec.model is not None and document.spec.model.from_training is not None:
            return Reference("Training", document.spec.model.from_training)
    return None


def result_of(document: Declaration) -> str:
    """Where others find what a Synthesis or a Training makes."""
    folder = MODEL if isinstance(document, Training) else DATASET
    return f"{document.spec.output.uri.rstrip('/')}/{folder}"


def resolved(document: Declaration, place: str) -> Declaration:
    """The same document with a place instead of its reference."""
    match document:
        case Training(spec=spec):
            data = spec.data.model_copy(update={"uri": place, "from_synthesis": None})
            return document.model_copy(update={"spec": spec.model_copy(update={"data": data})})
        case Evaluation(spec=spec) if spec.model is not None:
            model = spec.model.model_copy(update={"uri": place, "from_training": None})
            return document.model_copy(update={"spec": spec.model_copy(update={"model": model})})
    return document


def in_order(documents: Sequence[Declaration], origin: str) -> list[Declaration]:
    """The documents, each after the one that it reads, else as they stand; references are resolved.

    SpecError for a reference to an object that is not among them. There are no circles: a Synthesis refers to nothing,
    a Training to a Synthesis, an Evaluation to a Training.
    """
    named: Mapping[Reference, Declaration] = {Reference(d.kind, d.metadata.name): d for d in documents}
    done: dict[Reference, Declaration] = {}
    for document in documents:
        _place(document, named, done, origin)
    return list(done.values())


def _place(
    document: Declaration, named: Mapping[Reference, Declaration], done: dict[Reference, Declaration], origin: str
) -> None:
    me = Reference(document.kind, document.metadata.name)
    if me in done:
        return
    needed = reference_of(document)
    if needed is not None:
        other = named.get(needed)
        if other is None:
            there = ", ".join(name for kind, name in named if kind == needed.kind) or "none"
            raise SpecError(
                f"{me.kind} '{me.name}' needs {needed.kind} '{needed.name}', which is not in {origin}.",
                remedy=f"Its {needed.kind} documents are: {there}. Or give the uri of what is there already.",
            )
        _place(other, named, done, origin)
        document = resolved(document, result_of(other))
    done[me] = document


__all__ = ["DATASET", "MODEL", "Reference", "in_order", "reference_of", "resolved", "result_of"]
