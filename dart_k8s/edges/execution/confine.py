"""From a fork of the zygote to a process that can compute and nothing else: the layers, in the order that works.

Each of the last three would do alone against most attacks, and none of them is relied on alone: what Landlock does not
see (the metadata of files) namespaces hide; what a place without namespaces leaves open (processes, the network) the
filter of system calls closes.
"""

import fcntl
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from dart_k8s.edges.execution import kernel, landlock, namespaces, seccomp

__all__ = ["Confinement", "confine", "first_user"]

FIRST_USER, USERS = 61184, 4096
"""User ids that systemd, too, gives out to nobody for long (systemd.io/UIDS-GIDS), so they own nothing."""
NOFILE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What the zygote found out once and every session gets."""

    read: Sequence[str]
    """Folders and files of the interpreter and its packages."""
    devices: Sequence[str]
    landlock: int
    """Version of the kernel's interface, 0 without."""
    seccomp: bool
    namespaces: bool
    """The zygote is inside its namespaces."""
    users: bool
    """Each session gets a user id of its own."""
    base: int
    """Bytes of address space of the zygote."""
    memory: int
    """Bytes of address space on top of that."""
    file_bytes: int
    scratch_bytes: int
    cpu_seconds: int
    scratch: str
    """Where sessions get a folder each where there are no namespaces; empty: nothing can be written."""


def first_user(session: int) -> int:
    """The user id of a session by its number."""
    return FIRST_USER + session % USERS


def confine(how: Confinement, session: int, keep: Sequence[int], parent: int) -> None:
    """Give up, for good, everything but computing. `keep` are the descriptors that become 3, 1 and 2, and 4.

    OSError if a layer that the zygote found to hold does not: the session must not run then.
    """
    _descriptors(keep)
    user = first_user(session) if how.users else os.geteuid()
    scratch: Sequence[str] = ()
    if how.namespaces:
        scratch = namespaces.own_scratch(how.scratch_bytes, user)
    elif how.scratch:
        scratch = (str(Path(how.scratch, str(session))),)
        Path(scratch[0]).mkdir(mode=0o700)
        os.chown(scratch[0], user, user)
    _limits(how)
    if how.users:
        os.setgroups([])
        os.setresgid(user, user, user)
    with suppress(PermissionError):  # without a capability to drop them there are none
        kernel.drop_capabilities() if not how.users else _drop_with_user(user)
    with suppress(PermissionError):
        os.setsid()
    # After the change of user, which resets it. The parent may have died before it was asked for.
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if not how.namespaces and os.getppid() != parent:
        os._exit(1)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    os.chdir(scratch[0] if scratch else "/")
    _environment(scratch)
    if how.landlock:
        landlock.restrict(how.landlock, read=how.read, devices=how.devices, write=scratch)
    if how.seccomp:
        seccomp.install()


def _drop_with_user(user: int) -> None:
    # Dropping the bounding set needs the capability that the change of user takes away.
    for capability in range(kernel.LAST_CAPABILITY + 1):
        with suppress(OSError):
            kernel.prctl(kernel.PR_CAPBSET_DROP, capability)
    os.setresuid(user, user, user)
    kernel.drop_capabilities()


def _descriptors(keep: Sequence[int]) -> None:
    """What a session has open: nothing to read from, its own three pipes, and nothing else."""
    # Out of the way first: a pipe may lie where another one has to go.
    into, out, done = (fcntl.fcntl(descriptor, fcntl.F_DUPFD, 16) for descriptor in keep)
    null = os.open(os.devnull, os.O_RDWR)
    for source, target in ((null, 0), (out, 1), (out, 2), (into, 3), (done, 4)):
        os.dup2(source, target)
    os.closerange(5, 4096)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the whole life of the process
    sys.stdout, sys.stderr = _stream(1), _stream(2)
    # The zygote's own are closed.
    vars(sys).update(__stdin__=sys.stdin, __stdout__=sys.stdout, __stderr__=sys.stderr)


def _stream(descriptor: int) -> TextIO:
    return open(descriptor, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


def _limits(how: Confinement) -> None:
    both = {
        resource.RLIMIT_AS: how.base + how.memory,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: how.cpu_seconds,
        resource.RLIMIT_FSIZE: how.file_bytes,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NOFILE: NOFILE,
        # Does not bind root; the filter refuses new processes in any case.
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_STACK: 8 << 20,
    }
    for which, value in both.items():
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def _environment(scratch: Sequence[str]) -> None:
    os.environ.clear()
    home = scratch[0] if scratch else "/"
    os.environ.update({"HOME": home, "TMPDIR": home, "LANG": "C.UTF-8"})
