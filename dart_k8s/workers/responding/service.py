"""Code run by a verification service, behind the interface of every executor."""

from collections.abc import Callable
from typing import Protocol, cast

from dart_k8s.edges.execution.base import Block, BlockLimits, Counters, Execution, Outcome, Standing
from dart_k8s.edges.verification.blocks import WireBlock, WireExecution, WireLimits
from dart_k8s.errors import SpecError

__all__ = ["Connection", "ServiceExecutor"]


class Connection(Protocol):
    """A way to servers that run code."""

    async def about(self, limits: WireLimits | None = None) -> None: ...

    async def execute(self, block: WireBlock) -> WireExecution: ...

    async def close(self) -> None: ...


class ServiceExecutor:
    """See `Executor`. What confines code is the servers' business: they refuse to start below the minimum."""

    def __init__(
        self, url: str, *, limits: BlockLimits | None = None, connect: Callable[[str], Connection] | None = None
    ) -> None:
        """`limits` go with each block that has none of its own; None: what the servers allow. `connect` makes the
        connection at the first use; default: over HTTP. SpecError if that is not installed."""
        self.counters = Counters()
        self._url = url
        self._limits = limits
        self._connect = connect or _http()
        self._connection: Connection | None = None

    async def start(self) -> Standing:
        """See `Executor`. SpecError if the servers don't run code, or not with these limits."""
        await self._open().about(_wire(self._limits))
        return Standing(layers={"service": self._url}, promises={})

    async def execute(self, block: Block) -> Execution:
        """See `Executor`."""
        found = await self._open().execute(
            WireBlock(session=block.session, blocks=block.blocks, limits=_wire(block.limits or self._limits))
        )
        counters = self.counters
        counters.executions[found.outcome] = counters.executions.get(found.outcome, 0) + 1
        counters.seconds += found.seconds
        counters.replays += found.replayed > 0
        counters.replayed += found.replayed
        return Execution(
            text=found.text,
            outcome=cast(Outcome, found.outcome),
            seconds=found.seconds,
            replayed=found.replayed,
            restarted=found.restarted,
        )

    async def close(self) -> None:
        """See `Executor`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._connect(self._url)
        return self._connection


def _wire(limits: BlockLimits | None) -> WireLimits | None:
    if limits is None:
        return None
    return WireLimits(seconds=limits.seconds, memory=limits.memory, head=limits.head_bytes, tail=limits.tail_bytes)


def _http() -> Callable[[str], Connection]:
    try:
        from dart_k8s.edges.verification.execution import HttpExecution
    except ImportError as error:
        raise SpecError(
            f"Cannot ask a verification service: the package '{error.name}' is not installed.",
            remedy="Install dart-k8s[worker], or remove spec.verifiers.url.",
        ) from error
    return lambda url: HttpExecution([url])
