"""The few calls of Linux that Python's standard library lacks, through ctypes. Each raises OSError as os.* does."""

import ctypes
import os

from dart_k8s.edges.execution.syscalls import NUMBERS

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x0002_0000, 0x0200_0000, 0x0400_0000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_SECUREBITS = 1, 4, 22, 24, 28
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
LAST_CAPABILITY = 63
"""Capabilities are bits of a 64-bit set; those that the kernel lacks are refused with EINVAL."""

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(name: str, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    """Any system call by name; buffers are passed by reference. OSError, ENOSYS where the machine has no such call."""
    number = NUMBERS.get(name)
    if number is None:
        raise OSError(38, f"no number for {name} on this machine")
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *words))


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """prctl(2)."""
    _checked(_libc.prctl(option, *(ctypes.c_ulong(value) for value in (first, second, 0, 0))))


def unshare(flags: int) -> None:
    """unshare(2)."""
    _checked(_libc.unshare(flags))


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """mount(2)."""
    texts = [None if text is None else text.encode() for text in (source, target, kind)]
    _checked(_libc.mount(*texts, ctypes.c_ulong(flags), data.encode() if data else None))


def unmount(target: str) -> None:
    """umount2(2), detached: it goes when nobody uses it."""
    _checked(_libc.umount2(target.encode(), MNT_DETACH))


def pivot_root(new: str, old: str) -> None:
    """pivot_root(2)."""
    syscall("pivot_root", ctypes.create_string_buffer(new.encode()), ctypes.create_string_buffer(old.encode()))


def drop_capabilities() -> None:
    """Give up all capabilities for good: the bounding set, ambient, inheritable, permitted and effective ones."""
    for capability in range(LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # no more of them, or not ours to drop: then there are none to gain either
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    # struct __user_cap_header_struct, version 3, this process; then two structs of three 32-bit words, all zero.
    header = ctypes.create_string_buffer((0x2008_0522).to_bytes(4, "little") + bytes(4), 8)
    syscall("capset", header, ctypes.create_string_buffer(24))


def has_capability(number: int) -> bool:
    """Whether this process has a capability in effect."""
    header = ctypes.create_string_buffer((0x2008_0522).to_bytes(4, "little") + bytes(4), 8)
    found = ctypes.create_string_buffer(24)
    syscall("capget", header, found)
    return bool(int.from_bytes(found.raw[12 * (number // 32) :][:4], "little") >> (number % 32) & 1)
