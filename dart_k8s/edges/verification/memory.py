"""A fake that ships: the same promises without a network, for tests and simulations."""

import asyncio
from collections.abc import Callable

from dart_k8s.edges.verification.wire import Item, WireVerdict
from dart_k8s.errors import SpecError, VerifierError

__all__ = ["MemoryVerification"]


class MemoryVerification:
    """Judges by a function. Tests set `out_of_order` and `other_rules` to words to see what a caller does then."""

    def __init__(self, judge: Callable[[Item], WireVerdict], *, delay: float = 0.0) -> None:
        """`delay` in seconds of the event loop's time."""
        self.out_of_order = ""
        self.other_rules = ""
        self.asked = 0
        """Responses judged so far."""
        self._judge, self._delay = judge, delay
        self._closed = asyncio.Event()

    async def verify(self, item: Item) -> WireVerdict:
        """See `VerificationService`."""
        await asyncio.sleep(self._delay)
        if self._closed.is_set():
            raise VerifierError("The connection to the verifiers was closed.")
        if self.other_rules:
            raise SpecError(self.other_rules, remedy="Use samplers and verifiers of the same release.")
        if self.out_of_order:
            raise VerifierError(self.out_of_order)
        self.asked += 1
        return self._judge(item)

    async def close(self) -> None:
        """See `VerificationService`."""
        self._closed.set()
