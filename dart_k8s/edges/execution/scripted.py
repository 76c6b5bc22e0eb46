"""An executor that plays a script: for tests, simulations and dry runs. It runs nothing."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping

from dart_k8s.edges.execution.base import BLOCK_BYTES, Block, Counters, Execution, Outcome, Standing
from dart_k8s.errors import ExecutionError

__all__ = ["Said", "ScriptedExecutor"]

Said = str | tuple[str, Outcome]
"""What a block prints; with its outcome where that is not "done"."""


class ScriptedExecutor:
    """Says what the script has for a block's text; nothing for a block that it does not know.

    `seconds` is loop time for each block that is run or run again, `sessions` how many are held. Faults: after
    `fails_after` blocks every request ends in ExecutionError.
    """

    def __init__(
        self,
        script: Mapping[str, Said] | Callable[[str], Said] = {},  # noqa: B006 - never changed
        *,
        seconds: float = 0.0,
        sessions: int = 32,
        fails_after: int | None = None,
    ) -> None:
        self.counters = Counters()
        self._say: Callable[[str], Said] = script if callable(script) else lambda code: script.get(code, "")
        self._seconds = seconds
        self._sessions = sessions
        self._fails_after = fails_after
        self._held: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._closed = False
        self.running = 0
        """Requests being served."""

    async def start(self) -> Standing:
        """See `Executor`."""
        return Standing(layers={"scripted": "runs nothing"}, promises={})

    async def execute(self, block: Block) -> Execution:
        """See `Executor`."""
        counters = self.counters
        if self._closed:
            raise ExecutionError("The scripted executor is closed.", remedy="Make a new one.")
        if not block.blocks:
            raise ExecutionError(f"Session '{block.session}' was asked to run no block.")
        if self._fails_after is not None and sum(counters.executions.values()) >= self._fails_after:
            raise ExecutionError("The scripted executor fails, as it was told.")
        held = self._held.pop(block.session, None)
        replayed = 0 if held == block.blocks[:-1] else len(block.blocks) - 1
        self.running += 1
        try:
            await asyncio.sleep(self._seconds * (replayed + 1))
        finally:
            self.running -= 1
        said = self._say(block.blocks[-1])
        text, outcome = said if isinstance(said, tuple) else (said, "done")
        if len(block.blocks[-1].encode("utf-8", "surrogatepass")) > BLOCK_BYTES:
            text, outcome = "ValueError: the block is too long", "refused"
        restarted = outcome in ("died", "output")
        if not restarted and outcome != "refused":
            self._held[block.session] = block.blocks
            while len(self._held) > self._sessions:
                self._held.popitem(last=False)
                counters.evicted += 1
        counters.executions[outcome] = counters.executions.get(outcome, 0) + 1
        counters.replays += replayed > 0
        counters.replayed += replayed
        counters.sessions = len(self._held)
        return Execution(
            text=text,
            outcome=outcome,
            seconds=self._seconds * (replayed + 1),
            replayed=replayed,
            restarted=restarted,
        )

    async def close(self) -> None:
        """See `Executor`."""
        self._closed = True
