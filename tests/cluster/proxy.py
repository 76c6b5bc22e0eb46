"""A TCP proxy before the API server that can fail the ways networks fail. It sees no plain text and needs no trust."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Self, TypeVar

Result = TypeVar("Result")
CHUNK = 65536
NO_LINGER = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on a free port of loopback and passes bytes to one server; `with` starts and ends it.

    Clients that should feel the faults get the proxy's address in their kubeconfig.
    """

    def __init__(self, port: int) -> None:
        """`port`: where the server listens on loopback; it may be away for a while."""
        self._server_port = port
        self._silent = False
        self._connections: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._listening: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many are open now, silent ones too."""
        return self._call(lambda: len(self._connections))

    def cut(self, *, new: bool = True) -> None:
        """Silently: on each connection that is open now no byte arrives any more, either way, and nobody is told.

        It stays so on them for ever, as with a NAT that forgot them. New ones are accepted and silent too until `mend`,
        or work at once with `new=False`.
        """

        def silence() -> None:
            self._silent = new
            for connection in self._connections:
                connection.silent = True

        self._call(silence)

    def mend(self) -> None:
        """New connections work again."""

        def speak() -> None:
            self._silent = False

        self._call(speak)

    def reset(self) -> None:
        """End every connection at once; both sides see it (RST)."""

        def abort() -> None:
            for connection in list(self._connections):
                connection.abort()

        self._call(abort)

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result()
        self.port = self._listening.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        async def end() -> None:
            if self._listening is not None:
                self._listening.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self.reset()
        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(writer, silent=self._silent)
        self._connections.add(connection)
        try:
            with contextlib.suppress(OSError):
                server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
                connection.server = server_writer
                await asyncio.gather(
                    connection.forward(reader, server_writer), connection.forward(server_reader, writer)
                )
        finally:
            self._connections.discard(connection)
            connection.close()

    def _call(self, function: Callable[[], Result]) -> Result:
        async def run() -> Result:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()


class _Connection:
    def __init__(self, client: asyncio.StreamWriter, *, silent: bool) -> None:
        self.client = client
        self.server: asyncio.StreamWriter | None = None
        self.silent = silent

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the sender ends. Silent ones are still read, so no buffer fills up and tells."""
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if not self.silent:
                    writer.write(data)
                    await writer.drain()
            if not self.silent and writer.can_write_eof():
                writer.write_eof()

    def abort(self) -> None:
        """End it by RST on both sides: closing without lingering sends that."""
        for writer in self._writers():
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            writer.transport.abort()

    def close(self) -> None:
        """End it in order."""
        for writer in self._writers():
            writer.close()

    def _writers(self) -> list[asyncio.StreamWriter]:
        return [writer for writer in (self.client, self.server) if writer is not None and not writer.is_closing()]
