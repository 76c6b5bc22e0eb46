"""What this machine's CPU and memory allow an engine that runs on them."""

import contextlib
import re
from pathlib import Path

__all__ = ["cpu_cache_gib", "cpu_dtype", "cpu_flags"]


def cpu_dtype(flags: frozenset[str]) -> str:
    """The type to compute in on a CPU with these flags (as /proc/cpuinfo names them).

    bfloat16 needs instructions for it: without them it was measured to be about a hundred times slower than float32.
    """
    return "bfloat16" if flags & {"avx512_bf16", "amx_bf16", "bf16"} else "float32"


def cpu_flags() -> frozenset[str]:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return frozenset()
    lines = re.findall(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return frozenset(lines[0].split()) if lines else frozenset()


def cpu_cache_gib() -> int:
    """GiB for the key-value cache on a CPU: a quarter of the memory that is free, 1 to 4."""
    with contextlib.suppress(OSError, ValueError):
        available = re.search(r"^MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text("utf-8"), re.MULTILINE)
        if available:
            return max(1, min(4, int(available[1]) // (4 * 1024 * 1024)))
    return 1
