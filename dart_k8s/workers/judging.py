"""From a finished response to its verdict: which part of it is judged, and how long a verifier is waited for."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from dart_k8s.answers import Verdict
from dart_k8s.errors import VerifierError
from dart_k8s.ledger.segments import Row

from .access import FIRST_WAIT, LONGEST_WAIT, Tell, silent
from .responding.path import prose
from .verification import Verifier


@dataclass(slots=True, kw_only=True)
class Judge:
    """Hands rows to the verifier."""

    verifier: Verifier
    query: Callable[[int], str]
    """By row number of the snapshot."""
    reference: Callable[[int], str]
    patience: float
    """Seconds for which a verifier that is out of order is waited for."""
    tell: Tell = silent
    out: bool = field(default=False, init=False)
    """The verifier gave no verdict the last time it was asked."""

    async def judge(self, row: Row) -> Verdict:
        """The verdict of a response; VerifierError once patience ends."""
        if row.finish == "executions":
            return _incorrect("it asked for more executions than it may", "extract")
        verdict = await self._verified(row)
        if row.finish == "length" and verdict.verdict == "incorrect" and verdict.answer is None:
            return _incorrect("cut off at maxTokens", verdict.tier)
        return verdict

    async def _verified(self, row: Row) -> Verdict:
        loop = asyncio.get_running_loop()
        # What code printed is no answer.
        response = prose(row.response or "", row.spans)
        reference, query = self.reference(row.query), self.query(row.query)
        give_up, wait = loop.time() + self.patience, FIRST_WAIT
        while True:
            try:
                verdict = await self.verifier.verify(response, reference, query)
                if self.out:
                    self.tell("verifier-back")
                self.out = False
                return verdict
            except VerifierError as error:
                if loop.time() + wait > give_up:
                    raise
                if not self.out:
                    self.tell("verifier-unavailable", error=str(error))
                self.out = True
            await asyncio.sleep(wait * random.uniform(0.7, 1.3))
            wait = min(LONGEST_WAIT, 2 * wait)


def _incorrect(reason: str, tier: str) -> Verdict:
    return Verdict(verdict="incorrect", answer=None, tier=tier, reason=reason)
