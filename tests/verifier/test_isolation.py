"""A verification pod tries the network that its policy forbids, and runs no code where it is not forbidden."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from dart_k8s.edges.clock import run_virtual
from dart_k8s.edges.metrics import MemoryMetrics
from dart_k8s.errors import NotIsolated
from dart_k8s.reconcile.findings import decode
from dart_k8s.workers.verifier.application import application
from dart_k8s.workers.verifier.isolation import Target, reach, reached, targets_of
from dart_k8s.workers.verifier.measures import ISOLATED
from dart_k8s.workers.verifier.readiness import Readiness
from dart_k8s.workers.verifier.serve import ServerSettings, begin, serve

API = Target(name="the API server", host="10.0.0.1", port=443)
DNS = Target(name="DNS", host="10.0.0.10", port=53, dns=True)


def test_a_pod_knows_what_it_must_not_reach_and_elsewhere_nothing_is_tried() -> None:
    resolv = "search default.svc.cluster.local\nnameserver 10.0.0.10\noptions ndots:5\n"
    inside = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    assert targets_of(inside, resolv) == [API, DNS]
    assert targets_of({}, resolv) == []


def test_what_can_be_reached_only_before_the_policy_is_enforced_does_not_count() -> None:
    async def early(target: Target) -> bool:
        return asyncio.get_running_loop().time() < 5.0

    async def dns_only(target: Target) -> bool:
        return target.dns

    assert run_virtual(reached([API, DNS], attempt=early)) == []
    assert run_virtual(reached([API, DNS], attempt=dns_only)) == ["DNS"]


async def test_a_name_server_that_answers_is_reached_and_silence_or_a_refusal_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dart_k8s.workers.verifier.isolation.TRY_SECONDS", 0.5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        silent = Target(name="DNS", host="127.0.0.1", port=port, dns=True)
        assert not await reach(silent)
        server.recvfrom(512)

        def answer() -> None:
            question, whom = server.recvfrom(512)
            server.sendto(question[:2] + b"\x81\x83" + question[4:], whom)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        assert await reach(silent)
        thread.join()
    assert not await reach(silent)
    assert not await reach(Target(name="the API server", host="127.0.0.1", port=port))


@pytest.fixture
def api_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Something that accepts connections where a pod thinks the API server is."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = [Target(name="the API server", host="127.0.0.1", port=listening.getsockname()[1])]
        monkeypatch.setattr("dart_k8s.workers.verifier.isolation.targets", lambda: found)
        yield listening


def settings(**changes: Any) -> ServerSettings:
    chosen = {"isolation_seconds": 0.0, **changes}
    return ServerSettings(port=0, processes=1, deadline=2.0, memory=400 << 20, **chosen)


def test_a_pod_that_would_run_code_and_can_reach_the_api_server_ends_with_a_finding(
    api_server: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DART_TERMINATION_LOG", str(tmp_path / "said"))
    with pytest.raises(NotIsolated, match="the API server"):
        serve(settings(execute=True, unconfined=True))
    found = decode((tmp_path / "said").read_text())
    assert found is not None and found.reason == "NotIsolated"
    assert "the API server" in found.message and "requireNetworkIsolation" in found.remedy


@pytest.mark.parametrize("more", [{}, {"execute": True, "allow_network": True}], ids=["answers only", "allowed"])
async def test_a_pod_that_runs_no_code_or_may_do_so_says_what_it_reaches_and_goes_on(
    api_server: socket.socket, more: dict[str, Any]
) -> None:
    readiness, metrics = Readiness([], lambda *_, **__: None), MemoryMetrics()
    starting = asyncio.create_task(begin(readiness, settings(**more), metrics))
    while not readiness.started or readiness.reached is None:
        await asyncio.sleep(0.01)
    starting.cancel()
    assert metrics.value(ISOLATED) == 0.0
    with TestClient(application([], readiness, metrics)) as client:
        reply = client.get("/readyz")
    assert reply.status_code == 200
    assert reply.json()["network"] == {"isolated": False, "reached": ["the API server"]}


@pytest.mark.parametrize(
    ("more", "waits"),
    [({}, False), ({"execute": True, "allow_network": True}, False), ({"execute": True}, True)],
    ids=["answers only", "allowed", "code"],
)
async def test_only_a_pod_that_would_run_code_waits_for_its_network_to_be_closed(
    api_server: socket.socket, more: dict[str, Any], waits: bool
) -> None:
    readiness = Readiness([], lambda *_, **__: None)
    starting = asyncio.create_task(begin(readiness, settings(isolation_seconds=60.0, **more), MemoryMetrics()))
    api_server.setblocking(False)
    connection, _ = await asyncio.get_running_loop().sock_accept(api_server)
    connection.close()
    while not (readiness.started or waits):
        await asyncio.sleep(0.01)
    starting.cancel()
    assert readiness.started is not waits
    assert readiness.reached is None, "it has a minute"
