"""A Synthesis from `kubectl apply` to its end on the node."""

import io
import json
import time
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
import yaml
from kubernetes import client

from dart_k8s.edges.store import Store, open_store
from tests.cli.test_run import written
from tests.packaging.containerfiles import ROOT
from tests.whole.runs import RATES, check

from .platform import SMALL, Platform, pods_told

API = "/apis/dart-k8s.io/v1alpha1/namespaces"
ENDS_WITHIN = 180.0
"""Seconds; a run takes half a minute on an idle machine."""
SCRIPT = "/etc/script"
SUMS = [{"name": "sums", "configMap": {"name": "problems"}, "fields": {"id": "id"}}]
QUICK = {"claims": {"heartbeatSeconds": 1, "ttlSeconds": 4}, "flush": {"seconds": 0.5}}


@dataclass(frozen=True, slots=True)
class Run:
    """One Synthesis in a namespace of its own."""

    platform: Platform
    namespace: str
    name: str = "sums"

    @property
    def output(self) -> str:
        return f"s3://{self.platform.s3.bucket}/{self.namespace}/{self.name}"

    @property
    def store(self) -> Store:
        """The test's own way to what it wrote; the environment names the server."""
        return open_store(self.output)

    @property
    def bucket(self) -> Store:
        """Where all outputs are."""
        return open_store(f"s3://{self.platform.s3.bucket}/inputs")

    def submit(self, queries: int = 4, seconds_per_token: float = 0.001, **spec: Any) -> None:
        """`kubectl apply`."""
        node = self.platform.node
        node.apply(problems(queries), self.namespace)
        node.apply(synthesis(self.name, self.output, seconds_per_token, **spec), self.namespace)

    def submit_example(self, file: str, queries: int = 4, **spec: Any) -> None:
        """`kubectl apply` of a file of manifests/examples: its own words, but for its problems, its output, short
        times, and the size of its pods; `spec` replaces more."""
        node = self.platform.node
        [document] = yaml.safe_load_all((ROOT / "manifests" / "examples" / file).read_text("utf-8"))
        document["metadata"]["name"] = self.name
        fields = {name: value for name, value in document["spec"].items() if name != "model"}
        fields |= {"queries": SUMS, "output": {"uri": self.output}, "verifiers": {"replicas": 1, "processes": 1}}
        fields |= QUICK
        fields["samplers"]["resources"] = SMALL
        document["spec"] = {**fields, **spec}
        node.apply(problems(queries), self.namespace)
        node.apply(document, self.namespace)

    def get(self) -> dict[str, Any]:
        return self.platform.node.call("GET", f"{API}/{self.namespace}/syntheses/{self.name}")

    def delete(self) -> None:
        self.platform.node.call("DELETE", f"{API}/{self.namespace}/syntheses/{self.name}")

    def reach(self, phase: str, seconds: float = ENDS_WITHIN) -> dict[str, Any]:
        """Wait for a phase; the status."""
        ends = time.monotonic() + seconds
        while True:
            status = dict(self.get().get("status", {}))
            if status.get("phase") in (phase, "Failed") or time.monotonic() > ends:
                break
            time.sleep(0.3)
        assert status.get("phase") == phase, (status, self.told())
        return status

    def gone(self) -> bool:
        """Whether nothing of that name is there."""
        try:
            self.get()
        except client.ApiException as error:
            return bool(error.status == 404)
        return False

    def until_trials(self, trials: int) -> None:
        """Wait until so many are in the store, while it samples."""
        store = self.store
        self.platform.node.eventually(
            lambda: sum(written(store).values()) >= trials, f"{trials} trials of {self.namespace}", seconds=ENDS_WITHIN
        )
        assert self.get()["status"]["phase"] == "Sampling", self.get()["status"]

    def pods(self, stage: str) -> list[Any]:
        """Those of a stage that run."""
        found = self.platform.node.core.list_namespaced_pod(self.namespace, label_selector=f"dart-k8s.io/stage={stage}")
        return [pod for pod in found.items if pod.status.phase == "Running" and not pod.metadata.deletion_timestamp]

    def told(self) -> str:
        return pods_told(self.platform.node, self.namespace)

    def rows(self) -> list[dict[str, Any]]:
        """Of the data set."""
        found: list[dict[str, Any]] = []
        store = self.store
        for entry in store.list("dataset/"):
            if entry.key.endswith(".parquet"):
                found += pq.read_table(io.BytesIO(store.get(entry.key).data)).to_pylist()
        return found

    def whole(self, queries: int, target: int | None = None, seconds: float = ENDS_WITHIN) -> dict[str, int]:
        """It is Complete, and nothing was lost or counted twice: see `check`. Counts. `target`: of every query."""
        status = self.reach("Complete", seconds)
        counts = check(self.store)
        assert counts["rows"] == len(self.rows()) == status["progress"]["accepted"] > 0
        assert target is None or counts["rows"] == queries * target
        assert counts["queries"] == queries
        return counts


def problems(count: int) -> dict[str, Any]:
    """Problems, and the script that answers them at known rates."""
    rows = [{"id": f"q{n}", "query": f"What is {n} + {n}?", "answer": str(2 * n)} for n in range(1, count + 1)]
    scripts = [
        {"match": row["query"], "p": RATES[n % len(RATES)], "answer": row["answer"], "tokens": 20}
        for n, row in enumerate(rows)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    data = {"queries.jsonl": lines, "script.json": json.dumps({"version": 1, "scripts": scripts})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "problems"}, "data": data}


def synthesis(name: str, output: str, seconds_per_token: float, **spec: Any) -> dict[str, Any]:
    """A small one on the scripted engine, with short times."""
    scripted = {
        "volumes": [{"name": "script", "configMap": {"name": "problems"}}],
        "volumeMounts": [{"name": "script", "mountPath": SCRIPT, "readOnly": True}],
    }
    fields: dict[str, Any] = {
        "queries": SUMS,
        "engine": {
            "kind": "scripted", "script": f"{SCRIPT}/script.json", "slots": 4,
            "args": {"seconds_per_token": seconds_per_token},
        },
        "prompt": {"inline": "Problem: {query}\nSolution:"},
        "sampling": {"temperature": 1.0, "maxTokens": 200},
        "strategy": {"kind": "uniform", "target": 3},
        "budget": {"maxTrialsPerQuery": 400},  # so many that chance takes no row away
        **QUICK,
        "samplers": {**scripted, "replicas": 2, "sharedMemory": "64Mi"},
        "prepare": scripted,
        "verifiers": {"replicas": 1, "processes": 1},
        "output": {"uri": output},
    }  # fmt: skip
    return {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Synthesis",
        "metadata": {"name": name},
        "spec": {**fields, **spec},
    }
