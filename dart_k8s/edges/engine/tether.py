"""Ties the processes that an engine starts to the one that started it.

An engine's processes inherit the terminal and outlive a parent that was killed by SIGKILL: they would go on holding
memory and accelerators, write into the user's screen, and stop at the user's Ctrl-C before the parent has asked them
to. A `Tether` travels to them inside the engine's pickled configuration; unpickling it in another process turns that
process's output into the log, gives it a process group of its own, and makes it die with its parent.
"""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["FORMAT", "Tether"]

FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
CHECK_SECONDS = 1.0
"""How long an orphan may live on. PR_SET_PDEATHSIG would be at once, but it fires when the parent's *thread* ends."""


class Tether:
    """Carry it to child processes inside something that they unpickle."""

    def __init__(self, log: str, loggers: tuple[str, ...]) -> None:
        """`log` is the file that the children append to; `loggers` are the names whose records go there too."""
        self.log = log
        self.loggers = loggers
        self.owner = os.getpid()

    def compute_hash(self) -> str:
        """vLLM asks this of what rides in its configuration: a tether changes no result."""
        return ""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _attach, (self.log, self.loggers, self.owner)


def _attach(log: str, loggers: tuple[str, ...], owner: int) -> Tether:
    global _attached
    tether = Tether(log, loggers)
    tether.owner = owner
    # A copy made in the owner itself unpickles as well, and a process may unpickle more than one.
    if os.getpid() == owner or _attached:
        return tether
    _attached = True
    # Ctrl-C goes to the terminal's whole foreground group; the owner alone decides what it means.
    with contextlib.suppress(PermissionError):
        os.setpgid(0, 0)
    divert(log)
    write_to(log, loggers)
    threading.Thread(target=_die_with, args=(os.getppid(),), name="tether", daemon=True).start()
    return tether


_attached = False


def divert(log: str) -> None:
    """Append what this process writes to standard output and error, C libraries included, to `log`."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def write_to(log: str, loggers: tuple[str, ...]) -> logging.Handler:
    """Send the records of these loggers, and of nobody else, to `log`."""
    handler = logging.FileHandler(log, encoding="utf-8")
    handler.setFormatter(logging.Formatter(FORMAT))
    for name in loggers:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.INFO)
    return handler


def _die_with(parent: int) -> None:
    # A parent of 1 from the start: it died while this process was starting.
    while parent != 1 and os.getppid() == parent:
        time.sleep(CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
