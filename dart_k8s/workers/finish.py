"""From a closed run to its data set: what the curation needs of the state, glued."""

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dart_k8s import __version__
from dart_k8s.api import Synthesis, template, to_dict
from dart_k8s.budget.posterior import Prior
from dart_k8s.budget.stops import Stop, current_targets
from dart_k8s.edges.store import Store, open_store
from dart_k8s.errors import RunError
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET
from dart_k8s.ledger.state import BudgetState, Phase

from . import record
from .access import Tell, silent
from .curate.assemble import Assembled, Known, assemble
from .curate.card import About
from .curate.compact import compact
from .curate.decontaminate import Item, Pair
from .curate.pool import PassedOver, PoolSource, Provenance, SealedAttempt
from .curate.select import rule_for
from .opening import open_rows
from .record import RunRecord
from .snapshot import Snapshot
from .translate import goal_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A finished run, opened for curation."""

    store: Store
    record: RunRecord
    state: BudgetState
    queries: Snapshot

    @property
    def known(self) -> pa.Table:
        """Per query in query order: p, status, target, and the counts."""
        table = self.state.table
        return pa.table(
            {
                "p": Prior.of(self.state.weights).mean(table.correct, table.trials),
                "status": [Stop(int(reason)).name.lower() for reason in table.reason],
                "target": table.target,
                "n": table.trials,
                "s": table.correct,
                "distinct": table.distinct,
            }
        )

    def pool(self, name: str) -> PoolSource:
        """Its sealed pool as a source of rows."""
        synthesis = self.record.synthesis
        spec = synthesis.spec
        model = spec.model.uri if spec.model is not None else spec.engine.model or spec.engine.kind
        revision = f"@{self.record.model_revision}" if self.record.model_revision else ""
        sampling = {
            "temperature": spec.sampling.temperature,
            "topP": spec.sampling.top_p,
            "maxTokens": spec.sampling.max_tokens,
        }
        return PoolSource(
            name=name,
            store=self.store,
            provenance=Provenance(
                engine=f"{spec.engine.kind} {model}{revision}",
                template=template(spec.prompt, spec.engine.api).name,
                sampling=json.dumps(sampling, sort_keys=True),
                verifier=self.state.verifier,
            ),
        )


def open_closed(uri: str) -> Closed:
    """A finished run by its output's URI; RunError if it is not finished, SpecError if there is none."""
    store = open_store(uri)
    found = record.need(store)
    current = state.decode(store.get(BUDGET).data)
    if current.phase is not Phase.CLOSED:
        raise RunError(
            f"The run in {uri} is not finished: its phase is {current.phase.value}.",
            remedy="Finish it with `dart run FILE`, or watch it with `dart status`.",
        )
    return Closed(store=store, record=found, state=current, queries=Snapshot.load(store))


def compacted(uri: str, *, tell: Tell = silent) -> Closed:
    """A finished run with its pool made whole: every response with its verdict, in launch order."""
    closed = open_closed(uri)
    tell("step", step="compacting the pool", where=uri)
    compact(
        closed.store,
        sealed_attempts(closed.state),
        closed.queries.table,
        posterior=closed.known["p"].to_pylist(),
    )
    return closed


def finish(uri: str, *, declared: Synthesis | None = None, command: str, tell: Tell = silent) -> Assembled:
    """Compact the pool and write the data set, card, statistics and figures of a finished run.

    `declared` overrides the curation and, for another data set from the same pool, the strategy.
    """
    closed = compacted(uri, tell=tell)
    tell("step", step="writing the data set", where=uri)
    return write_dataset(closed, declared or closed.record.synthesis, command=command)


def write_dataset(
    closed: Closed, synthesis: Synthesis, *, command: str, dataset: str = "dataset/", report: str = "report/"
) -> Assembled:
    """A data set from the closed run's pool, and from the earlier pools it started from, by the strategy declared."""
    spec = synthesis.spec
    earlier = [open_closed(pool).pool(_short(pool)) for pool in closed.record.synthesis.spec.pool.from_]
    known = closed.known
    own = closed.record.synthesis.spec.strategy
    target = known["target"].to_numpy()
    if spec.strategy != own and spec.strategy.kind != "vanilla":
        rates = closed.queries.fixed_rates
        rate = np.where(np.isnan(rates), known["p"].to_numpy(), rates)
        goal = goal_of(synthesis)
        target = current_targets(goal, rate, closed.queries.own_targets)
    rule = rule_for(
        spec.strategy.kind,
        target=[int(wanted) for wanted in target],
        trials=spec.strategy.trials or 0,
        distinct=spec.curation.deduplicate != "none",
    )
    items = []
    if spec.curation.decontaminate.mode != "off":
        for uri in spec.curation.decontaminate.against:
            for number, row in enumerate(open_rows(uri), start=1):
                texts = [value for value in row.values() if isinstance(value, str)]
                items += [Item(benchmark=uri, id=str(number), text=text) for text in texts]
    return assemble(
        closed.store,
        [*earlier, closed.pool(synthesis.metadata.name)],
        closed.queries.table,
        Known.of(known),
        rule,
        spec.curation,
        about(closed, synthesis, command),
        benchmark=items,
        pairs=[Pair(**pair) for pair in closed.record.contamination],
        dataset_prefix=dataset,
        report_prefix=report,
    )


def about(closed: Closed, synthesis: Synthesis, command: str) -> About:
    """What the card says of how the data set came to be."""
    versions = {
        "dart-k8s": closed.record.program,
        "verifier": closed.state.verifier,
        "curated by dart-k8s": __version__,
    }
    if closed.record.model_revision:
        versions["model"] = closed.record.model_revision
    for source in closed.record.sources:
        versions[f"queries {source.name}"] = source.revision
    notes = [f"Left out: {sentence}" for source in closed.record.sources for sentence in source.left_out]
    notes += list(closed.record.warnings)
    if closed.state.totals.late:
        notes.append(f"{closed.state.totals.late} objects came after the run was sealed and are not counted.")
    return About(
        name=synthesis.metadata.name, spec=to_dict(synthesis), versions=versions, command=command, notes=tuple(notes)
    )


def sealed_attempts(current: BudgetState) -> list[SealedAttempt]:
    """Exactly the segments that the sealed state counts, attempts in launch order."""
    passed: dict[int, list[PassedOver]] = {}
    rows = current.passed
    columns = (rows.writer, rows.sequence, rows.attempt, rows.query, rows.place)
    for writer, sequence, attempt, query, place in zip(*(column.tolist() for column in columns), strict=True):
        passed.setdefault(writer, []).append(PassedOver(sequence, current.attempts[attempt], query, place))
    return [
        SealedAttempt(
            name=name,
            order=order,
            segments=int(current.cursor[order]),
            generation=current.generation if order < current.rejudged else 0,
            passed=tuple(passed.get(order, ())),
        )
        for order, name in enumerate(current.attempts)
        if current.cursor[order]
    ]


def _short(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2]
