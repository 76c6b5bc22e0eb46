"""A finished run that several tests look at; nobody writes into it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.declarations import declaration, write_declarations, write_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    folder: Path
    file: Path
    """Its declaration."""
    output: Path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """`dart run` over twelve problems on the scripted engine, to its end."""
    folder = tmp_path_factory.mktemp("finished")
    write_problems(folder)
    engine = {
        "kind": "scripted",
        "script": str(folder / "script.json"),
        "slots": 8,
        "args": {"verifier": "exact"},
    }
    file = write_declarations(folder / "toy.yaml", declaration(folder, engine=engine))
    done = subprocess.run(
        [sys.executable, "-m", "dart_k8s.cli.main", "run", str(file)],
        capture_output=True, text=True, check=False, env={**os.environ, "DART_CACHE": str(folder / "cache")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return FinishedRun(folder=folder, file=file, output=folder / "toy")
