"""Nodes of a Training find each other before anything is loaded, so that one that is missing is named.

Node 0 listens where its rank 0 will; every other node says its number there and is told to go on when all are there.
Then the port is free again, for PyTorch's own rendezvous.
"""

import asyncio
from contextlib import suppress

from dart_k8s.errors import RendezvousTimeout

HELLO, GO = b"dart-node ", b"go\n"
RETRY_SECONDS = 1.0


async def meet(*, node: int, nodes: int, host: str, port: int, seconds: float) -> None:
    """Return when all nodes are there. RendezvousTimeout that names who is missing after so many seconds."""
    if nodes == 1:
        return
    await (_wait_for_others(nodes, port, seconds) if node == 0 else _report(node, host, port, seconds))


async def _wait_for_others(nodes: int, port: int, seconds: float) -> None:
    here: dict[int, asyncio.StreamWriter] = {}
    complete = asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Anybody may connect: a probe says nothing, and is no node.
        with suppress(OSError, ValueError, TimeoutError):
            async with asyncio.timeout(10.0):
                line = await reader.readline()
            if line.startswith(HELLO) and 0 < (number := int(line.removeprefix(HELLO))) < nodes:
                here[number] = writer
                if len(here) == nodes - 1:
                    complete.set()
                return
        writer.close()

    server = await asyncio.start_server(hear, "0.0.0.0", port)
    try:
        async with asyncio.timeout(seconds):
            await complete.wait()
    except TimeoutError as error:
        missing = [number for number in range(1, nodes) if number not in here]
        raise RendezvousTimeout(
            f"Nodes {', '.join(map(str, missing[:8]))}{' ...' if len(missing) > 8 else ''} of {nodes} did not reach "
            f"rank 0 on port {port} within {seconds:g} s.",
            remedy="Look whether their pods run, and whether the network lets them talk to each other.",
        ) from error
    finally:
        server.close()
    for writer in here.values():
        with suppress(OSError):
            writer.write(GO)
            await writer.drain()
        writer.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(5.0):
            await server.wait_closed()


async def _report(node: int, host: str, port: int, seconds: float) -> None:
    trouble: Exception | None = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    reader, writer = await asyncio.open_connection(host, port)
                    try:
                        writer.write(HELLO + str(node).encode() + b"\n")
                        await writer.drain()
                        if await reader.readline() == GO:
                            return
                    finally:
                        writer.close()
                except OSError as error:
                    trouble = error
                await asyncio.sleep(RETRY_SECONDS)
    except TimeoutError as error:
        raise RendezvousTimeout(
            f"Node {node} did not reach rank 0 at {host}:{port} within {seconds:g} s"
            f"{f' ({trouble})' if trouble else ''}.",
            remedy="Look whether the pod of node 0 runs, and whether the network lets them talk to each other.",
        ) from error


__all__ = ["meet"]
