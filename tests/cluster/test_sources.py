"""Where the tests' cluster comes from, and what becomes of a build that is interrupted."""

from __future__ import annotations

import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import tools
from tests.cluster import sources
from tests.tools import CONTAINERD, CONTROLPLANE, IPTABLES, KWOK, OwnTool, Tool

ROOT = Path(__file__).parents[2]


def until(check: Callable[[], int]) -> int:
    deadline = time.monotonic() + 60
    while True:
        try:
            if found := check():
                return found
        except (OSError, ValueError):
            pass
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def bare(tmp_path, monkeypatch) -> Path:
    """A machine without any of it: an empty cache, an empty PATH; the folder of the PATH."""
    for name in ("DART_TEST_KUBECONFIG", "KUBEBUILDER_ASSETS", "CONTROLPLANE", "KWOK", "HELM", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def program(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def built(*which: Tool) -> None:
    for tool in which:
        program(tool.cached)


def test_a_cluster_of_the_caller_comes_first(bare, tmp_path, monkeypatch):
    built(KWOK, CONTROLPLANE)
    kubeconfig = program(tmp_path / "config")
    monkeypatch.setenv("DART_TEST_KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert sources.look() == sources.Callers(kubeconfig)


def test_another_kubeconfig_is_never_taken(bare, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(program(tmp_path / "config")))
    assert sources.look() is None


def test_programs_of_setup_envtest_come_before_the_cache_which_has_the_rest(bare, tmp_path, monkeypatch):
    built(KWOK, CONTROLPLANE)
    assets = tmp_path / "assets"
    for name in ("etcd", "kube-apiserver"):
        program(assets / name)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    found = sources.look()
    assert isinstance(found, sources.Programs)
    assert found.commands["kube-apiserver"] == [str(assets / "kube-apiserver")]
    assert found.commands["kube-scheduler"] == [str(CONTROLPLANE.cached), "kube-scheduler"]
    assert "KUBEBUILDER_ASSETS" in str(found) and str(CONTROLPLANE.cached) in str(found)


@pytest.mark.parametrize("variable", ["DART_TEST_KUBECONFIG", "KUBEBUILDER_ASSETS"])
def test_a_variable_that_names_nothing_is_an_error_and_not_passed_over(bare, tmp_path, monkeypatch, variable):
    built(KWOK, CONTROLPLANE)
    monkeypatch.setenv(variable, str(tmp_path / "absent"))
    with pytest.raises(LookupError, match=rf"{variable}.*correct or unset it"):
        sources.look()


def test_without_go_the_tests_skip_and_fail_under_ci(bare, monkeypatch):
    with pytest.raises(pytest.skip.Exception, match="install Go and run `make tools`"):
        sources.need()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="install Go and run `make tools`"):
        sources.need()


def test_what_is_missing_is_built_once_into_the_cache(bare):
    program(bare / "go", 'for name in kwok controlplane; do /bin/echo built > "${GOBIN}/${name}"; done')
    found = sources.need()
    assert isinstance(found, sources.Programs)
    assert found.kwok.read_text() == "built\n"
    program(bare / "go", "exit 1")
    assert sources.need() == found


def test_who_has_a_cluster_need_not_build_one(bare, tmp_path, monkeypatch):
    monkeypatch.setenv("DART_TEST_KUBECONFIG", str(program(tmp_path / "config")))
    program(bare / "go", '/bin/echo built > "${GOBIN}/helm"')
    assert tools.main([]) == 0
    assert [tool.name for tool in tools.TOOLS if tool.find()] == ["helm"]


def test_a_build_that_fails_leaves_nothing_behind(bare):
    program(bare / "go", '/bin/echo half > "${GOBIN}/kwok"; exit 1')
    with pytest.raises(subprocess.CalledProcessError):
        KWOK.build()
    assert KWOK.find() is None
    assert list(tools.cache().iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_interrupted_ends_and_leaves_nothing_behind(bare, tmp_path, number):
    program(bare / "go", f'/bin/echo half > "${{GOBIN}}/kwok"; /bin/echo $$ > {tmp_path}/pid; exec /bin/sleep 600')
    command, quiet = [sys.executable, "-m", "tests.tools"], subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet) as building:
        pid = until(lambda: int((tmp_path / "pid").read_text()))
        building.send_signal(number)
        assert building.wait(60) != 0
    until(lambda: not Path(f"/proc/{pid}").exists())
    assert [path for path in tools.cache().rglob("*") if path.is_file()] == []


def test_another_source_is_another_program(bare, tmp_path):
    for name in ("go.mod", "go.sum", "main.go"):
        (tmp_path / name).write_text(name)
    tool = OwnTool("controlplane", str(tmp_path), "v1")
    before = tool.cached
    (tmp_path / "go.sum").write_text("other")
    assert tool.cached != before


def test_the_module_that_is_built_is_one_release_of_kubernetes_with_all_that_is_asked_of_it():
    module = (CONTROLPLANE.source / "go.mod").read_text()
    release = CONTROLPLANE.version
    staging = "v0" + release.removeprefix("v1")
    assert f"\tk8s.io/kubernetes {release}\n" in module
    assert set(re.findall(r"^\tk8s\.io/\S+ => k8s\.io/\S+ (\S+)$", module, re.MULTILINE)) == {staging}
    named = re.findall(r'"((?:kube|etcd)[a-z-]*)"', (CONTROLPLANE.source / "main.go").read_text())
    assert set(sources.COMPONENTS) <= set(named)


def test_what_a_node_is_made_of_comes_from_the_cache_alone(bare, monkeypatch):
    program(bare / "containerd")
    monkeypatch.setenv("CONTAINERD", str(bare / "containerd"))
    assert CONTAINERD.find() is None
    built(CONTAINERD)
    assert CONTAINERD.find() == CONTAINERD.cached


def test_debian_files_that_nothing_brings_are_named_and_fail_in_ci(bare, monkeypatch):
    IPTABLES.build()  # a machine without apt-get
    with pytest.raises(pytest.skip.Exception, match="libxtables12"):
        IPTABLES.need()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="iptables is missing"):
        IPTABLES.need()
