"""What the measurements of the operator share: a control plane with fake nodes, `dart operator` as a process with its
real rights, and a child that folds by script, so that what is measured is the operator and no store."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from dart_k8s.edges.cluster import Object, Resource
from dart_k8s.edges.cluster.kube import KubeCluster, connect
from dart_k8s.errors import ClusterError
from dart_k8s.names import STAGE
from tests.cluster import pods, sources
from tests.cluster.folders import own_folder
from tests.cluster.plane import ControlPlane
from tests.operator.real import ACCOUNT, CLOSED, SAMPLING, install, synthesis

ROOT = Path(__file__).parents[2]
WAITS = 3600.0
QUIET = 10.0
"""Seconds without a write after which nothing more is coming."""
STAGES = ("prepare", "sampler", "verifier", "curate", "cleanup")
SMALL = {"requests": {"cpu": "10m", "memory": "16Mi"}}
WRITES = "syntheses|jobs|configmaps|services|deployments|networkpolicies|events|pods"
FOLDS = textwrap.dedent("""
    import json, os, sys
    folder, sampling, closed = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    for line in sys.stdin:
        request = json.loads(line)
        if "forget" in request:
            continue
        over = os.path.exists(os.path.join(folder, request["output"].rpartition("/")[2]))
        print(json.dumps({"id": request["id"], "progress": closed if over else sampling}), flush=True)
""")
"""A run is closed once a file has its name."""
AT_REST = {**SAMPLING, "live_claims": 1000, "unclaimed_shards": 1000, "last_change": 240.0}
"""Samplers work, and nothing new was found for a while: a fold a minute."""


class Operator:
    """`dart operator` as a process."""

    def __init__(self, settings: Path, log: Path) -> None:
        self.began = time.monotonic()
        self.log = log
        self._read, self._keys = 0, set[bytes]()
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dart_k8s.cli.main", "operator", "--settings", str(settings)],
                stdout=file,
                stderr=file,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def metric(self, name: str, label: str = "") -> float:
        """The sum of a metric's series, of those with a label that matches; 0 before it answers."""
        try:
            started = next(line for line in self.log.read_text().splitlines() if '"started"' in line)
            port = json.loads(started)["health_port"]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
                text = answer.read().decode()
        except (StopIteration, OSError):
            return 0.0
        found = re.findall(rf"^{name}(?:\{{([^}}]*)\}})? (\S+)$", text, re.MULTILINE)
        return sum(float(value) for labels, value in found if re.search(label, labels))

    def reconciled(self) -> int:
        """Keys that it has reconciled, by its log; with the log level debug. Its metrics of thousands of resources take
        it tenths of a second to write: nothing to ask for again and again."""
        with self.log.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        self._keys.update(re.findall(rb'"synthesis": "([^"]*)", "result"', whole))
        return len(self._keys)

    def memory(self) -> dict[str, float]:
        """MiB of the process itself, without its children: resident now and at most, and what it shares with nobody."""
        proc = Path(f"/proc/{self.process.pid}")
        status, rollup = (proc / "status").read_text(), (proc / "smaps_rollup").read_text()
        private = sum(int(kib) for kib in re.findall(r"^Private_\w+:\s+(\d+)", rollup, re.MULTILINE))
        rss, most = (int(re.findall(rf"{key}:\s+(\d+)", status)[0]) for key in ("VmRSS", "VmHWM"))
        return {"rss": rss / 1024, "most": most / 1024, "uss": private / 1024}

    def cpu(self) -> float:
        """Seconds of the processor, its children's left out."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def quiet(self) -> None:
        """Wait until it has written nothing for some seconds."""
        last, since = -1.0, time.monotonic()
        while time.monotonic() - since < QUIET:
            now = self.metric("dart_api_requests_total", 'verb="(?:create|patch|delete)"')
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(2.0)

    def stop(self) -> float:
        """SIGTERM; seconds until it is gone."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL. Its children see the end of their input and go."""
        self.process.kill()
        self.process.wait()


class Site:
    """A control plane, a namespace of it with the operator's rights, and where its files are."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.plane, self.folder = plane, folder
        self.namespace = plane.namespace("scale")
        self.closed = folder / "closed"
        self.closed.mkdir()
        self.folds = folder / "folds.py"
        self.folds.write_text(FOLDS)
        install(plane, self.namespace)
        self.admin = connect(kubeconfig=str(plane.kubeconfig), qps=0)
        self._operators: list[Operator] = []

    def settings(
        self,
        *,
        server: str | None = None,
        sampling: Mapping[str, Any] = AT_REST,
        decisions: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Path:
        """Of an operator with its real rights: the defaults, but for these."""
        command = [sys.executable, str(self.folds), str(self.closed), json.dumps(sampling), json.dumps(CLOSED)]
        # Pods ask for little, so that few fake nodes are enough.
        small = {"allowedOutputs": {"*": ["s3://bucket/"]}, "resources": dict.fromkeys(STAGES, SMALL)}
        found = {
            "namespaces": [self.namespace],
            "kubeconfig": str(self.plane.kubeconfig_of(ACCOUNT, self.namespace, server)),
            "healthHost": "127.0.0.1",
            "healthPort": 0,
            "decisions": {**small, **(decisions or {})},
            "folding": {"processes": 1, "command": command},
            **more,
        }
        path = self.folder / f"settings-{time.monotonic_ns()}.yaml"
        path.write_text(yaml.safe_dump(found))
        return path

    def operator(self, settings: Path) -> Operator:
        """Started; killed at the end of the site."""
        made = Operator(settings, settings.with_suffix(f".{len(self._operators)}.log"))
        self._operators.append(made)
        return made

    def close(self) -> None:
        """End what was started."""
        for operator in self._operators:
            operator.kill()
        self.admin.close()

    def writes(self) -> float:
        """Requests that wrote something of the kinds that the operator deals with, as the API server counts them."""
        api = self.plane.api
        answer = api.call_api(*api.param_serialize("GET", "/metrics", auth_settings=["BearerToken"]))
        total = 0.0
        for labels, count in re.findall(r"^apiserver_request_total\{(.*)\} (\S+)$", answer.read().decode(), re.M):
            if re.search(rf'resource="({WRITES})"', labels) and re.search(r'verb="(POST|PUT|PATCH|APPLY|DEL)', labels):
                total += float(count)
        return total


@contextmanager
def site(*, live_pods: int, runs_for: Mapping[str, str]) -> Iterator[Site]:
    """A new one with nodes for so many pods. `runs_for`: stage -> for how long its pods run before they exit 0."""
    source = sources.need()
    if isinstance(source, sources.Callers):
        raise SystemExit("This needs a control plane of the harness: unset DART_TEST_KUBECONFIG.")
    with own_folder() as folder, ExitStack() as stack:
        plane = stack.enter_context(ControlPlane(source, folder))
        pods.add_nodes(plane, 2 + live_pods // 900)
        made = Site(plane, folder)
        stack.callback(made.close)
        for stage, time_ in runs_for.items():
            told = {pods.EXIT_CODE: "0", pods.RUNS_FOR: time_}
            stack.enter_context(pods.directed(plane, made.namespace, told, {STAGE: stage}))
        yield made


class Following:
    """Looks at every object of a kind as it changes, in a thread of its own."""

    def __init__(
        self,
        cluster: KubeCluster,
        resource: Resource,
        namespace: str,
        look: Callable[[Object, float], None],
        gone: Callable[[Object, float], None] = lambda item, now: None,
    ) -> None:
        self._cluster, self._resource, self._namespace, self._look = cluster, resource, namespace, look
        self._gone = gone
        version = cluster.list(resource, namespace, limit=1).version
        threading.Thread(target=self._follow, args=(version,), daemon=True).start()

    def _follow(self, version: str) -> None:
        with suppress(ClusterError):  # the control plane goes first
            for change in self._cluster.watch(self._resource, self._namespace, version=version, seconds=2 * WAITS):
                if change.type == "DELETED":
                    self._gone(change.object, time.monotonic())
                elif change.type != "BOOKMARK":
                    self._look(change.object, time.monotonic())


def declaration(name: str, samplers: int, verifiers: int | None = None) -> dict[str, Any]:
    """A Synthesis of the size that is asked for."""
    more: dict[str, Any] = {} if verifiers is None else {"verifiers": {"replicas": verifiers}}
    return synthesis(name, samplers={"replicas": samplers}, **more)


def until(check: Callable[[], object], what: str, every: float = 0.2, by: Operator | None = None) -> None:
    """Wait for it; `by`: who has to live for it."""
    say(f"waiting for {what}")
    ends = time.monotonic() + WAITS
    while not check():
        if by is not None and by.process.poll() is not None:
            raise SystemExit(f"the operator ended while {what}: {by.log.read_text()[-1000:]}")
        if time.monotonic() > ends:
            raise SystemExit(f"waited {WAITS:.0f} s for {what}")
        time.sleep(every)


def say(what: str) -> None:
    """Where a long measurement is."""
    print(f"    {time.strftime('%H:%M:%S')} {what}; load {load()}", file=sys.stderr, flush=True)


def load() -> float:
    """The machine's load average of the last minute, other programs' included: figures hang on it."""
    return round(os.getloadavg()[0], 1)
