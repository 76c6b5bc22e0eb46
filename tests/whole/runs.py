"""Runs from `kubectl apply` to their end, and what is compared of two of them."""

import io
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from dart_k8s.edges.store import Store
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET
from dart_k8s.ledger.state import Phase
from tests.cluster.plane import ControlPlane
from tests.operator.real import ACCOUNT, grant
from tests.s3_server import S3Server

from .kubelet import LABEL, Kubelet
from .warmed import Program, Warmed

API = "/apis/dart-k8s.io/v1alpha1/namespaces"
ENDS_WITHIN = 240.0
"""Seconds; a run takes about ten on an idle machine."""
RATES = (0.9, 0.7, 0.5, 0.3)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all runs of a session share."""

    plane: ControlPlane
    kubelet: Kubelet
    warmed: Warmed
    s3: S3Server
    folder: Path


def problems(count: int) -> dict[str, Any]:
    """A ConfigMap with problems, and with a script that answers them at known rates."""
    rows = [{"problem": f"What is {n} + {n}?", "solution": str(2 * n), "id": f"q{n}"} for n in range(1, count + 1)]
    scripts = [
        {"match": row["problem"], "p": RATES[n % len(RATES)], "answer": row["solution"], "tokens": 20}
        for n, row in enumerate(rows)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    script = json.dumps({"version": 1, "scripts": scripts})
    data = {"queries.jsonl": lines, "script.json": script}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "problems"}, "data": data}


def synthesis(name: str, output: str, shared: Path, selector: Mapping[str, str], **spec: Any) -> dict[str, Any]:
    """A small Synthesis on the scripted engine, whose pods go to the node of processes; `spec` replaces fields."""
    volume = {"name": "script", "configMap": {"name": "problems"}}
    pods = {
        "nodeSelector": dict(selector),
        "tolerations": [{"key": LABEL, "operator": "Exists"}],
    }
    scripted = {**pods, "volumes": [volume], "volumeMounts": [{"name": "script", "mountPath": str(shared)}]}
    fields: dict[str, Any] = {
        "queries": [
            {
                "name": "sums",
                "configMap": {"name": "problems"},
                "fields": {"query": "problem", "answer": "solution", "id": "id"},
            }
        ],
        "engine": {
            "kind": "scripted", "script": str(shared / "script.json"), "slots": 8,
            "args": {"seconds_per_token": 0.001, "verifier": "exact"},
        },
        "prompt": {"inline": "Problem: {query}\nSolution:"},
        "sampling": {"temperature": 1.0, "maxTokens": 200},
        "strategy": {"kind": "uniform", "target": 3},
        "budget": {"maxTrialsPerQuery": 400},  # so many that chance takes no row away
        "claims": {"heartbeatSeconds": 0.5, "ttlSeconds": 4},
        "flush": {"seconds": 0.3},
        "samplers": {**scripted, "replicas": 2},
        "prepare": scripted,
        "verifiers": pods,
        "curate": pods,
        "output": {"uri": output},
    }  # fmt: skip
    if "engine" in spec:
        spec["engine"] = {"script": str(shared / "script.json"), **spec["engine"]}
    for key in ("samplers", "prepare", "verifiers", "curate"):
        fields[key] = {**fields[key], **spec.pop(key, {})}
    return {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Synthesis",
        "metadata": {"name": name},
        "spec": {**fields, **spec},
    }


@dataclass(kw_only=True)
class Run:
    """One namespace with an operator of its own and one Synthesis."""

    setting: Setting
    namespace: str
    folder: Path
    name: str = "toy"
    operators: list[Program] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _keeper: threading.Thread | None = None

    @property
    def output(self) -> str:
        return f"s3://{self.setting.s3.bucket}/{self.namespace}/{self.name}"

    @property
    def tag(self) -> str:
        """Of the operator's processes."""
        return f"operator {self.namespace}"

    @property
    def shared(self) -> Path:
        """Where its pods find the script: a path of this machine."""
        return self.setting.folder / "shared" / self.namespace

    def submit(self, queries: int = 4, script: Mapping[str, str] | None = None, **spec: Any) -> None:
        """`kubectl apply`. `script`: other texts in the ConfigMap of problems."""
        plane = self.setting.plane
        found = problems(queries)
        plane.apply({**found, "data": {**found["data"], **(script or {})}}, self.namespace)
        made = synthesis(self.name, self.output, self.shared, self.setting.kubelet.selector, **spec)
        plane.apply(made, self.namespace)

    def operator(self, *, server: str | None = None, store: str | None = None, **more: Any) -> Program:
        """Start one; `server` and `store`: other ways to the API server and to S3 than the straight ones."""
        plane, number = self.setting.plane, len(self.operators) + 1
        kubeconfig = plane.kubeconfig_of(ACCOUNT, self.namespace, server)
        if server is not None and server.startswith("http:"):
            document = yaml.safe_load(kubeconfig.read_text())
            document["clusters"][0]["cluster"] = {"server": server}
            kubeconfig.write_text(yaml.safe_dump(document))
        environment = self.setting.s3.environment()
        found: dict[str, Any] = {
            "namespaces": [self.namespace],
            "kubeconfig": str(kubeconfig),
            "qps": 0,
            "lease": {"duration": 3.0, "renew": 2.5, "retry": 0.3},
            "folding": {"processes": 1, "command": self.setting.warmed.folding(self.tag)},
            "healthHost": "127.0.0.1",
            "healthPort": 0,
            "logLevel": "debug",
            "stopSeconds": 10,
            "decisions": {
                "allowedOutputs": {"*": [f"s3://{self.setting.s3.bucket}/"]},
                "foldFirst": 0.1,
                "foldMost": 0.5,
                "foldRest": 1.0,
                "retryFirst": 0.5,
                "retryMost": 2.0,
                "env": environment,
            },
            **more,
        }
        path = self.folder / f"settings-{number}.yaml"
        path.write_text(yaml.safe_dump(found))
        if store is not None:
            environment = {**environment, "AWS_ENDPOINT_URL_S3": store}
        program = self.setting.warmed.start(
            "dart_k8s.cli.main", ["operator", "--settings", str(path)], log=self.folder / f"operator-{number}.log",
            tag=self.tag, env={**environment, "HOME": str(self.folder)},
        )  # fmt: skip
        self.operators.append(program)
        return program

    def deploy(self, **more: Any) -> None:
        """An operator as a Deployment has it: another one follows when it ends, as when its Lease was lost."""

        def keep(program: Program) -> None:
            while not self._over.is_set():
                if program.wait(0.2) is not None and not self._over.is_set():
                    program = self.operator(**more)

        self._keeper = threading.Thread(target=keep, args=(self.operator(**more),), daemon=True, name=self.tag)
        self._keeper.start()

    def kill(self) -> None:
        """The operator and its children, at once."""
        self.setting.warmed.kill(self.tag)

    def end(self) -> None:
        """No operator any more."""
        self._over.set()
        if self._keeper is not None:
            self._keeper.join(60.0)
        self.kill()

    @property
    def path(self) -> str:
        return f"{API}/{self.namespace}/syntheses/{self.name}"

    def get(self) -> dict[str, Any]:
        return self.setting.plane.call("GET", self.path)

    def change(self, **spec: Any) -> None:
        """Of the spec, as `kubectl patch --type merge`."""
        self.setting.plane.call("PATCH", self.path, {"spec": spec}, content="application/merge-patch+json")

    @property
    def phase(self) -> str:
        return str(self.get().get("status", {}).get("phase", ""))

    def reach(self, phase: str, seconds: float = ENDS_WITHIN) -> dict[str, Any]:
        """Wait for a phase; the status."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not (self._seen() and self.phase in (phase, "Failed")):
            time.sleep(0.3)
        status = dict(self.get()["status"])
        assert status["phase"] == phase, (status, self.told())
        return status

    def _seen(self) -> bool:
        """Whether the status is of the spec as it is."""
        item = self.get()
        return bool(item.get("status", {}).get("observedGeneration") == item["metadata"]["generation"])

    def told(self) -> str:
        """Logs of all that took part."""
        logs = [f"== {one.name}\n{one.read_text()[-3000:]}" for one in sorted(self.folder.glob("operator-*.log"))]
        return "\n".join([*logs, self.setting.kubelet.log(self.namespace)])

    def lines(self, number: int = 1) -> list[dict[str, Any]]:
        """What an operator said."""
        found = []
        for line in (self.folder / f"operator-{number}.log").read_text().splitlines():
            with suppress(ValueError):  # the last one may be half written
                found.append(json.loads(line))
        return found

    def leads(self) -> bool:
        """Whether the newest operator leads and has looked at what there is: all of it was listed, and reconciled."""
        events = [line.get("event") for line in self.lines(len(self.operators))]
        return "leading" in events and ("reconciled" in events or not self._there())

    def _there(self) -> bool:
        return bool(self.setting.plane.call("GET", self.path.rpartition("/")[0])["items"])

    def children(self) -> dict[str, dict[str, Any]]:
        """What is left in the namespace: "Kind/name" -> object."""
        found = {}
        for path, kind in (
            ("/apis/batch/v1", "jobs"), ("/apis/apps/v1", "deployments"), ("/api/v1", "services"),
            ("/apis/networking.k8s.io/v1", "networkpolicies"), ("/api/v1", "configmaps"),
        ):  # fmt: skip
            for item in self.setting.plane.call("GET", f"{path}/namespaces/{self.namespace}/{kind}")["items"]:
                found[f"{kind}/{item['metadata']['name']}"] = item
        return found


def check(store: Store) -> dict[str, int]:
    """The end of a run is whole: every trial that was written is in the closed state exactly once, and in the pool.
    Counts."""
    from tests.cli.test_run import written

    trials = written(store)
    assert set(trials.values()) <= {1}, "a trial was written twice"
    final = state.decode(store.get(BUDGET).data)
    assert final.phase is Phase.CLOSED
    assert int(final.spent().sum()) == len(trials), "the state counts other trials than were written"
    assert final.waiting.place.size == 0 and final.totals.late == 0
    pool = sum(_rows(store, entry.key) for entry in store.list("pool/part-"))
    assert pool == len(trials), "the pool holds other trials than were written"
    rows = sum(_rows(store, entry.key) for entry in store.list("dataset/") if entry.key.endswith(".parquet"))
    return {"trials": len(trials), "rows": rows, "queries": final.size}


def _rows(store: Store, key: str) -> int:
    return int(pq.read_metadata(io.BytesIO(store.get(key).data)).num_rows)


@contextmanager
def run(setting: Setting, **more: Any) -> Iterator[Run]:
    """A namespace with the operator's rights and no operator yet; all of it ends with the block."""
    namespace = setting.plane.namespace()
    folder = setting.folder / namespace
    folder.mkdir()
    grant(setting.plane, namespace)
    made = Run(setting=setting, namespace=namespace, folder=folder, **more)
    try:
        yield made
    finally:
        made.end()
        # Finalizers need no operator any more.
        setting.plane.core.delete_namespace(namespace)


def trusting(plane: ControlPlane) -> ssl.SSLContext:
    """For TLS to the API server."""
    return ssl.create_default_context(cafile=str(plane.credentials.authority.certificate))


def counted(answers: list[tuple[Any, int]]) -> Counter[str]:
    """How often each object was created or deleted, by the answers that said so."""
    return Counter(write.label for write, code in answers if 200 <= code < 300)
