"""vLLM's own server with the quickstart's model, inside the node, so that it ends with it. It loads for a minute or
two, in the background while other tests run."""

import os
import sys
import threading
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

from dart_k8s.edges.engine.cpu import cpu_dtype, cpu_flags
from tests.cluster.node.node import Node
from tests.cluster.processes import begin
from tests.packaging.containerfiles import ROOT

NAME = "smollm2"
PORT = 8000
MODEL = Path(os.environ.get("DART_TEST_MODEL", ROOT / ".cache/quickstart/model"))
"""Shared with the engines' contract tests: made once, half a gigabyte."""
MAKES = ROOT / "manifests/examples/quickstart/model.py"
LOADS_WITHIN = 600.0
"""Seconds from the first question on; it was begun before."""


class ModelServer:
    """Begun once, early; `url` waits for it."""

    def __init__(self, node: Node) -> None:
        self._address = node.machine.address
        self._log = node.folder / "logs" / "model.log"
        # The others go first while it loads.
        command = ["nice", "-n", "5", sys.executable, "-m", "vllm.entrypoints.openai.api_server", f"--model={MODEL}"]
        command += [f"--served-model-name={NAME}", f"--host={self._address}", f"--port={PORT}", "--enforce-eager"]
        command += [f"--dtype={cpu_dtype(cpu_flags())}", "--max-model-len=512", "--max-num-seqs=8", "--block-size=32"]
        environment = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": str(node.folder), "VLLM_NO_USAGE_STATS": "1",
            "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_HOST_IP": "127.0.0.1", "HF_HUB_OFFLINE": "1",
        }  # fmt: skip
        self._process = node.machine.process("vllm", command, environment)
        self._beginning = threading.Thread(target=self._begin, daemon=True, name="vLLM")
        self._lacks = ""

    def start(self) -> None:
        """Begin, and return at once."""
        self._beginning.start()

    def url(self) -> str:
        """Its base URL, once it answers. Skips where vLLM or the model can't be had, and fails under CI=true."""
        self._beginning.join()
        if self._lacks:
            if os.environ.get("CI") == "true":
                pytest.fail(self._lacks)
            pytest.skip(self._lacks)
        base = f"http://{self._address}:{PORT}/v1"
        ends = time.monotonic() + LOADS_WITHIN
        while not _answers(f"{base}/models"):
            assert self._process.running and time.monotonic() < ends, f"vLLM does not serve\n{self._process.tail(40)}"
            time.sleep(0.3)
        return base

    def _begin(self) -> None:
        if find_spec("vllm") is None:
            self._lacks = "needs vllm: pip install dart-k8s[sampler-cpu]"
            return
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as output:
            code = begin([sys.executable, str(MAKES), str(MODEL)], stdout=output.fileno()).wait()
        if code:
            self._lacks = f"needs the quickstart's model: {self._log.read_text(errors='replace')[-500:]}"
            return
        self._process.start()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except (urllib.error.URLError, OSError):
        return False
    return True
