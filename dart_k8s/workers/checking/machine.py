"""What this machine has to offer."""

import contextlib
import os
from pathlib import Path


def cores() -> int:
    """CPU cores that this process may use: by its affinity, and by the quota of its container (cgroup v2)."""
    count = len(os.sched_getaffinity(0))
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        if quota != "max":
            count = min(count, -(-int(quota) // int(period)))
    return max(1, count)
