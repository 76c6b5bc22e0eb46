"""What of a declaration only this machine has."""

from pathlib import Path
from typing import Any

import pytest

from dart_k8s.api import Synthesis
from dart_k8s.cli.cluster.local_paths import local_paths, refusal

from .objects import declared


def made(**fields: Any) -> Synthesis:
    return Synthesis.model_validate(declared(**fields), by_alias=True, by_name=False)


MOUNT = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"queries": [{"name": "q", "uri": "q.jsonl"}]}, ["spec.queries[0].uri"]),
        ({"queries": [{"name": "q", "uri": "file:///data/q.jsonl"}]}, ["spec.queries[0].uri"]),
        ({"queries": [{"name": "q", "uri": "file:///data/q.jsonl"}], "prepare": MOUNT}, []),
        ({"queries": [{"name": "q", "uri": "/database/q.jsonl"}], "prepare": MOUNT}, ["spec.queries[0].uri"]),
        ({"queries": [{"name": "q", "uri": "/q.jsonl"}], "prepare": {"image": "mine"}}, []),
        ({"queries": [{"name": "q", "configMap": {"name": "q"}}]}, []),
        ({"model": {"uri": "models/m"}}, ["spec.model.uri"]),
        ({"model": {"uri": "/models/m"}, "modelCache": {"kind": "claim", "claim": "models"}}, []),
        ({"output": {"uri": "runs/a"}}, ["spec.output.uri"]),
        ({"output": {"uri": "/data/runs/a"}, "prepare": MOUNT, "samplers": MOUNT}, ["spec.output.uri"]),
        ({"output": {"uri": "/data/runs/a"}, "prepare": MOUNT, "samplers": MOUNT, "curate": MOUNT}, []),
        ({"pool": {"from": ["s3://b/p", "runs/b"]}}, ["spec.pool.from[1]"]),
        ({"curation": {"decontaminate": {"against": ["math500.jsonl"]}}}, ["spec.curation.decontaminate.against[0]"]),
    ],
)  # fmt: skip
def test_paths_that_no_pod_can_read_are_named_by_their_field(fields: dict[str, Any], expected: list[str]):
    assert [one.field for one in local_paths(made(**fields))] == expected


def test_small_queries_have_a_config_map_as_the_way_out(tmp_path: Path):
    file = tmp_path / "q.jsonl"
    file.write_text("{}\n")
    synthesis = made(queries=[{"name": "q", "uri": str(file)}])
    message, remedy = refusal(synthesis, local_paths(synthesis), "mine")
    assert "spec.queries[0].uri" in message and str(file) in message
    assert f"kubectl -n mine create configmap hard-queries --from-file=queries.jsonl={file}" in remedy
    assert "configMap: {name: hard-queries}" in remedy and "s3://BUCKET/q.jsonl" in remedy


@pytest.mark.parametrize(("name", "size"), [("q.jsonl", (1 << 20) + 1), ("q.parquet", 10)])
def test_what_no_config_map_can_hold_goes_into_a_bucket(tmp_path: Path, name: str, size: int):
    file = tmp_path / name
    file.write_bytes(b"x" * size)
    synthesis = made(queries=[{"name": "q", "uri": str(file)}])
    _, remedy = refusal(synthesis, local_paths(synthesis), "mine")
    assert "create configmap" not in remedy and f"s3://BUCKET/{name}" in remedy
