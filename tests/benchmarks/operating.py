"""What the operator costs at scale: resources applied at once until each has its Jobs, memory and processor time with
all pods at work, requests at rest, a cold start, and a standby that takes over.

    python -m tests.benchmarks.operating [--syntheses N] [--samplers N]
"""

import argparse
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dart_k8s.edges.cluster import Object
from dart_k8s.edges.cluster.resources import DEPLOYMENTS, JOBS, SYNTHESES
from dart_k8s.names import STAGE, SYNTHESIS, Stage

from .operators import Following, Operator, Site, declaration, load, site, until

MAKERS = 16
IDLE_SECONDS = 60.0
"""The longest time between two folds."""


class _Seen:
    """When each stage's first Job of a Synthesis was seen."""

    def __init__(self) -> None:
        self.at: dict[tuple[str, str], float] = {}

    def __call__(self, job: Object, now: float) -> None:
        labels = job["metadata"]["labels"]
        self.at.setdefault((labels[STAGE], labels[SYNTHESIS]), now)

    def of(self, stage: Stage) -> dict[str, float]:
        return {name: at for (what, name), at in list(self.at.items()) if what == stage.value}


def measure(*, syntheses: int, samplers: int) -> dict[str, float]:
    """See the module. The operator has its default settings."""
    live = syntheses * (samplers + -(-samplers // 4))
    with site(live_pods=live, runs_for={Stage.PREPARE.value: "100ms"}) as place:
        settings = place.settings()
        found: dict[str, float] = {"load_before": load()}
        operator = place.operator(settings)
        until(lambda: operator.metric("dart_leader"), "the operator to lead")
        found |= {f"empty_{name}": value for name, value in operator.memory().items()}
        found |= _start(place, operator, syntheses, samplers)
        until(
            lambda: operator.metric("dart_cached_objects", 'kind="pods"') >= live, "all pods to be seen", 15.0, operator
        )
        until(lambda: _running(place) >= live, "all pods to run", 10.0, operator)
        operator.quiet()
        found |= {f"full_{name}": value for name, value in operator.memory().items()}
        found |= {"pods": live, "full_cpu_seconds": operator.cpu(), "reconciles": operator.metric(RECONCILES)}
        found |= _rest(place, operator)
        found["status_bytes"] = _largest_status(place)
        found["stop_seconds"] = operator.stop()
        found |= _cold(place, place.settings(logLevel="debug"), syntheses)
        found["load_after"] = load()
    return found


RECONCILES = "dart_reconcile_total"


def _start(place: Site, operator: Operator, syntheses: int, samplers: int) -> dict[str, float]:
    seen, made = _Seen(), {}
    Following(place.admin, JOBS, place.namespace, seen)

    def make(number: int) -> None:
        name = f"run-{number}"
        place.admin.create(SYNTHESES, place.namespace, declaration(name, samplers))
        made[name] = time.monotonic()

    began = time.monotonic()
    with ThreadPoolExecutor(MAKERS) as makers:
        list(makers.map(make, range(syntheses)))
    found = {"submit_seconds": time.monotonic() - began}
    until(lambda: len(seen.of(Stage.PREPARE)) >= syntheses, "the first Job of each", by=operator)
    first = seen.of(Stage.PREPARE)
    found["first_seconds"] = max(first.values()) - began
    found["first_rate"] = syntheses / found["first_seconds"]
    waits = [first[name] - made[name] for name in made]
    found["first_p50"], found["first_p99"] = statistics.median(waits), statistics.quantiles(waits, n=100)[98]
    found["first_cpu_seconds"] = operator.cpu()
    until(lambda: len(seen.of(Stage.SAMPLER)) >= syntheses, "all sampler Jobs", by=operator)
    last = seen.of(Stage.SAMPLER)
    found["samplers_seconds"] = max(last.values()) - began
    found["samplers_p99"] = statistics.quantiles([last[name] - made[name] for name in made], n=100)[98]
    return found


def _rest(place: Site, operator: Operator) -> dict[str, float]:
    """Nothing happens: what is written, and what that costs."""
    writes, cpu, folds, reconciles = _standing(place, operator)
    time.sleep(IDLE_SECONDS)
    after = _standing(place, operator)
    minutes = IDLE_SECONDS / 60
    return {
        "idle_writes": after[0] - writes,
        "idle_cpu_share": (after[1] - cpu) / IDLE_SECONDS,
        "idle_folds_per_minute": (after[2] - folds) / minutes,
        "idle_reconciles_per_minute": (after[3] - reconciles) / minutes,
    }


def _standing(place: Site, operator: Operator) -> tuple[float, float, float, float]:
    return place.writes(), operator.cpu(), operator.metric("dart_folds_total"), operator.metric(RECONCILES)


def _cold(place: Site, settings: Any, syntheses: int) -> dict[str, float]:
    """A new process finds all of that; then its standby takes over."""
    found: dict[str, float] = {}
    operator = place.operator(settings)
    until(lambda: operator.reconciled(), "the first reconcile after a cold start", 0.05)
    found["cold_first_seconds"] = time.monotonic() - operator.began
    until(lambda: operator.reconciled() >= syntheses, "every key after a cold start", 0.05)
    found["cold_all_seconds"], found["cold_cpu_seconds"] = time.monotonic() - operator.began, operator.cpu()
    operator.quiet()
    found |= {f"cold_{name}": value for name, value in operator.memory().items()}
    standby = place.operator(settings)
    cached = "dart_cached_objects"
    until(lambda: standby.metric(cached) >= operator.metric(cached) > 0, "the standby to have listed everything", 2.0)
    time.sleep(5)
    operator.kill()
    began = time.monotonic()
    until(lambda: standby.reconciled(), "the standby's first reconcile", 0.05)
    found["failover_first_seconds"] = time.monotonic() - began
    until(lambda: standby.reconciled() >= syntheses, "every key after a failover", 0.05)
    found["failover_all_seconds"] = time.monotonic() - began
    return found


def _pages(place: Site, resource: Any) -> list[Object]:
    items, after = [], ""
    while True:
        page = place.admin.list(resource, place.namespace, limit=1000, after=after)
        items += page.items
        after = page.next
        if not after:
            return items


def _running(place: Site) -> int:
    # Jobs and Deployments count their pods: much less to read than the pods.
    jobs = sum((job.get("status") or {}).get("ready") or 0 for job in _pages(place, JOBS))
    return jobs + sum((one.get("status") or {}).get("readyReplicas") or 0 for one in _pages(place, DEPLOYMENTS))


def _largest_status(place: Site) -> int:
    return max(len(json.dumps(one.get("status") or {})) for one in _pages(place, SYNTHESES))


HEAD = """\
| Syntheses, pods | first Job each: a second, p50, p99 | sampler Jobs | MiB: empty, full, most (cold) | processor | \
writes in an idle minute | cold start: first, every key | standby: first, every key | status, bytes |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def row(size: dict[str, Any], found: dict[str, float]) -> str:
    """One run as a row under `HEAD`."""
    return (
        f"| {size['syntheses']:,}, {found['pods']:,.0f} "
        f"| {found['first_rate']:.1f}, {found['first_p50']:.1f} s, {found['first_p99']:.1f} s "
        f"| {found['samplers_seconds']:.0f} s "
        f"| {found['empty_rss']:.0f}, {found['full_rss']:.0f}, {found['cold_most']:.0f} "
        f"| {found['full_cpu_seconds']:.0f} ({found['reconciles']:,.0f} reconciles) "
        f"| {found['idle_writes']:.0f} "
        f"| {found['cold_first_seconds']:.1f} s, {found['cold_all_seconds']:.1f} s "
        f"| {found['failover_first_seconds']:.1f} s, {found['failover_all_seconds']:.1f} s "
        f"| {found['status_bytes']:,.0f} |"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--syntheses", type=int, default=1000)
    parser.add_argument("--samplers", type=int, default=8)
    print(json.dumps(measure(**vars(parser.parse_args())), indent=1))
