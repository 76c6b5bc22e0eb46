"""Which fields of a row hold response, reference and query; and a row as something that can be checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dart_k8s.answers import read_reference
from dart_k8s.errors import DataError, UnreadableReference

RESPONSES = ("response", "completion", "output", "generation", "prediction")
REFERENCES = ("reference", "answer", "solution", "ground_truth", "target")
QUERIES = ("query", "problem", "question", "prompt")
"""Names that are looked for, in this order, where the user says none."""
OWN = frozenset({"verdict", "tier", "response_hash", "query_number"})
"""Fields of a run's pool, whose `answer` is no reference."""

Form = Literal["as-is", "last-box", "after-hashes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Names of fields; how the reference answer stands in its field."""

    response: str
    reference: str
    query: str | None
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A row that can be checked, or why it can't."""

    row: int
    """Number in the source, from 0."""
    response: str
    reference: str
    query: str | None
    problem: str = ""
    """Why it has no usable reference; such a row gets no verdict."""


def choose(
    row: Mapping[str, Any], where: str, *, response: str | None, reference: str | None, query: str | None, form: Form
) -> Fields:
    """The fields to use, by what the first row has. DataError if one is not there."""
    if row.keys() >= OWN and reference is None:
        raise DataError(
            f"{where} is the pool of a run: it has no references, and its `answer` is what the responses say.",
            remedy="Use `dart reverify` with the run's declaration.",
        )
    return Fields(
        response=_field("response", response, RESPONSES, row, where),
        reference=_field("reference", reference, REFERENCES, row, where),
        query=_field("query", query, QUERIES, row, where)
        if query is not None or any(name in row for name in QUERIES)
        else None,
        form=form,
    )


def _field(what: str, given: str | None, names: tuple[str, ...], row: Mapping[str, Any], where: str) -> str:
    if given is not None:
        if given not in row:
            raise DataError(
                f"{where} has no field {given!r}.", remedy=f"Its first row has {', '.join(sorted(row)) or 'none'}."
            )
        return given
    for name in names:
        if name in row:
            return name
    raise DataError(
        f"{where} has no field for the {what}: looked for {', '.join(names)}.",
        remedy=f"Name it with --{what}; its first row has {', '.join(sorted(row)) or 'none'}.",
    )


def asked(number: int, row: Mapping[str, Any], fields: Fields, where: str) -> Asked:
    """A row to check. An absent response is an empty one. DataError for a field of another kind than text."""
    response = _text(row.get(fields.response), fields.response, number, where)
    reference = _text(row.get(fields.reference), fields.reference, number, where, numbers=True)
    query = None if fields.query is None else _text(row.get(fields.query), fields.query, number, where)
    try:
        usable, problem = read_reference(reference, fields.form), ""
    except UnreadableReference as error:
        usable, problem = "", error.message
    return Asked(row=number, response=response, reference=usable, query=query or None, problem=problem)


def _text(value: Any, field: str, number: int, where: str, *, numbers: bool = False) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if numbers and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise DataError(
        f"Row {number + 1} of {where} has {type(value).__name__} in {field!r}, not text.",
        remedy="One row holds one response: unfold lists first, or name another field.",
    )
