"""What a sampler pod answers the kubelet and Prometheus, on a port of its own.

GET /startup   200 once the engine has loaded its model
GET /live      200 unless the engine made no step for too long with responses on their way
GET /metrics   Prometheus: the sampler's own, and what the engine measures in this process (vLLM)

A thread of its own answers, so that a busy event loop is no reason for the kubelet to kill a pod. What it says is a
copy that the event loop renews.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from dart_k8s.errors import SpecError


@dataclass(slots=True)
class Pulse:
    """Whether the engine makes progress. `look` is called often; times are of one monotonic clock, in seconds."""

    patience: float = 600.0
    clock: Callable[[], float] = time.monotonic
    started: bool = False
    _seen: tuple[int, ...] = ()
    _since: float | None = None
    """Since when nothing has moved with work in flight; None: all is well."""

    def look(self, running: int, steps: tuple[int, ...]) -> None:
        """Work in flight, and numbers of which at least one grows when the engine makes a step."""
        if not running or steps != self._seen:
            self._seen, self._since = steps, None
        if running and self._since is None:
            self._since = self.clock()

    @property
    def stalled(self) -> float:
        """Seconds for which the engine has made no step although it should, once they are too many; else 0."""
        idle = 0.0 if self._since is None else self.clock() - self._since
        return idle if idle >= self.patience else 0.0


@dataclass(slots=True)
class Health:
    """The server. `metrics` renders everything."""

    pulse: Pulse
    metrics: Callable[[], tuple[bytes, str]]
    _server: ThreadingHTTPServer | None = field(default=None)

    def start(self, port: int) -> int:
        """Listen on all addresses; the port (0: any that is free). SpecError if it can't be had."""
        answers: Mapping[str, Callable[[], tuple[int, bytes, str]]] = {
            "/startup": self._startup,
            "/live": self._live,
            "/metrics": lambda: (200, *self.metrics()),
        }

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                found = answers.get(self.path.partition("?")[0])
                code, body, kind = found() if found else (404, b"There are /startup, /live and /metrics.\n", _TEXT)
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Probes are no news."""

        try:
            self._server = ThreadingHTTPServer(("0.0.0.0", port), Handler)
        except OSError as error:
            raise SpecError(f"Cannot listen on port {port}: {error}.", remedy="Choose another one.") from error
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _startup(self) -> tuple[int, bytes, str]:
        return (200, b"started\n", _TEXT) if self.pulse.started else (503, b"the engine loads its model\n", _TEXT)

    def _live(self) -> tuple[int, bytes, str]:
        stalled = self.pulse.stalled
        if stalled:
            return 503, f"the engine made no step for {stalled:.0f} s\n".encode(), _TEXT
        return 200, b"alive\n", _TEXT


_TEXT = "text/plain; charset=utf-8"

__all__ = ["Health", "Pulse"]
