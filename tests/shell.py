"""A shell that runs the blocks of a page one after the other, as a user types them: what one exports the next has.

With DART_PAGES=write in the environment outputs of console blocks are written into the page anew, for review by eye.
"""

import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from tests.blocks import ANY_LINES, ROOT, Block, agrees, commands
from tests.cluster.processes import begin

ENDS_WITHIN = 300.0
"""Seconds for one command."""
COPIED = ("manifests", "charts")
"""What pages name from the top of the repository."""
WRITES = os.environ.get("DART_PAGES") == "write"


class Shell:
    """A bash in a folder of its own with this environment's programs; `with` ends it and all that it started."""

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None, *, programs: Iterable[Path] = ()) -> None:
        """`programs`: folders of more of them."""
        self.folder = folder
        for name in COPIED:
            shutil.copytree(ROOT / name, folder / name)
        path = [str(Path(sys.executable).parent), *map(str, programs), os.environ.get("PATH", os.defpath)]
        self._environment = {
            "PATH": os.pathsep.join(path), "HOME": str(folder),
            "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "100", "TERM": "dumb", "LC_ALL": "C.UTF-8", "TZ": "UTC", "KUBECONFIG": os.devnull,
            "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", **(env or {}),
        }  # fmt: skip

    def __enter__(self) -> Self:
        self._bash = begin(
            ["bash", "--norc", "--noprofile"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            environment=self._environment, folder=self.folder,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait()

    def run(self, command: str) -> tuple[int, str]:
        """Exit code and output; a failure of an earlier line of it is its failure."""
        assert self._bash.stdin is not None and self._bash.stdout is not None
        mark = f"ended-{secrets.token_hex(8)}"
        # Not in a subshell: what it exports, and where it goes, is for the commands after it.
        text = f"set -e -o pipefail\ntrap 'code=$?; echo; echo {mark} $code; kill -STOP $$' EXIT\n"
        text += f"{{\n{command.rstrip()}\n}} </dev/null\ntrap - EXIT\nset +e\necho; echo {mark} 0\n"
        self._bash.stdin.write(text.encode())
        self._bash.stdin.flush()
        said, ends = b"", time.monotonic() + ENDS_WITHIN
        while mark.encode() + b" " not in said or not said.endswith(b"\n"):
            if not select.select([self._bash.stdout], [], [], max(0.0, ends - time.monotonic()))[0]:
                raise TimeoutError(f"{command}\nhas not ended within {ENDS_WITHIN:.0f} s; it said:\n{said.decode()}")
            more = os.read(self._bash.stdout.fileno(), 1 << 16)
            if not more:
                raise EOFError(f"{command}\nended the shell; it said:\n{said.decode()}")
            said += more
        printed, _, code = said.decode(errors="replace").rpartition(mark)
        return int(code), printed.removesuffix("\n")


def carried_out(
    shell: Shell,
    found: Iterable[Block],
    *,
    typed: Mapping[str, str] | None = None,
    shown: Mapping[str, str] | None = None,
) -> None:
    """Run the blocks; AssertionError: one fails, or says something else than the page.

    `typed`: texts of the page's commands that are others in the test, like a port; `shown`: texts of outputs that are
    others on the page, like the name of a namespace.
    """
    written: list[tuple[int, str, str]] = []
    page = None
    try:
        for block in found:
            page = block.page
            for command in commands(block):
                code, said = shell.run(_put(command.text, typed))
                said = _put(said, shown)
                where = f"{page.relative_to(ROOT)}:{command.line}"
                assert code == 0, f"{where}: {command.text}\nended with {code}:\n{said}"
                if command.says is None:
                    continue
                if WRITES:
                    written.append((command.line, command.says, said))
                else:
                    assert agrees(command.says, said), (
                        f"{where}: {command.text}\nsays\n{said}\nand on the page\n{command.says}"
                    )
    finally:
        if written and page is not None:
            _write(page, written)


def _put(text: str, others: Mapping[str, str] | None) -> str:
    for old, new in (others or {}).items():
        text = text.replace(old, new)
    return text


def _write(page: Path, written: list[tuple[int, str, str]]) -> None:
    """Outputs anew, the last first, so that numbers of lines hold. Those with three dots are written by hand."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for line, old, new in sorted(written, reverse=True):
        if agrees(old, new) and ANY_LINES in old:
            continue
        count = len(commands_of(lines, line))
        fresh = [one.rstrip() for one in new.strip("\n").splitlines()]
        lines[line - 1 + count : line - 1 + count + len(old.splitlines())] = fresh
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def commands_of(lines: list[str], line: int) -> list[str]:
    """The lines of the command that begins in this one."""
    found = [lines[line - 1]]
    while lines[line - 1 + len(found)].startswith(">"):
        found.append(lines[line - 1 + len(found)])
    return found


__all__ = ["Shell", "carried_out"]
