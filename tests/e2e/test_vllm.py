"""vLLM inside a sampler's pod, under the `restricted` policy: minutes, and a layer of gigabytes. In `make soak`."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.packaging.containerfiles import ROOT

from . import images
from .model_server import MAKES, MODEL
from .platform import SMALL

if TYPE_CHECKING:
    from .platform import Release
    from .runs import Run

ENDS_WITHIN = 1200.0
"""Seconds; loading is most of it."""
ROOM = {"requests": SMALL["requests"], "limits": {"memory": "8Gi"}}


@pytest.mark.soak
def test_a_sampler_with_vllm_on_cpus_loads_a_model_from_the_store(release: Release, run: Run) -> None:
    done = subprocess.run([sys.executable, MAKES, MODEL], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs the quickstart's model: {done.stderr[-500:]}")
    image = images.build("sampler-cpu", release.platform.folder)
    release.platform.node.runtime.load(image)
    model = "models/quickstart"
    for file in sorted(path for path in MODEL.rglob("*") if path.is_file()):
        run.bucket.put(f"{model}/{file.relative_to(MODEL)}", file.read_bytes())
    [first, *_] = yaml.safe_load_all((ROOT / "manifests" / "examples" / "quickstart.yaml").read_text("utf-8"))
    run.submit_example(
        "01-uniform.yaml",
        model={"uri": f"s3://{release.platform.s3.bucket}/inputs/{model}"},
        engine={"kind": "vllm", "slots": 8, "args": {"max_model_len": 512}},
        prompt=first["spec"]["prompt"],
        sampling={"temperature": 0.8, "topP": 0.95, "maxTokens": 48},
        budget={"maxTrialsPerQuery": 24},
        strategy={"kind": "uniform", "target": 4},
        samplers={"replicas": 1, "image": image.name, "resources": ROOM, "sharedMemory": "1Gi"},
        prepare={"resources": ROOM},
    )
    run.whole(queries=4, seconds=ENDS_WITHIN)
