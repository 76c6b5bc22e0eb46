"""The installed platform does what was applied, with real pods in namespaces that enforce `restricted`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .endpoint import served
from .faults import FAULTS, Fault
from .runs import problems

if TYPE_CHECKING:
    from pathlib import Path

    from .platform import Release
    from .runs import Run

SLOW = 0.05
"""Seconds a token: a run that is long enough for something to happen meanwhile."""


def test_what_is_applied_ends_as_a_data_set(release: Release, run: Run, tmp_path: Path) -> None:
    """The samplers ask an endpoint that speaks OpenAI's API, which this machine serves."""
    with served(problems(4), release.platform.node.machine.outside, tmp_path) as url:
        run.submit(engine={"kind": "openai", "baseUrl": url, "model": "scripted", "concurrency": 4})
        run.whole(queries=4, target=3)
    assert loaded(run, tmp_path) == 12
    # Its pods held nothing that lets them into the cluster.
    for pod in release.platform.node.core.list_namespaced_pod(run.namespace).items:
        assert not any("serviceaccount" in mount.mount_path for mount in pod.spec.containers[0].volume_mounts)


def test_helm_test_tells_whether_it_works(release: Release) -> None:
    told = release.helm("test", "--timeout", "300s", "--logs")
    assert "Succeeded" in told


def loaded(run: Run, folder: Path) -> int:
    """Rows that a user gets who downloads the data set and loads it."""
    from datasets import load_dataset

    for entry in run.store.list("dataset/"):
        file = folder / entry.key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(run.store.get(entry.key).data)
    found = load_dataset(str(folder / "dataset"), split="train", cache_dir=str(folder / "cache"))
    assert {"query", "response"} <= set(found.column_names)
    return int(found.num_rows)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
def test_nothing_is_lost_when(fault: Fault, release: Release, run: Run) -> None:
    run.submit(queries=8, seconds_per_token=SLOW, strategy={"kind": "uniform", "target": 5})
    run.until_trials(8)
    fault(release, run)
    run.whole(queries=8, target=5)
