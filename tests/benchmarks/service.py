"""What the verification server costs beside a call in the same process: verdicts a second, latency of one response.

    python -m tests.benchmarks service

All of it in one run, so that the ratios mean something on a busy machine.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Iterator
from typing import Any

from dart_k8s import answers
from dart_k8s.workers.checking import Checkers
from tests.verifier.serving import server

BATCH = 64
IN_FLIGHT = 8
SINGLES = 500
FILLER = "We look at what is given, and take one step after the other. " * 12


def mix(count: int) -> Iterator[tuple[str, str, None]]:
    """As in MATH: integers, fractions, radicals, expressions, tuples; a third of them wrong, few of them twice."""
    rng = random.Random(0)
    for number in range(count):
        a, b = rng.randrange(2, 10_000), rng.randrange(2, 100)
        answer, reference = rng.choice(
            [
                (str(a), str(a)),
                (f"{a}", f"{a}.0"),
                (rf"\frac{{{a}}}{{{b}}}", rf"{a}/{b}"),
                (rf"{a}\sqrt{{{b}}}", rf"\sqrt{{{a * a * b}}}"),
                (f"{a}x+{b}", f"{b}+{a}x"),
                (f"({a},{b})", rf"\left({a}, {b}\right)"),
            ]
        )
        wrong = number % 3 == 0
        yield f"{FILLER}So \\boxed{{{answer}}}.", f"{reference}1" if wrong else reference, None


async def _checkers(items: list[tuple[str, str, None]], processes: int) -> float:
    checkers = Checkers(processes=processes)
    await checkers.start()
    began = time.perf_counter()
    await checkers.check(items)
    spent = time.perf_counter() - began
    await checkers.close()
    return len(items) / spent


async def _served(url: str, items: list[tuple[str, str, None]]) -> dict[str, float]:
    import httpx

    bodies = [
        {"items": [{"response": text, "reference": wanted} for text, wanted, _ in items[start : start + BATCH]]}
        for start in range(0, len(items), BATCH)
    ]
    waiting = iter(bodies)
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:

        async def ask() -> None:
            for body in waiting:
                (await client.post("/v1/verify", json=body)).raise_for_status()

        began = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(IN_FLIGHT)))
        spent = time.perf_counter() - began
        singles = []
        for text, wanted, _ in items[:SINGLES]:
            start = time.perf_counter()
            await client.post("/v1/verify", json={"items": [{"response": text, "reference": wanted}]})
            singles.append(1000 * (time.perf_counter() - start))
    return {
        "served": len(items) / spent,
        "single_p50": statistics.median(singles),
        "single_p99": statistics.quantiles(singles, n=100)[98],
    }


def measure(*, responses: int) -> dict[str, float]:
    """Verdicts a second; milliseconds for single ones."""
    items = list(mix(responses))
    began = time.perf_counter()
    for text, wanted, _ in items:
        answers.check(text, wanted)
    found = {"alone": len(items) / (time.perf_counter() - began)}
    for processes in (1, 2):
        found[f"checkers_{processes}"] = asyncio.run(_checkers(items, processes))
        with server("--processes", str(processes), "--linger", "0") as made:
            served = asyncio.run(_served(made.url, items))
        found |= {f"{name}_{processes}": value for name, value in served.items()}
    return found


HEAD = """\
| responses | called in the process | checkers, 1 and 2 | server with 1 and 2 checkers | one response alone, p50 / p99 |
| --- | --- | --- | --- | --- |"""


def row(size: dict[str, Any], found: dict[str, float]) -> str:
    """One run as a row under `HEAD`."""
    return (
        f"| {size['responses']:,} | {found['alone']:,.0f}/s "
        f"| {found['checkers_1']:,.0f}/s, {found['checkers_2']:,.0f}/s "
        f"| {found['served_1']:,.0f}/s, {found['served_2']:,.0f}/s "
        f"| {found['single_p50_1']:.1f} / {found['single_p99_1']:.1f} ms |"
    )
