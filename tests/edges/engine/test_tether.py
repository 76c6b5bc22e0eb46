"""An engine's processes end with the process that started them, and write into its log."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PARENT = """
import multiprocessing, sys, time
from dart_k8s.edges.engine.tether import Tether

def child(tether):
    print("the child speaks", flush=True)
    time.sleep(600)

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=child, args=(Tether(sys.argv[1], ("noisy",)),))
    process.start()
    print(process.pid, flush=True)
    time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        # A zombie that nobody reaps is dead, too.
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_child_dies_with_a_parent_that_was_killed_and_its_words_are_in_the_log(tmp_path: Path) -> None:
    script, log = tmp_path / "parent.py", tmp_path / "log"
    script.write_text(PARENT, "utf-8")
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen([sys.executable, script, log], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        while not (log.exists() and "the child speaks" in log.read_text("utf-8")):
            time.sleep(0.05)
        assert alive(child)
        parent.send_signal(signal.SIGKILL)
        rest = parent.stdout.read()
    assert rest == b""
    deadline = time.monotonic() + 20
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child)
