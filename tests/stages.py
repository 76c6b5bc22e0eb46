"""How long each stage of `make test` took, as a table before pytest's closing line."""

import time
from collections import defaultdict
from pathlib import Path

import pytest

BUDGET = {
    "install": 600,
    "check": 90,
    "tools": 1800,
    "analyze": 30,
    "answers": 60,
    "api": 15,
    "budget": 45,
    "cli": 330,
    "cluster": 180,
    "contract": 300,
    "curate": 60,
    "e2e": 360,
    "evaluation": 90,
    "edges": 120,
    "guards": 60,
    "ledger": 30,
    "monitoring": 30,
    "operator": 180,
    "packaging": 270,
    "reconcile": 45,
    "render": 60,
    "scores": 15,
    "simulation": 180,
    "training": 240,
    "verifier": 120,
    "whole": 660,
    "workers": 180,
}
"""Seconds for each stage on two cores; docs/contributing.md says the same. A stage over it is marked, never failed: a
busy machine is no bug."""
SHOWN_FROM = 0.05
"""Seconds; shorter stages are left out of the table."""

_seconds: defaultdict[str, float] = defaultdict(float)
_tests: defaultdict[str, int] = defaultdict(int)
_began = time.monotonic()


def stage_of(path: str) -> str:
    """The folder under tests/ of a test's path; its own name for a file at the top."""
    parts = Path(path.split("::")[0]).parts
    inner = parts[parts.index("tests") + 1 :] if "tests" in parts else parts
    return Path(inner[0]).stem if inner else "tests"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    stage = stage_of(report.nodeid)
    _seconds[stage] += report.duration
    _tests[stage] += report.when == "call"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    noted = config.rootpath / ".cache" / "stages"
    rows = [(path.name, float(path.read_text()), 0) for path in sorted(noted.glob("*"), reverse=True)]
    rows += [(stage, spent, _tests[stage]) for stage, spent in sorted(_seconds.items()) if spent >= SHOWN_FROM]
    if len(rows) < 2:
        return
    terminalreporter.section("stages: seconds, budget, tests")
    for stage, spent, tests in rows:
        budget = BUDGET.get(stage)
        over = "  over its budget" if budget is not None and spent > budget else ""
        terminalreporter.write_line(f"{stage:<12} {spent:7.1f} {budget or '':>7} {tests or '':>7}{over}")
    terminalreporter.write_line(f"{'all tests':<12} {time.monotonic() - _began:7.1f} {'':>7} {sum(_tests.values()):>7}")
