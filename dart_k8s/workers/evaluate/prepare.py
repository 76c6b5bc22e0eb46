"""Prepare an Evaluation: read benchmarks and model, build the prompts, and write what its passes sample from.

Nothing is written before every check has passed. Items and prompts come first, the record last: it says that the output
is prepared, and each step can be repeated.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from dart_k8s.api import Evaluation, Synthesis, digest, template, to_dict
from dart_k8s.api.passes import ITEMS
from dart_k8s.benchmarks import stops
from dart_k8s.edges.hub import ModelFolder
from dart_k8s.edges.store import Store, open_store, probe
from dart_k8s.errors import Conflict, OutputNotEmpty, SpecError
from dart_k8s.ledger.keys import LOGS, OWNER
from dart_k8s.reconcile.findings import Doing
from dart_k8s.workers.access import Tell, silent
from dart_k8s.workers.benchmarks import Loaded, load
from dart_k8s.workers.opening import open_model
from dart_k8s.workers.owner import own

from . import problems, record
from .problems import PROBLEMS, Problems
from .record import EVALUATION, BenchmarkRecord, EvaluationRecord
from .templates import template_of, with_stops

LONGEST_NAME = 56
"""Of an Evaluation: its passes' names have seven characters more, and 63 at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An output whose passes can be sampled."""

    record: EvaluationRecord
    passes: tuple[Synthesis, ...]


@dataclass(slots=True, kw_only=True)
class PrepareEvaluation:
    """Prepares outputs. `cache` is where models are kept."""

    cache: Path
    offline: bool = False
    tell: Tell = silent
    uid: str | None = None
    """In a pod: that of the Evaluation, for the output's owner."""
    connect: Callable[[str], Store] = open_store
    doing: Doing = Doing.STARTING
    """What is being done now: it says what an error is about."""
    _loaded: dict[str, Loaded] = field(default_factory=dict)

    def check(self, evaluation: Evaluation) -> None:
        """All checks that need no Training's model, nothing written: for documents that come after others."""
        self.doing = Doing.OUTPUT
        store = self.connect(evaluation.spec.output.uri)
        found = record.read(store)
        if found is not None:
            record.continued(store, found[0], evaluation)
            return
        _check_empty(store)
        self._benchmarks(evaluation)

    def prepare(self, evaluation: Evaluation) -> Prepared:
        """Make the output ready; goes on with one that is. Raises SpecError, DataError, StoreError."""
        self.doing = Doing.OUTPUT
        store = self.connect(evaluation.spec.output.uri)
        self.tell("step", step="checking the output", where=store.uri)
        found = record.read(store)
        if found is not None:
            went_on = self._go_on(store, *found, evaluation)
            own(store, evaluation, self.uid)
            return _prepared(went_on)
        _check_empty(store)
        probe(store)
        made, items, prompts = self._build(evaluation)
        prepared = _prepared(made)
        self.doing = Doing.OUTPUT
        own(store, evaluation, self.uid)
        # Reading takes minutes where a hub is asked: meanwhile another process may have prepared the same declaration.
        again = record.read(store)
        if again is None:
            problems.write(store, items, prompts)
            try:
                store.put_if_absent(EVALUATION, record.encode(made))
                return prepared
            except Conflict:
                again = record.read(store)
                if again is None:
                    raise
        return _prepared(self._go_on(store, *again, evaluation))

    def _go_on(self, store: Store, found: EvaluationRecord, etag: str, evaluation: Evaluation) -> EvaluationRecord:
        went_on = record.continued(store, found, evaluation)
        if went_on is not found:
            store.put_if_match(EVALUATION, record.encode(went_on), etag)
        return went_on

    def _build(self, evaluation: Evaluation) -> tuple[EvaluationRecord, Problems, list[dict[str, str]]]:
        name = evaluation.metadata.name
        if len(name) > LONGEST_NAME:
            raise SpecError(
                f"Cannot evaluate under the name '{name}': it has {len(name)} characters, and its passes are named "
                "NAME-greedy and NAME-trials.",
                remedy=f"Give it at most {LONGEST_NAME}.",
            )
        place, folder = self._model(evaluation)
        prompt, origin = template_of(evaluation, model=place, folder=None if folder is None else folder.path)
        used = template(prompt, evaluation.spec.engine.api)
        loaded = self._benchmarks(evaluation)
        shots = max((len(one.examples) for one in loaded), default=0)
        prompt = with_stops(prompt, stops(shots, used))
        items, prompts = problems.problems_of(loaded, used)
        made = EvaluationRecord(
            declaration=to_dict(evaluation),
            digest=digest(evaluation),
            model=place,
            revision=folder.revision if folder is not None and (place or "").startswith("hf://") else None,
            prompt=prompt.plain(),
            template_from=origin,
            benchmarks=tuple(_noted(one) for one in loaded),
            items=len(items.items),
            prompts=len(prompts),
        )
        return made, items, prompts

    def _benchmarks(self, evaluation: Evaluation) -> list[Loaded]:
        self.doing = Doing.QUERIES
        for declared in evaluation.spec.benchmarks:
            if declared.name not in self._loaded:
                self.tell("step", step="reading the benchmark", where=declared.name)
                self._loaded[declared.name] = load(declared)
        return [self._loaded[declared.name] for declared in evaluation.spec.benchmarks]

    def _model(self, evaluation: Evaluation) -> tuple[str | None, ModelFolder | None]:
        """The model's place, and its files where the engine needs them."""
        declared = evaluation.spec.model
        if declared is None:
            return None, None
        place = declared.uri
        if place is None and evaluation.spec.engine.kind == "vllm":
            raise SpecError(
                f"Cannot evaluate '{evaluation.metadata.name}': the model of Training '{declared.from_training}' is "
                "not there.",
                remedy="Put the Training into the same file, or name the model in spec.model.uri.",
            )
        if place is None or evaluation.spec.engine.kind != "vllm":
            return place, None
        self.doing = Doing.MODEL
        self.tell("step", step="checking the model", where=place)
        return place, open_model(place, declared.revision, cache=self.cache, offline=self.offline)


def _prepared(made: EvaluationRecord) -> Prepared:
    try:
        return Prepared(record=made, passes=tuple(made.passes()))
    except ValidationError as error:
        name = made.declaration["metadata"]["name"]
        says = "; ".join(str(one["msg"]).removeprefix("Value error, ") for one in error.errors())
        raise SpecError(
            f"Cannot evaluate '{name}' with the template from the {made.template_from}: {says}.",
            remedy="Set spec.prompt or spec.engine.api.",
        ) from error


def _noted(one: Loaded) -> BenchmarkRecord:
    return BenchmarkRecord(
        name=one.benchmark.name,
        title=one.benchmark.title,
        uri=one.uri,
        revision=one.revision,
        items=len(one.items),
        of=one.of,
        shots=len(one.examples),
        rule=one.benchmark.rule,
        notes=one.notes,
    )


def _check_empty(store: Store) -> None:
    """OutputNotEmpty if it holds objects that no Evaluation wrote."""
    mine = (OWNER, ITEMS, PROBLEMS, EVALUATION)
    keys = (entry.key for entry in store.list())
    foreign = next((key for key in keys if key not in mine and not key.startswith(("state/probe-", LOGS))), None)
    if foreign is not None:
        raise OutputNotEmpty(
            f"Cannot use {store.uri} as output: it holds '{foreign}', which no Evaluation wrote.",
            remedy="Use an empty folder or prefix.",
        )


__all__ = ["PrepareEvaluation", "Prepared"]
