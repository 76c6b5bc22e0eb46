"""Raw trials over the sequential bound: the real planner and samplers on the scripted engine, in simulated time.

    python -m tests.benchmarks bound [--queries N]

The bound is the realised one: of the very outcomes that the run drew, each query's trials up to its k-th distinct
success (in launch order), or its cap. So what is left is what late verdicts, requests in flight and plans cost, without
the noise of the draws.
"""

import asyncio
import time
from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.edges.clock import run_virtual
from dart_k8s.edges.engine.base import Completion, Engine, Request
from dart_k8s.ledger import segments
from dart_k8s.ledger.keys import AttemptName
from tests.simulation import World

from . import dart_math
from .populations import FULL, population

NEED, CAP = 40, 2048
TAIL = 0.05
"""The last part of the work, in which slots may idle: there are fewer trials left than slots."""


class Metered:
    """An engine that notes when each request began and ended."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.slots, self.counters = engine.slots, engine.counters
        self.spans = array("d")
        """Begin, end, and whether it finished (1.0), of each request, one after another: millions of them."""

    async def generate(self, request: Request) -> Completion:
        """See `Engine`."""
        loop = asyncio.get_running_loop()
        began, finished = loop.time(), False
        try:
            completion = await self._engine.generate(request)
            finished = True
            return completion
        finally:
            self.spans.extend((began, loop.time(), float(finished)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


@dataclass(kw_only=True)
class MeteredWorld(World):
    """A world that knows its engines."""

    engines: list[Metered] = field(default_factory=list)

    def engine(self, number: int) -> Engine:
        """See `World`."""
        self.engines.append(Metered(super().engine(number)))
        return self.engines[-1]


def realised_bound(world: World, need: int, cap: int) -> int:
    """Trials up to each query's `need`-th distinct success or `cap`, counted in the tallies of a finished run."""
    columns: list[list[np.ndarray[Any, Any]]] = []
    state = world.state()
    for number, name in enumerate(state.attempts):
        for entry in world.store.list(AttemptName.parse(name).tallies):
            tally = segments.read_tally(world.store.get(entry.key).data, key=entry.key)
            if any(tally.attempt):
                raise ValueError(f"'{entry.key}' speaks of another attempt: this run was not meant to have takeovers")
            columns.append(
                [
                    tally.query,
                    np.full(tally.query.size, number),
                    tally.place,
                    tally.verdict,
                    tally.text.astype(np.int64),
                ]
            )
    query, attempt, place, verdict, text = (np.concatenate(column) for column in zip(*columns, strict=True))
    order = np.lexsort((verdict == segments.PENDING, place, attempt, query))
    query, attempt, place, verdict, text = (c[order] for c in (query, attempt, place, verdict, text))
    again = np.zeros(query.size, dtype=bool)
    again[1:] = (np.diff(query) == 0) & (np.diff(attempt) == 0) & (np.diff(place) == 0)
    query, verdict, text = query[~again], verdict[~again], text[~again]
    right = np.flatnonzero(verdict == segments.CORRECT)
    _, first = np.unique(np.stack([query[right], text[right]]), axis=1, return_index=True)
    new = np.zeros(query.size, dtype=np.int64)
    new[right[first]] = 1
    spent = np.bincount(query, minlength=state.size)
    starts = np.cumsum(spent) - spent
    found = np.cumsum(new)
    found -= np.repeat(found[starts[spent > 0]] - new[starts[spent > 0]], spent[spent > 0])
    rank = np.arange(query.size) - np.repeat(starts, spent) + 1
    done = (found == need) & (new == 1)
    trials = np.minimum(spent, cap)
    trials[query[done]] = np.minimum(trials[query[done]], rank[done])
    return int(trials.sum())


def measure(*, population_name: str, queries: int, samplers: int, slots: int, seed: int = 0) -> dict[str, float]:
    """One run. Shares are fractions; `busy` is that of all slots until 95 % of the trials had finished."""
    rates = population(population_name, queries)
    goal = Goal(kind=Kind.UNIFORM, scale=NEED, cap=CAP, hopeless_probability=0.0)
    world = MeteredWorld(rates=rates, goal=goal, samplers=samplers, slots=slots, late=2.0, fold_every=5.0, seed=seed)
    began = time.process_time()

    async def main() -> float:
        await world.run()
        return asyncio.get_running_loop().time()

    simulated = run_virtual(main())
    state = world.state()
    spent = int(state.spent().sum())
    bound = realised_bound(world, NEED, CAP)
    requests = sum(world.store.requests().values())
    return {
        "trials": spent,
        "bound": bound,
        "overhead": spent / bound - 1.0,
        "surplus": int(state.table.surplus.sum()),
        "aborted": state.totals.aborted,
        "rows": int(np.minimum(state.table.distinct, NEED).sum()),
        "busy": busy_share(world),
        "requests": 1000 * requests / spent,
        "plans": sum(event == "plan" for event, _ in world.events),
        "claims": len(state.attempts),
        "simulated_hours": simulated / 3600,
        "seconds": time.process_time() - began,
    }


def busy_share(world: MeteredWorld) -> float:
    """Slots at work until 95 % of the trials had finished, over all slots."""
    spans = np.concatenate([np.frombuffer(engine.spans) for engine in world.engines]).reshape(-1, 3)
    ends = np.sort(spans[spans[:, 2] > 0, 1])
    until = ends[int((1 - TAIL) * ends.size)]
    worked = np.clip(np.minimum(spans[:, 1], until) - spans[:, 0], 0.0, None).sum()
    return float(worked / (until * sum(engine.slots for engine in world.engines)))


def peer(population_name: str) -> dict[str, float]:
    """dart-math's policy on the whole population, whatever the size of the other runs: small sets would wrong it."""
    return dart_math.measure(population(population_name, FULL), need=NEED, cap=CAP)


HEAD = """\
| population | samplers x slots | queries | trials | over bound | surplus | aborted | slots busy | requests | plans |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""

PEER_HEAD = """\
| population | policy | queries | trials | over the bound | correct kept per query (40 wanted) | batches |
| --- | --- | --- | --- | --- | --- | --- |"""


def row(size: dict[str, Any], found: dict[str, float]) -> str:
    """One run as a row under `HEAD`."""
    return (
        f"| {size['population_name']} | {size['samplers']} x {size['slots']} | {size['queries']:,} "
        f"| {found['trials']:,} | {found['overhead']:+.2%} | {found['surplus']:,} | {found['aborted']:,} "
        f"| {found['busy']:.1%} | {found['requests']:.0f} | {found['plans']} |"
    )


def peer_row(size: dict[str, Any], found: dict[str, float]) -> str:
    """dart-math's policy as a row under `PEER_HEAD`."""
    return (
        f"| {size['population_name']} | dart-math, 8 x k/8 | {FULL:,} | {found['trials']:,} | {found['overhead']:+.1%} "
        f"| {found['kept']:.0f} | {found['batches']:.0f} |"
    )
