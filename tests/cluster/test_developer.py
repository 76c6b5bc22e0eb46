"""The cluster that `make cluster` leaves running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster import sources

ROOT = Path(__file__).parents[2]


def lines_of(folder: Path, verb: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.cluster", verb],
        cwd=ROOT, env={**os.environ, "XDG_CACHE_HOME": str(folder)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ran.stdout


def test_it_outlives_the_command_and_nothing_outlives_it_even_when_it_is_killed(tmp_path, monkeypatch):
    source = sources.need()
    if not isinstance(source, sources.Programs) or os.environ.get("KUBEBUILDER_ASSETS"):
        pytest.skip("needs a control plane that the harness built: unset DART_TEST_KUBECONFIG and KUBEBUILDER_ASSETS")
    monkeypatch.setenv("CONTROLPLANE", source.commands["etcd"][0])
    monkeypatch.setenv("KWOK", str(source.kwok))
    folder = tmp_path / "dart-k8s" / "cluster"
    try:
        assert f"export KUBECONFIG={folder / 'kubeconfig'}" in lines_of(tmp_path, "up")
        keeper = int((folder / "lock").read_text())
        assert f"export KUBECONFIG={folder / 'kubeconfig'}" in lines_of(tmp_path, "up")
        assert int((folder / "lock").read_text()) == keeper, "the second call found the first one's"
        data = Path((folder / "log").read_text().split("its folder is ")[1].strip())
        assert (data / "etcd").is_dir()
        os.kill(keeper, signal.SIGKILL)
    finally:
        said = lines_of(tmp_path, "down")
    assert said == "No cluster is running.\n"
    assert not data.exists() and not (folder / "kubeconfig").exists()
    deadline = time.monotonic() + 60
    while any(str(data) in command for command in commands()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def commands() -> list[str]:
    """The command lines of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found
