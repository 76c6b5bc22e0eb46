"""POST /v1/execute: a block of code in, what it prints out. The format is that of `edges.verification.blocks`.

Its queue and its processes are its own: code that runs for seconds holds up no verdict.
"""

from collections.abc import Callable
from typing import Any

from dart_k8s.edges.execution.base import Block, BlockLimits, Executor, Standing
from dart_k8s.edges.metrics import Metrics
from dart_k8s.edges.verification import wire
from dart_k8s.edges.verification.blocks import BEYOND, REQUEST, WireBlock, WireExecution, read_block, write_execution
from dart_k8s.errors import ExecutionError

from . import measures
from .endpoint import Refused
from .gate import Gate

__all__ = ["Execute"]

PROBE = Block(session="probe", blocks=("6 * 7",))


class Execute:
    """See `Endpoint`."""

    name = "execute"

    def __init__(
        self,
        executor: Executor,
        metrics: Metrics,
        tell: Callable[..., None],
        *,
        queue_items: int,
        queue_bytes: int,
        most_body: int,
        seconds: float,
        most: BlockLimits,
    ) -> None:
        """`most` is what one block may use at most, and what it may use if its request does not say."""
        self.gate = Gate(items=queue_items, size=queue_bytes)
        self.most_body, self.seconds = most_body, seconds
        self._most = most
        self._executor, self._metrics, self._tell = executor, metrics, tell
        self._standing = Standing(layers={}, promises={})
        self._seen = (0, 0, 0, 0)
        """Kills, replayed blocks, evicted sessions and executions that metrics or probes know of."""

    async def start(self) -> None:
        """See `Endpoint`. ExecutionError: what confines code here is below the minimum."""
        standing = self._standing = await self._executor.start()
        for layer, detail in standing.layers.items():
            self._metrics.set(measures.LAYER, 1 if detail else 0, layer=layer)
        for promise, kept in standing.promises.items():
            self._metrics.set(measures.PROMISE, 1 if kept else 0, promise=promise)
        self._tell("confinement", **self.facts())

    async def probe(self) -> str:
        """See `Endpoint`. Blocks that have ended since the last probe prove as much, and wait in no queue."""
        ended = sum(self._executor.counters.executions.values())
        if ended != self._seen[3]:
            self._seen = (*self._seen[:3], ended)
            return ""
        found = await self._executor.execute(PROBE)
        return "" if found.text.strip() == "42" else f"a block that should print 42 ended in {found.outcome}"

    def facts(self) -> dict[str, Any]:
        """See `Endpoint`."""
        standing = self._standing
        layers = {layer: detail for layer, detail in standing.layers.items() if detail}
        return {"layers": layers, "promises": dict(standing.promises), "missing": list(standing.missing)}

    def parse(self, body: bytes) -> tuple[WireBlock, int]:
        """See `Endpoint`."""
        try:
            asked = read_block(body)
        except wire.Malformed as error:
            raise Refused(400, "malformed", error.message, remedy=error.remedy) from None
        if beyond := self._beyond(asked):
            raise Refused(400, BEYOND, beyond[0], remedy=beyond[1])
        return asked, 1

    def _beyond(self, asked: WireBlock) -> tuple[str, str] | None:
        """What a request asks for beyond the server's limits, and the way out; None if there is nothing."""
        if (limits := asked.limits) is None:
            return None
        most = self._most
        kept, most_kept = limits.head + limits.tail, most.head_bytes + most.tail_bytes
        mib, most_mib = -(-limits.memory // (1 << 20)), most.memory >> 20
        remedy = "Lower spec.execution.{}, or start the server with {} {}."
        if limits.seconds > most.seconds:
            words = f"{limits.seconds:g} s for a block, more than {most.seconds:g}."
            return words, remedy.format("seconds", "--block-seconds", f"{limits.seconds:g}")
        if limits.memory > most.memory:
            return f"{mib} MiB for a session, more than {most_mib}.", remedy.format("memoryMib", "--block-memory", mib)
        if kept > most_kept:
            words = f"{kept} bytes of a block's output, more than {most_kept}."
            return words, remedy.format("outputCharacters", "--block-output", kept)
        return None

    async def answer(self, asked: WireBlock) -> bytes:
        """See `Endpoint`."""
        try:
            found = await self._executor.execute(_block(asked))
        except ExecutionError as error:
            raise Refused(503, "out-of-order", error.message, remedy=error.remedy, retry_after=1) from None
        self._metrics.add(measures.EXECUTIONS, outcome=found.outcome)
        self._metrics.observe(measures.EXECUTION_SECONDS, found.seconds)
        return write_execution(
            WireExecution(
                text=found.text,
                outcome=found.outcome,
                seconds=round(found.seconds, 6),
                replayed=found.replayed,
                restarted=found.restarted,
            )
        )

    def bounds(self) -> dict[str, Any]:
        """See `Endpoint`."""
        most = self._most
        block = {"seconds": most.seconds, "memory": most.memory, "output": most.head_bytes + most.tail_bytes}
        return {"format": REQUEST, "block": block}

    def measure(self) -> None:
        """See `Endpoint`."""
        counters = self._executor.counters
        kills, replayed, evicted, ended = self._seen
        self._metrics.add(measures.KILLS, counters.kills - kills, child="execution")
        self._metrics.add(measures.REPLAYED, counters.replayed - replayed)
        self._metrics.add(measures.EVICTED, counters.evicted - evicted)
        self._metrics.set(measures.SESSIONS, counters.sessions)
        self._seen = (counters.kills, counters.replayed, counters.evicted, ended)

    async def close(self) -> None:
        """See `Endpoint`."""
        await self._executor.close()


def _block(asked: WireBlock) -> Block:
    limits = asked.limits
    if limits is None:
        return Block(session=asked.session, blocks=asked.blocks)
    return Block(
        session=asked.session,
        blocks=asked.blocks,
        limits=BlockLimits(
            seconds=limits.seconds, memory=limits.memory, head_bytes=limits.head, tail_bytes=limits.tail
        ),
    )
