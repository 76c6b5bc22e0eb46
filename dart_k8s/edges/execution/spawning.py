"""The parent's end of a zygote: its process and the socket to it."""

import array
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dart_k8s.edges.execution.limits import Limits
from dart_k8s.errors import ExecutionError

__all__ = ["Zygote"]

START_SECONDS = 120.0
"""To load the libraries, on a machine that is busy with a model as well."""
END_SECONDS = 5.0
"""To end its sessions; then it is killed, and they with it."""
MESSAGE = 4096
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from dart_k8s.edges.execution.zygote import main; main(json.loads(sys.argv[2]))"
)
"""What the process runs. Isolated mode, with the parent's import path: it starts this very package."""

Ended = Callable[[int, str], None]
Forked = Callable[[int, int], None]


class Zygote:
    """One zygote. Made by `start`."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", channel: socket.socket, ended: Ended, forked: Forked
    ) -> None:
        self.process = process
        self.layers: Mapping[str, Any] = {}
        self.gone = False
        """Its socket is closed: it has ended, and its sessions with it."""
        self._channel = channel
        self._ended, self._forked = ended, forked
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def start(
        cls, limits: Limits, *, without: Sequence[str], scratch: str, ended: Ended, forked: Forked
    ) -> "Zygote":
        """Start one and wait until it is warm. ExecutionError if it can't be had on this machine."""
        if sys.platform != "linux":
            raise ExecutionError(
                f"Cannot run code of a model on {sys.platform}: only Linux can confine it.",
                remedy="Run it on Linux, or in a Linux container or virtual machine.",
            )
        settings = {
            "memory": limits.memory,
            "file_bytes": limits.file_bytes,
            "scratch_bytes": limits.scratch_bytes,
            "cpu_seconds": limits.cpu_seconds,
            "without": list(without),
            "scratch": scratch,
        }
        paths = json.dumps([str(Path(entry).resolve()) for entry in sys.path])
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, paths, json.dumps(settings)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # No secrets reach it. Hashes in one order, so that a replay prints sets as before; one thread, so that
                # it can fork.
                env={
                    "PATH": os.defpath,
                    "LANG": "C.UTF-8",
                    "PYTHONHASHSEED": "0",
                    "OPENBLAS_NUM_THREADS": "1",
                    "OMP_NUM_THREADS": "1",
                    "MKL_NUM_THREADS": "1",
                },
                cwd="/",
                start_new_session=True,
            )
        ours.setblocking(False)
        zygote = cls(process, ours, ended, forked)
        asyncio.get_running_loop().add_reader(ours, zygote._heard)
        try:
            async with asyncio.timeout(START_SECONDS):
                await zygote._ready
        except (TimeoutError, ConnectionError) as error:
            await zygote.close()
            raise ExecutionError(
                f"The interpreter for code of a model did not start: {error or f'nothing within {START_SECONDS:g} s'}.",
                remedy="It needs numpy, scipy and sympy, and memory for them (200 MB).",
            ) from error
        except BaseException:
            await zygote.close()
            raise
        return zygote

    def ended(self) -> bool:
        """Whether it is gone, also when nothing has been heard of that yet."""
        return self.gone or self.process.poll() is not None

    def fork(self, session: int, seed: int, memory: int, descriptors: Sequence[int]) -> None:
        """Start a session with these pipes and bytes of memory, no more than the zygote was started with."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        self._send({"do": "fork", "session": session, "seed": seed, "memory": memory}, rights)

    def tell(self, what: str, session: int) -> None:
        """kill, stop or go; a zygote that is gone has killed everything."""
        with contextlib.suppress(ExecutionError):
            self._send({"do": what, "session": session}, [])

    def _send(self, message: Mapping[str, object], rights: "Sequence[tuple[int, int, array.array[int]]]") -> None:
        try:
            self._channel.sendmsg([json.dumps(message).encode()], rights)
        except OSError as error:
            # A full socket, too: a zygote that does not read is as good as gone.
            self._lost()
            raise ExecutionError(
                f"The interpreter that sessions are forked from is gone: {error.strerror or error}.",
                remedy="It is started anew with the next block.",
            ) from error

    def _heard(self) -> None:
        while not self.gone:
            try:
                data = self._channel.recv(MESSAGE)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._lost()
                return
            message = json.loads(data)
            if "ready" in message:
                self.layers = message["layers"]
                if not self._ready.done():
                    self._ready.set_result(None)
            elif "forked" in message:
                self._forked(int(message["forked"]), int(message["process"]))
            elif "ended" in message:
                self._ended(int(message["ended"]), str(message["why"]))

    def _lost(self) -> None:
        if self.gone:
            return
        self.gone = True
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().remove_reader(self._channel)
        # Its end of the file: it kills its sessions, removes what they wrote, and ends.
        self._channel.close()
        if not self._ready.done():
            self._ready.set_exception(ConnectionError("it ended while it was starting"))

    async def close(self) -> None:
        """End it and all its sessions, and leave no zombie."""
        self._lost()
        if self._ready.done() and not self._ready.cancelled():
            self._ready.exception()
        try:
            await asyncio.to_thread(self.process.wait, END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)
