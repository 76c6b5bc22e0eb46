"""Pods tracked to the end: the operator's sampler Jobs against the same Jobs made by a bare script in the same run.

    python -m tests.benchmarks.tracking [--syntheses N] [--samplers N]

Each has a control plane of its own, one after the other. Pods run for a moment and exit 0; who made a Job deletes it
when it is over, which is work for the control plane as well. The operator besides prepares and curates each run (a Job
of one pod each, not counted) and keeps one verification pod of it: this is part of what it costs.
"""

import argparse
import json
import statistics
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dart_k8s.edges.cluster import Object
from dart_k8s.edges.cluster.resources import JOBS, SYNTHESES
from dart_k8s.names import MANAGED_BY, STAGE, SYNTHESIS, Stage

from .operators import Following, Site, declaration, load, site, until

MAKERS = 16
RUNS_FOR = {Stage.PREPARE.value: "100ms", Stage.SAMPLER.value: "2s", Stage.CURATE.value: "100ms"}


class _Jobs:
    """When each Synthesis' sampler Job was first seen and was over, and how many pods of them ended well."""

    def __init__(self) -> None:
        self.first: dict[str, float] = {}
        self.over: dict[str, float] = {}
        self.pods: dict[str, int] = {}
        self.manifests: dict[str, Object] = {}

    def __call__(self, job: Object, now: float) -> None:
        labels = job["metadata"]["labels"]
        if labels[STAGE] != Stage.SAMPLER.value:
            return
        name, status = labels[SYNTHESIS], job.get("status") or {}
        self.first.setdefault(job["metadata"]["name"], now)
        self.manifests.setdefault(name, job)
        if any(one["type"] == "Complete" and one["status"] == "True" for one in status.get("conditions") or ()):
            self.over.setdefault(name, now)
            self.pods[job["metadata"]["name"]] = status.get("succeeded") or 0


def measure(*, syntheses: int, samplers: int) -> dict[str, float]:
    """Pods a second by the operator and by the script, and what the operator took."""
    live = syntheses * samplers
    with site(live_pods=live, runs_for=RUNS_FOR) as place:
        found, template = _by_operator(place, syntheses, samplers)
    with site(live_pods=live, runs_for=RUNS_FOR) as place:
        found |= _by_script(place, syntheses, template)
    return found | {"share": found["pods_per_second"] / found["bare_pods_per_second"]}


def _by_operator(place: Site, syntheses: int, samplers: int) -> tuple[dict[str, float], Object]:
    found: dict[str, float] = {"load": load()}
    operator = place.operator(place.settings())
    until(lambda: operator.metric("dart_leader"), "the operator to lead")
    jobs, complete = _Jobs(), {}

    def look(job: Object, now: float) -> None:
        jobs(job, now)
        for name in jobs.over:
            (place.closed / name).touch()

    def end(one: Object, now: float) -> None:
        if (one.get("status") or {}).get("phase") == "Complete":
            complete.setdefault(one["metadata"]["name"], now)

    Following(place.admin, JOBS, place.namespace, look)
    Following(place.admin, SYNTHESES, place.namespace, end)
    began = time.monotonic()

    def make(number: int) -> None:
        manifest = declaration(f"run-{number}", samplers, verifiers=1)
        place.admin.create(SYNTHESES, place.namespace, manifest)

    with ThreadPoolExecutor(MAKERS) as makers:
        list(makers.map(make, range(syntheses)))
    until(lambda: len(jobs.over) >= syntheses, "all sampler Jobs to be over", by=operator)
    found |= _rates(began, jobs)
    until(lambda: len(complete) >= syntheses, "all to be Complete", by=operator)
    found["complete_seconds"] = max(complete.values()) - began
    found["told_p99"] = statistics.quantiles([complete[name] - jobs.over[name] for name in complete], n=100)[98]
    found |= {"cpu_seconds": operator.cpu(), "memory_most": operator.memory()["most"]}
    found["sampler_jobs"] = len(jobs.first)
    found["requests"] = operator.metric("dart_api_requests_total")
    return found, next(iter(jobs.manifests.values()))


def _by_script(place: Site, syntheses: int, template: Object) -> dict[str, float]:
    found: dict[str, float] = {"bare_load": load()}
    jobs = _Jobs()
    with ThreadPoolExecutor(MAKERS) as makers:

        def look(job: Object, now: float) -> None:
            before = len(jobs.over)
            jobs(job, now)
            if len(jobs.over) > before:
                about = job["metadata"]
                makers.submit(
                    place.admin.delete, JOBS, place.namespace, about["name"], uid=about["uid"], propagation="Foreground"
                )

        Following(place.admin, JOBS, place.namespace, look)
        began = time.monotonic()
        made = [
            makers.submit(place.admin.create, JOBS, place.namespace, _bare(template, number))
            for number in range(syntheses)
        ]
        for one in made:
            one.result()
        until(lambda: len(jobs.over) >= syntheses, "all bare Jobs to be over")
        rates = _rates(began, jobs)
    return found | {f"bare_{name}": value for name, value in rates.items()}


def _rates(began: float, jobs: _Jobs) -> dict[str, float]:
    seconds = max(jobs.over.values()) - began
    return {"seconds": seconds, "pods": sum(jobs.pods.values()), "pods_per_second": sum(jobs.pods.values()) / seconds}


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
