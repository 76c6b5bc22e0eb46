"""Who holds a claim: a name that no other process has, and the proof that a process of this machine is gone.

A name is role-host-place-process-start-random; the role of one who acts for whoever a Lease elected is role@LEASE@.
`place` stands for one boot of one machine and one process namespace in it; inside it a process number together with its
start is never used twice. So of a holder at the same place it can be said for certain that it is gone, without waiting
for its time to live. Of any other holder nothing is said.
"""

import hashlib
import os
import secrets
import socket
from functools import lru_cache
from pathlib import Path

from .access import Access
from .claiming import Claims

_PROC = Path("/proc")
_DEAD = "ZX"
"""States of a process that will run no more: a zombie waits for its parent only."""


def holder_name(role: str) -> str:
    """A name for this process in a role."""
    process = os.getpid()
    parts = (role, socket.gethostname(), _place(), str(process), _start(process) or "0", secrets.token_hex(4))
    return "-".join(parts)


def gone(holder: str) -> bool:
    """Whether the holder is certainly gone: a process of this place that has ended."""
    parts = holder.rsplit("-", 4)
    if len(parts) < 5:
        return False
    _, place, process, start, _ = parts
    if place == "none" or place != _place() or start == "0" or not process.isdigit():
        return False
    return _start(int(process)) != start


def claims_of(access: Access, role: str, *, heartbeat: float, ttl: float, lease: str | None = None) -> Claims:
    """This process's side of the claim protocol. With `lease` (NAMESPACE/NAME) it acts for whoever that Lease elected.

    Then it takes over at once from an earlier holder under the same Lease. The election sees to it that there is one at
    a time; should there be two for a moment, the compare-and-swap of the state keeps them apart, as all planners.

    In a folder of this machine the dead are found out at once. To a remote store a request of the dead may still be on
    its way, and reading every claim for its holder would cost requests.
    """
    local = access.store.local_path("state") is not None
    elected = f"{role}@{lease}@"
    return Claims(
        access,
        holder_name(role if lease is None else elected),
        heartbeat=heartbeat,
        ttl=ttl,
        gone=gone if local else None,
        follows=None if lease is None else lambda holder: holder.startswith(elected),
    )


def _start(process: int) -> str | None:
    """When the process started, in ticks since the machine did; None if it has ended."""
    try:
        line = (_PROC / str(process) / "stat").read_text("ascii", "replace")
    except OSError:
        return None
    # The second field, the program's name in brackets, may hold anything.
    fields = line.rpartition(")")[2].split()
    return None if fields[0] in _DEAD else fields[19]


@lru_cache(maxsize=1)
def _place() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        space = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return "none"
    return hashlib.blake2b(f"{boot} {space}".encode(), digest_size=6).hexdigest()


__all__ = ["claims_of", "gone", "holder_name"]
