"""An endpoint that speaks OpenAI's API, on this side of the node's cable."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.processes import begin


@contextmanager
def served(problems: Mapping[str, Any], address: str, folder: Path) -> Iterator[str]:
    """The base URL of a server that answers these problems by their script (`runs.problems`)."""
    script = folder / "script.json"
    scripts = json.loads(problems["data"]["script.json"])
    scripts["scripts"].append({"match": "Hello", "p": 1.0, "answer": "Hello", "tokens": 1})  # how it is probed
    script.write_text(json.dumps(scripts))
    command = [sys.executable, "-m", "dart_k8s.edges.engine.scripted_server", f"--script={script}", f"--host={address}"]
    with begin(command, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            said = (line.decode().strip() for line in server.stdout)
            yield next(line for line in said if line.startswith("http://"))
        finally:
            server.terminate()
