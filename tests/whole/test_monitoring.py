"""A real Prometheus scrapes a real run under two operators: every panel of every dashboard has data, and no alert fires
of a run that is well."""

from __future__ import annotations

import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.monitoring.monitors import honours_labels, pod_targets, selector
from tests.monitoring.prometheus import Prometheus
from tests.monitoring.reference import METRICS
from tests.monitoring.shown import Panel, panels

from .kubelet import local
from .runs import Run, run

if TYPE_CHECKING:
    from .runs import Setting

ROOT = Path(__file__).parents[2]
ALERTS = sorted((ROOT / "charts" / "dart" / "alerts").glob("*.yaml"))
WITHOUT_DATA: dict[str, str] = {}
"""Queries that may have no data after a run that is well, with the reason."""
AT_ONCE = ("1m", "2m", "5m")
CODE = "no code is run"
UNSEEN = {
    "dart_api_throttling_seconds": "no limit is set",
    "dart_verifier_network_isolated": "there is no network to be tried",
    "dart_verifier_sandbox_layer": CODE,
    "dart_verifier_sandbox_promise": CODE,
    "dart_verifier_executions_total": CODE,
    "dart_verifier_execution_seconds": CODE,
    "dart_verifier_replayed_blocks_total": CODE,
    "dart_verifier_sessions": CODE,
    "dart_verifier_evicted_sessions_total": CODE,
} | {
    metric.name: "the run is a Synthesis"
    for metric in METRICS
    if metric.name.startswith(("dart_training_", "dart_evaluation_"))
}
"""Metrics of which such a run has no series, with the reason."""
OF_OBJECTS = '{__name__=~"dart_synthesis_.*"}'
PICTURES = os.environ.get("DART_PICTURES", "")
"""A folder: the panels are drawn there, of a longer run."""
REHEARSAL = {
    "queries": 12,
    "engine": {"kind": "scripted", "slots": 4, "args": {"seconds_per_token": 0.02}},
    "strategy": {"kind": "uniform", "target": 6},
    "samplers": {"resources": {"limits": {"nvidia.com/gpu": 1}}},
}
"""Some ten seconds of sampling, on two GPUs of the node that pretends."""
SHOWPIECE = {
    **REHEARSAL,
    "queries": 60,
    "engine": {"kind": "scripted", "slots": 8, "args": {"seconds_per_token": 0.04}},
    "strategy": {"kind": "prop2diff", "target": 40, "minTrials": 4},
}
"""A run of some minutes, for pictures."""


@contextmanager
def scraped(here: Run, prometheus: Prometheus) -> Iterator[None]:
    """Prometheus is told of the operator and of pods, as the Prometheus operator does by the chart's monitors."""
    over = threading.Event()

    def tell() -> None:
        while not over.wait(0.3):
            with suppress(OSError):
                prometheus.targets("operator", operators(here))
                prometheus.targets("pods", targets(here))

    telling = threading.Thread(target=tell, daemon=True)
    telling.start()
    try:
        yield
    finally:
        over.set()
        telling.join(10.0)


def operators(here: Run) -> dict[str, dict[str, str]]:
    """Address -> labels of the operators."""
    found = {}
    for number in range(1, len(here.operators) + 1):
        for line in here.lines(number) if (here.folder / f"operator-{number}.log").exists() else ():
            if line.get("event") == "started":
                found[f"127.0.0.1:{line['health_port']}"] = {"namespace": "dart", "pod": f"operator-{number}"}
    return found


def targets(here: Run) -> dict[str, dict[str, str]]:
    """Address -> labels of what the pods serve."""
    path = f"/api/v1/namespaces/{here.namespace}/pods"
    pods = here.setting.plane.call("GET", path, labelSelector=selector())["items"]
    return {f"{local(address)}:{port}": labels for (address, port), labels in pod_targets(pods).items()}


def numbers(series: list[dict[str, Any]]) -> int:
    """Values that are numbers."""
    return sum(math.isfinite(float(text)) for one in series for _, text in one["values"])


def empty(prometheus: Prometheus, shown: list[Panel], begins: float, ends: float) -> list[str]:
    """Queries of panels without data."""
    return [
        f"{panel.board}: {panel.title}: {query.expr}"
        for panel in shown
        for query in panel.queries
        if not numbers(prometheus.range(query.expr, begins, ends)) and query.expr not in WITHOUT_DATA
    ]


def alarms(prometheus: Prometheus, when: float) -> dict[str, list[dict[str, Any]]]:
    """Alerts whose expression holds, and of what. Without those that need it to hold for ten minutes or more: a start
    and an end, which is what they may see, are most of a run of seconds."""
    found = {}
    for path in ALERTS:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if rule["for"] in AT_ONCE and (holds := prometheus.now(rule["expr"], when)):
                    found[rule["alert"]] = holds
    return found


def until(holds: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait for it."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, f"waited for {what}"
        time.sleep(0.3)


def test_every_panel_has_data_of_a_run_and_no_alert_is_raised_by_it(setting: Setting, tmp_path: Path) -> None:
    pytest.importorskip("charts.dashboards", reason="pip install dart-k8s[dev]")
    with (
        Prometheus(tmp_path, ALERTS, honours=honours_labels()) as prometheus,
        run(setting) as here,
        scraped(here, prometheus),
    ):
        begins = time.time()
        here.deploy()
        until(lambda: bool(operators(here)) and here.leads(), "a leader")
        here.operator()
        here.submit(**(SHOWPIECE if PICTURES else REHEARSAL))
        here.reach("Complete", 1200.0 if PICTURES else 240.0)
        time.sleep(2.0)  # one more scrape
        ends = time.time()
        shown = panels()
        if PICTURES:
            from tests.monitoring.drawing import draw

            draw(prometheus, shown, begins, ends, Path(PICTURES))
        assert empty(prometheus, shown, begins, ends) == []
        names = {name for name in prometheus.ask("label/__name__/values") if name.startswith("dart_")}
        seen = {re.sub("_(bucket|sum|count)$", "", name) for name in names}
        assert seen == {metric.name for metric in METRICS} - set(UNSEEN)
        broken = {
            rule["name"]: rule["lastError"]
            for group in prometheus.ask("rules")["groups"]
            for rule in group["rules"]
            if rule["health"] != "ok"
        }
        assert broken == {}
        [leads] = [one["metric"]["pod"] for one in prometheus.now("dart_leader == 1", ends)]
        assert [one["value"][1] for one in prometheus.now("dart_leader", ends)].count("0") == 1, "the other stands by"
        assert {one["metric"]["pod"] for one in prometheus.now(OF_OBJECTS, ends)} == {leads}
        assert prometheus.range('ALERTS{alertstate="firing"}', begins, ends) == [] and alarms(prometheus, ends) == {}
        here.end()
        until(lambda: set(alarms(prometheus, time.time())) == {"DartOperatorDown"}, "the alarm of a killed operator")
