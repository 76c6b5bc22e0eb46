"""Whole runs in simulated time: real planner, samplers, claims and folds on a store in memory and a scripted engine.

Used by the tests of behaviour under failure and by the benchmarks. Hours pass in seconds, and a seed repeats a run.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dart_k8s.budget.strategies import Goal
from dart_k8s.edges.engine.base import Engine
from dart_k8s.edges.engine.script import Script
from dart_k8s.edges.engine.scripted import ScriptedEngine
from dart_k8s.edges.store import MemoryStore, Store
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET
from dart_k8s.ledger.state import BudgetState
from dart_k8s.workers.access import Access
from dart_k8s.workers.claiming import Claims
from dart_k8s.workers.planner import Planner, PlannerSettings
from dart_k8s.workers.sample import Problems, Sampler, SamplerSettings
from dart_k8s.workers.verification import LateVerifier


@dataclass(kw_only=True)
class World:
    """One synthesis and everybody who works on it."""

    rates: NDArray[np.float64]
    """True pass rates, shape (Q,)."""
    goal: Goal
    samplers: int = 1
    slots: int = 256
    seconds_per_token: float = 0.025
    tokens: float = 240.0
    wrong_tokens: float | None = None
    spread: float = 0.5
    late: float = 2.0
    fold_every: float = 5.0
    distinct: int | None = None
    shard_seconds: float = 120.0
    flush_seconds: float = 10.0
    seed: int = 0
    store: Store = field(default_factory=lambda: MemoryStore("memory://world"))
    heartbeat: float = 15.0
    ttl: float = 90.0
    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store.put(BUDGET, state.encode(BudgetState.empty(self.rates.size, verifier="exact-1")))

    def tell(self, event: str, **facts: object) -> None:
        """Keep what the workers say."""
        self.events.append((event, facts))

    def script(self, prompt: str) -> Script:
        """What the engine does with query number `prompt`."""
        return Script(
            p=float(self.rates[int(prompt)]),
            answer=prompt,
            tokens=self.tokens,
            wrong_tokens=self.wrong_tokens,
            spread=self.spread,
            distinct=self.distinct,
        )

    def access(self) -> Access:
        """The store as a worker sees it."""
        return Access(self.store, direct=True, tell=self.tell)

    def claims(self, holder: str, access: Access) -> Claims:
        """A worker's side of the claim protocol."""
        return Claims(access, holder, heartbeat=self.heartbeat, ttl=self.ttl)

    def engine(self, number: int) -> Engine:
        """The engine of a sampler."""
        return ScriptedEngine(
            self.script, slots=self.slots, seed=self.seed * 1000 + number, seconds_per_token=self.seconds_per_token
        )

    def sampler(self, number: int) -> Sampler:
        """A sampler with an engine of its own."""
        access = self.access()
        return Sampler(
            engine=self.engine(number),
            verifier=LateVerifier(delay=self.late),
            access=access,
            claims=self.claims(f"sampler-{number}", access),
            settings=SamplerSettings(max_tokens=1 << 30, flush_seconds=self.flush_seconds),
            problems=Problems(prompt=str, query=str, reference=str),
            tell=self.tell,
        )

    def planner(self, name: str = "planner", access: Access | None = None) -> Planner:
        """A process that tries to be the planner."""
        access = access or self.access()
        return Planner(
            access=access,
            claims=self.claims(name, access),
            goal=self.goal,
            own=np.zeros(self.rates.size, dtype=np.int64),
            rates=np.full(self.rates.size, np.nan),
            settings=PlannerSettings(
                samplers=self.samplers,
                shard_seconds=self.shard_seconds,
                first_shard_trials=round(self.shard_seconds * self.slots / (self.seconds_per_token * self.tokens)),
                interval=self.fold_every,
                longest_interval=self.fold_every,
            ),
            tell=self.tell,
        )

    def state(self) -> BudgetState:
        """The budget state as it is in the store."""
        return state.decode(self.store.get(BUDGET).data)

    async def run(self, watch: Sequence[Callable[["World", list[asyncio.Task[int]]], object]] = ()) -> list[int]:
        """Everybody works until the synthesis is closed; the samplers' exit codes."""
        planner = asyncio.create_task(self.planner().run())
        samplers = [asyncio.create_task(self.sampler(number).run()) for number in range(self.samplers)]
        for look in watch:
            look(self, samplers)
        codes = await asyncio.gather(*samplers)
        await planner
        return codes


def sequential_bound(goal: Goal, rates: NDArray[np.float64], *, seed: int = 0, runs: int = 20) -> float:
    """Expected trials if each query stopped at its k-th success or its cap: no rule that reaches k spends less."""
    rng = np.random.default_rng(seed)
    draws = [np.minimum(goal.cap, rng.negative_binomial(goal.scale, rates) + goal.scale).sum() for _ in range(runs)]
    return float(np.mean(draws))
