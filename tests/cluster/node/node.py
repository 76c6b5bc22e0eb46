"""A control plane with one real node: kubelet, containerd, kube-proxy and CoreDNS; pods are containers.

NetworkPolicies are kept and not enforced: the bridge plug-in knows nothing of them. The kubelet does without control
groups of its own, so requests and limits of a pod are the container's only, and there are no classes of service.
"""

import contextlib
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import yaml

from tests.cluster.plane import ControlPlane, DidNotStart
from tests.cluster.processes import Process
from tests.cluster.sources import Programs
from tests.tools import COREDNS, IPTABLES

from .machine import Machine
from .runtime import SOCKET, Runtime

NAME = "node"
DOMAIN = "cluster.local"
STARTS_WITHIN = 120.0
"""Seconds; about ten are usual."""
ZONE = """
.:53 {{
    bind {address}
    errors
    kubernetes {domain} in-addr.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
        ttl 1
    }}
}}
"""


class Node(ControlPlane):
    """Started and ended by `with`. `machine.outside` is the address at which a test serves what pods shall reach."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        self._stack = ExitStack()
        self.machine = self._stack.enter_context(Machine(folder))
        try:
            super().__init__(programs, folder, self.machine.outside)
            self.runtime = Runtime(self.machine)
            self.services = _services(self, programs)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        try:
            self.runtime.start()
            super().__enter__()
            self._account_of_proxy()
            for process in self.services.values():
                process.start()
            self._until_ready()
        except RuntimeError as error:
            self.__exit__()
            raise DidNotStart(f"{error}; its folder is {self.folder}") from error
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()  # first: whatever pods do, they do no longer
        super().__exit__()

    def logs(self, lines: int = 20) -> str:
        started = [self.runtime.process, *self.services.values()]
        return "\n".join([super().logs(lines), *(one.tail(lines) for one in started)])

    def log(self, namespace: str, pod: str, container: str | None = None, *, previous: bool = False) -> str:
        """What a container printed, through the kubelet."""
        more = {"container": container} if container else {}
        return str(self.core.read_namespaced_pod_log(pod, namespace, previous=previous, **more))

    def kill(self, pod: Any) -> None:
        """SIGKILL to the first process of a running pod's container: `pod` as the client gives it."""
        identity = pod.status.container_statuses[0].container_id.rpartition("/")[2]
        self.runtime.ctr("--namespace=k8s.io", "tasks", "kill", "--signal", "SIGKILL", identity)

    def _account_of_proxy(self) -> None:
        """kube-proxy reads Services and nodes: the role is Kubernetes' own, its binding an installer's."""
        rbac = "rbac.authorization.k8s.io"
        self.apply({
            "apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "kube-proxy"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "system:node-proxier"},
            "subjects": [{"kind": "User", "name": "system:kube-proxy"}],
        })  # fmt: skip

    def _until_ready(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            with contextlib.suppress(Exception):
                conditions = self.core.read_node(NAME).status.conditions
                if any(one.type == "Ready" and one.status == "True" for one in conditions):
                    return
            ended = [name for name, process in self.services.items() if not process.running]
            if ended or time.monotonic() > deadline:
                why = f"{', '.join(ended)} ended" if ended else f"not ready within {STARTS_WITHIN:.0f} s"
                raise DidNotStart(f"no node: {why}; its folder is {self.folder}\n{self.logs(40)}")
            time.sleep(0.1)


def _services(node: Node, programs: Programs) -> dict[str, Process]:
    """The programs besides containerd, none started yet."""
    machine, folder = node.machine, node.folder / "node"
    folder.mkdir()
    filter_root = IPTABLES.need()
    links = folder / "bin"
    links.mkdir()
    for family in ("iptables", "ip6tables"):
        for verb in ("", "-save", "-restore"):
            (links / f"{family}{verb}").symlink_to(filter_root / IPTABLES.marker)
    libraries = ":".join(str(path) for path in IPTABLES.libraries())
    modules = next(filter_root.glob("usr/lib/*/xtables"))
    environment = {
        "PATH": f"{links}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), "LD_LIBRARY_PATH": libraries,
        "XTABLES_LIBDIR": str(modules),
    }  # fmt: skip
    commands = {
        "kubelet": [
            *programs.commands["kubelet"], f"--config={_write(folder / 'kubelet.yaml', _kubelet(node))}",
            f"--kubeconfig={node.credentials.kubeconfig('kubelet')}", f"--hostname-override={NAME}",
            f"--node-ip={machine.address}", f"--root-dir={folder / 'kubelet'}", "--v=1",
        ],
        "kube-proxy": [
            *programs.commands["kube-proxy"], f"--config={_write(folder / 'kube-proxy.yaml', _proxy(node))}",
            f"--hostname-override={NAME}",
        ],
        "coredns": [str(COREDNS.need()), f"-conf={folder / 'Corefile'}"],
    }  # fmt: skip
    (folder / "Corefile").write_text(
        ZONE.format(address=machine.address, domain=DOMAIN, kubeconfig=node.credentials.kubeconfig("coredns"))
    )
    (folder / "resolv.conf").write_text(f"nameserver {machine.address}\n")
    return {name: machine.process(name, command, environment) for name, command in commands.items()}


def _kubelet(node: Node) -> dict[str, object]:
    folder = node.folder / "node"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(node.credentials.authority.certificate)},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDNS": [node.machine.address],
        "clusterDomain": DOMAIN,
        "resolvConf": str(folder / "resolv.conf"),
        "podLogsDir": str(folder / "pods"),
        "volumePluginDir": str(folder / "plugins"),
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi"},
        # No quality-of-service groups: a machine within a machine may lack what they need.
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "cgroupRoot": f"/{node.machine.group}",
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,
    }


def _proxy(node: Node) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": node.machine.pods,
        "clientConnection": {"kubeconfig": str(node.credentials.kubeconfig("kube-proxy"))},
        "healthzBindAddress": f"{node.machine.address}:10256",
        "metricsBindAddress": f"{node.machine.address}:10249",
        "conntrack": {"maxPerCore": 0, "min": 0},
        "iptables": {"minSyncPeriod": "0s"},
    }


def _write(path: Path, document: dict[str, object]) -> Path:
    path.write_text(yaml.safe_dump(document))
    return path
