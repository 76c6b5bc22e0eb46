"""What `budget.forecast` needs to know of a declaration before it runs, and of a run at any time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dart_k8s import answers
from dart_k8s.api import Synthesis, digest, to_dict
from dart_k8s.budget.forecast import Forecast, forecast
from dart_k8s.budget.planning import Counts
from dart_k8s.budget.posterior import Floats, Ints, Prior, fit
from dart_k8s.budget.stops import Stop
from dart_k8s.edges.store import open_store
from dart_k8s.errors import DataError
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET
from dart_k8s.ledger.state import BudgetState

from . import earlier, record
from .opening import open_rows
from .prepare import Prepare
from .record import RunRecord
from .snapshot import Query, Snapshot
from .translate import goal_of

NOT_BEGUN = "not begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user adds to a forecast."""

    tokens_per_trial: float | None = None
    """None: as in the trials that were made."""
    tokens_per_second: float | None = None
    """Of one GPU; None: no GPU-hours."""
    like: str | None = None
    """An output or a query-info file: how other queries of the same kind did under the same model."""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A forecast, and what it stands on."""

    name: str
    output: str
    phase: str
    """Of the run, or `NOT_BEGUN`."""
    basis: str
    """What is known of pass rates, as a sentence."""
    tokens_per_trial: float
    tokens_basis: str
    """Where that comes from, as a sentence."""
    forecast: Forecast

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "output": self.output,
            "phase": self.phase,
            "basis": self.basis,
            "tokensPerTrial": self.tokens_per_trial,
            "tokensBasis": self.tokens_basis,
            **self.forecast.to_json(),
        }


def of_declaration(synthesis: Synthesis, prepare: Prepare, asked: Asked) -> Outlook:
    """The forecast of a declaration: of its run if that has begun, else from its queries.

    Nothing is written. Raises what `Prepare.read` raises; SpecError if the run may not go on under this declaration.
    """
    store = open_store(synthesis.spec.output.uri)
    found = record.read(store)
    if found is not None:
        return _under_way(record.continued(store, found[0], synthesis).synthesis, asked)
    reading, _ = prepare.read(synthesis)
    queries = reading.queries
    first = BudgetState.empty(len(queries), verifier=answers.VERSION)
    said, tokens = [], None
    for uri in synthesis.spec.pool.from_:
        if uri in prepare.pending:
            said.append(f"the pool of {uri} does not exist yet and is left out")
            continue
        theirs = open_store(uri)
        first, brought = earlier.bring(first, theirs, uri, queries, _as_if_made(synthesis, record.need(theirs)))
        if brought["counts_towards_pass_rates"]:
            said.append(f"{brought['trials']} trials of these queries in {uri}")
            tokens = tokens or _mean_tokens(state.decode(theirs.get(BUDGET).data))
        else:
            said.append(f"{brought['correct']} rows in {uri}, made in another way")
    own, rates = _arrays(queries)
    return _outlook(synthesis, NOT_BEGUN, first, own, rates, said, tokens, asked)


def of_output(uri: str, asked: Asked) -> Outlook:
    """The forecast of a run by its output's URI; SpecError if there is none."""
    return _under_way(record.need(open_store(uri)).synthesis, asked, uri)


def _under_way(synthesis: Synthesis, asked: Asked, uri: str = "") -> Outlook:
    store = open_store(uri or synthesis.spec.output.uri)
    current = state.decode(store.get(BUDGET).data)
    snapshot = Snapshot.load(store)
    spent = int(current.spent().sum())
    said = [f"{spent} trials of this run"]
    if brought := int(current.table.earlier_trials.sum()):
        said.append(f"{brought} of earlier pools")
    return _outlook(
        synthesis, current.phase.value, current, snapshot.own_targets, snapshot.fixed_rates, said,
        _mean_tokens(current), asked,
    )  # fmt: skip


def _outlook(
    synthesis: Synthesis,
    phase: str,
    current: BudgetState,
    own: Ints,
    rates: Floats,
    said: list[str],
    tokens: float | None,
    asked: Asked,
) -> Outlook:
    table = current.table
    prior = Prior.of(current.weights)
    if table.trials.any():
        prior = fit(table.correct, table.trials, start=prior)
    known = None
    if asked.like is not None:
        known, tokens_like = _alike(asked.like)
        tokens = tokens or tokens_like
        said = [*said, f"{int(known[1].sum())} trials of {known[1].size} queries in {asked.like}"]
    if not np.isnan(rates).any():
        said = ["pass rates fixed by spec.strategy.difficulty"]
    none = np.zeros(current.size, dtype=np.int64)
    counts = Counts(
        trials=table.trials,
        correct=table.correct,
        distinct=table.distinct,
        singles=table.singles,
        spent=current.spent(),
        live_need=none,
        live_trials=none,
        aside=(table.reason == Stop.SET_ASIDE).astype(np.int64),
        own=own,
        pass_rate=rates,
    )
    longest = synthesis.spec.sampling.max_tokens
    if asked.tokens_per_trial is not None:
        per_trial, basis = asked.tokens_per_trial, "as given"
    elif tokens is not None:
        per_trial, basis = tokens, "mean of the trials made"
    else:
        per_trial, basis = float(longest), "every response counted with maxTokens, the most it can be"
    return Outlook(
        name=synthesis.metadata.name,
        output=synthesis.spec.output.uri,
        phase=phase,
        basis=", ".join(said) or "no trial yet: all pass rates are possible, and the intervals say so",
        tokens_per_trial=per_trial,
        tokens_basis=basis,
        forecast=forecast(
            goal_of(synthesis),
            prior,
            counts,
            tokens_per_trial=per_trial,
            tokens_per_second=asked.tokens_per_second,
            known=known,
            seed=asked.seed,
        ),
    )


def _arrays(queries: Iterable[Query]) -> tuple[Ints, Floats]:
    """Own targets and fixed pass rates, shape (Q,) each."""
    listed = list(queries)
    own = np.array([query.target or 0 for query in listed], dtype=np.int64)
    return own, np.array([np.nan if q.difficulty is None else q.difficulty for q in listed], dtype=np.float64)


def _mean_tokens(current: BudgetState) -> float | None:
    spent = int(current.spent().sum())
    return current.totals.tokens / spent if spent else None


def _as_if_made(synthesis: Synthesis, theirs: RunRecord) -> RunRecord:
    """The record that a run would have if its model is still at the earlier run's revision: a forecast fetches none."""
    wanted = synthesis.spec.model.revision if synthesis.spec.model is not None else None
    pinned = theirs.model_revision if wanted in (None, _declared_revision(theirs)) else wanted
    return replace(
        theirs, declaration=to_dict(synthesis), digest=digest(synthesis), model_revision=pinned, pools=(), sources=()
    )


def _declared_revision(theirs: RunRecord) -> str | None:
    model = theirs.synthesis.spec.model
    return model.revision if model is not None else None


def _alike(uri: str) -> tuple[tuple[Ints, Ints], float | None]:
    """(correct, trials) of other queries, and their tokens per trial if known."""
    if not uri.endswith((".jsonl", ".json", ".parquet", ".gz", ".zst", ".ndjson", ".pq")):
        store = open_store(uri)
        record.need(store)
        current = state.decode(store.get(BUDGET).data)
        return (current.table.correct, current.table.trials), _mean_tokens(current)
    rows: list[Mapping[str, Any]] = list(open_rows(uri))
    try:
        correct = np.array([int(row["tot_n_corrects"]) for row in rows], dtype=np.int64)
        trials = np.array([int(row["tot_n_samples"]) for row in rows], dtype=np.int64)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"Cannot read counts from {uri}: it needs whole numbers in tot_n_samples and tot_n_corrects ({error}).",
            remedy="Give a query-info file, or the output of a run.",
        ) from error
    if (correct < 0).any() or (correct > trials).any():
        raise DataError(f"Cannot use the counts in {uri}: tot_n_corrects must lie between 0 and tot_n_samples.")
    return (correct, trials), None
