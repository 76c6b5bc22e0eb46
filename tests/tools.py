"""Programs that tests need and no Python package brings, built from Go modules once and kept in the user's cache.

    python -m tests.tools           build what is missing, with progress; `make test` does it first
    python -m tests.tools NAME      the path of one of them, for make

A program is looked for in the environment variable of its name, on the PATH, then in the cache. Without Go it is left
out: its tests skip with the reason, and fail under CI=true.
"""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Tool:
    """A main package of a Go module."""

    name: str
    package: str
    version: str

    @property
    def module(self) -> str:
        """What `go install` takes."""
        return f"{self.package}@{self.version}"

    @property
    def cached(self) -> Path:
        """Where it is kept: another version lies beside it."""
        return cache() / f"{self.name}-{self.version}" / self.name

    def find(self) -> Path | None:
        """The program, if it is there."""
        named = os.environ.get(self.name.upper()) or shutil.which(self.name)
        if named:
            return Path(named)
        return self.cached if self.cached.exists() else None

    def need(self) -> Path:
        """The program; without it the test skips, and fails under CI=true."""
        found = self.find()
        if found is None:
            says = f"{self.name} is missing: install Go and run `make tools`, or name one in {self.name.upper()}"
            if os.environ.get("CI") == "true":
                pytest.fail(says)
            pytest.skip(says)
        return found

    def build(self) -> None:
        """Build it into the cache. Raises CalledProcessError."""
        folder = self.cached.parent.with_suffix(".new")
        environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0", "GOFLAGS": "-trimpath"}
        subprocess.run(["go", "install", "-ldflags=-s -w", self.module], env=environment, check=True)
        shutil.rmtree(self.cached.parent, ignore_errors=True)
        folder.rename(self.cached.parent)


HELM = Tool("helm", "helm.sh/helm/v4/cmd/helm", "v4.3.1")
TOOLS = (HELM,)


def cache() -> Path:
    """Where programs are kept from one checkout to the next."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dart-k8s" / "tools"


def main(arguments: list[str]) -> int:
    """See the module."""
    if arguments:
        found = next((tool.find() for tool in TOOLS if tool.name == arguments[0]), None)
        print(found or arguments[0])
        return 0 if found else 1
    missing = [tool for tool in TOOLS if tool.find() is None]
    if missing and shutil.which("go") is None:
        print(f"Go is missing, so {', '.join(t.name for t in missing)} can't be built: their tests are left out.")
        return 0
    for number, tool in enumerate(missing, start=1):
        print(f"[{number}/{len(missing)}] building {tool.module}, some minutes the first time ...", flush=True)
        began = time.monotonic()
        tool.build()
        print(f"[{number}/{len(missing)}] {tool.cached} after {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
