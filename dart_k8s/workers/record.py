"""The run's record: the declaration that an output was started with, and what prepare pinned of it.

Written once by prepare, with the queries snapshot and the first budget state, and read by everybody after. The part of
the declaration that may change while a run goes on is replaced by compare-and-swap; all else is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dart_k8s import __version__
from dart_k8s.api import Synthesis, digest, load_value, to_dict, to_yaml
from dart_k8s.edges.store import Store
from dart_k8s.errors import NotFound, RunError, SpecError
from dart_k8s.ledger.keys import RUN

from .continuing import changed

FORMAT = "dart-k8s.io/run/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """What prepare found in one source of queries."""

    name: str
    uri: str
    revision: str
    """Content hash or commit."""
    rows: int
    """Rows read, after `where`."""
    queries: int
    """Rows that became queries."""
    left_out: tuple[str, ...] = ()
    """Why rows were left out, each as a sentence; only where the declaration allows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """See the module."""

    declaration: Mapping[str, Any]
    digest: str
    """Over the part of the declaration that may not change."""
    queries: int
    sources: tuple[SourceRecord, ...]
    model_revision: str | None
    verifier: str
    """Version of the verifier that this run's verdicts come from."""
    program: str = __version__
    contamination: tuple[Mapping[str, Any], ...] = ()
    """Queries that overlap with benchmarks, as prepare reported or excluded them."""
    pools: tuple[Mapping[str, Any], ...] = ()
    """Earlier pools: URI, whether their trials count towards pass rates, and what they brought."""
    warnings: tuple[str, ...] = field(default=())

    @property
    def synthesis(self) -> Synthesis:
        """The declaration as a model."""
        return load_value(self.declaration, f"the record in '{RUN}'")


def encode(record: RunRecord) -> bytes:
    """The record as JSON."""
    return json.dumps({"format": FORMAT, **asdict(record)}, indent=2, sort_keys=True, default=list).encode()


def read(store: Store) -> tuple[RunRecord, str] | None:
    """The record of an output and its ETag, None if nothing was prepared there; RunError if it can't be read."""
    try:
        blob = store.get(RUN)
    except NotFound:
        return None
    try:
        document = json.loads(blob.data)
        if document["format"] != FORMAT:
            raise RunError(
                f"Cannot read '{RUN}' in {store.uri}: its format is {document['format']}, this program knows {FORMAT}.",
                remedy="Use the newer program that wrote it.",
            )
        fields = {name: document[name] for name in RunRecord.__slots__ if name in document}
        sources = tuple(SourceRecord(**{**s, "left_out": tuple(s["left_out"])}) for s in document["sources"])
        tuples = {name: tuple(fields.get(name, ())) for name in ("contamination", "pools", "warnings")}
        return RunRecord(**{**fields, **tuples, "sources": sources}), blob.etag
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"Cannot read '{RUN}' in {store.uri}: {error!r}.",
            remedy="The object was damaged or is not ours; use another output.",
        ) from error


def need(store: Store) -> RunRecord:
    """The record of an output; SpecError if there is none."""
    found = read(store)
    if found is None:
        raise SpecError(
            f"There is no run in {store.uri}: it has no '{RUN}'.",
            remedy="Check the output's URI, or start one with `dart run FILE`.",
        )
    return found[0]


def go_on(store: Store, found: RunRecord, etag: str, synthesis: Synthesis) -> RunRecord:
    """Go on with an existing output: fields that may change mid-run (target, caps, replicas, ...) are taken over.

    SpecChanged that shows what differs where it may not; OutputOwned if the run is another one's.
    """
    record = continued(store, found, synthesis)
    if record is not found:
        store.put_if_match(RUN, encode(record), etag)
    return record


def continued(store: Store, found: RunRecord, synthesis: Synthesis) -> RunRecord:
    """The record under which a declaration goes on, nothing written. Raises OutputOwned, and SpecChanged that
    shows what differs."""
    other = "use another output (spec.pool.from can start from this one's pool)"
    if not changed(store, found.synthesis, synthesis, other=other):
        return found
    return replace(found, declaration=to_dict(synthesis), digest=digest(synthesis))


__all__ = ["FORMAT", "RunRecord", "SourceRecord", "encode", "go_on", "need", "read", "to_yaml"]
