"""What the chart makes for the Prometheus operator, against that operator's own definitions on a real API server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .rendering import Object, example

if TYPE_CHECKING:
    from tests.cluster.plane import ControlPlane

MODULE = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
"""4 MB from the Go module proxy, kept in Go's own cache."""
KINDS = {"PodMonitor": "podmonitors", "PrometheusRule": "prometheusrules", "ServiceMonitor": "servicemonitors"}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def module(folder: Path) -> Path:
    """The module's folder; without Go or a way to fetch it the test skips, and fails under CI=true."""
    program = shutil.which("go")
    why = "Go is missing: install it"
    if program is not None:
        command = [program, "mod", "download", "-json", MODULE]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        found = json.loads(done.stdout or "{}")
        if "Dir" in found:
            return Path(found["Dir"])
        why = f"{MODULE} can't be had: {found.get('Error') or done.stderr}"
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture
def knowing(plane: ControlPlane, tmp_path: Path) -> Iterator[ControlPlane]:
    """A cluster with the Prometheus operator's kinds."""
    folder = module(tmp_path) / "example" / "prometheus-operator-crd"
    plane.heal()
    for plural in KINDS.values():
        plane.apply((folder / f"monitoring.coreos.com_{plural}.yaml").read_text("utf-8"))
    yield plane
    for plural in KINDS.values():
        plane.call("DELETE", f"{DEFINITIONS}/{plural}.monitoring.coreos.com")


def test_the_prometheus_operators_kinds_are_written_as_it_reads_them(knowing: ControlPlane, namespace: str) -> None:
    made: list[Object] = [one for one in example("full") if one["kind"] in KINDS]
    assert {one["kind"] for one in made} == set(KINDS)
    for one in made:
        path = f"/apis/{one['apiVersion']}/namespaces/{namespace}/{KINDS[one['kind']]}"
        here = {**one, "metadata": {**one["metadata"], "namespace": namespace}}
        # Strict: a field that it does not know is an error.
        knowing.eventually(
            lambda path=path, here=here: knowing.call("POST", path, here, dryRun="All", fieldValidation="Strict"),
            f"{one['kind']} {one['metadata']['name']} to be taken",
            seconds=20.0,
        )
