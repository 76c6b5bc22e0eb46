"""How full a greedy pass keeps the engines: one trial a prompt, the real planner and samplers, in simulated time.

    python -m tests.benchmarks passes

One trial a prompt is the worst case for slots: no prompt has a second trial to fill a gap with.
"""

import asyncio
import time
from typing import Any

import numpy as np

from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.edges.clock import run_virtual

from .bound import MeteredWorld, busy_share

SIX = 5_000 + 1_319 + 2_818 + 1_000 + 675 + 800
"""Items of the paper's six benchmarks."""

HEAD = """\
| prompts | samplers x slots | slots busy until 95 % were finished | until the last | simulated minutes |
| --- | --- | --- | --- | --- |"""


def measure(*, prompts: int, samplers: int, slots: int, seed: int = 0) -> dict[str, float]:
    """One pass. Shares are fractions."""
    rates = np.full(prompts, 0.5)
    goal = Goal(kind=Kind.VANILLA, scale=1, hopeless_probability=0.0)
    world = MeteredWorld(rates=rates, goal=goal, samplers=samplers, slots=slots, late=2.0, fold_every=5.0, seed=seed)
    began = time.process_time()

    async def main() -> float:
        await world.run()
        return asyncio.get_running_loop().time()

    simulated = run_virtual(main())
    spans = np.concatenate([np.frombuffer(engine.spans) for engine in world.engines]).reshape(-1, 3)
    last = spans[spans[:, 2] > 0, 1].max()
    whole = (spans[:, 1] - spans[:, 0]).sum() / (last * sum(engine.slots for engine in world.engines))
    return {
        "trials": int(world.state().spent().sum()),
        "busy": busy_share(world),
        "whole": float(whole),
        "simulated_minutes": simulated / 60,
        "seconds": time.process_time() - began,
    }


def row(size: dict[str, Any], found: dict[str, float]) -> str:
    """One pass as a row under `HEAD`."""
    return (
        f"| {size['prompts']:,} | {size['samplers']} x {size['slots']} | {found['busy']:.1%} | {found['whole']:.1%} "
        f"| {found['simulated_minutes']:.1f} |"
    )
