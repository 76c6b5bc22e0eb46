"""Running something as a user without rights, as a pod does."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NOBODY = "65532"
SETUP = r"""
set -e
user=$1; home=$2; shift 2
# The interpreter may lie in root's home, which nobody else may enter: in a mount namespace of its own it may.
if [ -n "$home" ]; then
  top=/$(echo "$home" | cut -d/ -f2)
  mount -t tmpfs none /mnt; mkdir /mnt/kept; mount --bind "$home" /mnt/kept
  mount -t tmpfs none "$top"; chmod 755 "$top"; mkdir -p "$home"; mount --bind /mnt/kept "$home"
fi
exec setpriv --reuid "$user" --regid "$user" --clear-groups --bounding-set=-all "$@"
"""


def command_of_nobody(arguments: Sequence[str]) -> list[str]:
    """A command line that runs Python with these arguments as a user without rights; skips where that can't be had."""
    command = [sys.executable, *arguments]
    if os.geteuid() != 0:
        return command
    for tool in ("unshare", "setpriv"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not there; install util-linux, or run the tests as another user than root")
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("root has no mount namespace of its own here; run the tests as another user than root")
    home = str(Path(sys.base_prefix).resolve())
    closed = any(not parent.stat().st_mode & 1 for parent in Path(home).parents)
    return ["unshare", "-m", "sh", "-c", SETUP, "sh", NOBODY, home if closed else "", *command]


def run_as_nobody(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The same, run to its end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent"}
    return subprocess.run(
        command_of_nobody(arguments),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def processes_of(word: str) -> list[int]:
    """Processes of this machine whose command line has the word."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if word.encode() in command and folder.name != str(os.getpid()):
            found.append(int(folder.name))
    return sorted(found)
