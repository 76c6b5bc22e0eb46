"""The operator on a real control plane: its rights, its process, a folding child that says what a test wrote down."""

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from dart_k8s.edges.cluster.asking import Sent
from dart_k8s.edges.cluster.kube import connect
from dart_k8s.edges.metrics import MemoryMetrics
from dart_k8s.operator.process import Process
from dart_k8s.operator.settings import OperatorSettings, load

ROOT = Path(__file__).parents[2]
ACCOUNT = "dart-operator"
FOLDS = textwrap.dedent("""
    import json, sys
    for line in sys.stdin:
        request = json.loads(line)
        if "read" in request:
            found = json.loads(open(sys.argv[1]).read()).get(request["read"] + "/" + request["key"])
            print(json.dumps({"id": request["id"], "key": request["key"], "object": found}), flush=True)
            continue
        if "forget" in request:
            print(json.dumps({"id": request["id"], "forgotten": request["forget"]}), flush=True)
            continue
        progress = json.loads(open(sys.argv[1]).read()).get(request["output"], {"prepared": False})
        print(json.dumps({"id": request["id"], "progress": progress}), flush=True)
""")
SAMPLING = {"prepared": True, "queries": 10, "open": 10, "wanted": 40, "unclaimed_shards": 9, "live_claims": 2}
CLOSED = {"prepared": True, "phase": "closed", "queries": 10, "covered": 10, "at_target": 10, "trials": 60}
CLOSED |= {"correct": 40, "distinct": 40, "wanted": 40, "accepted": 40}

RECORD = {"prompt": {"inline": "{query}"}, "model": "hf://org/model", "revision": None, "items": 7}
"""What prepare says of an Evaluation."""


def rules() -> list[dict[str, Any]]:
    """What manifests/install lets the operator do in the namespaces that it watches."""
    documents = yaml.safe_load_all((ROOT / "manifests" / "install" / "rbac.yaml").read_text())
    return next(one["rules"] for one in documents if one["kind"] == "ClusterRole")


def lease_rules() -> list[dict[str, Any]]:
    """What it lets the operator do in its own namespace."""
    documents = yaml.safe_load_all((ROOT / "manifests" / "install" / "rbac.yaml").read_text())
    return next(one["rules"] for one in documents if one["kind"] == "Role")


def install(cluster: Any, namespace: str) -> None:
    """The CRDs, and the operator's account with its rights in one namespace only."""
    install_crds(cluster)
    grant(cluster, namespace)


def install_crds(cluster: Any) -> None:
    """Those of this version."""
    for path in sorted((ROOT / "manifests" / "crds").glob("*.yaml")):
        cluster.apply(path.read_text())


def grant(cluster: Any, namespace: str, account: str = "") -> None:
    """The operator's rights in a namespace; `account`: the namespace of its account, if that is another one."""
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": account or namespace}
    for name, granted in ((ACCOUNT, rules()), (f"{ACCOUNT}-lease", lease_rules())):
        kind = "rbac.authorization.k8s.io"
        role = {"apiVersion": f"{kind}/v1", "kind": "Role", "metadata": {"name": name}, "rules": granted}
        binding = {
            "apiVersion": f"{kind}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": kind, "kind": "Role", "name": name},
            "subjects": [subject],
        }
        cluster.apply([role, binding], namespace)


def synthesis(name: str = "s", **spec: Any) -> dict[str, Any]:
    """A small declaration."""
    return {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Synthesis",
        "metadata": {"name": name},
        "spec": {
            "queries": [
                {"name": "math", "uri": "s3://bucket/math.jsonl", "fields": {"query": "problem", "answer": "answer"}}
            ],
            "model": {"uri": "hf://org/model"},
            "prompt": {"template": "alpaca"},
            "strategy": {"kind": "uniform", "target": 4},
            "samplers": {"replicas": 2},
            "output": {"uri": f"s3://bucket/runs/{name}"},
            **spec,
        },
    }


def training(name: str = "t", **spec: Any) -> dict[str, Any]:
    """A small Training on two nodes."""
    declared = {
        "data": {"uri": "s3://bucket/rows.parquet"},
        "model": {"uri": "hf://org/base"},
        "nodes": 2,
        "output": {"uri": f"s3://bucket/runs/{name}"},
        **spec,
    }
    head = {"apiVersion": "dart-k8s.io/v1alpha1", "kind": "Training", "metadata": {"name": name}}
    return {**head, "spec": declared}


def evaluation(name: str = "e", **spec: Any) -> dict[str, Any]:
    """A small Evaluation with both passes."""
    declared = {
        "model": {"uri": "hf://org/model"},
        "benchmarks": [{"name": "gsm8k"}],
        "trials": {"count": 4, "temperature": 1.0},
        "samplers": {"replicas": 1},
        "output": {"uri": f"s3://bucket/runs/{name}"},
        **spec,
    }
    head = {"apiVersion": "dart-k8s.io/v1alpha1", "kind": "Evaluation", "metadata": {"name": name}}
    return {**head, "spec": declared}


class Folded:
    """What the folding child says, by output."""

    def __init__(self, folder: Path) -> None:
        self.script, self._file = folder / "folds.py", folder / "folds.json"
        self.script.write_text(FOLDS)
        self._said: dict[str, Mapping[str, Any]] = {}
        self.say("", {})

    @property
    def command(self) -> tuple[str, ...]:
        """To start it."""
        return (sys.executable, str(self.script), str(self._file))

    def say(self, name: str, progress: Mapping[str, Any]) -> None:
        """From now on, of the run of this Synthesis."""
        self._said[f"s3://bucket/runs/{name}"] = progress
        half = self._file.with_suffix(".half")
        half.write_text(json.dumps(self._said))
        half.replace(self._file)

    def write(self, name: str, key: str, content: Mapping[str, Any]) -> None:
        """From now on, of an object of this output."""
        self.say(f"{name}/{key}", content)


def settings(kubeconfig: Path, namespace: str, folded: Folded, **more: Any) -> OperatorSettings:
    """Of an operator for tests: short times, loopback, one namespace."""
    found: dict[str, Any] = {
        "namespaces": [namespace],
        "kubeconfig": str(kubeconfig),
        "qps": 0,
        "lease": {"duration": 2.0, "renew": 1.5, "retry": 0.3},
        "folding": {"processes": 1, "memoryMib": 1024, "command": list(folded.command)},
        "healthHost": "127.0.0.1",
        "healthPort": 0,
        "logLevel": "debug",
        "decisions": {
            "allowedOutputs": {"*": ["s3://bucket/"]},
            "foldFirst": 0.2,
            "foldMost": 0.5,
            "retryFirst": 0.5,
            "retryMost": 2.0,
            "readSeconds": 0.5,
        },
        **more,
    }
    path = folded.script.with_name(f"settings-{time.monotonic_ns()}.yaml")
    path.write_text(yaml.safe_dump(found))
    return load(path, {})


class InProcess:
    """An operator in threads of the test's own process, that records every request."""

    def __init__(self, found: OperatorSettings) -> None:
        self.sent: list[Sent] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.exits: list[int] = []
        self.metrics = MemoryMetrics()
        self._stop = threading.Event()
        self._clients = []

        def client(observe: Any) -> Any:
            def both(sent: Sent) -> None:
                self.sent.append(sent)
                if observe:
                    observe(sent)

            made = connect(
                kubeconfig=found.kubeconfig, qps=found.qps, silence_seconds=found.silence_seconds, observe=both
            )
            self._clients.append(made)
            return made

        self.process = Process(
            found,
            cluster=client,
            lease_cluster=client(None),
            metrics=self.metrics,
            tell=lambda event, **facts: self.told.append((event, facts)),
            exit_now=self.exits.append,
        )
        self._thread = threading.Thread(target=self.process.run, args=(self._stop,), daemon=True)

    def __enter__(self) -> "InProcess":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30.0)
        for client in self._clients:
            client.close()

    def events(self) -> list[str]:
        """What was logged."""
        return [event for event, _ in self.told]


class Outside:
    """`dart operator` as a process of its own."""

    def __init__(self, found: Path, folder: Path, name: str) -> None:
        self.log = folder / f"{name}.log"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dart_k8s.cli.main", "operator", "--settings", str(found)],
                stderr=log,
                stdout=log,
                env=environment,
            )

    def lines(self) -> list[dict[str, Any]]:
        """Of its log."""
        found = []
        for line in self.log.read_text().splitlines():
            with suppress(ValueError):
                found.append(json.loads(line))
        return found

    def said(self, event: str) -> list[dict[str, Any]]:
        """Lines of one event."""
        return [line for line in self.lines() if isinstance(line, dict) and line.get("event") == event]

    def health(self, path: str = "/healthz") -> tuple[int, str]:
        """What it answers."""
        port = self.said("started")[0]["health_port"]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@contextmanager
def outside(found: Path, folder: Path, name: str = "operator") -> Iterator[Outside]:
    """Started; killed at the end if it still runs."""
    made = Outside(found, folder, name)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait()
