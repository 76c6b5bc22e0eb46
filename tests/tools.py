"""Programs that tests need and no Python package brings, built from Go modules once and kept in the user's cache.

helm for the chart, kwok for pods that pretend to run, a Kubernetes control plane with etcd in one binary, Prometheus
and its tool for rules; and, where a node can be had (Linux, root), what makes one: containerd, runc, network plug-ins,
CoreDNS, a pause program, iptables.

    python -m tests.tools           build what is missing, with progress; `make test` does it first
    python -m tests.tools NAME      the path of one of them, for make

A program is looked for in the environment variable of its name, on the PATH, then in the cache; those of a node in the
cache only, since other versions than these were seen to fail. Without Go it is left out: its tests skip with the
reason, and fail under CI=true. What comes from Debian's packages is unpacked into the cache, not installed.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Tool:
    """A main package of a Go module."""

    name: str
    package: str
    version: str
    tags: str = field(default="", kw_only=True)
    """Build tags, with commas."""

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
        """Build it into the cache. Interrupted, it leaves nothing behind. Raises CalledProcessError."""
        self.cached.parent.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{self.name}-", dir=self.cached.parent.parent))
        try:
            self.into(folder)
            if self.cached.exists():  # built by another process meanwhile
                return
            shutil.rmtree(self.cached.parent, ignore_errors=True)
            folder.chmod(0o755)
            folder.rename(self.cached.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def into(self, folder: Path) -> None:
        """Build it into this folder. Raises CalledProcessError."""
        _run(self.command(folder), {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(folder)}, self.source)

    def command(self, folder: Path) -> list[str]:
        """What builds it into this folder."""
        tags = [f"-tags={self.tags}"] if self.tags else []
        return ["go", "install", "-trimpath", *tags, "-ldflags=-s -w", self.module]

    @property
    def source(self) -> Path | None:
        """The folder of its source; None when Go fetches it."""
        return None


@dataclass(frozen=True, slots=True)
class OwnTool(Tool):
    """A main package of this repository, with go.mod and go.sum beside it: `package` is its folder."""

    stamps: tuple[str, ...] = ()
    """Variables that say which version it is."""

    @property
    def module(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def cached(self) -> Path:
        """Keyed by its source too: a change of it is another program."""
        digest = hashlib.sha256()
        for file in [*sorted(self.source.glob("*.go")), *sorted(self.source.glob("go.*"))]:
            digest.update(file.read_bytes())
        return cache() / f"{self.name}-{self.version}-{digest.hexdigest()[:12]}" / self.name

    @property
    def source(self) -> Path:
        return Path(__file__).parent / self.package

    def command(self, folder: Path) -> list[str]:
        stamps = "".join(f" -X {variable}={self.version}" for variable in self.stamps)
        return ["go", "build", "-trimpath", f"-ldflags=-s -w{stamps}", "-o", str(folder / self.name), "."]


@dataclass(frozen=True, slots=True)
class NodeTool(Tool):
    """One or more programs of a node; the one of its name stands for all. Taken from the cache only."""

    programs: tuple[str, ...] = ()
    """Folders of main packages below `package`; each program has its folder's name."""
    needs: "DebianFiles | None" = None
    """Headers and libraries of C, for a program that has C in it."""

    def find(self) -> Path | None:
        return self.cached if self.cached.exists() else None

    def into(self, folder: Path) -> None:
        environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
        if self.needs is not None:
            environment |= {"CGO_ENABLED": "1", **self.needs.compiling()}
        _run(self.command(folder), environment, None)

    def command(self, folder: Path) -> list[str]:
        paths = [f"{self.package}/{program}" for program in self.programs] or [self.package]
        tags = [f"-tags={self.tags}"] if self.tags else []
        return ["go", "install", "-trimpath", *tags, "-ldflags=-s -w", *(f"{path}@{self.version}" for path in paths)]


@dataclass(frozen=True, slots=True)
class DebianFiles(Tool):
    """The files of Debian packages, for a program or library that no Go module brings: `package` lists their names.

    They are unpacked into the cache, so the machine stays as it is; `version` is our own number for the list.
    """

    marker: str = ""
    """A file among them that shows that they are there."""

    @property
    def module(self) -> str:
        return f"{self.name} from {self.package}"

    @property
    def root(self) -> Path:
        return self.cached.parent

    def find(self) -> Path | None:
        return self.root if (self.root / self.marker).exists() else None

    def need(self) -> Path:
        found = self.find()
        if found is None:
            says = f"{self.name} is missing: on Debian or Ubuntu `make tools` unpacks {self.package} into the cache"
            if os.environ.get("CI") == "true":
                pytest.fail(says)
            pytest.skip(says)
        return found

    def into(self, folder: Path) -> None:
        if shutil.which("apt-get") is None:
            return
        fetch = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *self.package.split()]
        try:
            _run(fetch, dict(os.environ), folder)
        except subprocess.CalledProcessError:  # its lists are old, or there are none
            _run(["apt-get", "-qq", "update"], dict(os.environ), folder)
            _run(fetch, dict(os.environ), folder)
        for archive in sorted(folder.glob("*.deb")):
            _run(["dpkg-deb", "-x", str(archive), str(folder)], dict(os.environ), folder)
            archive.unlink()

    def libraries(self) -> list[Path]:
        """Folders of its shared libraries."""
        return sorted({path.parent for path in self.root.glob("usr/lib/*/*.so*")})

    def compiling(self) -> dict[str, str]:
        """The environment in which pkg-config finds its headers and libraries."""
        if self.find() is None:
            self.build()
        configs = ":".join(str(path) for path in sorted(self.root.glob("usr/lib/*/pkgconfig")))
        return {"PKG_CONFIG_PATH": configs, "PKG_CONFIG_SYSROOT_DIR": str(self.root)}


HELM = Tool("helm", "helm.sh/helm/v4/cmd/helm", "v4.3.1")
KWOK = Tool("kwok", "sigs.k8s.io/kwok/cmd/kwok", "v0.8.0")
CONTROLPLANE = OwnTool(
    "controlplane", "cluster/controlplane", "v1.37.2",
    ("k8s.io/component-base/version.gitVersion", "k8s.io/client-go/pkg/version.gitVersion"),
)  # fmt: skip
"""etcd, kube-apiserver and the others of the Kubernetes release that its go.mod names."""
PROMETHEUS = Tool("prometheus", "github.com/prometheus/prometheus/cmd/prometheus", "v0.316.0", tags="remove_all_sd")
"""Without the clients of clouds that it can find targets in: a file names them here."""
PROMTOOL = Tool("promtool", "github.com/prometheus/prometheus/cmd/promtool", PROMETHEUS.version, tags=PROMETHEUS.tags)
CONTAINERD = NodeTool(
    "containerd", "github.com/containerd/containerd/v2/cmd", "v2.4.2", ("containerd", "containerd-shim-runc-v2", "ctr")
)
LIBSECCOMP = DebianFiles("libseccomp", "libseccomp-dev", "1", "usr/include/seccomp.h")
RUNC = NodeTool("runc", "github.com/opencontainers/runc", "v1.5.2", tags="seccomp", needs=LIBSECCOMP)
NETWORK = NodeTool(
    "bridge", "github.com/containernetworking/plugins/plugins", "v1.9.1",
    ("main/bridge", "main/loopback", "ipam/host-local"),
)  # fmt: skip
COREDNS = NodeTool("coredns", "github.com/coredns/coredns", "v1.15.0")
PAUSE = OwnTool("pause", "cluster/node/pause", "v1")
IPTABLES = DebianFiles(
    "iptables",
    "iptables libxtables12 libip4tc2 libip6tc2 libnftnl11 libmnl0 libnetfilter-conntrack3 libnfnetlink0",
    "1", "usr/sbin/xtables-nft-multi",
)  # fmt: skip
BUILDAH = DebianFiles(
    "buildah", "buildah golang-github-containers-common libgpgme11 libassuan0 libsubid4 libdevmapper1.02.1", "1",
    "usr/bin/buildah",
)  # fmt: skip
"""For `make soak`, which builds images."""
NODE_TOOLS = (CONTAINERD, LIBSECCOMP, RUNC, NETWORK, COREDNS, PAUSE, IPTABLES)
"""What a node is made of, besides the kubelet and kube-proxy in `CONTROLPLANE`."""
TOOLS = (HELM, KWOK, PROMETHEUS, PROMTOOL, CONTROLPLANE, *NODE_TOOLS, BUILDAH)


def cache() -> Path:
    """Where programs are kept from one checkout to the next."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dart-k8s" / "tools"


def _run(command: list[str], environment: dict[str, str], folder: Path | None) -> None:
    """Run it and say each half a minute that it still runs: Go itself is silent for minutes."""
    began = time.monotonic()
    with subprocess.Popen(command, env=environment, cwd=folder, process_group=0) as running:
        try:
            while True:
                try:
                    returned = running.wait(30)
                    break
                except subprocess.TimeoutExpired:
                    print(f"    still building, {time.monotonic() - began:.0f} s", flush=True)
        except BaseException:
            os.killpg(running.pid, signal.SIGTERM)
            raise
    if returned:
        raise subprocess.CalledProcessError(returned, command)


def main(arguments: list[str]) -> int:
    """See the module."""
    if arguments:
        found = next((tool.find() for tool in TOOLS if tool.name == arguments[0]), None)
        print(found or arguments[0])
        return 0 if found else 1
    others = os.environ.get("DART_TEST_KUBECONFIG")
    wanted = [tool for tool in TOOLS if not (others and tool in (KWOK, CONTROLPLANE))]
    if sys.platform != "linux" or os.geteuid() != 0:
        wanted = [tool for tool in wanted if tool not in (*NODE_TOOLS, BUILDAH)]
    missing = [tool for tool in wanted if tool.find() is None]
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: what was begun is cleared away
    sys.exit(main(sys.argv[1:]))
