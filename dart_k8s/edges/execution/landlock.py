"""Landlock: which files a session may open, whatever rights its user has.

No binding is used: the one on the package index that is kept up wants a compiler or a newer kernel than its callers
have, and three system calls with two structs are all there is to it (include/uapi/linux/landlock.h).
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from dart_k8s.edges.execution import kernel

__all__ = ["abi", "restrict"]

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_HANDLED = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Every right on files that a version of the interface knows; later versions know no more that concerns us."""
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READING = _READ_FILE | _READ_DIR
_SCRATCH = _READING | _WRITE_FILE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER
"""No devices, sockets, pipes or symbolic links are made there, and nothing in it is executed."""
_TCP = 0b11
_SCOPES = 0b11
"""Abstract sockets and signals of processes outside."""
_VERSION_QUERY = 1
_PATH_BENEATH = 1


def abi() -> int:
    """The version of the kernel's interface, 0 without Landlock."""
    try:
        return kernel.syscall("landlock_create_ruleset", None, 0, _VERSION_QUERY)
    except OSError:
        return 0


def restrict(version: int, *, read: Iterable[str], devices: Iterable[str], write: Iterable[str]) -> None:
    """Restrict this process for good to reading beneath `read`, reading and writing the files `devices`, and using
    folders `write` as it likes; no_new_privs must be set. Paths that do not exist are left out. OSError if refused.
    """
    handled = _HANDLED[min(version, max(_HANDLED))]
    words = [handled, *([_TCP] if version >= 4 else []), *([_SCOPES] if version >= 6 else [])]
    attributes = struct.pack(f"={len(words)}Q", *words)
    ruleset = kernel.syscall(
        "landlock_create_ruleset", ctypes.create_string_buffer(attributes, len(attributes)), len(attributes), 0
    )
    try:
        for paths, rights in ((read, _READING), (devices, _READ_FILE | _WRITE_FILE), (write, _SCRATCH)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        kernel.syscall("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(beneath).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, beneath)
        kernel.syscall("landlock_add_rule", ruleset, _PATH_BENEATH, ctypes.create_string_buffer(rule, len(rule)), 0)
    finally:
        os.close(beneath)
