"""Which fields of a row hold response, reference, query and spans; and a row as something that can be checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dart_k8s.answers import read_reference
from dart_k8s.errors import DataError, UnreadableReference
from dart_k8s.ledger.segments import Span
from dart_k8s.workers.responding.path import prose

RESPONSES = ("response", "completion", "output", "generation", "prediction")
REFERENCES = ("reference", "answer", "solution", "ground_truth", "target")
QUERIES = ("query", "problem", "question", "prompt")
"""Names that are looked for, in this order, where the user says none."""
SPANS = "spans"
"""Where a data set says who wrote which part of a response. Looked for in each row: not all may have it."""
NO_SPANS = "none"
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
    spans: str | None = SPANS
    """None: the model wrote all of every response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A row that can be checked, or why it can't."""

    row: int
    """Number in the source, from 0."""
    response: str
    """Without code and its outputs, if spans say what those are."""
    reference: str
    query: str | None
    problem: str = ""
    """Why it has no usable reference; such a row gets no verdict."""


def choose(
    row: Mapping[str, Any],
    where: str,
    *,
    response: str | None,
    reference: str | None,
    query: str | None,
    form: Form,
    spans: str | None = None,
) -> Fields:
    """The fields to use, by what the first row has. `spans` may be NO_SPANS. DataError if one is not there."""
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
        spans=None if spans == NO_SPANS else SPANS if spans is None else _field("spans", spans, (), row, where),
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
    if fields.spans is not None and row.get(fields.spans):
        # As in a run: what code printed is no answer.
        response = prose(response, _spans(row[fields.spans], len(response), fields, number, where))
    reference = _text(row.get(fields.reference), fields.reference, number, where, numbers=True)
    query = None if fields.query is None else _text(row.get(fields.query), fields.query, number, where)
    try:
        usable, problem = read_reference(reference, fields.form), ""
    except UnreadableReference as error:
        usable, problem = "", error.message
    return Asked(row=number, response=response, reference=usable, query=query or None, problem=problem)


def _spans(value: Any, length: int, fields: Fields, number: int, where: str) -> tuple[Span, ...]:
    """Who wrote which part of a response of `length` code points. DataError unless they are all of it, in order."""
    spans: list[Span] = []
    end = 0
    for part in value if isinstance(value, list) else [value]:
        span = _span(part)
        if span is None or span.start != end or span.end < end:
            break
        spans.append(span)
        end = span.end
    else:
        if end == length:
            return tuple(spans)
    raise DataError(
        f"Row {number + 1} of {where} has no spans of {fields.response!r} in {fields.spans!r}: part {len(spans) + 1} "
        f"does not go on from character {end}, or they don't end with the response, at {length}.",
        remedy="Spans are objects with kind (model or tool), start and end, one after the other. Name their field "
        f"with --spans; --spans {NO_SPANS} takes every response as written by the model alone.",
    )


def _span(part: Any) -> Span | None:
    kind, start, end = (part.get(name) for name in Span._fields) if isinstance(part, dict) else (None, None, None)
    if kind not in ("model", "tool") or type(start) is not int or type(end) is not int:
        return None
    return Span(kind, start, end)


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
