"""The proxy fails the ways networks fail, and only then."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from tests.cluster.processes import free_ports
from tests.cluster.proxy import Proxy

QUIET = 0.2
"""Seconds in which nothing may come."""


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(100):
            self.request.sendall(data)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with Proxy(server.server_address[1]) as started:
            yield started
        server.shutdown()


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=30)


def answer(connection: socket.socket, data: bytes, seconds: float = 30) -> bytes | None:
    """What comes back; None for silence."""
    connection.settimeout(seconds)
    connection.sendall(data)
    try:
        return connection.recv(100)
    except TimeoutError:
        return None


def test_bytes_pass_both_ways(proxy):
    with connected(proxy) as connection:
        assert answer(connection, b"one") == b"one"
        assert answer(connection, b"two") == b"two"


def test_a_cut_connection_stays_open_and_silent_after_the_network_is_mended(proxy):
    with connected(proxy) as connection:
        assert answer(connection, b"before") == b"before"
        proxy.cut()
        assert answer(connection, b"lost", QUIET) is None
        proxy.mend()
        assert answer(connection, b"lost too", QUIET) is None
        assert proxy.connections == 1


def test_new_connections_are_silent_while_it_is_cut_and_work_once_mended(proxy):
    proxy.cut()
    with connected(proxy) as during:
        assert answer(during, b"lost", QUIET) is None
        proxy.mend()
        with connected(proxy) as after:
            assert answer(after, b"heard") == b"heard"
        assert answer(during, b"lost", QUIET) is None


def test_only_old_connections_can_be_cut(proxy):
    with connected(proxy) as old, connected(proxy) as other:
        assert answer(old, b"before") == answer(other, b"before") == b"before"
        proxy.cut(new=False)
        with connected(proxy) as new:
            assert answer(new, b"heard") == b"heard"
        assert answer(old, b"lost", QUIET) is None


def test_a_reset_is_seen_at_once(proxy):
    with connected(proxy) as connection:
        assert answer(connection, b"before") == b"before"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            connection.recv(100)


def test_a_server_that_is_away_ends_the_connection(proxy):
    with Proxy(free_ports(1)[0]) as lonely, connected(lonely) as connection:
        connection.settimeout(30)
        assert connection.recv(100) == b""
