"""A way to an HTTP server that sees every write, can refuse to forward one, and can lose the answer to one.

It listens without TLS on loopback; requests are read whole and passed on byte for byte (an S3 signature stays valid),
answers are passed through as they come. So what is killed in between is killed exactly before or after a write.
"""

import asyncio
import contextlib
import json
import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Self
from urllib.parse import urlsplit

CHUNK = 1 << 16
LONGEST_HEAD = 1 << 17
VARIED = re.compile(r"(?<=^state/plans/).*|(?<=^state/claims/).*|(?<=^state/tallies/).*")
"""Parts of keys with numbers that differ from run to run."""
ANSWERS_WITHIN = 20.0
"""Seconds to wait for an answer that nobody waits for any more."""
When = Literal["before", "after"]


class Write(NamedTuple):
    """A write by what it is to: the same in every run of the same program."""

    label: str
    """Like "POST jobs toy-prepare-1", "PUT state/budget"."""
    number: int
    """Which one of this label, from 1."""


@dataclass
class Wire:
    """See the module. `name` makes a label of a request (method, path with query, body), or "" for what is no write."""

    upstream: str
    """URL of the server."""
    name: Callable[[str, str, bytes], str]
    tls: ssl.SSLContext | None = None
    writes: list[Write] = field(default_factory=list)
    """In the order in which they were to be forwarded."""
    seen: Callable[[Write, When], bool] = lambda write, when: False
    """Told of each write before it is forwarded, and when its answer begins to come. True: from then on nothing passes
    on that connection."""
    answers: list[tuple[Write, int]] = field(default_factory=list)
    """Writes with the status of their answers."""
    url: str = ""

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="wire")
        self._counts: dict[str, int] = {}
        parts = urlsplit(self.upstream)
        self._host, self._port = parts.hostname or "", parts.port or 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LONGEST_HEAD), self._loop
        ).result()
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        async def end() -> None:
            self._server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pump: asyncio.Task[None] | None = None
        connection = _Connection(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                server_reader, server_writer = await asyncio.open_connection(self._host, self._port, ssl=self.tls)
                connection.server = server_writer
                pump = asyncio.create_task(self._pump(server_reader, connection))
                await self._requests(reader, connection)
        finally:
            if pump is not None:
                # Who asked may be dead by now; what it asked for is carried out all the same, and counts.
                if connection.awaited is not None:
                    await asyncio.wait({pump}, timeout=ANSWERS_WITHIN)
                pump.cancel()
            connection.close()

    async def _requests(self, reader: asyncio.StreamReader, connection: "_Connection") -> None:
        server = connection.server
        assert server is not None
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            first, _, _ = head.partition(b"\r\n")
            method, path, _ = first.decode("latin-1").split(" ", 2)
            if re.search(rb"(?i)\r\nexpect:\s*100-continue", head):
                # The body is wanted here before it is known whether it will be forwarded.
                head = re.sub(rb"(?i)\r\nexpect:[^\r]*", b"", head)
                connection.client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await connection.client.drain()
            body = await _body(reader, head)
            label = self.name(method, path, body)
            if label:
                self._counts[label] = self._counts.get(label, 0) + 1
                write = Write(label, self._counts[label])
                self.writes.append(write)
                if self.seen(write, "before"):
                    return
                connection.awaited = write
            server.write(head + body)
            await server.drain()

    async def _pump(self, reader: asyncio.StreamReader, connection: "_Connection") -> None:
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(CHUNK):
                    if connection.awaited is not None:
                        write, connection.awaited = connection.awaited, None
                        self.answers.append((write, int(data[9:12])))
                        if self.seen(write, "after"):
                            return
                    if connection.client.is_closing():
                        return
                    connection.client.write(data)
                    await connection.client.drain()
        finally:
            connection.close()


class _Connection:
    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.client = client
        self.server: asyncio.StreamWriter | None = None
        self.awaited: Write | None = None
        """A write whose answer is to come."""

    def close(self) -> None:
        for writer in (self.client, self.server):
            if writer is not None:
                writer.close()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """As it was sent, chunks and all."""
    if found := re.search(rb"(?i)\r\ncontent-length:\s*(\d+)", head):
        return await reader.readexactly(int(found[1]))
    if not re.search(rb"(?i)\r\ntransfer-encoding:[^\r]*chunked", head):
        return b""
    parts = []
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        data = await reader.readexactly(size + 2) if size else b""
        parts += [line, data]
        if not size:
            # Trailers, and the empty line that ends them.
            while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
                parts.append(line)
            return b"".join([*parts, b"\r\n"])


def of_kubernetes(method: str, path: str, body: bytes) -> str:
    """A write's label: its method, resource, and object. Leases are not named: their writes follow the clock."""
    if method == "GET":
        return ""
    where = urlsplit(path).path.split("/")
    resource = where[where.index("namespaces") + 2 :]
    if resource[0] == "leases":
        return ""
    if method == "POST" and resource[0] != "events":
        resource.append(json.loads(body)["metadata"]["name"])
    return " ".join([method, *resource])


def of_store(prefix: str) -> Callable[[str, str, bytes], str]:
    """A name for writes to objects below a bucket's prefix: their method and key; of plans only that they are some."""

    def name(method: str, path: str, body: bytes) -> str:
        if method not in ("PUT", "DELETE", "POST"):
            return ""
        key = urlsplit(path).path.lstrip("/").removeprefix(prefix).lstrip("/")
        return f"{method} {VARIED.sub('*', key) or '*'}"

    return name
