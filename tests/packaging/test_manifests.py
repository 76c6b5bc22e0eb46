"""The manifests for those who use no Helm: the chart's own objects, and kustomize takes them together."""

import json
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from .containerfiles import ROOT
from .manifests import install, monitoring
from .rendering import CLUSTER_WIDE, FOREIGN, MODELS, problems

FOLDERS = ("install", "monitoring")


def kustomized(folder: str) -> list[dict[str, Any]]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not on the PATH: install it to see what kustomize makes of manifests")
    done = subprocess.run(
        [kubectl, "kustomize", ROOT / "manifests" / folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


@pytest.mark.parametrize(("folder", "made"), [("install", install), ("monitoring", monitoring)], ids=FOLDERS)
def test_plain_manifests_are_what_the_chart_makes(folder: str, made: Any) -> None:
    for name, text in made().items():
        path = ROOT / "manifests" / folder / name
        assert path.read_text("utf-8") == text, f"{path}: run `make manifests`"


@pytest.mark.parametrize("folder", FOLDERS)
def test_kustomize_names_every_file_of_its_folder(folder: str) -> None:
    path = ROOT / "manifests" / folder
    named = yaml.safe_load((path / "kustomization.yaml").read_text("utf-8"))["resources"]
    assert sorted(named) == sorted({one.name for one in path.glob("*.yaml")} - {"kustomization.yaml"})


def test_kustomize_makes_objects_that_the_api_takes_in_a_namespace_that_is_restricted() -> None:
    objects = kustomized("install")
    [namespace] = [one for one in objects if one["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for one in objects:
        if one["kind"] not in (*FOREIGN, "Namespace"):
            assert problems(one, MODELS[one["apiVersion"], one["kind"]].__name__, one["kind"]) == []
        if one["kind"] not in (*CLUSTER_WIDE, "Namespace"):
            assert one["metadata"]["namespace"] == namespace["metadata"]["name"]
        assert "Helm" not in json.dumps(one["metadata"].get("labels"))


def test_kustomize_makes_monitoring_of_the_same_operator() -> None:
    found = kustomized("monitoring")
    [service] = [one for one in kustomized("install") if one["kind"] == "Service"]
    [monitor] = [one for one in found if one["kind"] == "ServiceMonitor"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
