"""A node whose pods are processes of this machine, as a kubelet runs containers.

They are started by the pod's own command and environment with its ConfigMaps as files, probed over HTTP, told to stop
by SIGTERM, and end with exit code and termination message. Only what the sandbox would do is simulated: a pod's paths
lie in a folder of its own, and its address is one of 127.0.0.0/8 (`warm`).
"""

import base64
import contextlib
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from kubernetes import client, watch
from urllib3.exceptions import HTTPError

from dart_k8s.names import CONTAINER, QUERIES, STAGE, Stage
from tests.cluster.access import Cluster

from .warmed import Program, Warmed

LABEL = "dart-tests/processes"
AWAY = (client.ApiException, HTTPError, OSError)
MERGE = "application/strategic-merge-patch+json"
POLLS = 0.1
HEARTBEAT = 5.0
LAST_WORDS = 2000
GONE = (404, 409, 422)


class Kubelet:
    """One node; `with` adds it and takes it away. Pods come to it by the node selector `Kubelet.selector`."""

    def __init__(self, cluster: Cluster, warmed: Warmed, folder: Path, name: str = "processes") -> None:
        self.cluster, self.warmed, self.name = cluster, warmed, name
        self.folder, self.names = folder / name, folder / name / "names"
        self.pretended: set[str] = set()
        """Namespaces whose verification pods run no program: they get ready, and end when they are deleted."""
        self._pods: dict[str, _Pod] = {}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        # Of 10.222.0.0/16, beginning somewhere else in each process: two runs of the tests may go on beside each other.
        self._numbers = iter(range(2 + 256 * (os.getpid() % 128), 60000))

    @property
    def selector(self) -> dict[str, str]:
        return {LABEL: self.name}

    def log(self, namespace: str) -> str:
        """What the pods of a namespace said, for a failed test."""
        logs = sorted(self.folder.glob(f"{namespace}/*/log"))
        return "\n".join(f"== {one.parent.name}\n{one.read_text(errors='replace')[-LAST_WORDS:]}" for one in logs)

    def __enter__(self) -> Self:
        self.names.mkdir(parents=True)
        room = {"cpu": "1000", "memory": "4Ti", "ephemeral-storage": "4Ti", "pods": "1000", "nvidia.com/gpu": "64"}
        labels = {**self.selector, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        # The taint keeps other tests' pods away.
        self.cluster.core.create_node(
            {
                "metadata": {"name": self.name, "labels": labels},
                "spec": {"taints": [{"key": LABEL, "effect": "NoSchedule"}]},
                "status": {"capacity": room, "allocatable": room},
            }
        )
        self._beat()
        for target in (self._beats, self._watch, self._serve_names):
            self._threads.append(threading.Thread(target=target, daemon=True, name=target.__name__))
            self._threads[-1].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for pod in list(self._pods.values()):
            pod.kill()
        for thread in self._threads:
            thread.join(20.0)
        with contextlib.suppress(*AWAY):
            self.cluster.core.delete_node(self.name)

    # -- the node

    def _beat(self) -> None:
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "", "lastHeartbeatTime": now()}
        path = f"/api/v1/nodes/{self.name}/status"
        self.cluster.call("PATCH", path, {"status": {"conditions": [ready]}}, content=MERGE)

    def _beats(self) -> None:
        while not self._stop.wait(HEARTBEAT):
            with contextlib.suppress(*AWAY):
                self._beat()

    def _watch(self) -> None:
        chosen = {"field_selector": f"spec.nodeName={self.name}"}
        while not self._stop.is_set():
            with contextlib.suppress(*AWAY):
                found = self.cluster.call("GET", "/api/v1/pods", fieldSelector=chosen["field_selector"])
                here = {item["metadata"]["uid"] for item in found["items"]}
                for item in found["items"]:
                    self._see(item)
                for uid in set(self._pods) - here:
                    self._gone(uid)
                events = watch.Watch().stream(
                    self.cluster.core.list_pod_for_all_namespaces, **chosen, timeout_seconds=5,
                    resource_version=found["metadata"]["resourceVersion"], _request_timeout=(5, 20),
                )  # fmt: skip
                for event in events:
                    if self._stop.is_set():
                        return
                    item = event["raw_object"]
                    if event["type"] == "DELETED":
                        self._gone(item["metadata"]["uid"])
                    else:
                        self._see(item)
            self._stop.wait(POLLS)

    def _see(self, item: Mapping[str, Any]) -> None:
        about = item["metadata"]
        pod = self._pods.get(about["uid"])
        if pod is None:
            if item["status"].get("phase") in ("Succeeded", "Failed") and "deletionTimestamp" not in about:
                return
            pod = self._pods[about["uid"]] = _Pod(self, item, next(self._numbers))
            pod.begin()
        if "deletionTimestamp" in about:
            pod.deleted.set()

    def _gone(self, uid: str) -> None:
        """Deleted by force: the containers go too."""
        if pod := self._pods.pop(uid, None):
            pod.kill()

    def _serve_names(self) -> None:
        """What the cluster's DNS would say of headless Services, from the real EndpointSlices."""
        while not self._stop.wait(0.3):
            if not any(pod.serves for pod in list(self._pods.values())):
                continue
            with contextlib.suppress(*AWAY):
                known: dict[str, set[str]] = {}
                for item in self.cluster.call("GET", "/apis/discovery.k8s.io/v1/endpointslices")["items"]:
                    about = item["metadata"]
                    service = about.get("labels", {}).get("kubernetes.io/service-name")
                    ready = [e["addresses"] for e in item.get("endpoints") or () if e["conditions"].get("ready")]
                    name = f"{service}.{about['namespace']}.svc.cluster.local"
                    known.setdefault(name, set()).update(local(one) for some in ready for one in some)
                for name, addresses in known.items():
                    half = self.names / f".{name}"
                    half.write_text("\n".join(sorted(addresses)))
                    half.replace(self.names / name)


class _Pod:
    """A pod, in a thread of its own."""

    def __init__(self, kubelet: Kubelet, item: Mapping[str, Any], number: int) -> None:
        self.kubelet, self.item = kubelet, item
        about = item["metadata"]
        self.namespace, self.name, self.uid = about["namespace"], about["name"], about["uid"]
        self.deleted = threading.Event()
        self.address = f"10.222.{number >> 8}.{number & 255}"
        self.container = item["spec"]["containers"][0]
        self.folder = kubelet.folder / self.namespace / self.name
        stage = about.get("labels", {}).get(STAGE)
        self.serves = stage == Stage.VERIFIER
        self.pretends = self.serves and self.namespace in kubelet.pretended
        self._program: Program | None = None
        self._killed = False
        self._restarts = 0
        self._started_at = now()

    def begin(self) -> None:
        threading.Thread(target=self._run, daemon=True, name=self.name).start()

    def kill(self) -> None:
        self._killed = True
        if self._program is not None:
            with contextlib.suppress(OSError, ValueError):
                os.kill(self._program.pid, signal.SIGKILL)

    def _run(self) -> None:
        code, message = 143, ""
        while not self._killed:
            if self.deleted.is_set():
                break
            try:
                code, message = self._once()
            except Exception as error:
                code, message = 128, f"the kubelet of the tests: {type(error).__name__}: {error}"
            if self.item["spec"]["restartPolicy"] != "Always" or self.deleted.is_set():
                break
            self._restarts += 1
            self.deleted.wait(min(10.0, 0.5 * 2**self._restarts))
        if not self._killed:
            self._end(code, message)

    def _once(self) -> tuple[int, str]:
        """One life of the container: exit code and termination message."""
        if self.pretends:
            self._report(running=True, ready=True)
            self.deleted.wait()
            return 0, ""
        self._prepare()
        command = [self._translate(word) for word in [*self.container["command"], *self.container.get("args", ())]]
        module, argv = self._module(command)
        said = self.folder / "termination-log"
        said.unlink(missing_ok=True)
        program = self._program = self.kubelet.warmed.start(
            module, argv, log=self.folder / "log", tag=f"pod {self.namespace}",
            env={**self._environment(), "DART_TERMINATION_LOG": str(said)},
            network={"address": local(self.address), "names": str(self.kubelet.names)},
        )  # fmt: skip
        probe = self.container.get("startupProbe") or self.container.get("readinessProbe")
        ready = started = probe is None
        self._report(running=True, ready=ready)
        ends: float | None = None
        while (code := program.wait(POLLS)) is None:
            if self.deleted.is_set() and ends is None:
                program.signal(signal.SIGTERM)
                ends = time.monotonic() + self.item["spec"].get("terminationGracePeriodSeconds", 30)
            if ends is not None and time.monotonic() > ends:
                program.kill()
            if not started and self._answers(probe["httpGet"]):
                started = True
                self._report(running=True, ready=True)
        # As the runtime tells it: a signal is 128 and its number.
        code = code if code >= 0 else 128 - code
        message = said.read_text(errors="replace")[:4096] if said.is_file() else ""
        if not message and code and self.container.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            message = (self.folder / "log").read_text(errors="replace")[-LAST_WORDS:]
        return code, message

    # -- what a container runtime prepares

    def _translate(self, word: str) -> str:
        """A path of the container as one of this machine."""
        for mount in self._mounts():
            if word == mount or word.startswith(mount + "/"):
                return str(self._host(mount)) + word.removeprefix(mount)
        return word

    def _mounts(self) -> list[str]:
        return sorted((one["mountPath"] for one in self.container.get("volumeMounts", ())), key=len, reverse=True)

    def _host(self, mount: str) -> Path:
        """Mounts at paths of this machine's temporary files are where they say."""
        shared = str(self.kubelet.folder.parent)
        return Path(mount) if mount.startswith(shared) else self.folder / "root" / mount.lstrip("/")

    def _prepare(self) -> None:
        volumes = {one["name"]: one for one in self.item["spec"].get("volumes", ())}
        for mount in self.container.get("volumeMounts", ()):
            here = self._host(mount["mountPath"])
            here.mkdir(parents=True, exist_ok=True)
            if source := volumes[mount["name"]].get("configMap"):
                path = f"/api/v1/namespaces/{self.namespace}/configmaps/{source['name']}"
                needed = not source.get("optional")
                found = self._patiently(lambda path=path: self.kubelet.cluster.call("GET", path), wait=needed)  # type: ignore[misc]
                files = {key: text.encode() for key, text in (found.get("data") or {}).items()}
                files |= {key: base64.b64decode(data) for key, data in (found.get("binaryData") or {}).items()}
                for key, data in files.items():
                    # Whole or not at all: another pod of the node may be reading it.
                    half = here / f".{key}-{self.folder.name}"
                    half.write_bytes(data)
                    half.replace(here / key)
        self.folder.mkdir(parents=True, exist_ok=True)

    def _environment(self) -> dict[str, str]:
        found = {}
        for one in self.container.get("env", ()):
            field = one.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            found[one["name"]] = self.name if field == "metadata.name" else self._translate(one.get("value", ""))
        return found

    def _module(self, command: list[str]) -> tuple[str, list[str]]:
        """What the images' entry points run."""
        match command:
            case ["python", "-m", module, *argv]:
                more = ["--queries", str(self._host(QUERIES))] if argv[0] == "prepare" else []
                return module, [*argv, *more]
            case ["dart", *argv]:
                return "dart_k8s.cli.main", argv
        raise ValueError(f"no image has {command}")

    def _answers(self, get: Mapping[str, Any]) -> bool:
        ports = {one["name"]: one["containerPort"] for one in self.container.get("ports", ())}
        port = ports.get(get["port"], get["port"])
        try:
            with urllib.request.urlopen(f"http://{local(self.address)}:{port}{get['path']}", timeout=5) as reply:
                return bool(reply.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    # -- what the API server hears

    def _report(self, *, running: bool, ready: bool, state: Mapping[str, Any] | None = None, phase: str = "") -> None:
        truth = "True" if ready else "False"
        container = {
            "name": CONTAINER, "image": self.container["image"], "imageID": "", "ready": ready, "started": ready,
            "restartCount": self._restarts, "containerID": f"process://{self.uid}-{self._restarts}",
            "state": state or {"running": {"startedAt": now()}},
        }  # fmt: skip
        status: dict[str, Any] = {
            "phase": phase or "Running",
            "startTime": self._started_at,
            "hostIP": "10.222.0.1", "podIP": self.address, "podIPs": [{"ip": self.address}],
            "conditions": [
                {"type": "Initialized", "status": "True"},
                {"type": "Ready", "status": truth},
                {"type": "ContainersReady", "status": truth},
            ],
            "containerStatuses": [container],
        }  # fmt: skip
        path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}/status"
        body = {"metadata": {"uid": self.uid}, "status": status}
        self._patiently(lambda: self.kubelet.cluster.call("PATCH", path, body, content=MERGE))

    def _end(self, code: int, message: str) -> None:
        ended = {
            "exitCode": code, "reason": "Completed" if code == 0 else "Error", "startedAt": self._started_at,
            "finishedAt": now(), "message": message,
        }  # fmt: skip
        self._report(running=False, ready=False, state={"terminated": ended}, phase="Failed" if code else "Succeeded")
        self.deleted.wait()
        if self._killed:
            return
        path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}}
        self._patiently(lambda: self.kubelet.cluster.call("DELETE", path, options))

    def _patiently(self, ask: Callable[[], dict[str, Any]], *, wait: bool = False) -> dict[str, Any]:
        """Until the API server answers; `wait`: until the object is there too."""
        while not self._killed:
            try:
                return ask()
            except client.ApiException as error:
                if error.status in GONE and not (wait and error.status == 404):
                    return {}
            except (HTTPError, OSError):
                pass
            if wait and self.deleted.wait(POLLS):
                break
            time.sleep(POLLS)
        return {}


def local(address: str) -> str:
    """The address of this machine that stands for a pod's."""
    return "127" + address.removeprefix("10")


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
