"""A control plane of our own on loopback, and its faults: etcd, API server, controller manager, scheduler, and kwok."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import urllib3

from . import components
from .access import Cluster
from .etcd import Etcd
from .proxy import Proxy
from .sources import Programs

STARTS_WITHIN = 180.0
"""Seconds; under ten are usual."""
FOLLOWERS = ("kwok", "kube-scheduler", "kube-controller-manager")
EXPIRES_BY = 100
"""Writes; one is enough to make older versions too old."""


class DidNotStart(Exception):
    """A part did not get ready; says which, with the ends of the logs."""


class ControlPlane(Cluster):
    """Started and ended by `with`; data, certificates, kubeconfigs and logs live in one folder."""

    def __init__(self, programs: Programs, folder: Path, address: str = components.LOOPBACK) -> None:
        """`address`: the API server's; another than loopback is for real nodes, and there is no kwok."""
        ports = components.chosen_ports(address)
        self.credentials = components.credentials(folder, ports)
        super().__init__(self.credentials.kubeconfig("admin"), folder)
        self.parts = components.parts(programs, self.credentials, ports)
        self.etcd = Etcd(ports.etcd)
        self.port, self.address = ports.apiserver, address
        authority = str(self.credentials.authority.certificate)
        self._probe = urllib3.PoolManager(ca_certs=authority, timeout=1, retries=False)

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.port}"

    def __enter__(self) -> Self:
        try:
            self.start_apiserver()
            self._until(self._controllers_work, "kube-controller-manager")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._probe.clear()
        for part in reversed(self.parts.values()):
            part.stop(kill=True)

    def start_apiserver(self) -> None:
        """Start it, and what needs it, unless they run; wait until it is ready."""
        self.parts["etcd"].start()
        self._until(self.etcd.healthy, "etcd")
        self.parts["kube-apiserver"].start()
        self._until(self.ready, "kube-apiserver")
        for part in self.parts.values():
            part.start()

    def stop_apiserver(self, *, kill: bool = True) -> None:
        """End it: connections break, new ones are refused until `start_apiserver`. Objects stay in etcd.

        Controllers, scheduler and kwok are ended too, and start anew with it. Else each would wait longer before it
        comes back, up to half a minute after some restarts, and a test would measure their patience.
        """
        self.parts["kube-apiserver"].stop(kill=kill)
        for name in FOLLOWERS:
            if name in self.parts:
                self.parts[name].stop(kill=True)

    @contextlib.contextmanager
    def apiserver_stopped(self, *, kill: bool = True) -> Iterator[None]:
        """No API server inside the block, a ready one after it."""
        self.stop_apiserver(kill=kill)
        try:
            yield
        finally:
            self.start_apiserver()

    @contextlib.contextmanager
    def frozen(self, part: str = "kube-apiserver") -> Iterator[None]:
        """Inside the block a part (a name of `parts`) hangs: connections stay, nothing answers (SIGSTOP, SIGCONT)."""
        self.parts[part].freeze()
        try:
            yield
        finally:
            self.heal()

    def heal(self) -> None:
        """Let every part run, whatever was done to it, and wait until the API server is ready."""
        for part in self.parts.values():
            part.thaw()
        self.start_apiserver()

    def expire(self) -> None:
        """Make every resourceVersion and every page that a client holds too old: 410, so it has to list anew.

        The API server is stopped, etcd's revision moves on and older ones are compacted, and the API server starts with
        an empty memory. Connections break once, as with any restart.
        """
        with self.apiserver_stopped():
            self.etcd.advance(EXPIRES_BY)
            self.etcd.compact()

    def proxy(self) -> Proxy:
        """A way to the API server that can be cut, for `with`; see `kubeconfig_of` and `kubeconfig_at`."""
        return Proxy(self.port)

    def ready(self) -> bool:
        """Whether the API server says so, within a second."""
        try:
            return bool(self._probe.request("GET", f"{self.url}/readyz").status == 200)
        except urllib3.exceptions.HTTPError:
            return False

    def logs(self, lines: int = 20) -> str:
        """The end of each part's log."""
        return "\n".join(part.tail(lines) for part in self.parts.values())

    def _controllers_work(self) -> bool:
        accounts = self.core.list_namespaced_service_account("default").items
        return any(account.metadata.name == "default" for account in accounts)

    def _until(self, check: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        part = self.parts[name]
        while not check():
            if not part.running or time.monotonic() > deadline:
                why = f"was not ready within {STARTS_WITHIN:.0f} s" if part.running else "ended"
                raise DidNotStart(f"{name} {why}; its folder is {self.folder}\n{self.logs()}")
            time.sleep(0.05)
