"""`kubectl dart` and a real operator on a real API server: one user's day with a cluster that is too small."""

import json
from pathlib import Path
from typing import Any

import yaml

from dart_k8s.names import STAGE
from tests.cluster import pods
from tests.operator.real import SAMPLING, Folded, InProcess, install, settings, synthesis

from .test_real import called


def test_from_submitting_to_why_it_waits_and_back(plane: Any, namespace: str, tmp_path: Path) -> None:
    install(plane, namespace)
    folded = Folded(tmp_path)
    folded.say("s", SAMPLING)
    file = tmp_path / "s.yaml"
    too_large = {"replicas": 2, "resources": {"limits": {"nvidia.com/gpu": "900"}}}
    file.write_text(yaml.safe_dump(synthesis(samplers=too_large)))

    def dart(*arguments: str) -> str:
        return called(*arguments, "-n", namespace, "--kubeconfig", plane.kubeconfig)[1]

    def said(words: str, *arguments: str) -> None:
        plane.eventually(lambda: words in dart(*arguments), f"{' '.join(arguments)} to say {words!r}")

    ends = {pods.EXIT_CODE: "0", pods.RUNS_FOR: "100ms"}
    kubeconfig = plane.kubeconfig_of("dart-operator", namespace)
    with (
        pods.directed(plane, namespace, ends, {STAGE: "prepare"}),
        InProcess(settings(kubeconfig, namespace, folded)),
    ):
        assert "created" in dart("submit", str(file))
        said("s (uniform): Sampling", "status", "s")
        said("2 sampler pods (first s-sampler-1-", "explain", "s")
        assert "Insufficient nvidia.com/gpu" in dart("explain", "s")
        dart("suspend", "s")
        said("s: Suspended", "explain", "s")
        [cause] = json.loads(dart("explain", "s", "-o", "json"))["causes"]
        assert cause["remedy"] == "dart resume s"
        dart("resume", "s")
        said("s (uniform): Sampling", "status", "s")
