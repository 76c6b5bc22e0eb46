"""Random worlds with random faults: a seed is a world, its processes and all that happens to them."""

import numpy as np

from dart_k8s.budget.strategies import Goal, Kind
from tests.simulation import World

from .faults import Faults, Trouble

OUT_OF_LUCK = 3
"""Starts of a role after which its processes are left alone, so that every run ends."""


class Draw:
    """Draws from one seed."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return bool(self._rng.random() < p)

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both possible."""
        return int(self._rng.integers(low, high + 1))

    def window(self, latest: float, longest: float) -> tuple[tuple[float, float], ...]:
        """One window that begins before `latest` and lasts up to `longest`."""
        begin = float(self._rng.uniform(0.0, latest))
        return ((begin, begin + float(self._rng.uniform(1.0, longest))),)

    def rates(self, size: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Pass rates, some of them hopeless."""
        rates = self._rng.beta(0.8, 1.2, size).clip(1e-4, 0.99)
        rates[self._rng.random(size) < 0.1] = 1e-4
        return rates


def random_goal(draw: Draw, size: int) -> Goal:
    """A small goal of any strategy, now and then with a total."""
    kind = (Kind.VANILLA, Kind.UNIFORM, Kind.PROP2DIFF)[draw.whole(0, 2)]
    total = draw.whole(4, 10) * size if draw.chance(0.1) else None
    if kind is Kind.VANILLA:
        return Goal(kind=kind, scale=draw.whole(3, 12), total=total)
    scale = draw.whole(2, 5) if kind is Kind.UNIFORM else draw.whole(4, 10)
    return Goal(
        kind=kind,
        scale=scale,
        min_trials=draw.whole(0, 6) if kind is Kind.PROP2DIFF else 0,
        cap=draw.whole(20, 60),
        hopeless_after=16,
        total=total,
    )


def random_world(seed: int) -> World:
    """A small world; shards of a few seconds, so that there are several claims for each sampler."""
    draw = Draw(seed)
    size = draw.whole(5, 11)
    return World(
        rates=draw.rates(size),
        goal=random_goal(draw, size),
        samplers=draw.whole(1, 3),
        slots=draw.whole(4, 12),
        tokens=40.0,
        late=(0.0, 0.5, 3.0)[draw.whole(0, 2)],
        fold_every=(3.0, 8.0)[draw.whole(0, 1)],
        distinct=3 if draw.chance(0.2) else None,
        shard_seconds=(4.0, 15.0)[draw.whole(0, 1)],
        flush_seconds=(3.0, 10.0)[draw.whole(0, 1)],
        heartbeat=4.0,
        ttl=24.0,
        seed=seed,
    )


def random_faults(seed: int, role: str, start: int, outage: tuple[tuple[float, float], ...]) -> Faults:
    """What happens to the `start`-th process of a role; now and then nothing."""
    if start >= OUT_OF_LUCK:
        return Faults(outages=outage)
    draw = Draw(seed)
    kinds = draw.whole(0, 7)
    return Faults(
        dies_at=draw.whole(3, 90) if kinds == 0 else None,
        dies_after_effect=draw.chance(0.5),
        dies_writing="pool/segments/" if kinds == 1 and role == "sampler" and start == 0 else None,
        lossy=0.05 if kinds in (2, 3) else 0.0,
        outages=outage,
        frozen=draw.window(40.0, 150.0) if kinds == 4 else (),
        verifier_out=draw.window(30.0, 60.0) if draw.chance(0.2) else (),
        stops_at=float(draw.whole(1, 30)) if kinds == 5 else None,
        engine_dies_after=draw.whole(5, 60) if kinds == 6 and role == "sampler" else None,
        refuses=_refuses(seed) if draw.chance(0.1) else lambda name: False,
    )


def random_trouble(seed: int) -> Trouble:
    """The whole of a seed."""
    draw = Draw(seed + 1_000_000)
    outage = draw.window(40.0, 60.0) if draw.chance(0.3) else ()
    numbers: dict[tuple[str, int], int] = {}

    def faults(role: str, start: int) -> Faults:
        number = numbers[role, start] = numbers.get((role, start), 0) + 1
        roles = ("sampler", "planner", "rival")
        return random_faults(seed * 1009 + roles.index(role) * 101 + start * 11 + number, role, start, outage)

    return Trouble(
        world=random_world(seed),
        faults=faults,
        planners=2 if draw.chance(0.4) else 1,
        latency=(0.0, 0.1, 0.5)[draw.whole(0, 2)],
        seed=seed,
    )


def _refuses(seed: int):  # type: ignore[no-untyped-def]
    """One request in ten, and all of query 0."""

    def refuses(name: str) -> bool:
        return name.split("/")[-2] == "0" or hash((seed, name.count("1"), name[-2:])) % 10 == 0

    return refuses
