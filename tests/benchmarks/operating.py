"""What the operator costs at scale: resources brought to their first Job, memory, a cold start, requests at rest.

    python -m tests.benchmarks.operating [--syntheses N] [--pods N]

On a real control plane with pods that pretend to run; the operator is a process of its own, and its memory too.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from dart_k8s.edges.cluster.kube import KubeCluster, connect
from dart_k8s.edges.cluster.resources import PODS, SYNTHESES
from dart_k8s.names import MANAGED_BY, NUMBER, OPERATOR, STAGE, SYNTHESIS
from tests.cluster import sources
from tests.cluster.folders import own_folder
from tests.cluster.plane import ControlPlane
from tests.cluster.pods import add_nodes

ROOT = Path(__file__).parents[2]
NAMESPACE = "default"
MAKERS = 8
IDLE_SECONDS = 60.0
WAITS = 900.0


class Operator:
    """`dart operator` as a process."""

    def __init__(self, settings: Path, log: Path) -> None:
        self.began = time.monotonic()
        self._log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dart_k8s.cli.main", "operator", "--settings", str(settings)],
                stderr=file,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def metric(self, name: str) -> float:
        """The sum of a metric's series; 0 before it answers."""
        try:
            started = next(line for line in self._log.read_text().splitlines() if '"started"' in line)
            port = json.loads(started)["health_port"]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                text = answer.read().decode()
        except (StopIteration, OSError):
            return 0.0
        return sum(
            float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if re.match(rf"{name}[ {{]", line) or re.match(rf"{name} ", line)
        )

    def memory(self) -> dict[str, float]:
        """MiB of the process itself: now, and at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = {key: int(re.findall(rf"{key}:\s+(\d+)", status)[0]) / 1024 for key in ("VmRSS", "VmHWM")}
        return {"now": found["VmRSS"], "most": found["VmHWM"]}

    def cpu(self) -> float:
        """Seconds of the processor."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> float:
        """SIGTERM; seconds until it is gone."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - began


def measure(*, syntheses: int, pods: int) -> dict[str, float]:
    """See the module. `pods`: all there are at the end, the prepare Jobs' included."""
    source = sources.need()
    if isinstance(source, sources.Callers):
        raise SystemExit("This needs a control plane of the harness: unset DART_TEST_KUBECONFIG.")
    with own_folder() as folder, ControlPlane(source, folder) as plane:
        add_nodes(plane, 3 + pods // 900)
        for path in sorted((ROOT / "manifests" / "crds").glob("*.yaml")):
            plane.apply(path.read_text())
        admin = connect(kubeconfig=str(plane.kubeconfig), qps=0)
        return _measure(plane, admin, Path(tempfile.mkdtemp(dir=folder)), syntheses, pods)


def _measure(plane: ControlPlane, admin: KubeCluster, folder: Path, syntheses: int, pods: int) -> dict[str, float]:
    settings = folder / "settings.yaml"
    settings.write_text(yaml.safe_dump(_settings(plane.kubeconfig)))
    found: dict[str, float] = {}
    operator = Operator(settings, folder / "first.log")
    _until(lambda: operator.metric("dart_leader"), "the operator to lead")
    found["memory_empty"] = operator.memory()["now"]
    with ThreadPoolExecutor(MAKERS) as makers:
        began = time.monotonic()
        made = [makers.submit(admin.create, SYNTHESES, NAMESPACE, _synthesis(number)) for number in range(syntheses)]
        for one in made:
            one.result()
        found["submit_seconds"] = time.monotonic() - began
        # Asked of the operator: lists of thousands, again and again, would be most of the API server's work.
        _until(lambda: operator.metric('dart_cached_objects{kind="jobs"}') >= syntheses, "a Job of each")
        found["first_jobs_seconds"] = time.monotonic() - began
        found["first_jobs_per_second"] = syntheses / found["first_jobs_seconds"]
        _until(lambda: operator.metric('dart_cached_objects{kind="pods"}') >= syntheses, "a pod of each Job")
        list(
            makers.map(
                lambda number: admin.create(PODS, NAMESPACE, _pod(number, syntheses)), range(max(0, pods - syntheses))
            )
        )
    _until(lambda: operator.metric("dart_cached_objects") >= 3 * syntheses + pods, "the operator to have seen them")
    _until(lambda: _running(admin) >= pods, "all pods to run", 5.0)
    _quiet(operator)
    found |= {f"memory_{key}": value for key, value in operator.memory().items()}
    found["cpu_seconds"] = operator.cpu()
    before, cpu = _requests(operator), operator.cpu()
    time.sleep(IDLE_SECONDS)
    for verb, count in _requests(operator).items():
        found[f"idle_{verb}_per_hour"] = (count - before[verb]) * 3600 / IDLE_SECONDS
    found["idle_cpu_share"] = (operator.cpu() - cpu) / IDLE_SECONDS
    found["stop_seconds"] = operator.stop()
    operator = Operator(settings, folder / "second.log")
    _until(lambda: operator.metric("dart_reconcile_total"), "the first reconcile after a cold start")
    found["cold_first_reconcile_seconds"] = time.monotonic() - operator.began
    _until(lambda: operator.metric("dart_reconcile_total") >= syntheses, "all reconciles after a cold start")
    found["cold_all_reconciles_seconds"] = time.monotonic() - operator.began
    found |= {f"cold_memory_{key}": value for key, value in operator.memory().items()}
    operator.process.kill()
    operator.process.wait()
    return found


def _requests(operator: Operator) -> dict[str, float]:
    verbs = ("get", "list", "watch", "create", "patch", "update", "delete")
    return {verb: operator.metric(f'dart_api_requests_total{{code="[^"]*",verb="{verb}"}}') for verb in verbs}


def _settings(kubeconfig: Path) -> dict[str, Any]:
    return {
        "namespaces": [NAMESPACE],
        "kubeconfig": str(kubeconfig),
        "qps": 0,
        "healthHost": "127.0.0.1",
        "healthPort": 0,
        # Pods that wait are looked at once after this time: with the default the idle minute would hold that look.
        "decisions": {"allowedOutputs": {"*": ["s3://bucket/"]}, "quietSeconds": 2.0},
        "folding": {"command": ["cat"]},
    }


def _synthesis(number: int) -> dict[str, Any]:
    source = {"name": "math", "uri": "s3://bucket/math.jsonl", "fields": {"query": "problem", "answer": "answer"}}
    return {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Synthesis",
        "metadata": {"name": f"run-{number}"},
        "spec": {
            "queries": [source],
            "model": {"uri": "hf://org/model"},
            "prompt": {"template": "alpaca"},
            "strategy": {"kind": "prop2diff", "target": 192},
            "output": {"uri": f"s3://bucket/runs/{number}"},
        },
    }


def _pod(number: int, syntheses: int) -> dict[str, Any]:
    of = f"run-{number % syntheses}"
    labels = {MANAGED_BY: OPERATOR, SYNTHESIS: of, STAGE: "sampler", NUMBER: "1"}
    container = {"name": "dart", "image": "pretended", "env": [{"name": f"V{n}", "value": "x" * 40} for n in range(12)]}
    return {"metadata": {"name": f"{of}-sampler-1-{number}", "labels": labels}, "spec": {"containers": [container]}}


def _running(admin: KubeCluster) -> int:
    total, after = 0, ""
    while True:
        page = admin.list(PODS, NAMESPACE, limit=1000, after=after)
        total += sum(item.get("status", {}).get("phase") == "Running" for item in page.items)
        after = page.next
        if not after:
            return total


def _quiet(operator: Operator) -> None:
    """Wait until no key was reconciled for some seconds."""
    last, since = -1.0, time.monotonic()
    while time.monotonic() - since < 5:
        now = operator.metric("dart_reconcile_total")
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.5)


def _until(check: Callable[[], float], what: str, every: float = 0.5) -> None:
    ends = time.monotonic() + WAITS
    while not check():
        if time.monotonic() > ends:
            raise SystemExit(f"waited {WAITS:.0f} s for {what}")
        time.sleep(every)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--syntheses", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=10_000)
    options = parser.parse_args()
    print(json.dumps(measure(syntheses=options.syntheses, pods=options.pods), indent=1))
