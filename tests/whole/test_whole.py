"""From `kubectl apply` to a data set: real API server and controllers, real operator, real workers in the pods."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dart_k8s.edges.store import open_store

from .runs import check, run

if TYPE_CHECKING:
    from tests.s3_server import S3Server

    from .runs import Setting


@pytest.fixture(autouse=True)
def reachable(s3_environment: S3Server) -> None:
    """The test itself reads the store."""


def test_a_synthesis_that_is_applied_becomes_a_data_set(setting: Setting) -> None:
    with run(setting) as here:
        here.operator()
        here.submit()
        status = here.reach("Complete")
        counts = check(open_store(here.output))
        assert counts["rows"] > 0, status
        print(os.linesep.join(f"{k}: {v}" for k, v in status.items()))
        print(here.told())
