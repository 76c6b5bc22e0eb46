"""What running code costs: a session's start, executions a second, a replay, memory of a held session.

    python -m tests.benchmarks execution

Beside it a fresh interpreter that imports the same libraries, once for each block, as one would do without a zygote.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from dart_k8s.edges.execution.base import Block
from dart_k8s.edges.execution.limits import Limits
from dart_k8s.edges.execution.sandbox import Sandbox

CODE = "import sympy\nx = sympy.symbols('x')\nprint(sympy.factor(x**2 - 5*x + 6))"
HELD = 16


async def _measure(blocks: int) -> dict[str, float]:
    sandbox = Sandbox(Limits(processes=2, sessions=HELD))
    began = time.perf_counter()
    await sandbox.start()
    found = {"warm_seconds": time.perf_counter() - began}

    async def timed(block: Block) -> float:
        began = time.perf_counter()
        await sandbox.execute(block)
        return 1000 * (time.perf_counter() - began)

    fresh = [await timed(Block(session=f"fresh {n}", blocks=("1",))) for n in range(blocks)]
    found["start_p50"], found["start_p99"] = statistics.median(fresh), statistics.quantiles(fresh, n=100)[98]
    held = [await timed(Block(session="held", blocks=("1",) * (n + 1))) for n in range(blocks)]
    found["held_p50"] = statistics.median(held)
    replays = [await timed(Block(session=f"replay {n}", blocks=(CODE,) * 8)) for n in range(blocks // 4)]
    found["replay_p50"] = statistics.median(replays)
    began = time.perf_counter()
    await asyncio.gather(*(sandbox.execute(Block(session=f"rate {n}", blocks=(CODE,))) for n in range(blocks)))
    found["rate"] = blocks / (time.perf_counter() - began)
    await asyncio.gather(*(sandbox.execute(Block(session=f"big {n}", blocks=(CODE,))) for n in range(HELD)))
    found["session_mib"] = _private(sandbox) / HELD / 1024
    await sandbox.close()
    began = time.perf_counter()
    for _ in range(3):
        subprocess.run([sys.executable, "-c", f"import numpy, scipy.optimize\n{CODE}"], check=True, capture_output=True)
    found["interpreter"] = 1000 * (time.perf_counter() - began) / 3
    return found


def _private(sandbox: Sandbox) -> int:
    """KiB that only the sessions have, of all of them."""
    zygote = sandbox._zygote.process.pid  # type: ignore[union-attr]
    total = 0
    for child in Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split():
        lines = Path(f"/proc/{child}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Private"))
    return total


def measure(*, blocks: int) -> dict[str, float]:
    """Milliseconds but where said otherwise."""
    return asyncio.run(_measure(blocks))


HEAD = """\
| start of a session, p50 / p99 | block in a held one | 8 blocks, 7 of them replayed | blocks a second, 2 at once | memory of a held session | fresh interpreter |
| --- | --- | --- | --- | --- | --- |"""  # noqa: E501


def row(size: dict[str, Any], found: dict[str, float]) -> str:
    """One run as a row under `HEAD`."""
    return (
        f"| {found['start_p50']:.1f} / {found['start_p99']:.1f} ms | {found['held_p50']:.1f} ms "
        f"| {found['replay_p50']:.0f} ms | {found['rate']:.0f} | {found['session_mib']:.0f} MiB "
        f"| {found['interpreter']:.0f} ms |"
    )
