"""Where a synthesis stands, from its state and its queries: for people, for scripts, and for the report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from dart_k8s.budget.posterior import Floats, Ints, Prior
from dart_k8s.budget.stops import Stop
from dart_k8s.budget.strategies import Goal, Kind, least_trials
from dart_k8s.ledger.fold import pending
from dart_k8s.ledger.state import BudgetState
from dart_k8s.reconcile.progress import BANDS

from .snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Queries that belong together: all of them, a decile of difficulty, a source, a level."""

    name: str
    queries: int
    open: int
    covered: int
    """With at least one correct response."""
    at_target: int
    trials: int
    """Spent: counted, surplus and waiting."""
    correct: int
    distinct: int
    undecided: int
    surplus: int
    wanted: int
    """Sum of targets; vanilla: trials wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """See the module."""

    name: str
    phase: str
    total: Group
    deciles: tuple[Group, ...]
    """By posterior difficulty 1 - p, easiest first; tenths of [0, 1]."""
    sources: tuple[Group, ...]
    reasons: Mapping[str, int]
    """Queries by stop reason."""
    pending: int
    tokens: int
    aborted: int
    wasted_tokens: int
    overhead: float
    """Part of the trials beyond the sequential bound (each query stopped at its k-th distinct success): surplus, and
    trials after the last one needed, estimated from the correct ones beyond the target."""
    late: int
    """Objects that came after the seal: reported, not counted."""
    note: str

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


def status(name: str, state: BudgetState, queries: Snapshot, goal: Goal) -> Status:
    """The status of a run."""
    table = state.table
    rate = Prior.of(state.weights).mean(table.correct, table.trials)
    spent = state.spent()
    decile = band_of(rate)
    everything = np.ones(state.size, dtype=bool)
    names = queries.table["source"].to_pylist()
    order = list(dict.fromkeys(names))
    source = np.array([order.index(n) for n in names], dtype=np.int64)
    return Status(
        name=name,
        phase=state.phase.value,
        total=_group("all", everything, state, spent, goal),
        deciles=tuple(_group(band, decile == d, state, spent, goal) for d, band in enumerate(BANDS)),
        sources=tuple(_group(n, source == i, state, spent, goal) for i, n in enumerate(order)),
        reasons={stop.name.lower(): int(n) for stop in Stop if (n := int((table.reason == stop).sum()))},
        pending=sum(pending(state).values()),
        tokens=state.totals.tokens,
        aborted=state.totals.aborted,
        wasted_tokens=state.totals.wasted_tokens,
        overhead=beyond_bound(state, goal, rate) / max(1, int(spent.sum())),
        late=state.totals.late,
        note=state.note,
    )


def per_query(state: BudgetState, queries: Snapshot) -> Sequence[dict[str, object]]:
    """One row a query: for `dart status --queries`."""
    table = state.table
    rate = Prior.of(state.weights).mean(table.correct, table.trials)
    spent = state.spent()
    return [
        {
            "id": queries.table["id"][row].as_py(),
            "source": queries.table["source"][row].as_py(),
            "trials": int(spent[row]),
            "counted": int(table.trials[row]),
            "correct": int(table.correct[row]),
            "distinct": int(table.distinct[row]),
            "undecided": int(table.undecided[row]),
            "target": int(table.target[row]),
            "passRate": round(float(rate[row]), 5),
            "state": Stop(int(table.reason[row])).name.lower(),
        }
        for row in range(state.size)
    ]


def band_of(rate: Floats) -> Ints:
    """Each query's place in `BANDS`, from its pass rate; both of shape (Q,)."""
    return np.minimum(len(BANDS) - 1, ((1.0 - rate) * len(BANDS)).astype(np.int64))


def beyond_bound(state: BudgetState, goal: Goal, rate: Floats) -> float:
    """Trials beyond the sequential bound: see `Status.overhead`. `rate`: posterior means, shape (Q,).

    Trials that make the target sure (`least_trials`) are wanted, whatever they bring.
    """
    table = state.table
    if goal.kind is Kind.VANILLA:
        return float(table.surplus.sum())
    extra = np.maximum(0, table.distinct - table.target) / np.maximum(rate, 1e-3)
    late = np.minimum(extra, np.maximum(0, table.trials - least_trials(goal, rate)))
    return float(table.surplus.sum() + late.sum())


def _group(name: str, mask: NDArray[np.bool_], state: BudgetState, spent: Ints, goal: Goal) -> Group:
    table = state.table
    wanted = np.full(state.size, int(goal.scale)) if goal.kind is Kind.VANILLA else table.target
    reached = table.trials >= wanted if goal.kind is Kind.VANILLA else (table.distinct >= wanted) & (wanted > 0)

    def total(values: Ints) -> int:
        return int(values[mask].sum())

    return Group(
        name=name,
        queries=int(mask.sum()),
        open=int((table.reason[mask] == Stop.OPEN).sum()),
        covered=int((table.distinct[mask] > 0).sum()),
        at_target=int(reached[mask].sum()),
        trials=total(spent),
        correct=total(table.correct),
        distinct=total(table.distinct),
        undecided=total(table.undecided),
        surplus=total(table.surplus),
        wanted=total(wanted),
    )
