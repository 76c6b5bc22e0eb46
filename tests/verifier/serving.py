"""A real verification server in a process of its own, on loopback."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

for _module in ("httpx", "prometheus_client", "starlette", "structlog", "uvicorn"):
    pytest.importorskip(_module, reason="pip install dart-k8s[verifier,worker]")

WAIT = 60.0
"""Seconds after which a test gives up on a server; nothing here takes a tenth of it."""

SLOW = (
    r"\boxed{\sum_{n=1}^{\infty} \frac{\sin(n^2)}{n!+\sqrt{n}}}",
    r"\sum_{n=1}^{\infty} \frac{\cos(n^3)}{n!+\sqrt{n+1}}",
)
"""A response and a reference that computer algebra works at until its deadline."""


def item(response: str, reference: str) -> dict[str, str]:
    return {"response": response, "reference": reference}


def slow(number: int) -> dict[str, str]:
    """One that takes its whole deadline; another for each number, so that nothing is remembered."""
    return item(SLOW[0].replace("n!", f"n!+{number}"), SLOW[1])


@dataclass(eq=False)
class Server:
    process: subprocess.Popen[bytes]
    url: str = ""
    log: list[dict[str, Any]] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self.log.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self.log.append({"event": "end of log"})
            self._changed.notify_all()

    def wait_for(self, event: str, count: int = 1) -> dict[str, Any]:
        """The log line of an event, once it has happened so many times."""
        with self._changed:

            def found() -> list[dict[str, Any]]:
                return [line for line in self.log if line["event"] == event]

            def over() -> bool:
                return len(found()) >= count or self.log[-1:] == [{"event": "end of log"}]

            assert self._changed.wait_for(over, WAIT), self.log
            lines = found()
            assert len(lines) >= count, self.log
            return lines[count - 1]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT)

    def family(self) -> list[int]:
        """Process ids of all its children and theirs."""
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                except OSError:
                    continue
        found, new = [], {self.process.pid}
        while new := {pid for pid, parent in parents.items() if parent in new}:
            found += sorted(new)
        return found


@contextmanager
def server(*options: str, environment: dict[str, str] | None = None) -> Iterator[Server]:
    """A server that is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dart_k8s.cli.main", "verifier", "serve", "--port", "0", *options],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    made = Server(process)
    reader = threading.Thread(target=made.read, daemon=True)
    reader.start()
    try:
        made.url = made.wait_for("serving")["address"]
        made.wait_for("ready")
        yield made
    finally:
        process.kill()
        process.wait()
        reader.join(WAIT)
        assert process.stderr is not None
        process.stderr.close()
