"""A cluster for a developer, that outlives the command: `make cluster` and `make cluster-down`.

    python -m tests.cluster up      start one, or say where the running one is
    python -m tests.cluster down    end it; also cleans up after one that was killed

A keeper process in the background holds a lock and the control plane, which dies with it. So there is nothing that
`down` could miss: who can take the lock knows that no cluster runs.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from tests.tools import cache

from . import sources
from .folders import own_folder, sweep

FOLDER = cache().parent / "cluster"
LOCK, LOG, KUBECONFIG = FOLDER / "lock", FOLDER / "log", FOLDER / "kubeconfig"
NODES = 3
STARTS_WITHIN = 180.0
"""Seconds; under ten are usual."""
ROOT = Path(__file__).parents[2]


def up() -> int:
    """Start a keeper and wait until its cluster is ready."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if keeper() is None:
        KUBECONFIG.unlink(missing_ok=True)
        with LOG.open("wb") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "tests.cluster", "keep"],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + STARTS_WITHIN
        while not KUBECONFIG.exists():
            if started.poll() is not None or time.monotonic() > deadline:
                print(f"The cluster did not start:\n{LOG.read_text(errors='replace')[-4000:]}", file=sys.stderr)
                started.terminate()
                return 1
            time.sleep(0.1)
    print(f"A Kubernetes control plane runs; kwok plays {NODES} nodes and their pods. To use it:\n")
    print(f"    export KUBECONFIG={KUBECONFIG}\n")
    print("Pods run for ever unless annotated; tests/cluster/stages.yaml says how. `make cluster-down` ends it.")
    return 0


def keep() -> int:
    """Hold the lock and the cluster until SIGTERM."""
    from .plane import ControlPlane  # only here: the kubernetes client takes a second to import
    from .pods import add_nodes

    FOLDER.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        note(lock, str(os.getpid()))
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        source = sources.look()
        if not isinstance(source, sources.Programs):
            print("There is nothing to start: unset DART_TEST_KUBECONFIG, install Go and run `make tools`.")
            return 1
        with own_folder() as folder, ControlPlane(source, folder) as plane:
            add_nodes(plane, NODES)
            print(f"{source}; its folder is {folder}", flush=True)
            shutil.copy(plane.kubeconfig, KUBECONFIG.with_suffix(".new"))
            KUBECONFIG.with_suffix(".new").rename(KUBECONFIG)
            ended.wait()
        note(lock, "")
    return 0


def down() -> int:
    """End the keeper, if there is one, and wait for that."""
    pid = keeper()
    if pid is None:
        print("No cluster is running.")
    else:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while keeper() is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        print("The cluster is gone.")
    KUBECONFIG.unlink(missing_ok=True)
    sweep()
    return 0


def keeper() -> int | None:
    """The process that holds the lock; None when nobody does."""
    if not LOCK.exists():
        return None
    with LOCK.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read() or 0) or None
    return None


def note(lock: IO[str], text: str) -> None:
    """Write into the lock's file who holds it."""
    lock.truncate(0)
    lock.write(text)
    lock.flush()


if __name__ == "__main__":
    verbs = {"up": up, "down": down, "keep": keep}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        print(__doc__)
        sys.exit(64)
    sys.exit(verbs[sys.argv[1]]())
