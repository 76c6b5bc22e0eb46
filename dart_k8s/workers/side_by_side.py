"""Several strategies over the same queries, side by side: what the quickstart ends with."""

import json
from collections.abc import Sequence

import numpy as np

from dart_k8s.api import Synthesis
from dart_k8s.edges.store import open_store
from dart_k8s.ledger.keys import REPORT

from .curate.assemble import Assembled
from .curate.compare import Comparison, Run, compare
from .curate.figures import Series, rows_per_query
from .finish import open_closed

FIGURE = f"{REPORT}strategies.png"
TABLE = f"{REPORT}strategies.json"


def side_by_side(made: Sequence[tuple[Synthesis, Assembled]]) -> tuple[Comparison, str] | None:
    """Compare data sets of the same queries; the comparison and where its figure lies, None if there is nothing to.

    Difficulties are those of the run that knows most, the one with the most trials. The figure and the numbers go into
    the report of the last.
    """
    runs = [open_closed(synthesis.spec.output.uri) for synthesis, _ in made]
    if len(runs) < 2 or any(run.queries.table["id"] != runs[0].queries.table["id"] for run in runs):
        return None
    known = max((run.known for run in runs), key=lambda table: int(np.sum(table["n"].to_numpy())))
    rate = known["p"].to_numpy()
    rows = [np.bincount(data.chosen, minlength=rate.size).astype(np.int64) for _, data in made]
    compared = []
    for (synthesis, data), run, per_query in zip(made, runs, rows, strict=True):
        # Vanilla stops at its number of trials, whatever else the pool it shares holds.
        limit = synthesis.spec.strategy.trials if synthesis.spec.strategy.kind == "vanilla" else None
        trials = run.state.table.trials if limit is None else np.minimum(data.trials, limit)
        compared.append(Run(name=synthesis.spec.strategy.kind, trials=trials, rows=per_query))
    found = compare(rate, compared)
    store = open_store(made[-1][0].spec.output.uri)
    series = [Series(name=run.name, values=run.rows) for run in compared]
    store.put(FIGURE, rows_per_query(1.0 - rate, series, title="Rows per query by difficulty"))
    store.put(TABLE, json.dumps(found.rows(), indent=2).encode())
    return found, f"{store.uri}/{FIGURE}"
