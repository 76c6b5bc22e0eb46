"""The installed platform does what was applied, with real pods in namespaces that enforce `restricted`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .faults import FAULTS, Fault

if TYPE_CHECKING:
    from .platform import Release
    from .runs import Run

SLOW = 0.05
"""Seconds a token: a run that is long enough for something to happen meanwhile."""


def test_what_is_applied_ends_as_a_data_set(release: Release, run: Run) -> None:
    run.submit()
    run.whole(queries=4, target=3)
    # Its pods held nothing that lets them into the cluster.
    for pod in release.platform.node.core.list_namespaced_pod(run.namespace).items:
        assert not any("serviceaccount" in mount.mount_path for mount in pod.spec.containers[0].volume_mounts)


def test_helm_test_tells_whether_it_works(release: Release) -> None:
    told = release.helm("test", "--timeout", "300s", "--logs")
    assert "Succeeded" in told


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
def test_nothing_is_lost_when(fault: Fault, release: Release, run: Run) -> None:
    run.submit(queries=8, seconds_per_token=SLOW, strategy={"kind": "uniform", "target": 5})
    run.until_trials(8)
    fault(release, run)
    run.whole(queries=8, target=5)
