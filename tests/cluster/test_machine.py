"""A machine inside the machine ends with the process that made it, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .node import machine

KEEPS = """
import sys, time
from pathlib import Path
from tests.cluster.node.machine import Machine
with Machine(Path(sys.argv[1])) as made:
    made.run(["mount", "-t", "tmpfs", "none", "/mnt"])
    made.run(["ip", "link", "add", "inner", "type", "bridge"])
    for controller in Path("/sys/fs/cgroup").glob("*/cgroup.procs"):
        (controller.parent / made.group / "pod").mkdir(parents=True)
    sleeper = made.process("sleeper", ["sleep", "1000"], {})
    sleeper.start()
    while sleeper.program is None:
        time.sleep(0.01)
    print(sleeper.program, made.outside, made.run(["hostname", "-I"]), flush=True)
    time.sleep(1000)
"""


@pytest.fixture(autouse=True)
def possible() -> None:
    if (why := machine.lacks()) is not None:
        pytest.skip(f"a node {why}")


def test_after_kill_9_no_process_no_mount_and_no_network_is_left(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", KEEPS, str(tmp_path)], stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as keeper:
        assert keeper.stdout is not None
        inner, address, *_ = keeper.stdout.readline().split()
        assert "sleep" in Path(f"/proc/{inner}/cmdline").read_text()
        assert address in addresses()
        keeper.send_signal(signal.SIGKILL)
    until(lambda: not Path(f"/proc/{inner}").exists())
    until(lambda: address not in addresses())
    assert " /mnt tmpfs" not in Path("/proc/mounts").read_text()
    machine.sweep()
    assert not list(machine.GROUPS.glob(f"*/{machine.GROUP}{keeper.pid}"))


def test_without_root_it_says_what_it_needs(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "needs root" in (machine.lacks() or "")


def addresses() -> str:
    return subprocess.run(["ip", "address"], capture_output=True, text=True, check=True).stdout


def until(check) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.01)
