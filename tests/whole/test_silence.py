"""A network that falls silent before a whole operator with its usual times."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from dart_k8s.reconcile.settings import Settings

from .runs import run

if TYPE_CHECKING:
    from .runs import Setting

RECOVERS_WITHIN = 90.0
"""Seconds: a watch is cut after 75 without a byte."""
USUAL = {"duration": 15.0, "renew": 10.0, "retry": 2.0}


@pytest.mark.soak
def test_an_operator_behind_connections_that_fell_silent_works_again_in_time(setting: Setting) -> None:
    with setting.plane.proxy() as proxy, run(setting) as here:
        setting.kubelet.pretended.add(here.namespace)
        outputs = {"*": [f"s3://{setting.s3.bucket}/"]}
        decisions = {"allowedOutputs": outputs, "env": setting.s3.environment(), "foldMost": Settings().fold_most}
        program = here.operator(server=proxy.url, lease=USUAL, decisions=decisions)
        setting.plane.eventually(here.leads, "the operator to lead and to have listed everything")
        proxy.cut(new=False)
        began = time.monotonic()
        here.submit()
        jobs = f"/apis/batch/v1/namespaces/{here.namespace}/jobs"
        setting.plane.eventually(lambda: setting.plane.call("GET", jobs)["items"], "a Job", 2 * RECOVERS_WITHIN)
        took = time.monotonic() - began
        print(f"{took:.1f} s from the cut to the first Job")
        assert took < RECOVERS_WITHIN
        assert program.wait(0.0) is None, here.told()
