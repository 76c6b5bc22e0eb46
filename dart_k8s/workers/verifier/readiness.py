"""Whether requests are served now, and if not, why: from a real piece of work through a child every few seconds."""

import asyncio
from collections.abc import Callable, Sequence

from .endpoint import Endpoint

__all__ = ["Readiness"]

PROBE_SECONDS = 5.0
"""Between two probes. The kubelet asks about as often."""
PROBE_AGAIN = 0.5
"""After one that failed: children are back within a second or two."""
PROBE_PATIENCE = 30.0
"""For how long a probe may take; it waits in the same queue as requests, behind those that came before it."""


class Readiness:
    """The state behind /readyz. `tell` gets what a log wants."""

    def __init__(self, endpoints: Sequence[Endpoint], tell: Callable[..., None]) -> None:
        self.tell = tell
        self.started = False
        """All children have been warm once."""
        self.draining = False
        """Told to stop: new requests are refused, those in hand are finished."""
        self.reached: list[str] | None = None
        """What this pod can reach and must not, see `isolation`; None: not tried (yet)."""
        self._endpoints = endpoints
        self._problems: dict[str, str] = {endpoint.name: "its children are starting" for endpoint in endpoints}

    def problem(self) -> str:
        """Why requests are not served, or nothing."""
        if self.draining:
            return "it is stopping"
        return "; ".join(f"{name}: {words}" for name, words in self._problems.items() if words)

    async def start(self) -> None:
        """Start every endpoint and probe it once. Raises what they raise."""
        await asyncio.gather(*(endpoint.start() for endpoint in self._endpoints))
        await self._probe()
        self.started = True

    async def watch(self) -> None:
        """Probe again and again."""
        while True:
            await asyncio.sleep(PROBE_AGAIN if any(self._problems.values()) else PROBE_SECONDS)
            await self._probe()

    async def _probe(self) -> None:
        before = self.problem()
        await asyncio.gather(*map(self._one, self._endpoints))
        after = self.problem()
        if after != before:
            self.tell("ready" if not after else "not-ready", reason=after)

    async def _one(self, endpoint: Endpoint) -> None:
        words = f"a probe had no answer within {PROBE_PATIENCE:g} s"
        try:
            async with asyncio.timeout(PROBE_PATIENCE):
                words = await endpoint.probe()
        except TimeoutError:
            pass
        except Exception as error:
            words = f"a probe failed: {error}"
        self._problems[endpoint.name] = words
