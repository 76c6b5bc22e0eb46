"""Folders of running clusters: in memory where there is room, removed by whoever finds that their owner is gone."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "dart-cluster-"
MEMORY = Path("/dev/shm")
NEEDED_BYTES = 2 << 30
"""For etcd's files of a test of scale; else the disk has to do."""


def base() -> Path:
    """Where they are made."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= NEEDED_BYTES
    return MEMORY if roomy else Path(tempfile.gettempdir())


@contextmanager
def own_folder() -> Iterator[Path]:
    """A new folder with a lock that the system gives back when this process ends, however that happens.

    Removed at the end, unless an error ends the block: its logs say why, until the next cluster is started.
    """
    sweep()
    with _locked() as folder:
        yield folder
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove those whose owner has ended."""
    for folder in base().glob(f"{PREFIX}*"):
        try:
            with (folder / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # it lives, or is another user's
            continue


@contextmanager
def _locked() -> Iterator[Path]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base()))
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():  # else somebody swept it before it was locked
                yield folder
                return
