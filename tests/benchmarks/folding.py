"""What a planner's turn costs with very many queries: folding results, the prior, judging, planning, and the state's
size.

    python -m tests.benchmarks folding [--queries N]

Runs in a child process, so that its peak memory is its own.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from dart_k8s.budget import planning
from dart_k8s.budget.planning import Counts
from dart_k8s.budget.posterior import Prior, fit
from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.ledger import fold as folding
from dart_k8s.ledger import state as states
from dart_k8s.ledger.fold import Arrival
from dart_k8s.ledger.keys import AttemptName, PlanName, ShardName
from dart_k8s.ledger.segments import Tally
from dart_k8s.ledger.state import BudgetState

from .populations import population

ATTEMPTS = 64
"""Samplers at work: each claim has its part of the queries, and its results come as tallies of `PER_TALLY`."""
PER_TALLY = 4_000
EARLIER = 16
"""Trials of each query that are in the state before: their distinct texts are most of its bytes."""


def measure(*, queries: int) -> dict[str, float]:
    """`queries` results, one of each query, into a state of as many queries; seconds are the processor's."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.folding", str(queries)], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _state(queries: int) -> BudgetState:
    """A state in which each query has had `EARLIER` trials, and all its distinct texts are known."""
    rng = np.random.default_rng(3)
    correct = rng.binomial(EARLIER, population("heavy", queries))
    texts = rng.integers(0, 1 << 63, int(correct.sum()), dtype=np.uint64)
    state, _ = folding._texts(
        BudgetState.empty(queries, verifier="exact-1"), np.repeat(np.arange(queries), correct), texts
    )
    table = states.replace(state.table, trials=np.full(queries, EARLIER), correct=correct)
    state = states.replace(state, table=table)
    shards = np.array_split(rng.permutation(queries), ATTEMPTS)
    plan = PlanName(1, 1)
    for shard, query in enumerate(shards):
        size = np.full(query.size, 64, dtype=np.int64)
        name = str(AttemptName(ShardName(plan, shard), 0))
        state = folding.register(state, name, query=query, need=size // 2, allowance=size)
    return state


def _arrivals(state: BudgetState) -> list[Arrival]:
    """One result of each query."""
    rng = np.random.default_rng(4)
    arrivals = []
    for row, name in enumerate(state.attempts):
        mine = rng.permutation(state.live.query[state.live.attempt == row])
        for sequence, query in enumerate(np.array_split(mine, max(1, -(-mine.size // PER_TALLY)))):
            zeros = np.zeros(query.size, dtype=np.int64)
            tally = Tally(
                query=query,
                attempt=(),
                place=zeros,
                verdict=rng.integers(0, 2, query.size),
                tokens=zeros + 300,
                prompt_tokens=zeros + 80,
                text=rng.integers(0, 1 << 63, query.size, dtype=np.uint64),
                fresh=np.ones(query.size, dtype=bool),
            )
            arrivals.append(Arrival(attempt=name, sequence=sequence, tally=tally))
    return arrivals


def _measure(queries: int) -> dict[str, Any]:
    found: dict[str, Any] = {}

    @contextmanager
    def timed(what: str) -> Iterator[None]:
        began = time.process_time()
        yield
        found[what] = time.process_time() - began

    # The first table that pyarrow makes costs seconds of imports, which say nothing about a turn.
    states.encode(BudgetState.empty(1, verifier="exact-1"))
    state = _state(queries)
    arrivals = _arrivals(state)
    found["base_gib"] = _peak()
    with timed("fold"):
        state = folding.fold(state, arrivals)
    found["fold_gib"] = _peak()
    with timed("fit"):
        prior = fit(state.table.correct, state.table.trials, start=Prior.flat())
    counts = _counts(state)
    goal = Goal(kind=Kind.PROP2DIFF, scale=192, cap=8192, min_trials=8)
    with timed("judge"):
        judged = planning.look(goal, prior, counts)
    with timed("plan"):
        need, allowance, expected = planning.demand(goal, prior, counts, judged)
        rows = planning.cut(goal, need, allowance, expected, counts, shard_trials=5_000, samplers=32, seed=1)
    with timed("encode"):
        data = states.encode(state)
    with timed("decode"):
        states.decode(data)
    return found | {
        "results": sum(arrival.tally.query.size for arrival in arrivals),
        "gib": _peak(),
        "bytes": len(data) / queries,
        "texts": float(state.table.distinct.mean()),
        "rows": int(rows.query.size),
        "turn": sum(found[name] for name in ("fold", "fit", "judge", "plan", "encode")),
    }


def _counts(state: BudgetState) -> Counts:
    none = np.zeros(state.size, dtype=np.int64)
    return Counts(
        trials=state.table.trials,
        correct=state.table.correct,
        distinct=state.table.distinct,
        singles=state.table.singles,
        spent=state.spent(),
        live_need=none,
        live_trials=none,
        aside=none,
        own=none,
        pass_rate=np.full(state.size, np.nan),
    )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


HEAD = """\
| queries = results | fold, s | peak GiB | fit, s | judge, s | plan, s | write, s | read, s | turn, s | bytes a query |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def row(size: dict[str, Any], found: dict[str, float]) -> str:
    """One run as a row under `HEAD`."""
    return (
        f"| {size['queries']:,} | {found['fold']:.2f} | {found['gib']:.2f} | {found['fit']:.2f} | {found['judge']:.2f} "
        f"| {found['plan']:.2f} | {found['encode']:.2f} | {found['decode']:.2f} | {found['turn']:.1f} "
        f"| {found['bytes']:.0f} ({found['texts']:.1f} texts) |"
    )


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]))))
