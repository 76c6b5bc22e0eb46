"""What tests of real trainings share: one base model, and one run that nothing happens to."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.training import tiny
from tests.training.here import Here


@pytest.fixture(scope="session")
def real_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that can be trained."""
    tiny.need_trainer()
    return tiny.model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def undisturbed_run(tmp_path_factory: pytest.TempPathFactory, real_base: Path) -> dict[str, Any]:
    """The report of two processes by DDP, and `out`, where everything is."""
    here = Here(tmp_path_factory.mktemp("undisturbed"), real_base)
    report: dict[str, Any] = asyncio.run(here.train(processesPerNode=2))
    report["out"] = here.out
    return report
