"""What went into a model: from its place to the Training that made it, and on to the Synthesis that made its rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dart_k8s.edges.store import open_store
from dart_k8s.errors import DartError, NotFound
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET, REPORT
from dart_k8s.scores.comparing import Cost
from dart_k8s.workers import record

TRAINING, TRAINED = "state/training.json", "report/training.json"
MODEL = "/model"
DATASET, STATISTICS = "dataset", "statistics.json"
"""Of a set that was curated into NAME they are dataset-NAME/ and report-NAME/statistics.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """See the module."""

    cost: Cost = field(default_factory=Cost)
    base: str = ""
    """The place of the base model, of one that a Training made."""
    notes: tuple[str, ...] = ()
    """What could not be followed, in words."""


def follow(model: str | None) -> Provenance:
    """What is known of a model by its place. Never raises: what can't be read is a note."""
    if model is None or not model.rstrip("/").endswith(MODEL):
        return Provenance()
    output = model.rstrip("/").removesuffix(MODEL)
    try:
        store = open_store(output)
        prepared = _json(store.get(TRAINING).data)
        plan, spec, data = prepared["plan"], prepared["declaration"]["spec"], prepared.get("data", {})
    except (DartError, ValueError, KeyError, TypeError) as error:
        return Provenance(notes=(f"the Training in {output} can't be read: {error}",))
    cost = Cost(rows=plan.get("rows"), queries=data.get("queries"), tokens=plan.get("tokens"), steps=plan.get("steps"))
    notes = []
    try:
        report = _json(store.get(TRAINED).data)
        hours = report["busySeconds"] * report["processes"] / 3600.0
        cost = replace(cost, training_hours=hours)
    except (DartError, ValueError, KeyError, TypeError) as error:
        notes.append(f"the report of the Training in {output} can't be read: {error}")
    cost, found = _data(cost, str(spec.get("data", {}).get("uri", "")), cut=_cut(plan, spec))
    return Provenance(cost=cost, base=str(spec.get("model", {}).get("uri", "")), notes=(*notes, *found))


def _cut(plan: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Whether fewer rows were trained on than the data set has."""
    return bool(plan.get("droppedRows")) or spec.get("data", {}).get("rows") is not None


def _data(cost: Cost, uri: str, *, cut: bool) -> tuple[Cost, list[str]]:
    """The same with what the Synthesis of the data set spent."""
    output, _, folder = uri.rstrip("/").rpartition("/")
    if not folder.startswith(DATASET):
        return cost, []
    try:
        store = open_store(output)
        found = record.read(store)
        if found is None:
            return cost, []
        current = state.decode(store.get(BUDGET).data)
        hours = current.totals.held_seconds * _gpus(found[0].synthesis.spec.engine.args) / 3600.0
        cost = replace(cost, trials=int(current.spent().sum()), sampling_hours=hours)
        try:
            statistics = _json(store.get(f"{REPORT.rstrip('/')}{folder.removeprefix(DATASET)}/{STATISTICS}").data)
        except NotFound:
            return cost, []
        # Trials of an earlier pool count as well as its own: the set rests on all of them.
        notes = []
        if statistics["trials"] > (cost.trials or 0):
            own = f"of the {statistics['trials']:,} trials of {uri} its own run made {cost.trials:,}"
            notes = [f"{own}: the GPU-hours of the others are with the earlier pools"]
        cost = replace(cost, trials=statistics["trials"])
        if cost.queries is None and not cut:
            cost = replace(cost, queries=statistics["queries"] - statistics["queriesWithoutRow"])
        return cost, notes
    except (DartError, ValueError, KeyError, TypeError) as error:
        return cost, [f"the Synthesis in {output} can't be read: {error}"]


def _gpus(args: Mapping[str, Any]) -> int:
    """GPUs of one engine."""
    given = {name.replace("-", "_"): value for name, value in args.items()}
    count = 1
    for name in ("tensor_parallel_size", "pipeline_parallel_size"):
        value = given.get(name, 1)
        count *= int(value) if isinstance(value, (int, float)) else 1
    return count


def _json(data: bytes) -> Any:
    return json.loads(data)


__all__ = ["Provenance", "follow"]
