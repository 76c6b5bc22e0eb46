"""The images of a test: this machine's Python and the packages that .ci/constraints.txt pins, no registry of images.

The base holds this machine's Python, the C libraries that it links, and an account; nothing to build with, no shell.
On it lie the packages of an extra, installed from the pins by their hashes, and the project. User, entry point,
environment and labels are read off the Containerfile's last stage, so what is tested is what it says.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from string import Template
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.cluster.node.archive import Image, Layer, layer, stored
from tests.packaging.containerfiles import ROOT, read
from tests.tools import cache

REGISTRY, VERSION = "registry.test", "e2e"
"""Names are pulled from nowhere: the node has them."""
FORMAT = 2
"""Of kept layers; another one when they are made otherwise."""
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
PLACE = f"opt/dart/lib/{PYTHON}/site-packages"
PREFIX = Path(sys.base_prefix)
ACCOUNT = "dart:x:65532:65532:dart:/home/dart:/usr/sbin/nologin\n"
PINS = ROOT / ".ci" / "constraints.txt"
UNUSED = {"site-packages", "test", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3"}
"""Of the standard library."""
Content = tuple[Path | bytes | str | None, str]


def base(folder: Path) -> Layer:
    """The lowest layer of all images."""
    made = folder / "base.tar"
    return stored(made) if made.exists() else layer(made, base_content())


def base_content() -> Iterator[Content]:
    """Its files."""
    yield from ((None, "tmp"), (None, "data"), (None, "home/dart"), (None, "run"))
    yield ("root:x:0:0:root:/root:/usr/sbin/nologin\n" + ACCOUNT).encode(), "etc/passwd"
    yield b"root:x:0:\ndart:x:65532:\n", "etc/group"
    yield b"hosts: files dns\n", "etc/nsswitch.conf"
    yield (PREFIX / "bin" / PYTHON).resolve(), f"usr/local/bin/{PYTHON}"
    yield PYTHON, "usr/local/bin/python3"
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        yield certificates, "etc/ssl/certs/ca-certificates.crt"
    standard = Path(sysconfig.get_path("stdlib"))
    for path in sorted(standard.iterdir()):
        if path.name not in UNUSED and not path.name.startswith("config-"):
            yield path, f"usr/local/lib/{PYTHON}/{path.name}"
    for place in ("bin", "sbin", "lib", "lib64"):
        yield f"usr/{place}", place
    found = linked([PREFIX / "bin" / PYTHON, *standard.glob("lib-dynload/*.so")])
    for path in sorted(found | {Path(one) for one in _of_wheels()}):
        where = "usr/lib64" if path.name.startswith("ld-linux") else "usr/lib"
        yield path.resolve(), f"{where}/{path.name}"


def linked(files: list[Path]) -> set[Path]:
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


def build(name: str, folder: Path) -> Image:
    """The image of images/NAME/Containerfile; its layers are files in `folder`, shared with the other images there."""
    text = (ROOT / "images" / name / "Containerfile").read_text("utf-8")
    extra = next(iter(re.findall(r"--extra (\S+)", text)))
    layers = [base(folder), packages("", folder), packages(extra, folder), project(folder)]
    return Image(f"{REGISTRY}/dart-{name}:{VERSION}", layers, config(name))


def config(name: str) -> dict[str, Any]:
    """What the last stage of a Containerfile says of the image, in an OCI configuration's words."""
    last = read(ROOT / "images" / name / "Containerfile").stages[-1]
    arguments = dict(text.partition("=")[::2] for text in last.arguments("ARG"))
    pairs = {
        kind: dict(word.partition("=")[::2] for text in last.arguments(kind) for word in shlex.split(text))
        for kind in ("ENV", "LABEL")
    }
    labels = {key: Template(value).substitute(arguments) for key, value in pairs["LABEL"].items()}
    made: dict[str, Any] = {"Env": [f"{key}={value}" for key, value in pairs["ENV"].items()], "Labels": labels}
    made |= {"User": last.arguments("USER")[-1], "WorkingDir": last.arguments("WORKDIR")[-1]}
    made |= {"Entrypoint": json.loads(last.arguments("ENTRYPOINT")[-1])}
    return made


def packages(extra: str, folder: Path) -> Layer:
    """A layer of what this extra needs and the project without one does not: what this environment has, compiled.
    Without an extra: what the project needs.

    Kept in the user's cache: compiling takes a minute.
    """
    wanted = closure(extra)
    below = closure("") if extra else {}
    wanted = {name: version for name, version in wanted.items() if name not in below}
    told = json.dumps([sorted(wanted.items()), PYTHON, FORMAT])
    kept = cache().parent / "layers" / f"{extra or 'project'}-{hashlib.sha256(told.encode()).hexdigest()[:16]}.tar"
    if not kept.exists():
        staging = folder / (extra or "packages")
        for name in wanted:
            for file in distribution(name).files or ():
                if not {"..", "tests"} & set(file.parts) and not file.name.endswith(".pyc"):
                    target = staging / file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(str(file.locate()), target)
        _compile(staging)
        kept.parent.mkdir(parents=True, exist_ok=True)
        half = kept.with_suffix(f".{os.getpid()}")
        layer(half, [(staging, PLACE)])
        half.rename(kept)
        shutil.rmtree(staging)
    return stored(kept)


def project(folder: Path) -> Layer:
    """A layer with the project as it is here, and its command."""
    made, staging = folder / "project.tar", folder / "project" / "dart_k8s"
    if made.exists():
        return stored(made)
    shutil.copytree(ROOT / "dart_k8s", staging, ignore=shutil.ignore_patterns("__pycache__"))
    _compile(staging)
    return layer(
        made,
        [
            (staging, f"{PLACE}/dart_k8s"),
            (b"home = /usr/local/bin\ninclude-system-site-packages = false\n", "opt/dart/pyvenv.cfg"),
            ("/usr/local/bin/python3", "opt/dart/bin/python"),
            (b"#!/opt/dart/bin/python\nfrom dart_k8s.cli.main import entry\nentry()\n", "opt/dart/bin/dart"),
        ],
    )


def closure(extra: str) -> dict[str, str]:
    """Name and version of all that the project with this extra needs, as this environment has it."""
    found: dict[str, str] = {}
    pinned = {canonicalize_name(one) for one in re.findall(r"^([\w.-]+)==", PINS.read_text("utf-8"), re.MULTILINE)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    own = {"": project["dependencies"], **project["optional-dependencies"]}
    todo = [Requirement(f"dart-k8s[{extra}]" if extra else "dart-k8s")]
    done: set[tuple[str, frozenset[str]]] = set()
    while todo:
        wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        if (name, frozenset(wanted.extras)) in done:
            continue
        done.add((name, frozenset(wanted.extras)))
        if name == "dart-k8s":
            # As the file has it: what is installed here may be from before a change of it.
            todo += [Requirement(line) for one in ("", *wanted.extras) for line in own[one]]
            continue
        if name not in pinned:  # .ci/overrides.txt says that it is not needed
            continue
        of = distribution(name)
        found[name] = of.version
        for line in of.requires or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": one}) for one in ("", *wanted.extras)):
                todo.append(needed)
    return found


def _compile(folder: Path) -> None:
    """What can't be compiled, as a template, is left."""
    how = ["-q", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([sys.executable, "-m", "compileall", *how, str(folder)], check=False)
