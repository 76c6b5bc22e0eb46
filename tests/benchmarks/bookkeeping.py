"""What the sampler itself costs per response, in real time: an engine that answers at once, a verifier that compares
two texts, a store in memory. Seconds of the processor, so that other programs on the machine matter less.

    python -m tests.benchmarks bookkeeping [--responses N]

Beside it the same engine under a bare loop of as many tasks as slots, which await it and do nothing else.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.edges.engine.base import Request
from dart_k8s.edges.engine.script import Script
from dart_k8s.edges.engine.scripted import ScriptedEngine
from tests.simulation import World

PASS_RATE = 0.4
SLOTS = 256
TARGET = 40


@dataclass(kw_only=True)
class TalkativeWorld(World):
    """A world whose responses may be as long as real ones."""

    padded: bool = False

    def script(self, prompt: str) -> Script:
        """See `World`."""
        return replace(super().script(prompt), padded=self.padded)


def _world(responses: int, padded: bool) -> TalkativeWorld:
    """So many queries of one pass rate that the run takes about `responses` trials."""
    queries = max(SLOTS, round(responses * PASS_RATE / TARGET))
    return TalkativeWorld(
        padded=padded,
        rates=np.full(queries, PASS_RATE),
        goal=Goal(kind=Kind.UNIFORM, scale=TARGET, cap=2048),
        slots=SLOTS,
        late=0.0,
    )


async def _sampler(responses: int, padded: bool) -> tuple[int, float]:
    world = _world(responses, padded)
    planner = world.planner()
    planner.settings = replace(planner.settings, first_shard_trials=5_000)
    turning = asyncio.create_task(planner.run())
    while planner.state is None or planner.state.plan is None:
        await asyncio.sleep(0.01)
    planner.stop()
    await turning
    world.seconds_per_token = 0.0
    sampler = world.sampler(0)
    # With nothing left to claim it stops at once instead of waiting for the next plan.
    sampler.settings = replace(sampler.settings, idle_timeout=0.0, poll=0.05)
    began = time.process_time()
    await sampler.run()
    return sampler.engine.counters.requests - sampler.engine.counters.aborted, time.process_time() - began


async def _bare(responses: int, padded: bool) -> tuple[int, float]:
    world = _world(responses, padded)
    engine = ScriptedEngine(world.script, slots=SLOTS, seconds_per_token=0.0)
    left = responses

    async def ask(number: int) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await engine.generate(
                Request(
                    name=f"{number}/{left}",
                    prompt=str(number),
                    max_tokens=1 << 30,
                    temperature=1.0,
                    top_p=1.0,
                    stop=(),
                    seed=None,
                )
            )

    began = time.process_time()
    await asyncio.gather(*(ask(number) for number in range(SLOTS)))
    return responses, time.process_time() - began


def measure(*, responses: int, padded: bool) -> dict[str, float]:
    """Responses per second of one core, the sampler's and the bare loop's."""
    done, seconds = asyncio.run(_sampler(responses, padded))
    bare_done, bare_seconds = asyncio.run(_bare(done, padded))
    return {
        "responses": done,
        "rate": done / seconds,
        "bare_rate": bare_done / bare_seconds,
        "ratio": (seconds / done) / (bare_seconds / bare_done),
        "milliseconds": 1000 * seconds / done,
    }


HEAD = """\
| responses | characters each | responses a second, one core | bare loop | cost of a response | ratio to the bare loop |
| --- | --- | --- | --- | --- | --- |"""


def row(size: dict[str, Any], found: dict[str, float]) -> str:
    """One run as a row under `HEAD`."""
    return (
        f"| {found['responses']:,} | {'1,000' if size['padded'] else '50'} | {found['rate']:,.0f} "
        f"| {found['bare_rate']:,.0f} | {found['milliseconds']:.2f} ms | {found['ratio']:.1f} |"
    )
