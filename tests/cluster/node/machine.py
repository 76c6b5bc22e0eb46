"""A machine inside the machine: its own processes, mounts and network, all of which the kernel ends with the first one.

So nothing can stay behind, whatever is killed: no container, mount, bridge or firewall rule is ever seen outside. Only
empty control groups do, and `sweep` removes those. One cable (a veth pair) leads to it; its outer end has an address at
which tests serve what pods need, and to which the API server is bound.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.cluster.processes import Process

FIRST = Path(__file__).with_name("first.py")
GROUPS = Path("/sys/fs/cgroup")
GROUP = "dart-node-"
HIDDEN = ("/run", "/var/lib", "/var/log")
"""Where kubelet and containerd write whatever they are told: each is an empty folder in memory, seen inside only."""
STARTS_WITHIN = 20.0
_random = random.SystemRandom()  # tests seed the other one


def lacks() -> str | None:
    """Why no such machine can be made here; None when it can."""
    if sys.platform != "linux":
        return "needs Linux"
    if os.geteuid() != 0:
        return "needs root, for namespaces, mounts and a network of its own: run as root, or in a VM"
    missing = [name for name in ("unshare", "nsenter", "ip", "mount") if shutil.which(name) is None]
    if missing:
        return f"needs {', '.join(missing)} (Debian: util-linux, iproute2)"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--net", "--fork", "true"], capture_output=True, text=True, check=False
    )
    return f"needs namespaces of its own: {tried.stderr.strip()}" if tried.returncode else None


class Machine:
    """Started and ended by `with`."""

    def __init__(self, folder: Path) -> None:
        """`folder`: for logs, seen inside under the same path."""
        self.folder = folder
        self._number = _random.randrange(1, 255)
        self._first = Process(
            "machine",
            ["unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc",
             "--propagation=private", sys.executable, "-S", str(FIRST)],
            folder / "logs" / "machine.log",
        )  # fmt: skip
        self._pid = 0

    @property
    def outside(self) -> str:
        """The address of this side of the cable: what serves here is reached by pods."""
        return f"10.211.{self._number}.1"

    @property
    def address(self) -> str:
        """Of the machine."""
        return f"10.211.{self._number}.2"

    @property
    def pods(self) -> str:
        """The network of its pods."""
        return f"10.212.{self._number}.0/24"

    @property
    def group(self) -> str:
        """The control group under which its containers are; in the name is who made it."""
        return f"{GROUP}{os.getpid()}"

    def __enter__(self) -> Self:
        sweep()
        self._first.start()
        try:
            self._pid = self._child()
            self._connect()
            for folder in HIDDEN:
                self.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._first.stop(kill=True)
        sweep(self.group)

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command that runs this one there."""
        return ["nsenter", f"--target={self._pid}", "--mount", "--pid", "--net", "--ipc", "--uts", "--", *command]

    def process(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> "Inside":
        """A program that runs there once it is started."""
        return Inside(name, self.inside(command), self.folder / "logs" / f"{name}.log", environment)

    def run(self, command: Sequence[str], **environment: str) -> str:
        """Run it there to its end; what it printed. Raises RuntimeError with what it said."""
        return _run(self.inside(command), environment)

    def tail(self) -> str:
        return self._first.tail()

    def _connect(self) -> None:
        cable = f"dart{self._number}"
        _run(["ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(self._pid)])
        _run(["ip", "address", "add", f"{self.outside}/30", "dev", cable])
        _run(["ip", "link", "set", cable, "up"])
        self.run(["ip", "link", "set", "lo", "up"])
        self.run(["ip", "address", "add", f"{self.address}/30", "dev", "eth0"])
        self.run(["ip", "link", "set", "eth0", "up"])
        self.run(["ip", "route", "add", "default", "via", self.outside])
        self.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
        _run(["ip", "route", "add", self.pods, "via", self.address])

    def _child(self) -> int:
        """The first process, by the number that it has outside."""
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline and (pid := self._first.pid):
            found = _children(pid)
            if found and "first.py" in Path(f"/proc/{found[0]}/cmdline").read_text():
                return found[0]
            time.sleep(0.01)
        raise RuntimeError(f"no machine was made:\n{self._first.tail()}")


class Inside(Process):
    """A program in another process namespace: nsenter waits outside, and takes no signals for it."""

    @property
    def program(self) -> int | None:
        """Its number outside; None when it does not run."""
        found = _children(self.pid) if self.pid else []
        return found[0] if found else None

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if (pid := self.program or self.pid) is not None:
                os.kill(pid, number)


def sweep(group: str | None = None) -> None:
    """Remove the control groups of machines that are gone, and this one."""
    for controller in [GROUPS, *GROUPS.glob("*/")]:
        for left in controller.glob(f"{GROUP}*/"):
            if left.name != group and Path(f"/proc/{left.name.removeprefix(GROUP)}").exists():
                continue
            for folder in sorted((path for path in left.rglob("*") if path.is_dir()), reverse=True):
                _remove(folder)
            _remove(left)


def _remove(folder: Path) -> None:
    for _ in range(50):
        try:
            folder.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:  # its processes were killed and are not quite gone
            time.sleep(0.02)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
