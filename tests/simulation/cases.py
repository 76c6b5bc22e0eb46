"""Cases: what is run and what goes wrong with it, all drawn from one seed."""

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Case", "draw"]

FIRST = 10
"""Seeds below it have no faults at all."""


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
    rng: random.Random = field(default_factory=random.Random)


def draw(seed: int, kinds: frozenset[str] | None = None) -> Case:
    """The case of a seed. `kinds`: instead of those that the seed has."""
    rng = random.Random(seed)
    size = rng.randint(2, 5)
    rates = np.array([rng.choice((0.9, 0.7, 0.5, 0.3, 0.1)) for _ in range(size)])
    strategy: dict[str, Any]
    if rng.random() < 0.3:
        strategy = {"kind": "vanilla", "trials": rng.randint(2, 5)}
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
    return Case(seed=seed, rates=rates, spec=spec, rng=rng, kinds=kinds or frozenset())
