"""The installed platform does what was applied, with real pods in namespaces that enforce `restricted`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.packaging.containerfiles import ROOT

from .endpoint import served
from .faults import FAULTS, Fault
from .model_server import NAME
from .runs import problems

if TYPE_CHECKING:
    from pathlib import Path

    from .platform import Release
    from .runs import Run

SLOW = 0.05
"""Seconds a token: a run that is long enough for something to happen meanwhile."""
MODEL_ENDS_WITHIN = 300.0
"""Seconds: it computes beside the pods."""


def test_what_is_applied_ends_as_a_data_set(release: Release, run: Run, tmp_path: Path) -> None:
    """An example of manifests: its samplers ask an endpoint that speaks OpenAI's API, which this machine serves."""
    node = release.platform.node
    key = {"metadata": {"name": "endpoint"}, "stringData": {"key": "of the test"}}
    node.core.create_namespaced_secret(run.namespace, key)
    with served(problems(4), node.machine.outside, tmp_path) as url:
        engine = {"kind": "openai", "baseUrl": url, "model": "scripted", "concurrency": 16, "apiKeyEnv": "ENDPOINT_KEY"}
        run.submit_example("05-openai-endpoint.yaml", engine=engine)
        counts = run.whole(queries=4)
    assert loaded(run, tmp_path) == counts["rows"]
    assert len({row["query"] for row in run.rows()}) == 4, "no query is left without a row"
    # Its pods held nothing that lets them into the cluster.
    for pod in node.core.list_namespaced_pod(run.namespace).items:
        assert not any("serviceaccount" in mount.mount_path for mount in pod.spec.containers[0].volume_mounts)


def test_samplers_ask_a_vllm_server_for_what_a_model_writes(release: Release, run: Run, vllm: str) -> None:
    """Another example, of a uniform strategy; problems and prompt are such that a very small model solves some."""
    [first, *_] = yaml.safe_load_all((ROOT / "manifests" / "examples" / "quickstart.yaml").read_text("utf-8"))
    run.submit_example(
        "01-uniform.yaml",
        engine={"kind": "openai", "baseUrl": vllm, "model": NAME, "concurrency": 8},
        prompt=first["spec"]["prompt"],
        sampling={"temperature": 0.8, "topP": 0.95, "maxTokens": 48},
        budget={"maxTrialsPerQuery": 24},
        strategy={"kind": "uniform", "target": 4},
    )
    counts = run.whole(queries=4, seconds=MODEL_ENDS_WITHIN)
    assert counts["trials"] <= 4 * 24
    assert {row["response"].count("boxed") for row in run.rows()} >= {1}


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
