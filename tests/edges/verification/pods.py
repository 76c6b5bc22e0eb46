"""Verification servers that misbehave on order, on loopback, for the client's tests."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from dart_k8s.edges.verification import wire

Behaviour = Callable[[wire.Request], "tuple[int, bytes, dict[str, str]] | None"]
"""What a request gets: status, body and headers; None: the connection is cut."""


def right(request: wire.Request, *, rules: str | None = None) -> tuple[int, bytes, dict[str, str]]:
    """A verdict for each item, whose answer is the response itself."""
    verdicts = tuple(
        wire.WireVerdict(verdict="correct", answer=item.response, tier="text", reason="same") for item in request.items
    )
    reply = wire.Reply(verdicts=verdicts, rules=rules or request.rules or "1", program="0")
    return 200, wire.write_reply(reply), {}


def refused(status: int, code: str = "some", *, retry_after: int | None = None) -> Behaviour:
    body = wire.write_refusal(wire.Refusal(code=code, message=f"no: {code}"))
    return lambda _: (status, body, {} if retry_after is None else {"retry-after": str(retry_after)})


def cut(_: wire.Request) -> None:
    return None


class FakePod:
    """One server; `behave` can be changed at any time. `hold` keeps replies back until it is set again."""

    def __init__(self, behave: Behaviour = right) -> None:
        self.behave = behave
        self.requests: list[list[str]] = []
        """The responses of each request."""
        self.go = asyncio.Event()
        self.go.set()
        self.arrived = asyncio.Event()
        self._connections: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> "FakePod":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET /readyz "):
                    await self.go.wait()
                    if self.behave is cut:
                        return
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                    continue
                fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
                size = int(fields[b"content-length"])
                request = wire.read_request(await reader.readexactly(size))
                self.requests.append([item.response for item in request.items])
                self.arrived.set()
                await self.go.wait()
                made = self.behave(request)
                if made is None:
                    return
                status, body, headers = made
                lines = [f"HTTP/1.1 {status} Because", f"content-length: {len(body)}"]
                lines += [f"{name}: {value}" for name, value in headers.items()]
                writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def strange(body: object) -> Behaviour:
    return lambda _: (200, json.dumps(body).encode(), {})
