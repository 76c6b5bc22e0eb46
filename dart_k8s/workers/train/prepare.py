"""Prepare a Training: check all that needs data or credentials, tokenise, plan, and write the first objects."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dart_k8s.api import Training, digest, to_dict
from dart_k8s.edges.hub import ModelFolder
from dart_k8s.edges.store import Store, open_store, probe
from dart_k8s.edges.training.tokenizing import StudentTokenizer
from dart_k8s.edges.training.weights import Shape, shape_of
from dart_k8s.errors import Conflict, OutputNotEmpty, SpecError
from dart_k8s.ledger.keys import LOGS, OWNER
from dart_k8s.reconcile.findings import Doing
from dart_k8s.training import student
from dart_k8s.training.division import divide
from dart_k8s.training.plan import plan
from dart_k8s.workers.access import Tell, silent
from dart_k8s.workers.opening import open_model, open_rows
from dart_k8s.workers.owner import own

from . import record, rows
from .record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An output that is ready, and the base model on this machine."""

    record: Record
    model: ModelFolder


@dataclass(slots=True, kw_only=True)
class PrepareTraining:
    """Prepares outputs of Trainings. `cache` is where models are kept."""

    cache: Path
    offline: bool = False
    tell: Tell = silent
    uid: str | None = None
    """In a pod: that of the Training, for the output's owner."""
    connect: Callable[[str], Store] = open_store
    processes: int | None = None
    """Ranks, where that is known; else as declared."""
    doing: Doing = Doing.STARTING
    """What is being done now: it says what an error is about."""

    def prepare(self, training: Training) -> Prepared:
        """Make the output ready; goes on with one that is. Raises SpecError, DataError, StoreError."""
        spec = training.spec
        self._check_division(training)
        self.doing = Doing.OUTPUT
        self.tell("step", step="checking the output", where=spec.output.uri)
        store = self.connect(spec.output.uri)
        found = record.read(store)
        if found is not None:
            record.continued(store, found, training)
            own(store, training, self.uid)
            return Prepared(record=found, model=self.model(training, found.model_revision))
        _check_empty(store)
        probe(store)
        model = self.model(training, None)
        made, data = self._build(training, model)
        self.doing = Doing.OUTPUT
        own(store, training, self.uid)
        store.put(record.ROWS, data)
        try:
            store.put_if_absent(record.KEY, made.encode())
        except Conflict:
            # Another process has prepared the same meanwhile: what it wrote counts.
            made = record.need(store)
            record.continued(store, made, training)
        return Prepared(record=made, model=model)

    def _check_division(self, training: Training) -> None:
        spec = training.spec
        processes = self.processes
        if processes is None and spec.processes_per_node is not None:
            processes = spec.nodes * spec.processes_per_node
        if processes is not None:
            divide(spec.optimisation.batch, processes, spec.optimisation.per_process)

    def model(self, training: Training, revision: str | None) -> ModelFolder:
        """The base model's folder."""
        spec = training.spec
        self.doing = Doing.MODEL
        self.tell("step", step="fetching the model", where=spec.model.uri)
        return open_model(spec.model.uri, revision or spec.model.revision, cache=self.cache, offline=self.offline)

    def _build(self, training: Training, model: ModelFolder) -> tuple[Record, bytes]:
        spec = training.spec
        self.doing = Doing.MODEL
        shape = shape_of(model.path)
        _check_context(training, shape)
        tokenizer = StudentTokenizer(model.path, trust_remote_code=spec.model.trust_remote_code)
        template = student.template_of(spec.prompt)
        student.check(template, tokenizer, spec.model.uri)
        self.doing = Doing.DATA
        uri = spec.data.uri or ""
        self.tell("step", step="reading the rows", where=uri)
        source = open_rows(uri, split=spec.data.split, revision=spec.data.revision)
        read = rows.read(source, training, template, tokenizer, uri=uri, progress=self._progress(uri))
        kept = rows.cut(read, training, uri)
        planned = plan(
            kept.lengths(),
            spec.optimisation,
            learnt=int(kept.learnt_tokens().sum()),
            dropped=read.count - read.size,
            parameters=shape.parameters,
        )
        made = Record(
            declaration=to_dict(training),
            digest=digest(training),
            model_revision=model.revision,
            data_revision=source.revision,
            parameters=shape.parameters,
            layers=shape.layers,
            hidden=shape.hidden,
            plan=planned,
            provenance={name: list(values) for name, values in read.provenance.items()},
            queries=len(set(kept.queries)),
        )
        return made, rows.encode(kept)

    def _progress(self, uri: str) -> Callable[[int], None]:
        return lambda count: self.tell("step", step="reading the rows", where=uri, rows=count)


def _check_context(training: Training, shape: Shape) -> None:
    length = training.spec.optimisation.length
    if shape.context is not None and length > shape.context:
        raise SpecError(
            f"Cannot train {training.spec.model.uri} on sequences of {length} tokens: its context is {shape.context}.",
            remedy=f"Use optimisation.length: {shape.context} or less.",
        )


def _check_empty(store: Store) -> None:
    """OutputNotEmpty if it holds what no prepare of a Training writes before the record."""
    mine = (OWNER, record.ROWS)
    keys = (entry.key for entry in store.list())
    foreign = next((key for key in keys if key not in mine and not key.startswith(("state/probe-", LOGS))), None)
    if foreign is not None:
        raise OutputNotEmpty(
            f"Cannot use {store.uri} as output: it holds '{foreign}', which no Training wrote.",
            remedy="Use an empty folder or prefix.",
        )


def student_files(training: Training, model: Path, folder: Path) -> None:
    """The tokenizer with the student's template, and `dart.json`, which says the template by name."""
    tokenizer = StudentTokenizer(model, trust_remote_code=training.spec.model.trust_remote_code)
    template = student.template_of(training.spec.prompt)
    folder.mkdir(parents=True, exist_ok=True)
    pad = student.pad_token(tokenizer.specials, *tokenizer.names) if tokenizer.pad is None else None
    tokenizer.save(folder, chat_template=student.chat_template(template, tokenizer), pad=pad)
    said = {
        "version": 1,
        "template": template.name,
        "prompt": template.user,
        "chat": template.chat,
        "stop": list(template.stop),
        "eos": tokenizer.names[0],
    }
    (folder / "dart.json").write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", "utf-8")


__all__ = ["PrepareTraining", "Prepared", "student_files"]
