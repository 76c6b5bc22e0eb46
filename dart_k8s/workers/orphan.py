"""A worker on one machine ends with the process that started it, however that died."""

import ctypes
import os
import signal
import threading
import time
from contextlib import suppress

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when its parent is gone; Linux only."""


def die_with_parent(parent: int | None = None) -> None:
    """Get SIGTERM when the parent is gone: the kernel says so on Linux, elsewhere a thread looks once a second."""
    expected = os.getppid() if parent is None else parent
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    threading.Thread(target=_watch, args=(expected,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    # The kernel's signal is lost when the parent died before it was asked for, and fires for its thread, not its
    # process.
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)
