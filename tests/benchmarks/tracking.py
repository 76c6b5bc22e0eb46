"""Pods tracked to the end: the operator's sampler Jobs against the same Jobs made by a bare script in the same run.

    python -m tests.benchmarks.tracking [--syntheses N] [--samplers N]

Each has a control plane of its own, one after the other. Once all pods of a Job are at work its run is closed: the
operator reads that at its next fold and deletes the Job, the script deletes it at once; a Job is over when it and its
pods are gone. The operator besides prepares and curates each run (a Job of one pod each, not counted) and keeps one
verification pod of it: this is part of what it costs.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dart_k8s.edges.cluster import Object
from dart_k8s.edges.cluster.resources import JOBS, SYNTHESES
from dart_k8s.names import MANAGED_BY, STAGE, SYNTHESIS, Stage

from .operators import Following, Site, declaration, load, site, until

MAKERS = 16
LEASE = {"duration": 90.0, "renew": 60.0, "retry": 2.0}
"""So many pods at once on a few cores keep the API server from answering within the default times: what is measured
here is how pods are tracked, not how long a Lease can go without an answer."""
RUNS_FOR = {Stage.PREPARE.value: "100ms", Stage.CURATE.value: "100ms"}
FOLD_MOST = 10.0
"""Seconds between folds: real samplers that have read that the run is closed end, and so make for a fold at once."""


class _Jobs:
    """When each sampler Job had all of its pods at work, and when it was gone."""

    def __init__(self, full: Callable[[Object], None]) -> None:
        self.full, self.over = set[str](), dict[str, float]()
        self.manifests: dict[str, Object] = {}
        self._full = full

    def look(self, job: Object, now: float) -> None:
        """A Job as it is."""
        about, status = job["metadata"], job.get("status") or {}
        if about["labels"][STAGE] != Stage.SAMPLER.value:
            return
        self.manifests.setdefault(about["name"], job)
        if about["name"] not in self.full and (status.get("ready") or 0) >= job["spec"]["parallelism"]:
            self.full.add(about["name"])
            self._full(job)

    def gone(self, job: Object, now: float) -> None:
        """It is no more."""
        if job["metadata"]["labels"][STAGE] == Stage.SAMPLER.value:
            self.over.setdefault(job["metadata"]["name"], now)


def measure(*, syntheses: int, samplers: int) -> dict[str, float]:
    """Pods a second by the operator and by the script, and what the operator took."""
    live = syntheses * samplers
    with site(live_pods=live, runs_for=RUNS_FOR) as place:
        found, template = _by_operator(place, syntheses, samplers)
    with site(live_pods=live, runs_for=RUNS_FOR) as place:
        found |= _by_script(place, syntheses, samplers, template)
    return found | {"share": found["pods_per_second"] / found["bare_pods_per_second"]}


def _by_operator(place: Site, syntheses: int, samplers: int) -> tuple[dict[str, float], Object]:
    found: dict[str, float] = {"load": load()}
    decisions = {"foldMost": FOLD_MOST}
    operator = place.operator(place.settings(lease=LEASE, decisions=decisions))
    until(lambda: operator.metric("dart_leader"), "the operator to lead")
    jobs = _Jobs(lambda job: (place.closed / job["metadata"]["labels"][SYNTHESIS]).touch())
    complete: dict[str, float] = {}

    def end(one: Object, now: float) -> None:
        if (one.get("status") or {}).get("phase") == "Complete":
            complete.setdefault(one["metadata"]["name"], now)

    Following(place.admin, JOBS, place.namespace, jobs.look, jobs.gone)
    Following(place.admin, SYNTHESES, place.namespace, end)
    began = time.monotonic()

    def make(number: int) -> None:
        manifest = declaration(f"run-{number}", samplers, verifiers=1)
        place.admin.create(SYNTHESES, place.namespace, manifest)

    with ThreadPoolExecutor(MAKERS) as makers:
        list(makers.map(make, range(syntheses)))
    until(lambda: len(jobs.over) >= syntheses, "all sampler Jobs to be over", by=operator)
    found |= _rates(began, jobs, samplers)
    until(lambda: len(complete) >= syntheses, "all to be Complete", by=operator)
    found["complete_seconds"] = max(complete.values()) - began
    found |= {"cpu_seconds": operator.cpu(), "memory_most": operator.memory()["most"]}
    found["sampler_jobs"] = len(jobs.manifests)
    found["requests"] = operator.metric("dart_api_requests_total")
    return found, next(iter(jobs.manifests.values()))


def _by_script(place: Site, syntheses: int, samplers: int, template: Object) -> dict[str, float]:
    found: dict[str, float] = {"bare_load": load()}
    with ThreadPoolExecutor(MAKERS) as makers:

        def full(job: Object) -> None:
            name, uid = job["metadata"]["name"], job["metadata"]["uid"]
            makers.submit(place.admin.delete, JOBS, place.namespace, name, uid=uid, propagation="Foreground")

        jobs = _Jobs(full)
        Following(place.admin, JOBS, place.namespace, jobs.look, jobs.gone)
        began = time.monotonic()
        made = [
            makers.submit(place.admin.create, JOBS, place.namespace, _bare(template, number))
            for number in range(syntheses)
        ]
        for one in made:
            one.result()
        until(lambda: len(jobs.over) >= syntheses, "all bare Jobs to be over")
        rates = _rates(began, jobs, samplers)
    return found | {f"bare_{name}": value for name, value in rates.items()}


def _rates(began: float, jobs: _Jobs, samplers: int) -> dict[str, float]:
    seconds = max(jobs.over.values()) - began
    pods = len(jobs.full) * samplers
    return {"seconds": seconds, "pods": pods, "pods_per_second": pods / seconds}


def _bare(template: Object, number: int) -> dict[str, Any]:
    """The operator's own Job under another name, and nobody's child."""
    name = f"bare-{number}"

    def labels(of: Mapping[str, Any]) -> dict[str, str]:
        mine = {key: value for key, value in (of.get("labels") or {}).items() if key.startswith("dart-k8s.io")}
        return {**mine, MANAGED_BY: "nobody", SYNTHESIS: name}

    spec = {key: value for key, value in template["spec"].items() if key not in {"selector", "manualSelector"}}
    pod = {"metadata": {"labels": labels(spec["template"]["metadata"])}, "spec": spec["template"]["spec"]}
    return {
        "apiVersion": template["apiVersion"],
        "kind": template["kind"],
        "metadata": {"name": name, "labels": labels(template["metadata"])},
        "spec": {**spec, "template": pod},
    }


HEAD = """\
| pods | operator, pods/s | bare script, pods/s | share | until all are Complete | operator: processor, MiB, requests |
| --- | --- | --- | --- | --- | --- |"""


def row(size: dict[str, Any], found: dict[str, float]) -> str:
    """One run as a row under `HEAD`."""
    return (
        f"| {size['syntheses']:,} x {size['samplers']:,} | {found['pods_per_second']:.1f} "
        f"| {found['bare_pods_per_second']:.1f} | {100 * found['share']:.0f} % | {found['complete_seconds']:.0f} s "
        f"| {found['cpu_seconds']:.0f} s, {found['memory_most']:.0f}, {found['requests']:,.0f} |"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--syntheses", type=int, default=150)
    parser.add_argument("--samplers", type=int, default=100)
    print(json.dumps(measure(**vars(parser.parse_args())), indent=1))
