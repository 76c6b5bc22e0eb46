"""Namespaces: an empty network, no other processes, and a root that holds the interpreter and nothing else.

Entered once by the zygote, so that a session costs nothing more than a mount of its scratch.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from dart_k8s.edges.execution import kernel

__all__ = ["SCRATCH", "enter", "own_scratch"]

SCRATCH = "/scratch"
CAP_SYS_ADMIN = 21
_ALL = (
    kernel.CLONE_NEWNS
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWCGROUP
)
_BASES = ("/tmp", "/mnt", "/var", "/usr")
"""Folders over which the new root can be put together; one of them is there."""
_KEPT_FLAGS = {os.ST_NOEXEC: 8, os.ST_NOATIME: 1024, os.ST_NODIRATIME: 2048, os.ST_RELATIME: 1 << 21}
"""Flags of a mount that a user namespace must not lift when it mounts the same again."""


def enter(read: Iterable[str], devices: Iterable[str]) -> None:
    """Move this process, and whatever it forks, into namespaces of their own, with these paths as the whole root.

    It must have one thread. OSError if the place does not allow it: then this process may be half moved and should
    end.
    """
    user, group = os.geteuid(), os.getegid()
    if kernel.has_capability(CAP_SYS_ADMIN):
        kernel.unshare(_ALL)
    else:
        kernel.unshare(_ALL | kernel.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    # By descriptor: the new root may cover the very folder that a path lies in.
    sources = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in (*read, *devices) if Path(path).exists()}
    base = next(folder for folder in _BASES if Path(folder).is_dir())
    kernel.mount("tmpfs", base, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=1m")
    for path, source in sources.items():
        _bind(source, base + path, writable=path in set(devices))
    Path(base + SCRATCH).mkdir()
    os.chdir(base)
    kernel.pivot_root(".", ".")
    kernel.unmount(".")
    os.chdir("/")
    kernel.mount("none", "/", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID)


def _bind(source: int, target: str, *, writable: bool) -> None:
    if os.path.isdir(f"/proc/self/fd/{source}"):  # noqa: PTH112 - pathlib would resolve the descriptor's name
        Path(target).mkdir(parents=True, exist_ok=True)
    else:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).touch()
    kernel.mount(f"/proc/self/fd/{source}", target, None, kernel.MS_BIND)
    held = os.statvfs(target).f_flag
    kept = sum(flag for bit, flag in _KEPT_FLAGS.items() if held & bit)
    flags = kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_NOSUID | kept
    if not writable:
        flags |= kernel.MS_RDONLY | kernel.MS_NODEV
    with suppress(PermissionError):  # a user namespace may not change some mounts; Landlock says the same again
        kernel.mount("none", target, None, flags)
    os.close(source)


def own_scratch(size: int, user: int) -> Sequence[str]:
    """Mount an empty scratch of `size` bytes that only this process sees and that goes with it; its path."""
    kernel.unshare(kernel.CLONE_NEWNS)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("tmpfs", SCRATCH, "tmpfs", flags, f"mode=700,uid={user},size={size},nr_inodes=256")
    return (SCRATCH,)
