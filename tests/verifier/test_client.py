"""A sampler's view of real verification servers: pods that die, and a whole run that is judged by them."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET
from dart_k8s.ledger.state import Phase
from dart_k8s.workers.verification import ServiceVerifier
from tests.cli.declarations import declaration, write_declarations, write_problems

from .serving import WAIT, server


async def test_a_pod_that_is_killed_under_load_costs_no_verdict() -> None:
    from dart_k8s.edges.verification.http import HttpVerification

    options = ("--processes", "1", "--linger", "0")
    with server(*options) as first, server(*options) as second:

        async def both(url: str) -> list[str]:
            return [first.url, second.url]

        def connect(url: str, rules: str, policy: Mapping[str, Any]) -> HttpVerification:
            return HttpVerification([url], rules=rules, policy=policy, resolver=both)

        verifier = ServiceVerifier("http://verifiers", connect=connect)
        killed = asyncio.Event()
        done = 0

        async def one(number: int) -> tuple[str, str | None]:
            nonlocal done
            found = await verifier.verify(rf"\boxed{{{number}}}", str(number - number % 2), "")
            done += 1
            if done == 500:
                first.process.kill()
                killed.set()
            return found.verdict, found.answer

        async def stream(start: int) -> list[tuple[str, str | None]]:
            return [await one(start + number) for number in range(60)]

        try:
            found = await asyncio.gather(*(stream(1000 * number) for number in range(32)))
        finally:
            await verifier.close()
        assert killed.is_set()
        numbers = [[1000 * one + number for number in range(60)] for one in range(32)]
        expected = [[("incorrect" if n % 2 else "correct", str(n)) for n in block] for block in numbers]
        assert found == expected


def test_a_run_is_judged_by_the_service_that_its_declaration_names(tmp_path: Path) -> None:
    write_problems(tmp_path, 4)
    with server("--processes", "1", "--linger", "0") as served:
        document = declaration(tmp_path, verifiers={"url": served.url}, strategy={"kind": "uniform", "target": 3})
        file = write_declarations(tmp_path / "toy.yaml", document)
        ran = subprocess.run(
            [sys.executable, "-m", "dart_k8s.cli.main", "run", str(file)],
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT,
            env={**os.environ, "DART_CACHE": str(tmp_path / "cache")},
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        import httpx

        judged = sum(
            float(line.rpartition(" ")[2])
            for line in httpx.get(f"{served.url}/metrics").text.splitlines()
            if line.startswith("dart_verifier_verdicts_total")
        )
    final = state.decode((tmp_path / "toy" / BUDGET).read_bytes())
    assert final.phase is Phase.CLOSED
    assert judged >= int(final.spent().sum()) > 0
    assert json.loads((tmp_path / "toy" / "state" / "run.json").read_text())
