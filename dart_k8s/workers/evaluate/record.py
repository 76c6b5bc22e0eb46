"""What an Evaluation's output was begun with: `state/evaluation.json`, written once by prepare.

The part of the declaration that may change while it goes on is replaced by compare-and-swap; all else is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from dart_k8s import __version__
from dart_k8s.api import Evaluation, Prompt, Synthesis, digest, load_any, to_dict
from dart_k8s.api.passes import passes
from dart_k8s.edges.store import Store
from dart_k8s.errors import NotFound, RunError, SpecError
from dart_k8s.workers.continuing import changed

EVALUATION = "state/evaluation.json"
FORMAT = "dart-k8s.io/evaluation/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkRecord:
    """What prepare found of one benchmark."""

    name: str
    title: str
    uri: str
    revision: str
    """A commit of the hub, or sha256:... of the content."""
    items: int
    """That are evaluated."""
    of: int
    """That the source has."""
    shots: int
    rule: str
    """How answers are compared, for people."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """See the module."""

    declaration: Mapping[str, Any]
    digest: str
    """Over the part of the declaration that may not change."""
    model: str | None
    """The model's place as resolved."""
    revision: str | None
    """Its commit, of one at a hub."""
    prompt: Mapping[str, Any]
    """The template in force, with all texts that end a response, as spec.prompt of the passes."""
    template_from: str
    """declaration, model or default."""
    benchmarks: tuple[BenchmarkRecord, ...]
    items: int
    prompts: int
    """Distinct ones, which are sampled."""
    program: str = __version__

    @property
    def evaluation(self) -> Evaluation:
        """The declaration as a model."""
        found = load_any(self.declaration, f"the record in '{EVALUATION}'")
        if not isinstance(found, Evaluation):
            raise RunError(f"The record in '{EVALUATION}' is of a {found.kind}.", remedy="Use another output.")
        return found

    def passes(self) -> list[Synthesis]:
        """The passes, as they are sampled."""
        prompt = Prompt.model_validate(dict(self.prompt), by_alias=True, by_name=False)
        return passes(self.evaluation, prompt=prompt, model=self.model, revision=self.revision)


def encode(record: EvaluationRecord) -> bytes:
    """The record as JSON, with the passes' declarations beside it for whoever creates them as objects."""
    fields = {"format": FORMAT, **asdict(record), "passes": [to_dict(one) for one in record.passes()]}
    return json.dumps(fields, indent=2, sort_keys=True).encode()


def read(store: Store) -> tuple[EvaluationRecord, str] | None:
    """The record of an output and its ETag, None if nothing was prepared there; RunError if it can't be read."""
    try:
        blob = store.get(EVALUATION)
    except NotFound:
        return None
    try:
        document = json.loads(blob.data)
        if document["format"] != FORMAT:
            raise RunError(
                f"Cannot read '{EVALUATION}' in {store.uri}: its format is {document['format']}, this program knows "
                f"{FORMAT}.",
                remedy="Use the newer program that wrote it.",
            )
        fields = {name: document[name] for name in EvaluationRecord.__slots__ if name in document}
        benchmarks = tuple(BenchmarkRecord(**{**b, "notes": tuple(b["notes"])}) for b in fields.pop("benchmarks"))
        return EvaluationRecord(**fields, benchmarks=benchmarks), blob.etag
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"Cannot read '{EVALUATION}' in {store.uri}: {error!r}.",
            remedy="The object was damaged or is not ours; use another output.",
        ) from error


def need(store: Store) -> EvaluationRecord:
    """The record of an output; SpecError if there is none."""
    found = read(store)
    if found is None:
        raise SpecError(
            f"There is no evaluation in {store.uri}: it has no '{EVALUATION}'.",
            remedy="Check the output's URI, or start one with `dart run FILE`.",
        )
    return found[0]


def continued(store: Store, found: EvaluationRecord, evaluation: Evaluation) -> EvaluationRecord:
    """The record under which a declaration goes on, nothing written. Raises OutputOwned, and SpecChanged that shows
    what differs."""
    if not changed(store, found.evaluation, evaluation):
        return found
    return replace(found, declaration=to_dict(evaluation), digest=digest(evaluation))


__all__ = ["EVALUATION", "BenchmarkRecord", "EvaluationRecord", "continued", "encode", "need", "read"]
