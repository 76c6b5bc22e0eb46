"""Health, readiness and metrics over HTTP.

Alive means that work gets done: every reflector and the lease thread did something lately (each of their tries ends in
a bounded time, a silent watch too), and no reconcile takes for ever. A server that can't be reached is no reason to be
restarted: that shows in the metrics.
"""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Health", "HealthServer"]

Check = Callable[[], str]
"""Says what is wrong; nothing if all is well."""


class Health:
    """Named checks of a process."""

    def __init__(self) -> None:
        self.alive: dict[str, Check] = {}
        self.ready: dict[str, Check] = {}
        self.details: Callable[[], Mapping[str, Any]] = dict

    @staticmethod
    def failing(checks: Mapping[str, Check]) -> dict[str, str]:
        """What is wrong, by check."""
        found = {name: check() for name, check in list(checks.items())}
        return {name: words for name, words in found.items() if words}


class HealthServer:
    """Serves /healthz, /readyz and /metrics in threads of its own."""

    def __init__(self, health: Health, render: Callable[[], tuple[bytes, str]], host: str, port: int) -> None:
        """`port` 0 takes any that is free. Raises OSError."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path == "/metrics":
                    body, kind = render()
                    self._answer(HTTPStatus.OK, body, kind)
                elif path in {"/healthz", "/readyz"}:
                    wrong = Health.failing(health.alive if path == "/healthz" else health.ready)
                    said = {"ok": not wrong, "failing": wrong, **health.details()}
                    code = HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK
                    self._answer(code, json.dumps(said).encode() + b"\n", "application/json")
                else:
                    self._answer(HTTPStatus.NOT_FOUND, b"/healthz, /readyz, /metrics\n", "text/plain")

            def _answer(self, code: HTTPStatus, body: bytes, kind: str) -> None:
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Probes come every few seconds: no line each."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        self._server = Server((host, port), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    def start(self) -> None:
        """Serve until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
