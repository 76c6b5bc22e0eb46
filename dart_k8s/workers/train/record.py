"""`state/training.json`: what prepare found and decided; written once, compared ever after."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dart_k8s import __version__
from dart_k8s.api import Training, load_any
from dart_k8s.edges.store import Store
from dart_k8s.errors import NotFound, RunError, SpecError
from dart_k8s.training.plan import Plan
from dart_k8s.workers.continuing import changed

KEY = "state/training.json"
ROWS = "state/rows.parquet"
"""Rows as tokens, with what is learnt of them: nothing reads the sources after prepare."""
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """See the module."""

    declaration: Mapping[str, Any]
    digest: str
    model_revision: str
    data_revision: str
    parameters: int
    layers: int
    hidden: int
    plan: Plan
    program: str = __version__
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """What the data say of where they come from: the distinct values of their provenance columns."""
    queries: int | None = None
    """Distinct queries among the rows that are trained on; None: written before this was noted."""

    @property
    def training(self) -> Training:
        """The declaration as a model."""
        found = load_any(self.declaration, f"the record in '{KEY}'")
        if not isinstance(found, Training):
            raise RunError(f"The record in '{KEY}' is of a {found.kind}, not of a Training.")
        return found

    def encode(self) -> bytes:
        """As JSON."""
        document = {
            "version": VERSION,
            "program": self.program,
            "declaration": self.declaration,
            "digest": self.digest,
            "model": {
                "revision": self.model_revision, "parameters": self.parameters, "layers": self.layers,
                "hidden": self.hidden,
            },
            "data": {"revision": self.data_revision, "provenance": self.provenance, "queries": self.queries},
            "plan": self.plan.to_dict(),
        }  # fmt: skip
        return json.dumps(document, indent=2).encode()


def read(store: Store) -> Record | None:
    """The record of an output, None if nothing was prepared there; RunError if it can't be read."""
    try:
        data = store.get(KEY).data
    except NotFound:
        return None
    try:
        value = json.loads(data)
        if value["version"] != VERSION:
            raise RunError(
                f"Cannot read '{KEY}' in {store.uri}: its version is {value['version']}, this program knows {VERSION}.",
                remedy="Use the newer program that wrote it.",
            )
        model = value["model"]
        return Record(
            declaration=value["declaration"],
            digest=value["digest"],
            model_revision=model["revision"],
            data_revision=value["data"]["revision"],
            parameters=model["parameters"],
            layers=model["layers"],
            hidden=model["hidden"],
            plan=Plan.from_dict(value["plan"]),
            program=value["program"],
            provenance=value["data"]["provenance"],
            queries=value["data"].get("queries"),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"Cannot read '{KEY}' in {store.uri}: {error!r}.",
            remedy="The object was damaged or is not ours; use another output.",
        ) from error


def need(store: Store) -> Record:
    """The record of an output; SpecError if there is none."""
    found = read(store)
    if found is None:
        raise SpecError(f"There is no Training in {store.uri}: it has no '{KEY}'.", remedy="Check the output's URI.")
    return found


def continued(store: Store, found: Record, training: Training) -> None:
    """Whether a declaration may go on with this output. OutputOwned, or SpecChanged that shows what differs."""
    changed(store, found.training, training)


__all__ = ["KEY", "ROWS", "Record", "continued", "need", "read"]
