"""A user's own file: fields and form as for the sources of a Synthesis."""

from dart_k8s.answers import read_reference
from dart_k8s.api.sources import Fields, Reference
from dart_k8s.benchmarks.benchmark import Benchmark, Entry, Fault, Row, kind, label, text
from dart_k8s.errors import UnreadableReference


def own(name: str, fields: Fields, reference: Reference) -> Benchmark:
    """A benchmark by a user's declaration; `reference` says how the answer stands in its field."""

    def reader(row: Row) -> Entry:
        given = row[fields.answer]
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            raise Fault(f"its field '{fields.answer}' is {kind(given)}, not text or a number")
        try:
            answer = read_reference(str(given), reference)
        except UnreadableReference as error:
            raise Fault(f"its field '{fields.answer}' is no reference: {error.message}") from error
        return Entry(
            problem=text(row, fields.query),
            references=(answer,),
            reference=answer,
            id=label(row, fields.id),
            subject=label(row, fields.subject),
            level=label(row, fields.level),
        )

    return Benchmark(
        name=name,
        title=name,
        items=None,
        source=None,
        publisher=f"JSON Lines, a JSON list or Parquet with the fields '{fields.query}' and '{fields.answer}'",
        reader=reader,
        fields=tuple(dict.fromkeys((fields.query, fields.answer))),
        base_shots=0,
        rule="the rules for data sets",
    )
