"""Where the tests' cluster comes from. The first of these that is there:

1. `DART_TEST_KUBECONFIG`: a cluster that the caller has. No other kubeconfig is ever taken by itself.
2. `KUBEBUILDER_ASSETS`: a folder with `etcd` and `kube-apiserver`, as setup-envtest makes it. What it lacks is taken
   from the cache.
3. The user's cache, or a program named in `CONTROLPLANE`.
4. A build from Go modules into that cache: ten minutes on two cores, once.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools import CONTROLPLANE, KWOK

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
NEEDED = COMPONENTS[:4]


@dataclass(frozen=True, slots=True)
class Callers:
    """A cluster that the caller has."""

    kubeconfig: Path

    def __str__(self) -> str:
        return f"the caller's, {self.kubeconfig} (DART_TEST_KUBECONFIG)"


@dataclass(frozen=True, slots=True)
class Programs:
    """What an own control plane is started from: the first words of each component's command."""

    commands: dict[str, list[str]]
    kwok: Path
    taken: str

    def __str__(self) -> str:
        return f"an own control plane, {self.taken}"


def look() -> Callers | Programs | None:
    """The first source that is there without a build. Raises LookupError when an environment variable names nothing."""
    named = os.environ.get("DART_TEST_KUBECONFIG")
    if named:
        if not Path(named).is_file():
            raise LookupError(f"DART_TEST_KUBECONFIG names {named}, which is no file: correct or unset it")
        return Callers(Path(named))
    commands: dict[str, list[str]] = {}
    taken = []
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        commands = {name: [str(Path(assets) / name)] for name in COMPONENTS if (Path(assets) / name).is_file()}
        if not {"etcd", "kube-apiserver"} <= set(commands):
            raise LookupError(
                f"KUBEBUILDER_ASSETS names {assets}, without etcd and kube-apiserver: correct or unset it"
            )
        taken.append(f"{', '.join(commands)} from {assets} (KUBEBUILDER_ASSETS)")
    own, kwok = CONTROLPLANE.find(), KWOK.find()
    if own is not None:
        rest = [name for name in COMPONENTS if name not in commands]
        commands |= {name: [str(own), name] for name in rest}
        if rest:
            taken.append(f"{'the others' if taken else 'Kubernetes ' + CONTROLPLANE.version} from {own}")
    if kwok is None or not set(NEEDED) <= set(commands):
        return None
    return Programs(commands, kwok, "; ".join(taken))


def need() -> Callers | Programs:
    """The same, built if it must be; without Go the test skips, and fails under CI=true."""
    try:
        found = look()
        if found is None and shutil.which("go") is not None:
            for tool in (KWOK, CONTROLPLANE):
                if tool.find() is None:
                    print(
                        f"building {tool.module}, some minutes the first time (`make tools` does it before the tests)"
                    )
                    tool.build()
            found = look()
    except LookupError as error:
        pytest.fail(str(error))
    if found is None:
        # Each says how to get it, and ends the test.
        CONTROLPLANE.need()
        KWOK.need()
        pytest.fail("KUBEBUILDER_ASSETS lacks a component and so does the cache: run `make tools`")
    return found
