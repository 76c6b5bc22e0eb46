"""The images of a test: this machine's Python and the packages that .ci/constraints.txt pins, no registry of images.

The base holds this machine's Python, the C libraries that it links, and an account; nothing to build with, no shell.
On it lie the packages of an extra, installed from the pins by their hashes, and the project. User, entry point,
environment and labels are read off the Containerfile's last stage, so what is tested is what it says.
"""

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.node.archive import Layer, layer

VERSION = "e2e"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
PREFIX = Path(sys.base_prefix)
ACCOUNT = "dart:x:65532:65532:dart:/home/dart:/usr/sbin/nologin\n"
UNUSED = {"site-packages", "test", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3"}
"""Of the standard library."""
Content = tuple[Path | bytes | str | None, str]


def base(folder: Path) -> Layer:
    """The lowest layer of all images."""
    return layer(folder / "base.tar", _base())


def _base() -> Iterator[Content]:
    yield from ((None, "tmp"), (None, "data"), (None, "home/dart"), (None, "run"))
    yield ("root:x:0:0:root:/root:/usr/sbin/nologin\n" + ACCOUNT).encode(), "etc/passwd"
    yield b"root:x:0:\ndart:x:65532:\n", "etc/group"
    yield b"hosts: files dns\n", "etc/nsswitch.conf"
    yield (PREFIX / "bin" / PYTHON).resolve(), f"usr/local/bin/{PYTHON}"
    yield PYTHON, "usr/local/bin/python3"
    standard = Path(sysconfig.get_path("stdlib"))
    for path in sorted(standard.iterdir()):
        if path.name not in UNUSED:
            yield path, f"usr/local/lib/{PYTHON}/{path.name}"
    for place in ("bin", "sbin", "lib", "lib64"):
        yield f"usr/{place}", place
    linked = _linked([PREFIX / "bin" / PYTHON, *standard.glob("lib-dynload/*.so")])
    for path in sorted(linked | {Path(one) for one in _of_wheels()}):
        where = "usr/lib64" if path.name.startswith("ld-linux") else "usr/lib"
        yield path.resolve(), f"{where}/{path.name}"


def _linked(files: list[Path]) -> set[Path]:
    """The shared libraries that these need."""
    told = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True, check=False).stdout
    return {Path(found) for found in re.findall(r"(?:=>\s*|^\s+)(/\S+) \(0x", told, re.MULTILINE)}


def _of_wheels() -> list[str]:
    """What wheels expect of every Linux (PEP 600)."""
    names = {
        "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "libresolv.so.2", "librt.so.1", "libstdc++.so.6",
        "libutil.so.1", "libz.so.1",
    }  # fmt: skip
    told = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    found: dict[str, str] = {}
    for name, path in re.findall(r"^\s*(\S+) \(libc6,x86-64.*=> (\S+)$", told, re.MULTILINE):
        if name in names:
            found.setdefault(name, path)
    return list(found.values())
