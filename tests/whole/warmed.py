"""How tests have programs run by the warm process."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

ROOT = Path(__file__).parents[2]
CLIENT = Path(__file__).with_name("client.py")
STARTS_WITHIN = 180.0
"""Seconds; its imports take six on an idle machine."""
PLAIN = {
    "PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg",
}  # fmt: skip
"""Environment of everything that runs."""


class Program:
    """One that runs. Its end is heard on a connection of its own."""

    def __init__(self, connection: socket.socket, tag: str) -> None:
        self._connection, self.tag = connection, tag
        self.code: int | None = None
        """Exit code once it ended; negative: the signal."""
        self.pid: int = self._hear()["pid"]

    def _hear(self) -> dict[str, Any]:
        data = self._connection.recv(65536)
        if not data:
            raise ConnectionError("the warm process is gone")
        return dict(json.loads(data))

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None after so many seconds."""
        if self.code is None and select.select([self._connection], [], [], seconds)[0]:
            self.code = int(self._hear()["code"])
            self._connection.close()
        return self.code

    def signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.wait(0.0) is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.wait(30.0)


class Warmed:
    """The warm process; `with` starts and ends it, and with it all that it runs."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "warm"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._log = (self._folder / "warm.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.whole.warm", str(self.socket)],
            env={**PLAIN, "HOME": str(self._folder)}, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._log, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], STARTS_WITHIN)
        if not ready or self._process.stdout.readline() != b"warm\n":
            self.__exit__()
            pytest.fail(f"the warm process did not start: {(self._folder / 'warm.log').read_text()[-2000:]}")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None and self._process.stdin is not None
        # At the end of its input it kills what it runs.
        self._process.stdin.close()
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def start(
        self, module: str, argv: Sequence[str], *, log: Path, tag: str = "",
        env: Mapping[str, str] | None = None, network: Mapping[str, str] | None = None,
    ) -> Program:  # fmt: skip
        """Run a module; its output goes to `log`."""
        connection = self._connect()
        request = {"module": module, "argv": [*argv], "env": {**PLAIN, **(env or {})}, "log": str(log), "tag": tag}
        connection.send(json.dumps({**request, "network": network}).encode())
        return Program(connection, tag)

    def folding(self, tag: str) -> list[str]:
        """The command of a folding child, for an operator's settings."""
        return [sys.executable, "-I", "-S", str(CLIENT), str(self.socket), tag, "dart_k8s.workers.folding"]

    def tagged(self, tag: str) -> list[int]:
        """pids of what runs under a tag."""
        with contextlib.closing(self._connect()) as connection:
            connection.send(json.dumps({"tagged": tag}).encode())
            return list(json.loads(connection.recv(65536))["pids"])

    def kill(self, tag: str) -> None:
        """SIGKILL to all of it at once, and to what it started meanwhile; returns when all of it is gone."""
        ends = time.monotonic() + 30.0
        while pids := self.tagged(tag):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > ends:
                raise TimeoutError(f"{pids} do not die")
            time.sleep(0.005)

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.connect(str(self.socket))
        return connection
