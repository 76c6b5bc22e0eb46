"""One data set from sealed pools: rows, card, statistics, figures. The same input gives the same bytes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dart_k8s.api.curating import Curation
from dart_k8s.edges.store.base import Store
from dart_k8s.ledger import keys
from dart_k8s.scores.curves import Curve, reach, shared_trials

from . import figures
from .bands import Ints, deciles
from .card import About, card
from .database import DEFAULT_LIMITS, Limits
from .dataset import write_dataset
from .decontaminate import Item, Pair
from .opened import open_pools
from .pool import PoolSource
from .repeated import Repetition, Repetitions
from .select import Rule, Selection, near_report, select
from .statistics import Facts, Plain, statistics
from .suspects import suspects


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """A data set that was written."""

    keys: tuple[str, ...]
    """Its objects; the card is the last."""
    selection: Selection
    statistics: Plain
    trials: Ints
    """Counted trials in the pools per query."""
    chosen: Ints
    """Query number of each row, in the order of the data set; shape (rows,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the final state says of each query, in query order."""

    pass_rate: Sequence[float]
    """Posterior means."""
    status: Sequence[str] = ()
    """Why each query stopped."""
    coverage: Curve | None = None
    """Expected coverage from the posterior, beyond the trials that were made."""

    @classmethod
    def of(cls, state: pa.Table, *, coverage: Curve | None = None) -> "Known":
        """From the state's columns `p` and `status`."""
        return cls(pass_rate=state["p"].to_pylist(), status=state["status"].to_pylist(), coverage=coverage)


def assemble(
    output: Store,
    pools: Sequence[PoolSource],
    queries: pa.Table,
    known: Known,
    rule: Rule,
    curation: Curation,
    about: About,
    *,
    limits: Limits = DEFAULT_LIMITS,
    benchmark: Sequence[Item] = (),
    pairs: Sequence[Pair] = (),
    preview_near: bool = False,
    dataset_prefix: str = keys.DATASET,
    report_prefix: str = keys.REPORT,
) -> Assembled:
    """Write a data set, its card, statistics and figures.

    `pools` in order, earlier runs first. `benchmark` texts are looked for in responses; `pairs` is what decontamination
    found among the queries. `preview_near` says what removing near-duplicates would cost, without removing them.
    Raises DataError for a pool that is not whole, and StoreError.
    """
    pass_rate = np.asarray(known.pass_rate, dtype=np.float64)
    difficulty = 1.0 - pass_rate
    bands = deciles(difficulty)
    with open_pools(pools, queries["id"].to_pylist(), limits=limits) as opened:
        # The card is written last: without it a data set is not whole.
        output.delete(dataset_prefix + "README.md")
        selection = select(opened, rule, curation, pass_rate, bands)
        look_at = suspects(opened, queries, pass_rate)
        finder = Repetitions(benchmark) if benchmark else None
        repetitions: list[Repetition] = []

        def seen(query_id: str, trial: int, response: str) -> None:
            found = finder.find(query_id, trial, response) if finder else None
            if found is not None:
                repetitions.append(found)

        written = write_dataset(
            opened,
            output,
            queries,
            rows=selection.rows,
            difficulty=difficulty,
            flags=look_at.flags(queries.num_rows),
            prefix=dataset_prefix,
            seen=seen if finder else None,
        )
        trials = opened.trials()
        m = shared_trials(trials)
        facts = Facts(
            name=about.name,
            queries=queries,
            status=list(known.status),
            pass_rate=pass_rate,
            selection=selection,
            trials=trials,
            correct=opened.correct(),
            suspects=look_at,
            losses=selection.losses,
            near_preview=near_report(opened, curation.near, bands) if preview_near else None,
            pairs=pairs,
            repetitions=repetitions,
            reach=reach(trials, opened.first_correct(), opened.correct(within=m), m, posterior=known.coverage),
        )
    numbers = statistics(facts)
    drawn = _draw(facts)
    for name, (data, _) in drawn.items():
        output.put(f"{report_prefix}{name}.png", data)
        output.put(f"{dataset_prefix}figures/{name}.png", data)
    output.put(f"{report_prefix}statistics.json", _json(numbers))
    text = card(about, numbers, {f"figures/{name}.png": says for name, (_, says) in drawn.items()})
    output.put(dataset_prefix + "README.md", text.encode())
    return Assembled(
        keys=(
            *written,
            *(f"{report_prefix}{name}.png" for name in drawn),
            *(f"{dataset_prefix}figures/{name}.png" for name in drawn),
            f"{report_prefix}statistics.json",
            dataset_prefix + "README.md",
        ),
        selection=selection,
        statistics=numbers,
        trials=trials,
        chosen=np.repeat(np.arange(selection.per_query.size), selection.per_query),
    )


def _draw(facts: Facts) -> dict[str, tuple[bytes, str]]:
    """Figures by name with what they show."""
    strategy = facts.selection.rule.strategy
    difficulty = 1.0 - facts.pass_rate
    rows = figures.Series(name=strategy, values=facts.selection.per_query)
    trials = figures.Series(name=strategy, values=facts.selection.trials)
    drawn = {
        "rows-per-query": (figures.rows_per_query(difficulty, [rows]), "Rows per query by difficulty"),
        "trials-per-query": (figures.trials_per_query(difficulty, [trials]), "Trials per query by difficulty"),
    }
    if facts.reach is not None:
        reaches = {strategy: facts.reach}
        drawn["coverage"] = (figures.coverage(reaches), "Queries solved at least once against trials")
        drawn["pass-at-k"] = (figures.pass_at_k(reaches), "Unbiased pass@k")
    return drawn


def _json(value: Plain) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
