"""Containerfiles are built by buildah, on a base of this machine's Python, and what comes out runs. Minutes, and the
packages from an index: `make soak`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.node.archive import layer
from tests.e2e.images import PREFIX, PYTHON, base_content, linked
from tests.tools import BUILDAH

from .containerfiles import ROOT

BASE = "localhost/python:base"
PROGRAMS = ("cat", "chown", "cp", "echo", "find", "mkdir", "rm", "sh")
"""That RUN needs besides pip."""
PASSED_ON = ("PIP_INDEX_URL", "PIP_CERT", "UV_DEFAULT_INDEX", "SSL_CERT_FILE")
"""Of this machine's environment: which index, and whom to trust."""
SETTINGS = (Path("/etc/pip.conf"), Path.home() / ".config/uv/uv.toml")
OVERLAY = 'mount -t overlay overlay -o "lowerdir=$0:$1" "$1" && shift && exec "$@"'
"""buildah starts itself anew in a root of its own, without LD_LIBRARY_PATH: its libraries are laid over the machine's,
seen by it alone."""


class Buildah:
    """With images and their layers in a folder of its own; RUN without containers (chroot)."""

    def __init__(self, folder: Path) -> None:
        (folder / "storage.conf").write_text(f'[storage]\ndriver = "vfs"\nrunroot = "{folder}/run"\n')
        (folder / "policy.json").write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
        self._folder = folder
        self._environment = {**os.environ, "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf")}

    def __call__(self, verb: str, *arguments: str | Path) -> str:
        """What it printed. AssertionError with what it said when it failed."""
        own = [f"--root={self._folder}/graph", f"--runroot={self._folder}/run", "--storage-driver=vfs", verb]
        if verb in ("build", "commit", "from"):
            own.append(f"--signature-policy={self._folder}/policy.json")
        if verb in ("build", "run"):
            own.append("--isolation=chroot")
        command = [*_program(), *own, *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=self._environment)
        assert done.returncode == 0, f"buildah {verb}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()


def _program() -> list[str]:
    found = shutil.which("buildah")
    if found:
        return [found]
    files = BUILDAH.need()
    [libraries] = BUILDAH.libraries()
    system = Path("/usr") / libraries.relative_to(files / "usr")
    there = ["unshare", "--mount", "--propagation=private", "sh", "-c", OVERLAY, str(libraries), str(system)]
    return [*there, str(files / BUILDAH.marker)]


def contents() -> Iterator[tuple[Path | bytes | str | None, str]]:
    """Of the base: this machine's Python with pip, and a shell."""
    programs = {name: Path(shutil.which(name) or f"/bin/{name}").resolve() for name in PROGRAMS}
    seen = set()
    for what, name in base_content():
        seen.add(name)
        yield what, name
    for name, path in programs.items():
        yield path, f"usr/bin/{name}"
    for path in sorted(linked(list(programs.values()))):
        if (name := f"usr/lib/{path.name}") not in seen and "ld-linux" not in path.name:
            yield path.resolve(), name
    for path in sorted((PREFIX / f"lib/{PYTHON}/site-packages").glob("pip*")):
        yield path, f"usr/local/lib/{PYTHON}/site-packages/{path.name}"
    for path in filter(Path.exists, SETTINGS):
        yield path, "etc/pip.conf" if path.suffix == ".conf" else "etc/uv/uv.toml"


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Buildah:
    """With the base."""
    if os.geteuid() != 0:
        pytest.skip("needs root, for mounts")
    folder = tmp_path_factory.mktemp("buildah")
    made = Buildah(folder)
    layer(folder / "base.tar", contents())
    container = made("from", "scratch")
    made("add", "--quiet", container, folder / "base.tar", "/")
    environment = [f"--env={name}={os.environ[name]}" for name in PASSED_ON if name in os.environ]
    made("config", *environment, container)
    made("commit", "--quiet", container, BASE)
    return made


@pytest.mark.soak
@pytest.mark.parametrize("name", ["operator", "verifier", "worker"])
def test_a_containerfile_builds_an_image_whose_command_runs_without_rights(name: str, buildah: Buildah) -> None:
    file = ROOT / "images" / name / "Containerfile"
    buildah("build", "--build-arg", f"BASE_IMAGE={BASE}", "--file", file, "--tag", f"dart-{name}:test", ".")
    container = buildah("from", f"localhost/dart-{name}:test")
    python = "/opt/dart/bin/python"
    says = "import json, os; print(os.getuid(), os.access('/opt/dart', os.W_OK), os.listdir('/usr/local/bin'))"
    told = buildah("run", container, "--", python, "-c", says)
    assert told.startswith("65532 False") and "pip" not in told
    bill = json.loads(buildah("run", container, "--", "cat", "/opt/dart/sbom.cdx.json"))
    assert bill["metadata"]["component"]["name"] == f"dart-{name}" and len(bill["components"]) > 20
    assert buildah("run", container, "--", "/opt/dart/bin/dart", "--help")
