"""The operator while the API server stops, forgets or falls silent, and while operators die."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dart_k8s.edges.cluster.kube import connect
from dart_k8s.edges.cluster.resources import CONFIG_MAPS
from dart_k8s.names import MANAGED_BY, OPERATOR, SYNTHESIS
from dart_k8s.operator.cache import Cache
from dart_k8s.operator.keys import Key
from dart_k8s.operator.reflector import Reflector
from dart_k8s.operator.trimming import child_fact, key_of

from .real import ACCOUNT, Folded, InProcess, install, outside, settings, synthesis

if TYPE_CHECKING:
    from tests.cluster.plane import ControlPlane

SILENCE = 2.0
"""Seconds; the operator's own 75 would make a slow test."""


class Watching:
    """A reflector in a thread of its own, of the ConfigMaps of a namespace."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.namespace, self.told = namespace, []
        self.cluster = connect(kubeconfig=str(kubeconfig), qps=0, silence_seconds=SILENCE)
        self.cache: Cache[Any] = Cache(child_fact, key_of)
        self.reflector = Reflector(
            cluster=self.cluster,
            resource=CONFIG_MAPS,
            namespace=namespace,
            cache=self.cache,
            changed=lambda key: None,
            labels=f"{MANAGED_BY}={OPERATOR}",
            tell=lambda event, **facts: self.told.append((event, facts.get("why", ""))),
        )

    def names(self) -> list[str]:
        return [fact.name for fact in self.cache.facts(Key(self.namespace, "s"))]

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()

        def run() -> None:
            while not stop.is_set():
                stop.wait(self.reflector.step())

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(2 * SILENCE + 5)
            self.cluster.close()


def add(plane: ControlPlane, namespace: str, name: str) -> None:
    labels = {MANAGED_BY: OPERATOR, SYNTHESIS: "s"}
    plane.core.create_namespaced_config_map(namespace, {"metadata": {"name": name, "labels": labels}})


def test_a_watch_that_is_cut_silently_is_noticed_and_nothing_is_missed(plane: ControlPlane, namespace: str) -> None:
    with plane.proxy() as proxy:
        here = Watching(plane.kubeconfig_at(proxy.url), namespace)
        with here.running():
            add(plane, namespace, "a")
            plane.eventually(lambda: here.names() == ["a"], "the first one to be seen")
            proxy.cut(new=False)
            add(plane, namespace, "b")
            plane.core.delete_namespaced_config_map("a", namespace)
            plane.eventually(lambda: here.names() == ["b"], "what happened behind the cut")
        assert any("silent" in why for event, why in here.told)


def test_a_restart_of_the_api_server_is_survived_and_deletions_in_between_are_found(
    plane: ControlPlane, namespace: str
) -> None:
    here = Watching(plane.kubeconfig, namespace)
    with here.running():
        add(plane, namespace, "a")
        add(plane, namespace, "b")
        plane.eventually(lambda: here.names() == ["a", "b"], "both to be seen")
        with plane.apiserver_stopped():
            plane.eventually(lambda: here.reflector.failures > 1, "the reflector to notice")
        plane.core.delete_namespaced_config_map("a", namespace)
        add(plane, namespace, "c")
        plane.eventually(lambda: here.names() == ["b", "c"], "what came after")


def test_versions_that_the_server_forgot_lead_to_a_new_list(plane: ControlPlane, namespace: str) -> None:
    here = Watching(plane.kubeconfig, namespace)
    with here.running():
        add(plane, namespace, "a")
        plane.eventually(lambda: here.names() == ["a"], "it to be seen")
        plane.expire()
        add(plane, namespace, "b")
        plane.eventually(lambda: here.names() == ["a", "b"], "what came after")
    # Whether the server says 410 or first ends the connection is up to it: the list is made anew in both cases.
    assert here.told


def test_an_operator_goes_on_after_the_api_server_was_away(plane: ControlPlane, namespace: str, tmp_path: Path) -> None:
    install(plane, namespace)
    patient = {"duration": 120.0, "renew": 100.0, "retry": 0.3}
    found = settings(plane.kubeconfig_of(ACCOUNT, namespace), namespace, Folded(tmp_path), lease=patient)
    with InProcess(found) as here:
        plane.eventually(lambda: here.process.elector.leads and here.process.runtime.synced, "it to lead")
        with plane.apiserver_stopped():
            plane.eventually(lambda: "watch-failed" in here.events(), "it to notice")
        plane.apply(synthesis(), namespace)
        path = f"/apis/batch/v1/namespaces/{namespace}/jobs/s-prepare-1"
        plane.eventually(lambda: plane.call("GET", path), "the first Job")
    assert here.exits == [] and "fault" not in here.events()


def lease(plane: ControlPlane, namespace: str) -> dict[str, Any]:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/dart-operator"
    return dict(plane.call("GET", path)["spec"])


@pytest.fixture
def files(plane: ControlPlane, namespace: str, tmp_path: Path) -> Path:
    """Settings of operators as processes of their own."""
    install(plane, namespace)
    settings(plane.kubeconfig_of(ACCOUNT, namespace), namespace, Folded(tmp_path))
    (path,) = tmp_path.glob("settings-*.yaml")
    return path


def test_of_two_operators_one_leads_the_other_takes_over_and_stopping_gives_everything_back(
    plane: ControlPlane, namespace: str, files: Path, tmp_path: Path
) -> None:
    with outside(files, tmp_path, "first") as first:
        plane.eventually(lambda: first.said("leading"), "the first to lead")
        with outside(files, tmp_path, "second") as second:
            plane.eventually(lambda: second.said("started") and second.health("/readyz")[0] == 200, "the second")
            assert json.loads(second.health()[1])["leader"] is False
            assert json.loads(first.health()[1])["leader"] is True
            first.process.send_signal(signal.SIGSTOP)
            plane.eventually(lambda: second.said("leading"), "the second to lead")
            plane.apply(synthesis(), namespace)
            path = f"/apis/batch/v1/namespaces/{namespace}/jobs/s-prepare-1"
            plane.eventually(lambda: plane.call("GET", path), "the first Job")
            # Awake again, the first one finds that its time is over, and leaves without a write.
            first.process.send_signal(signal.SIGCONT)
            assert first.process.wait(20) == 1
            assert first.said("lost") and not first.said("action")
            assert "dart_leader 1.0" in second.health("/metrics")[1]
            assert lease(plane, namespace)["leaseTransitions"] == 1
            second.process.send_signal(signal.SIGTERM)
            assert second.process.wait(20) == 0
            assert second.said("stopped") and not second.said("fault")
    assert not lease(plane, namespace).get("holderIdentity")


def test_the_one_that_stands_by_is_ready_and_shows_no_series_of_objects(
    plane: ControlPlane, namespace: str, files: Path, tmp_path: Path
) -> None:
    def series(one: Any) -> list[str]:
        return [line for line in one.health("/metrics")[1].splitlines() if line.startswith("dart_synthesis_")]

    with outside(files, tmp_path, "first") as first:
        plane.eventually(lambda: first.said("leading"), "the first to lead")
        plane.apply(synthesis(), namespace)
        with outside(files, tmp_path, "second") as second:
            plane.eventually(lambda: second.said("started") and second.health("/readyz")[0] == 200, "the second")
            plane.eventually(lambda: series(first), "series of the Synthesis")
            held = 'dart_cached_objects{kind="syntheses"} 1.0'
            plane.eventually(lambda: held in second.health("/metrics")[1], "the second to show that it holds the facts")
            assert "dart_leader 0.0" in second.health("/metrics")[1]
            assert series(second) == []


def test_an_operator_without_rights_says_which_and_stays(plane: ControlPlane, namespace: str, tmp_path: Path) -> None:
    found = settings(plane.kubeconfig_of("nobody", namespace), namespace, Folded(tmp_path))
    with InProcess(found) as here:
        plane.eventually(lambda: "lease-failed" in here.events() and "watch-failed" in here.events(), "its words")
    assert here.exits == []
    words = " ".join(str(facts.get("why")) for _, facts in here.told)
    assert "forbidden" in words.lower() and "manifests/install" in words


def test_settings_that_cannot_be_are_refused_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump({"lease": {"duration": 5, "renew": 10, "retry": 2}}))
    with outside(path, tmp_path) as here:
        assert here.process.wait(20) == 64
    assert "must hold" in here.log.read_text()
