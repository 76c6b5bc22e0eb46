"""The package's metadata, its pins and its make targets fit together."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
EXTRAS = PROJECT["project"]["optional-dependencies"]
LOCKED = ("local", "verifier", "dev")
# vllm and its CPU build have the same import name and pin different versions of torch: never in one environment.
TOGETHER = {
    "without a GPU": sorted(set(EXTRAS) - {"sampler"}),
    "with a GPU": sorted(set(EXTRAS) - {"sampler-cpu", "local"}),
}


def required(extra: str | None) -> list[Requirement]:
    """Requirements of an extra, with those of the extras that it names; None = a plain install."""
    found = []
    for text in EXTRAS[extra] if extra else PROJECT["project"]["dependencies"]:
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) == PROJECT["project"]["name"]:
            found += [inner for name in requirement.extras for inner in required(name)]
        else:
            found.append(requirement)
    return found


def pinned() -> dict[str, list[Version]]:
    """Versions of each package in the constraints that this machine would install."""
    here: dict[str, list[Version]] = {}
    for line in re.findall(r"^([A-Za-z0-9].*?) \\$", LOCK, re.MULTILINE):
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({**default_environment(), "extra": ""}):
            version = Version(next(iter(requirement.specifier)).version)
            here.setdefault(canonicalize_name(requirement.name), []).append(version)
    return here


@pytest.mark.parametrize("extra", [None, *LOCKED])
def test_the_constraints_pin_one_fitting_version_of_everything_that_is_installed(extra):
    pins = pinned()
    wrong = {}
    for requirement in required(extra):
        versions = pins.get(canonicalize_name(requirement.name), [])
        if len(versions) != 1 or not requirement.specifier.contains(versions[0]):
            wrong[str(requirement)] = [str(version) for version in versions]
    assert wrong == {}, "run `make constraints`"


def test_the_constraints_name_no_address_and_a_hash_for_every_package():
    assert "://" not in LOCK
    blocks = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_every_requirement_has_a_lower_bound():
    every = [requirement for extra in [None, *EXTRAS] for requirement in required(extra)]
    unbounded = {str(r) for r in every if not any(spec.operator in {">=", "==", "~="} for spec in r.specifier)}
    assert unbounded <= {"types-PyYAML"}


def test_boto3_and_kubernetes_are_bounded_together():
    """Without bounds the resolver answers their disagreement with a boto3 of 2014, which fails on import."""
    assert pinned()["boto3"][0] >= Version("1.44")
    assert pinned()["kubernetes"][0] >= Version("37.0.1")


@pytest.mark.parametrize("case", sorted(TOGETHER))
def test_all_extras_resolve_together(case, tmp_path):
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv is not beside the interpreter; `make install` puts it there")
    command = [str(uv), "pip", "compile", "pyproject.toml", "--python-version", "3.11", "--quiet"]
    command += ["--no-emit-index-url", "--output-file", str(tmp_path / "resolved.txt")]
    command += [part for extra in TOGETHER[case] for part in ("--extra", extra)]
    if "GPU" in case and "without" in case:
        command += ["--override", ".ci/overrides.txt"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    unreachable = re.search(r"error sending request|dns error|connect|timed out|offline", ran.stderr, re.IGNORECASE)
    if ran.returncode and unreachable and not os.environ.get("CI"):
        pytest.skip("no package index can be reached; try again with a network")
    assert ran.returncode == 0, ran.stderr
    resolved = dict(re.findall(r"^([a-z0-9-]+)==([^ \n]+)", (tmp_path / "resolved.txt").read_text(), re.MULTILINE))
    assert Version(resolved["boto3"]) >= Version("1.44")
    assert Version(resolved["kubernetes"]) >= Version("37.0.1")


def test_the_commands_are_installed_under_both_names():
    scripts = PROJECT["project"]["scripts"]
    assert scripts == {"dart": "dart_k8s.cli.main:entry", "kubectl-dart": "dart_k8s.cli.main:entry"}


def test_make_test_runs_every_check():
    checks = MAKEFILE.split("\nchecks:\n")[1].split("\n\n")[0]
    for command in ("ruff check .", "ruff format --check .", "mypy --strict dart_k8s", "lint-imports"):
        assert command in checks
    assert re.search(r"^test: check", MAKEFILE, re.MULTILINE)
    assert re.search(r"^check: install", MAKEFILE, re.MULTILINE)


def test_ci_knows_no_command_that_make_does_not():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "make test"


def test_every_target_that_people_call_is_in_the_help():
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)) - {"checks"}
    explained = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
    assert targets == explained


def test_the_import_contracts_cover_every_room():
    rooms = {path.parent.name for path in (ROOT / "dart_k8s").glob("*/__init__.py")}
    layers = next(c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["id"] == "rooms")["layers"]
    named = set(re.findall(r"dart_k8s\.(\w+)", " ".join(layers)))
    assert rooms <= named
