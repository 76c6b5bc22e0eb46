"""The filter of system calls: what is not allowed is refused, a foreign ABI is death.

A filter that only knows numbers can be passed by: int 0x80 and the x32 ABI number their calls differently, and io_uring
does a call's work without the call. So the architecture is looked at first, x32 numbers are beyond any that is allowed,
and everything is refused that is not in the list (`syscalls.ALLOWED`).
"""

import ctypes
import errno
import os
import struct

from dart_k8s.edges.execution import kernel
from dart_k8s.edges.execution.syscalls import ALLOWED, AUDIT, AUDIT_X86_64, NUMBERS

__all__ = ["available", "install", "program"]

_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _RETURN = 0x20, 0x15, 0x35, 0x06
"""BPF: load a word of seccomp_data; jump if equal; jump if greater or equal; return."""
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF_0000, 0x0005_0000, 0x8000_0000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in seccomp_data; arguments are 64-bit, the low word first on both architectures."""
_X32 = 0x4000_0000
_MODE_FILTER = 2

FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 1030)
"""F_DUPFD to F_SETLKW, F_DUPFD_CLOEXEC. Not F_SETOWN: it sends signals; nor F_SETPIPE_SZ and later ones."""
IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX: what isatty() and files ask. Not TIOCSTI."""


def _operation(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _argument_in(call: str, index: int, values: tuple[int, ...], word: int = 0) -> list[bytes]:
    """Allow a call if a word of an argument is one of these; else EPERM."""
    tests = [step for value in values for step in (_operation(_JUMP_EQUAL, value, 0, 1), _operation(_RETURN, _ALLOW))]
    inner = [_operation(_LOAD, _ARGUMENTS + 8 * index + word), *tests, _operation(_RETURN, _ERRNO | errno.EPERM)]
    return [_operation(_JUMP_EQUAL, NUMBERS[call], 0, len(inner)), *inner]


def program(pid: int) -> bytes:
    """The filter for the process `pid` (as it sees itself): struct sock_filter, one after the other."""
    steps = [
        _operation(_LOAD, _ARCHITECTURE),
        _operation(_JUMP_EQUAL, AUDIT, 1, 0),
        _operation(_RETURN, _KILL_PROCESS),
        _operation(_LOAD, _NUMBER),
    ]
    if AUDIT == AUDIT_X86_64:
        steps += [_operation(_JUMP_ABOVE, _X32, 0, 1), _operation(_RETURN, _KILL_PROCESS)]
    for name in sorted(ALLOWED & NUMBERS.keys(), key=NUMBERS.__getitem__):
        steps += [_operation(_JUMP_EQUAL, NUMBERS[name], 0, 1), _operation(_RETURN, _ALLOW)]
    # raise() and abort() signal the own process; its own limits may be read and lowered.
    steps += _argument_in("tgkill", 0, (pid,))
    steps += _argument_in("prlimit64", 0, (0,))
    steps += _argument_in("fcntl", 1, FCNTL)
    steps += _argument_in("ioctl", 1, IOCTL)
    # "No such call" and not "refused": the C library then takes clone, whose refusal Python reports in words.
    steps += [_operation(_JUMP_EQUAL, NUMBERS["clone3"], 0, 1), _operation(_RETURN, _ERRNO | errno.ENOSYS)]
    steps.append(_operation(_RETURN, _ERRNO | errno.EPERM))
    return b"".join(steps)


def available() -> bool:
    """Whether there are numbers for this machine; whether the kernel takes a filter shows when one is installed."""
    return bool(AUDIT)


def install() -> None:
    """Put this process under the filter for good; no_new_privs must be set. OSError if the kernel refuses."""
    code = program(os.getpid())
    instructions = ctypes.create_string_buffer(code, len(code))
    # struct sock_fprog: a 16-bit length, padding, a pointer.
    fprog = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(instructions)), 16)
    kernel.prctl(kernel.PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(fprog))
