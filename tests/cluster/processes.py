"""Processes of the harness: none outlives the one that started it, each keeps a log.

Linux kills a child when the thread that made it ends (PR_SET_PDEATHSIG), so all are made by one thread that lives as
long as this process: a test may start and stop them from any thread, and kill -9 of pytest leaves nothing.
"""

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""
PORTS = (20000, 32768)
"""Linux takes outgoing ones from 32768 (net.ipv4.ip_local_port_range)."""
WIDEST = 400
"""Characters of a line of a log that are shown."""
STOPS_WITHIN = 10.0
"""Seconds between asking a process to end and killing it."""

_random = random.SystemRandom()  # tests seed the other one
_libc = ctypes.CDLL(None, use_errno=True)
_wanted: "SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]]" = SimpleQueue()
_starter: threading.Thread | None = None
_lock = threading.Lock()


class Process:
    """One program with its arguments, started and stopped as often as wanted; its log goes on."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        *,
        folder: Path | None = None,
    ) -> None:
        """`folder`: where it works; None: where this process does."""
        self.name = name
        self.command = list(command)
        self.log = log
        self._environment = dict(environment) if environment is not None else None
        self._folder = folder
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the running process; None when there is none."""
        return self._popen.pid if self.running and self._popen else None

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.running:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._popen = begin(
                self.command, stdout=output.fileno(), environment=self._environment, folder=self._folder
            )

    def stop(self, *, kill: bool = False) -> None:
        """End it and wait for that: SIGTERM first, or SIGKILL at once. Does nothing when it has ended."""
        if self._popen is None:
            return
        if self.running:
            self.thaw()
            self._signal(signal.SIGKILL if kill else signal.SIGTERM)
            try:
                self._popen.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
        self._popen.wait()

    def freeze(self) -> None:
        """Stop its clock, as a machine that hangs: connections stay, nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def tail(self, lines: int = 20) -> str:
        """The end of its log, under a heading."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        state = "running" if self.running else f"ended with {self._popen.returncode}" if self._popen else "not started"
        shown = [line if len(line) <= WIDEST else f"{line[:WIDEST]} ..." for line in text.splitlines()[-lines:]]
        return "\n".join([f"--- {self.name} ({state}): {self.log}", *shown])

    def _signal(self, number: signal.Signals) -> None:
        if self._popen is not None:
            with contextlib.suppress(ProcessLookupError):
                self._popen.send_signal(number)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now.

    They lie below those that the system gives to outgoing connections: else one of these could take the port of a
    server that is stopped for a while, even the connection of a client that tries to reach that very server.
    """
    with ExitStack() as stack:
        ports: list[int] = []
        while len(ports) < count:
            one = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):  # taken: try another
                one.bind(("127.0.0.1", _random.randrange(*PORTS)))
                ports.append(one.getsockname()[1])
        return ports


def begin(
    command: Sequence[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that dies with this process, in a session of its own; what it says goes to `stdout`."""
    parent = os.getpid()

    def tied() -> None:
        if sys.platform != "linux":
            return
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)

    def make() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=subprocess.STDOUT, env=environment, cwd=folder,
            start_new_session=True, preexec_fn=tied,
        )  # fmt: skip

    made: Future[subprocess.Popen[bytes]] = Future()
    _serve()
    _wanted.put((make, made))
    return made.result()


def _serve() -> None:
    global _starter
    with _lock:
        if _starter is None:
            _starter = threading.Thread(target=_starting, name="starter of processes", daemon=True)
            _starter.start()


def _starting() -> None:
    while True:
        make, made = _wanted.get()
        try:
            made.set_result(make())
        except BaseException as error:
            made.set_exception(error)
