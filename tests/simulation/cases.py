"""Cases: what is run and what goes wrong with it, all drawn from one seed."""

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.workers.faults import Faults

from .operators import Troubles

__all__ = ["ALL", "OF_OPERATOR", "OUT_OF_LUCK", "Case", "Luck", "draw"]

OF_OPERATOR = frozenset({"kills", "lossy", "stale", "deaf", "slow", "child", "two", "compacted", "between"})
"""Faults of the operator and of its view of the cluster: a run with these alone creates and deletes what it would
without."""
ALL = OF_OPERATOR | {"store", "pods", "workers", "users", "deleted", "nodes"}
OUT_OF_LUCK = 3
"""Processes of a kind after which they are left alone, so that every run ends."""
Windows = tuple[tuple[float, float], ...]


@dataclass(kw_only=True)
class Case:
    """See the module."""

    seed: int
    rates: NDArray[np.float64]
    spec: dict[str, Any]
    kinds: frozenset[str] = frozenset()
    """Faults that there may be."""
    slots: int = 6
    latency: float = 0.1
    flush_seconds: float = 4.0
    late: float = 0.3
    operators: int = 1
    outages: Windows = ()
    """Of the store, for everybody."""
    rng: random.Random = field(default_factory=random.Random)

    @property
    def of_operator(self) -> bool:
        """Whether nothing goes wrong but with the operator."""
        return bool(self.kinds) and self.kinds <= OF_OPERATOR


def draw(seed: int, kinds: frozenset[str] | None = None) -> Case:
    """The case of a seed. `kinds`: the faults that there may be, instead of those that the seed has."""
    rng = random.Random(seed)
    size = rng.randint(2, 5)
    rates = np.array([rng.choice((0.9, 0.7, 0.5, 0.3, 0.1)) for _ in range(size)])
    strategy: dict[str, Any]
    if rng.random() < 0.3:
        strategy = {"kind": "vanilla", "trials": rng.randint(2, 6)}
    else:
        strategy = {"kind": "uniform", "target": rng.randint(1, 3)}
    spec = {
        "queries": [{"name": "sums", "uri": "s3://bucket/queries.jsonl"}],
        "engine": {"kind": "scripted", "script": "script.json", "args": {"verifier": "exact"}},
        "prompt": {"inline": "{query}"},
        "strategy": strategy,
        "budget": {"maxTrialsPerQuery": rng.randint(10, 20), "hopelessAfter": 8},
        "claims": {"heartbeatSeconds": 4, "ttlSeconds": 24},
        "sharding": {"trials": rng.choice((6, 12))},
        "samplers": {"replicas": rng.randint(1, 3)},
        "output": {"uri": "s3://bucket/runs/s"},
    }
    drawn = _kinds(rng)
    chosen = drawn if kinds is None else kinds
    outages: Windows = ()
    if rng.random() < 0.4:
        begin = rng.uniform(0.0, 50.0)
        outages = ((begin, begin + rng.uniform(2.0, 60.0)),)
    return Case(
        seed=seed,
        rates=rates,
        spec=spec,
        kinds=chosen,
        latency=rng.choice((0.0, 0.1, 0.4)),
        outages=outages if "store" in chosen else (),
        operators=2 if "two" in chosen else 1,
        rng=rng,
    )


def _kinds(rng: random.Random) -> frozenset[str]:
    """A third of the seeds has faults of the operator only."""
    possible = sorted(OF_OPERATOR if rng.random() < 0.34 else ALL)
    return frozenset(kind for kind in possible if rng.random() < 0.3) or frozenset({rng.choice(possible)})


class Luck:
    """What happens to each process of a run, drawn as they start."""

    def __init__(self, case: Case) -> None:
        self.case, self.rng = case, random.Random(case.seed + 500_000)
        self._starts: dict[str, int] = {}
        self.calm = False
        """Nothing happens to anybody any more."""

    def _lucky(self, role: str) -> bool:
        self._starts[role] = self._starts.get(role, 0) + 1
        return self.calm or self._starts[role] > OUT_OF_LUCK

    def _has(self, kind: str, chance: float = 0.7) -> bool:
        return kind in self.case.kinds and self.rng.random() < chance

    def worker(self, stage: str) -> Faults:
        """Of the next process in a pod."""
        rng, lucky = self.rng, self._lucky(stage)
        faults = Faults(outages=self.case.outages)
        if self._has("store") and not lucky:
            faults.lossy = rng.choice((0.02, 0.1))
        if not self._has("workers") or lucky:
            return faults
        kind = rng.randint(0, 4)
        if kind == 0:
            faults.dies_at, faults.dies_after_effect = rng.randint(0, 25), rng.random() < 0.5
        elif kind == 1:
            begin = rng.uniform(0.0, 60.0)
            faults.frozen = ((begin, begin + rng.uniform(5.0, 60.0)),)
        elif kind == 2:
            faults.engine_dies_after = rng.randint(1, 12)
        elif kind == 3:
            faults.dies_writing = rng.choice(("pool/segments/", "state/claims/", "state/tallies/", "state/budget"))
        else:
            begin = rng.uniform(0.0, 60.0)
            faults.stops_at = rng.uniform(1.0, 20.0)
        return faults

    def operator(self) -> Troubles:
        """Of the next process of the operator."""
        rng, lucky = self.rng, self._lucky("operator")
        troubles = Troubles(child=self._child(lucky))
        if lucky:
            return troubles
        if self._has("kills"):
            if rng.random() < 0.8:
                troubles.dies_at, troubles.dies_after_effect = rng.randint(0, 20), rng.random() < 0.5
            else:
                troubles.lives = rng.uniform(0.0, 40.0)
        if self._has("lossy"):
            troubles.lossy = rng.choice((0.03, 0.2))
        if self._has("stale"):
            troubles.lag, troubles.lag_until = rng.randint(1, 40), rng.uniform(1.0, 30.0)
        if self._has("deaf"):
            begin = rng.uniform(0.0, 30.0)
            troubles.deaf = (begin, begin + rng.uniform(1.0, 40.0))
        if self._has("slow"):
            troubles.delay = rng.uniform(1.0, 20.0)
        if self._has("two"):
            begin = rng.uniform(1.0, 30.0)
            troubles.frozen = (begin, begin + rng.uniform(5.0, 40.0))
            troubles.lingers = rng.randint(0, 4)
        troubles.between = 0.3 if self._has("between") else 0.0
        return troubles

    def _child(self, lucky: bool) -> Faults:
        rng = self.rng
        faults = Faults(outages=self.case.outages)
        if self._has("store") and not lucky:
            faults.lossy = rng.choice((0.02, 0.1))
        if self._has("child") and not lucky:
            kind = rng.randint(0, 2)
            if kind == 0:
                faults.dies_at, faults.dies_after_effect = rng.randint(0, 40), rng.random() < 0.5
            elif kind == 1:
                faults.dies_writing = rng.choice(("state/budget", "state/plans/", "state/planner", "state/run"))
            else:
                begin = rng.uniform(0.0, 40.0)
                faults.frozen = ((begin, begin + rng.uniform(2.0, 60.0)),)
        return faults
