"""An endpoint that speaks OpenAI's API, on this side of the node's cable."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def served(problems: Mapping[str, Any], address: str, folder: Path) -> Iterator[str]:
    """The base URL of a server that answers these problems by their script (`runs.problems`)."""
    script = folder / "script.json"
    script.write_text(problems["data"]["script.json"])
    command = [sys.executable, "-m", "dart_k8s.edges.engine.scripted_server", f"--script={script}", f"--host={address}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()
