"""Prepare: check everything that needs data or credentials, pin revisions, and write the run's first objects.

Nothing is written before every check has passed, and what is written comes in an order in which each step can be
repeated: the snapshot, the first budget state, and last the record, which says that the output is prepared.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dart_k8s.api import QuerySource, Synthesis, digest, to_dict
from dart_k8s.budget.strategies import Goal
from dart_k8s.edges.engine.vllm_arguments import declared_arguments, engine_arguments
from dart_k8s.edges.execution.base import Standing
from dart_k8s.edges.hub import ModelFolder
from dart_k8s.edges.store import Store, open_store, probe
from dart_k8s.errors import (
    Conflict,
    DataError,
    EngineError,
    EngineUnavailable,
    ExecutionError,
    OutputNotEmpty,
    SpecError,
)
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET, LOGS, OWNER, QUERIES, RUN
from dart_k8s.ledger.state import BudgetState, Phase
from dart_k8s.reconcile.findings import Doing

from . import earlier, record, snapshot
from .access import Tell, silent
from .curate.decontaminate import Item, Pair, contaminated
from .draft import wants_more
from .opening import open_model, open_rows
from .owner import own
from .queries import Reading, fix_difficulty, read_queries
from .record import RunRecord
from .snapshot import Query, Snapshot
from .translate import engine_of, executor_of, goal_of, prompt_of, verifier_of

LONGEST = 2000
"""Prompts whose tokens are counted: the longest by characters. Tokens follow characters within one model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An output that is ready for samplers and a planner."""

    record: RunRecord
    model: ModelFolder | None
    closed: bool
    """Whether it is finished: nothing is left to sample."""


@dataclass(slots=True, kw_only=True)
class Prepare:
    """Prepares outputs. `cache` is where models are kept; `pending` are outputs that earlier documents will write."""

    cache: Path
    offline: bool = False
    tell: Tell = silent
    pending: frozenset[str] = frozenset()
    configmaps: Path | None = None
    """In a pod: where ConfigMaps with queries lie, as NAME/KEY."""
    uid: str | None = None
    """In a pod: that of the Synthesis, for the output's owner."""
    connect: Callable[[str], Store] = open_store
    """From an output's URI to its store."""
    doing: Doing = Doing.STARTING
    """What is being done now: it says what an error is about."""
    _told: set[str] = field(default_factory=set)

    def check(self, synthesis: Synthesis) -> None:
        """All checks, nothing written: what `dart run` does for every document before the first one starts."""
        store = self.connect(synthesis.spec.output.uri)
        found = record.read(store)
        if found is not None:
            record.continued(store, found[0], synthesis)
            return
        self._build(synthesis, store, bring=False)

    def prepare(self, synthesis: Synthesis) -> Prepared:
        """Make the output ready; goes on with one that is. Raises SpecError, DataError, StoreError, EngineError."""
        self.doing = Doing.OUTPUT
        store = self.connect(synthesis.spec.output.uri)
        found = record.read(store)
        if found is not None:
            record.continued(store, found[0], synthesis)
            own(store, synthesis, self.uid)
        model = self._model(synthesis, None if found is None else found[0].model_revision)
        self.doing = Doing.OUTPUT
        if found is not None:
            went_on = record.go_on(store, found[0], found[1], synthesis)
            return Prepared(record=went_on, model=model, closed=_still_closed(store, goal_of(synthesis)))
        made, queries, first = self._build(synthesis, store, bring=True)
        self.doing = Doing.OUTPUT
        own(store, synthesis, self.uid)
        # Checks take minutes where a model is fetched: meanwhile another process may have prepared the same declaration
        # and sample already. A state without a record is left from a prepare that was killed: nobody has built on it.
        left = store.head(BUDGET)
        again = record.read(store)
        if again is None:
            try:
                store.put(QUERIES, snapshot.encode(queries))
                if left is None:
                    store.put_if_absent(BUDGET, state.encode(first))
                else:
                    store.put_if_match(BUDGET, state.encode(first), left.etag)
                store.put_if_absent(RUN, record.encode(made))
                return Prepared(record=made, model=model, closed=False)
            except Conflict:
                again = record.read(store)
                if again is None:
                    raise
        went_on = record.go_on(store, *again, synthesis)
        return Prepared(record=went_on, model=model, closed=_still_closed(store, goal_of(synthesis)))

    def _build(self, synthesis: Synthesis, store: Store, *, bring: bool) -> tuple[RunRecord, list[Query], BudgetState]:
        self.doing = Doing.OUTPUT
        self.tell("step", step="checking the output", where=store.uri)
        _check_empty(store)
        probe(store)
        reading, pairs = self.read(synthesis)
        queries = reading.queries
        model, warnings = self.engine(synthesis, queries)
        version = verifier_of(synthesis).version
        first = BudgetState.empty(len(queries), verifier=version)
        made = RunRecord(
            declaration=to_dict(synthesis),
            digest=digest(synthesis),
            queries=len(queries),
            sources=tuple(reading.sources),
            model_revision=None if model is None else model.revision,
            verifier=version,
            contamination=tuple(_pair(pair) for pair in pairs),
            warnings=tuple(warnings),
        )
        self.doing = Doing.QUERIES
        uris = synthesis.spec.pool.from_
        for uri in uris:
            if bring or uri not in self.pending:
                self.tell("step", step="reading the earlier pool", where=uri)
                first, brought = earlier.bring(first, open_store(uri), uri, queries, made)
                made = replace(made, pools=(*made.pools, brought))
        return made, queries, first

    def read(self, synthesis: Synthesis) -> tuple[Reading, list[Pair]]:
        """The queries as a run would have them, and their overlaps with benchmarks. Reads the sources, nothing else."""
        self.doing = Doing.QUERIES
        self.tell("step", step="reading the queries")
        reading = read_queries(synthesis.spec.queries, self._rows, progress=self._reading)
        difficulty = synthesis.spec.strategy.difficulty
        if difficulty is not None:
            rows = open_rows(difficulty.uri)
            reading.queries = fix_difficulty(
                reading.queries, rows, id_field=difficulty.id, field_name=difficulty.field, uri=difficulty.uri
            )
        for source in reading.sources:
            self._left_out(source.name, source.left_out)
        pairs, reading.queries = self._decontaminate(synthesis, reading.queries)
        return reading, pairs

    def _left_out(self, what: str, sentences: Sequence[str]) -> None:
        """Name what is left out, once: `dart run` checks a declaration before it prepares it."""
        new = [sentence for sentence in sentences if sentence not in self._told]
        self._told.update(new)
        if new:
            self.tell("left-out", what=what, sentences=new)

    def engine(self, synthesis: Synthesis, queries: Sequence[Query]) -> tuple[ModelFolder | None, list[str]]:
        """Check that the engine can serve the queries; the model's folder (vllm) and warnings.

        SpecError: what the engine refuses now it would refuse in every sampler. EngineUnavailable: no answer.
        """
        self.tell("step", step="checking the model")
        try:
            self.doing = Doing.ENGINE
            if synthesis.spec.engine.kind == "vllm":
                engine_arguments(synthesis.spec.engine.args, declared_arguments())
            model = self._model(synthesis, None)
            self.doing = Doing.ENGINE
            self._check_prompts(synthesis, model, queries)
            warnings = self._probe_engine(synthesis)
            return model, [*warnings, *self._try_sandbox(synthesis)]
        except EngineUnavailable:
            raise
        except EngineError as error:
            name = synthesis.metadata.name
            raise SpecError(f"Cannot sample Synthesis '{name}': {error.message}", remedy=error.remedy) from error

    def _reading(self, name: str, rows: int) -> None:
        self.tell("step", step="reading the queries", where=name, rows=rows)

    def _rows(self, source: QuerySource) -> Any:
        if source.config_map is not None and self.configmaps is not None:
            path = self.configmaps / source.config_map.name / source.config_map.key
            return open_rows(str(path), where=dict(source.where))
        if source.uri is None:
            raise SpecError(
                f"Cannot read the source '{source.name}': a ConfigMap exists in a cluster only.",
                remedy="Give a uri for a run on one machine.",
            )
        return open_rows(
            source.uri,
            subset=source.subset,
            split=source.split,
            revision=source.revision,
            where=dict(source.where),
        )

    def _model(self, synthesis: Synthesis, revision: str | None) -> ModelFolder | None:
        spec = synthesis.spec
        if spec.model is None or spec.engine.kind != "vllm":
            return None
        self.doing = Doing.MODEL
        return open_model(spec.model.uri, revision or spec.model.revision, cache=self.cache, offline=self.offline)

    def _check_prompts(self, synthesis: Synthesis, model: ModelFolder | None, queries: Sequence[Query]) -> None:
        """SpecError for a prompt that leaves no room in the context."""
        if model is None:
            return
        from dart_k8s.edges.engine.tokenizer import PromptCounter

        spec = synthesis.spec
        trust = spec.model is not None and spec.model.trust_remote_code
        counter = PromptCounter(model.path, trust_remote_code=trust)
        given = {name.replace("_", "").lower(): value for name, value in spec.engine.args.items()}
        context = int(str(given["maxmodellen"])) if "maxmodellen" in given else counter.context
        if context is None:
            return
        longest = sorted(queries, key=lambda q: len(q.query), reverse=True)[:LONGEST]
        over = []
        for query in longest:
            tokens = counter.count(prompt_of(synthesis, query.query))
            if tokens + spec.sampling.max_tokens > context:
                over.append((query.id, tokens))
        if over:
            shown = ", ".join(f"'{name}' ({tokens})" for name, tokens in over[:5])
            raise SpecError(
                f"Cannot sample Synthesis '{synthesis.metadata.name}': with {spec.sampling.max_tokens} tokens for the "
                f"response, {len(over)} prompts exceed the model's context of {context} tokens: {shown}.",
                remedy="Lower spec.sampling.maxTokens, shorten the template, or leave the queries out with `where`.",
            )

    def _probe_engine(self, synthesis: Synthesis) -> list[str]:
        """Ask an endpoint for one token, so that a wrong address or model is found now; its warnings."""
        if synthesis.spec.engine.kind == "vllm":
            return []
        self.tell("step", step="asking the endpoint", where=synthesis.spec.engine.base_url or "")

        async def ask() -> None:
            engine = engine_of(synthesis, model=None, seed=0)
            try:
                await engine.start()
            finally:
                await engine.close()

        asyncio.run(ask())
        return []

    def _try_sandbox(self, synthesis: Synthesis) -> list[str]:
        """Try to break out of what will confine code of responses; warnings. SpecError if that can't be had here."""
        executor = executor_of(synthesis)
        # In a cluster code runs in verification pods, which try their sandbox themselves and do not run yet.
        if executor is None or self.configmaps is not None:
            return []
        self.tell("step", step="trying the sandbox for code")

        async def attempt() -> Standing:
            try:
                return await executor.start()
            finally:
                await executor.close()

        try:
            standing = asyncio.run(attempt())
        except ExecutionError as error:
            raise SpecError(
                f"Cannot sample Synthesis '{synthesis.metadata.name}' with prompt.template tool-integrated: "
                f"{error.message}",
                remedy=error.remedy,
            ) from error
        self.tell("confinement", **asdict(standing))
        if not standing.missing:
            return []
        return [f"Code of responses was run although it could not be kept from: {', '.join(standing.missing)}."]

    def _decontaminate(self, synthesis: Synthesis, queries: list[Query]) -> tuple[list[Pair], list[Query]]:
        settings = synthesis.spec.curation.decontaminate
        if settings.mode == "off" or not settings.against:
            return [], queries
        self.tell("step", step="comparing with benchmarks")
        items: list[Item] = []
        for uri in settings.against:
            for number, row in enumerate(open_rows(uri), start=1):
                items.append(
                    Item(benchmark=uri, id=str(number), text=_benchmark_text(uri, number, row, settings.field))
                )
        pairs = contaminated([(q.id, q.query) for q in queries], items)
        if settings.mode != "exclude" or not pairs:
            return pairs, queries
        hit = {pair.query_id for pair in pairs}
        self._left_out("overlaps with benchmarks", [f"{p.query_id}: {p.benchmark}, item {p.item_id}" for p in pairs])
        kept = [q for q in queries if q.id not in hit]
        if not kept:
            raise DataError(
                f"All {len(queries)} queries overlap with the benchmarks in spec.curation.decontaminate.against.",
                remedy="Are the benchmark files the queries themselves? Or set mode: report.",
            )
        return pairs, kept


def _still_closed(store: Store, goal: Goal) -> bool:
    """Whether a run is finished by the declaration as it is now; one that is not any more is opened again."""
    blob = store.get(BUDGET)
    current = state.decode(blob.data)
    if current.phase is not Phase.CLOSED:
        return False
    snapshot_ = Snapshot.load(store)
    if not wants_more(current, goal, snapshot_.own_targets, snapshot_.fixed_rates):
        return True
    store.put_if_match(BUDGET, state.encode(replace(current, phase=Phase.SAMPLING)), blob.etag)
    return False


def _check_empty(store: Store) -> None:
    """OutputNotEmpty if it holds objects that no run of ours wrote: nothing of the user's is ever mixed or lost.

    Without a record there can only be what a prepare writes before it, or left of its probe when it was killed, and
    what it logged.
    """
    ours = (OWNER, QUERIES, BUDGET)
    keys = (entry.key for entry in store.list())
    foreign = next((key for key in keys if key not in ours and not key.startswith(("state/probe-", LOGS))), None)
    if foreign is not None and store.head(RUN) is None:
        raise OutputNotEmpty(
            f"Cannot use {store.uri} as output: it holds '{foreign}', which no run wrote.",
            remedy="Use an empty folder or prefix.",
        )


def _benchmark_text(uri: str, number: int, row: Any, name: str | None) -> str:
    for field_name in [name] if name else ["problem", "question", "query", "Question", "input", "prompt"]:
        if isinstance(row.get(field_name), str):
            return str(row[field_name])
    raise DataError(
        f"Cannot compare with the benchmark {uri}: row {number} has no text '{name or 'problem, question, query ...'}' "
        f"(it has {', '.join(map(repr, row))}).",
        remedy="Name the column in spec.curation.decontaminate.field.",
    )


def _pair(pair: Pair) -> dict[str, Any]:
    return {name: getattr(pair, name) for name in type(pair).__slots__}


__all__ = ["Prepare", "Prepared"]
