"""The client of an API server against one that misbehaves: a stub that answers what a test says."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration

from dart_k8s.edges.cluster.asking import Sent
from dart_k8s.edges.cluster.kube import KubeCluster
from dart_k8s.edges.cluster.limiting import Limiter
from dart_k8s.edges.cluster.resources import CONFIG_MAPS, JOBS
from dart_k8s.errors import ClusterUnavailable, Expired, Forbidden, ObjectRefused

Answer = Callable[[BaseHTTPRequestHandler], None]


def status(code: int, reason: str, message: str, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        say(handler, code, {"kind": "Status", "reason": reason, "message": message, "code": code}, **headers)

    return answer


def say(handler: BaseHTTPRequestHandler, code: int, document: Any, **headers: str) -> None:
    body = json.dumps(document).encode()
    handler.send_response(code)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def found(handler: BaseHTTPRequestHandler) -> None:
    say(handler, 200, {"metadata": {"name": "a", "resourceVersion": "1", "managedFields": [{"much": "of it"}]}})


class Stub:
    """Answers one after the other; the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [found]
        self.asked: list[str] = []
        self.sent: list[Sent] = []
        self.slept: list[float] = []
        self.released = threading.Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                stub.asked.append(f"{self.command} {self.path}")
                (stub.answers.pop(0) if len(stub.answers) > 1 else stub.answers[0])(self)

            def log_message(self, *_: object) -> None: ...

        for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
            setattr(Handler, f"do_{method}", Handler._any)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.cluster = self.client(f"http://127.0.0.1:{self.server.server_address[1]}")

    def client(self, host: str, limiter: Limiter | None = None) -> KubeCluster:
        settings = Configuration()
        settings.host, settings.retries = host, False
        return KubeCluster(
            ApiClient(settings),
            limiter=limiter or Limiter(0, 1),
            answer_seconds=0.5,
            silence_seconds=0.5,
            observe=self.sent.append,
            sleep=self.slept.append,
        )


@pytest.fixture
def stub() -> Iterator[Stub]:
    made = Stub()
    yield made
    made.released.set()
    made.server.shutdown()
    made.server.server_close()


def test_managed_fields_are_dropped_and_the_kind_is_added(stub: Stub) -> None:
    assert stub.cluster.get(CONFIG_MAPS, "ns", "a") == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "resourceVersion": "1"},
    }
    assert stub.asked == ["GET /api/v1/namespaces/ns/configmaps/a"]


def test_a_request_that_was_turned_away_is_repeated_after_what_the_server_asked_for(stub: Stub) -> None:
    away = status(429, "TooManyRequests", "too many", Retry_After="2")
    stub.answers = [away, away, found]
    stub.cluster.get(CONFIG_MAPS, "ns", "a")
    assert stub.slept == [2.0, 2.0] and [one.code for one in stub.sent] == ["429", "429", "200"]


def test_a_server_that_turns_everything_away_is_told_with_its_wish(stub: Stub) -> None:
    stub.answers = [status(429, "TooManyRequests", "too many", Retry_After="3")]
    with pytest.raises(ClusterUnavailable) as caught:
        stub.cluster.get(CONFIG_MAPS, "ns", "a")
    assert caught.value.retry_after == 3.0 and len(stub.asked) == 4


def test_a_long_wish_is_the_callers_to_wait(stub: Stub) -> None:
    stub.answers = [status(503, "ServiceUnavailable", "starting", Retry_After="60")]
    with pytest.raises(ClusterUnavailable) as caught:
        stub.cluster.create(JOBS, "ns", {"metadata": {"name": "a"}})
    assert caught.value.retry_after == 60.0 and stub.slept == [] and len(stub.asked) == 1


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('jobs.batch is forbidden: User "x" cannot create resource "jobs"', Forbidden),
        ("pods is forbidden: exceeded quota: gpus, requested: 8, used: 8, limited: 8", ObjectRefused),
        ("jobs.batch is forbidden: unable to create new content because it is being terminated", ObjectRefused),
    ],
)
def test_what_rules_forbid_is_told_apart_from_what_a_quota_refuses(stub: Stub, message: str, kind: type) -> None:
    stub.answers = [status(403, "Forbidden", message)]
    with pytest.raises(kind) as caught:
        stub.cluster.create(JOBS, "ns", {"metadata": {"name": "a"}})
    assert "ns/a" in str(caught.value) and message[-20:] in str(caught.value)


def test_a_server_that_says_nothing_is_given_up_in_time(stub: Stub) -> None:
    stub.answers = [lambda handler: stub.released.wait(20) or None]
    with pytest.raises(ClusterUnavailable, match="get ConfigMap ns/a"):
        stub.cluster.get(CONFIG_MAPS, "ns", "a")
    assert [one.code for one in stub.sent] == ["error"]


def test_nobody_listening_and_answers_that_are_none_are_told_in_words(stub: Stub) -> None:
    with pytest.raises(ClusterUnavailable, match="no answer"):
        stub.client("http://127.0.0.1:1").get(CONFIG_MAPS, "ns", "a")

    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "6")
        handler.end_headers()
        handler.wfile.write(b"<html>")

    stub.answers = [page]
    with pytest.raises(ClusterUnavailable, match="JSON"):
        stub.cluster.get(CONFIG_MAPS, "ns", "a")


def stream(*pieces: bytes, then: Answer | None = None) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            handler.wfile.flush()
        if then:
            then(handler)
        else:
            handler.wfile.write(b"0\r\n\r\n")

    return answer


def event(type_: str, **item: Any) -> bytes:
    return json.dumps({"type": type_, "object": item}).encode() + b"\n"


ADDED = event("ADDED", metadata={"name": "a", "resourceVersion": "5", "managedFields": []})


def test_events_come_whole_however_the_bytes_are_cut(stub: Stub) -> None:
    both = ADDED + event("BOOKMARK", metadata={"resourceVersion": "9"})
    stub.answers = [stream(*(both[at : at + 7] for at in range(0, len(both), 7)))]
    changes = list(stub.cluster.watch(CONFIG_MAPS, "ns", version="4", labels="x=y", seconds=30))
    assert [(change.type, change.object["metadata"]) for change in changes] == [
        ("ADDED", {"name": "a", "resourceVersion": "5"}),
        ("BOOKMARK", {"resourceVersion": "9"}),
    ]
    assert "allowWatchBookmarks=true" in stub.asked[0] and "timeoutSeconds=30" in stub.asked[0]


def test_an_event_that_says_expired_is_an_error_of_that_kind(stub: Stub) -> None:
    stub.answers = [stream(ADDED, event("ERROR", kind="Status", code=410, reason="Expired", message="too old"))]
    changes = stub.cluster.watch(CONFIG_MAPS, "ns", version="4")
    assert next(changes).type == "ADDED"
    with pytest.raises(Expired, match="too old"):
        next(changes)


def test_a_watch_that_falls_silent_is_cut(stub: Stub) -> None:
    stub.answers = [stream(ADDED, then=lambda handler: stub.released.wait(20) or None)]
    changes = stub.cluster.watch(CONFIG_MAPS, "ns", version="4")
    assert next(changes).type == "ADDED"
    with pytest.raises(ClusterUnavailable, match="silent"):
        next(changes)


def test_a_client_keeps_to_its_own_limit() -> None:
    time = [100.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        time[0] += seconds

    limiter = Limiter(10, 3, clock=lambda: time[0], sleep=sleep)
    first = [limiter.wait() for _ in range(6)]
    assert first[:3] == [0.0, 0.0, 0.0] and waits == pytest.approx([0.1, 0.1, 0.1])
    time[0] += 100
    assert [limiter.wait() for _ in range(3)] == [0.0, 0.0, 0.0]
    assert limiter.wait() == pytest.approx(0.1)
