"""The parts of a control plane: their certificates, kubeconfigs and command lines.

They are set up as in a real cluster: RBAC, a certificate for each user, admission, service accounts. Raised against
the defaults, so that a test of scale measures the operator: requests of the controller manager and the scheduler
(`RATE` a second, `BURST` at once; the defaults are 20 and 30, 50 and 100), requests in flight at the API server,
concurrent syncs of the controllers that work on Jobs and collect garbage, and how many ended pods are kept.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from .access import embedded, kubeconfig
from .certificates import Authority
from .processes import Process, free_ports
from .sources import Programs

RATE, BURST = 1000, 2000
"""Requests of the controller manager and the scheduler: a second, and at once."""
ENDED_PODS = 100_000
"""Kept before the oldest are collected; Kubernetes' default, 12,500, is less than one test of scale makes."""
SILENT_NODES = "24h"
"""Fake nodes have no heartbeat. By default they would be called not ready after 50 s, and so would all pods on them."""
SERVICES, FIRST_SERVICE, PODS = "10.96.0.0/16", "10.96.0.1", "10.128.0.1/10"
GOGC = "200"
"""Of the Go collector, by default 100; higher is less work for more memory. For 1,000 pods through Jobs the API server
took 27 s of CPU and 550 MB at 100, 21 s and 990 MB at 400."""
STAGES = Path(__file__).with_name("stages.yaml")
USERS = {
    "admin": ("admin", ("system:masters",)),
    "kube-controller-manager": ("system:kube-controller-manager", ()),
    "kube-scheduler": ("system:kube-scheduler", ()),
    "kwok": ("kwok", ("system:masters",)),
    "kubelet": ("system:node:node", ("system:nodes",)),
    "kube-proxy": ("system:kube-proxy", ()),
    "coredns": ("coredns", ("system:masters",)),
}
"""Who has a certificate: name, groups."""
HOSTS = ("127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", FIRST_SERVICE)
"""What the API server is called."""


LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """The API server's address with all ports; etcd is on loopback in any case."""

    apiserver: int
    etcd: int
    peers: int
    address: str = LOOPBACK

    @property
    def simulated(self) -> bool:
        """Whether nodes and pods are kwok's; else real kubelets reach the API server by its address."""
        return self.address == LOOPBACK


@dataclass(frozen=True, slots=True)
class Credentials:
    """Files in the folder of one cluster; each user's kubeconfig is NAME.kubeconfig there."""

    folder: Path
    authority: Authority
    server: tuple[Path, Path]
    kubelet_client: tuple[Path, Path]
    """The API server's, for logs and exec."""
    accounts: tuple[Path, Path]
    """Public and private key of the service accounts' tokens."""

    def kubeconfig(self, name: str) -> Path:
        return self.folder / f"{name}.kubeconfig"


def chosen_ports(address: str = LOOPBACK) -> Ports:
    """Free ones."""
    return Ports(*free_ports(3), address)


def credentials(folder: Path, ports: Ports) -> Credentials:
    """Make all that the parts and their users need to trust each other."""
    authority = Authority(folder / "certificates")
    made = Credentials(
        folder, authority, authority.server("kube-apiserver", (*HOSTS, ports.address)),
        authority.client("kubelet-client", "kube-apiserver", ("system:masters",)), authority.signing_key("accounts"),
    )  # fmt: skip
    cluster = {
        "server": f"https://{ports.address}:{ports.apiserver}",
        "certificate-authority-data": embedded(authority.certificate),
    }
    for name, (user, groups) in USERS.items():
        certificate, key = authority.client(name, user, groups)
        client = {"client-certificate-data": embedded(certificate), "client-key-data": embedded(key)}
        path = made.kubeconfig(name)
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(kubeconfig(cluster, client)))
    return made


def parts(programs: Programs, made: Credentials, ports: Ports) -> dict[str, Process]:
    """The processes by name, in the order they are started in; none is started yet."""
    arguments = {
        "etcd": _etcd(made.folder, ports),
        "kube-apiserver": _apiserver(made, ports),
        "kube-controller-manager": _controllers(made, ports),
        "kube-scheduler": _client(made, "kube-scheduler"),
    }
    commands = {name: [*programs.commands[name], *rest] for name, rest in arguments.items()}
    if ports.simulated:
        commands["kwok"] = [
            str(programs.kwok), f"--kubeconfig={made.kubeconfig('kwok')}", f"--config={STAGES}", "--node-ip=127.0.0.1",
            f"--cidr={PODS}", "--v=WARN",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        ]  # fmt: skip
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(made.folder), "GOGC": GOGC}
    return {
        name: Process(name, command, made.folder / "logs" / f"{name}.log", environment)
        for name, command in commands.items()
    }


def _etcd(folder: Path, ports: Ports) -> list[str]:
    here, peers = f"http://127.0.0.1:{ports.etcd}", f"http://127.0.0.1:{ports.peers}"
    return [
        "--name=tests", f"--data-dir={folder / 'etcd'}", f"--listen-client-urls={here}",
        f"--advertise-client-urls={here}", f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=tests={peers}", "--unsafe-no-fsync", "--log-level=warn",
        f"--quota-backend-bytes={4 << 30}",
    ]  # fmt: skip


def _apiserver(made: Credentials, ports: Ports) -> list[str]:
    return [
        f"--etcd-servers=http://127.0.0.1:{ports.etcd}", f"--bind-address={ports.address}",
        f"--secure-port={ports.apiserver}", f"--advertise-address={ports.address}",
        f"--endpoint-reconciler-type={'none' if ports.simulated else 'lease'}",
        f"--service-cluster-ip-range={SERVICES}",
        "--kubelet-preferred-address-types=InternalIP", f"--kubelet-client-certificate={made.kubelet_client[0]}",
        f"--kubelet-client-key={made.kubelet_client[1]}",
        f"--client-ca-file={made.authority.certificate}", f"--tls-cert-file={made.server[0]}",
        f"--tls-private-key-file={made.server[1]}", "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={made.accounts[0]}", f"--service-account-signing-key-file={made.accounts[1]}",
        "--authorization-mode=Node,RBAC", "--allow-privileged=true", "--max-requests-inflight=3000",
        "--max-mutating-requests-inflight=1000", "--profiling=false",
    ]  # fmt: skip


def _controllers(made: Credentials, ports: Ports) -> list[str]:
    silent = [f"--node-monitor-grace-period={SILENT_NODES}"] if ports.simulated else []
    return [
        *_client(made, "kube-controller-manager"), "--use-service-account-credentials=true",
        f"--service-account-private-key-file={made.accounts[1]}", f"--root-ca-file={made.authority.certificate}",
        f"--terminated-pod-gc-threshold={ENDED_PODS}", "--concurrent-job-syncs=20", "--concurrent-gc-syncs=20", *silent,
    ]  # fmt: skip


def _client(made: Credentials, name: str) -> list[str]:
    own = made.kubeconfig(name)
    return [
        f"--kubeconfig={own}", f"--authentication-kubeconfig={own}", f"--authorization-kubeconfig={own}",
        "--leader-elect=false", "--secure-port=0", f"--kube-api-qps={RATE}", f"--kube-api-burst={BURST}",
    ]  # fmt: skip
