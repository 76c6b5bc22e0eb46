"""No process of the harness outlives the one that started it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.processes import Process

ROOT = Path(__file__).parents[2]
STARTS_ONE_AND_WAITS = """
import sys, threading, time
from pathlib import Path
from tests.cluster.processes import Process

child = Process("child", ["sleep", "600"], Path(sys.argv[1]))
thread = threading.Thread(target=child.start)
thread.start()
thread.join()
print(child.pid, flush=True)
time.sleep(600)
"""


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def until(check) -> None:
    deadline = time.monotonic() + 60
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_dies_with_its_starter_but_not_with_the_thread_that_asked_for_it(tmp_path, number):
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE_AND_WAITS, str(tmp_path / "log")],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as starter:  # fmt: skip
        assert starter.stdout is not None
        child = int(starter.stdout.readline())
        assert not gone(child)
        starter.send_signal(number)
        starter.wait(60)
    until(lambda: gone(child))


def test_it_can_be_stopped_while_frozen_and_started_again(tmp_path):
    process = Process("sleeper", ["sleep", "600"], tmp_path / "log")
    process.start()
    first = process.pid
    assert first is not None
    process.freeze()
    until(lambda: Path(f"/proc/{first}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T")
    process.stop()
    assert gone(first) and not process.running
    process.start()
    assert process.pid not in (None, first)
    process.stop(kill=True)


def test_its_log_goes_on_over_starts_and_its_end_tells_how_it_ended(tmp_path):
    process = Process("speaker", [sys.executable, "-c", "print('spoke'); raise SystemExit(3)"], tmp_path / "log")
    for _ in range(2):
        process.start()
        until(lambda: not process.running)
    assert process.tail(5).splitlines() == [f"--- speaker (ended with 3): {tmp_path / 'log'}", "spoke", "spoke"]


def test_a_program_that_is_not_there_raises_where_it_was_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        Process("absent", ["no-such-program"], tmp_path / "log").start()
