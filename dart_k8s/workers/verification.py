"""Verification behind one interface: what a sampler hands its responses to.

Today the children of `answers.pool` on the sampler's own machine; a verification service takes the same place.
"""

import asyncio
import secrets
from typing import Protocol

from dart_k8s import answers
from dart_k8s.answers import Policy, Verdict
from dart_k8s.answers.pool import Pool


class Verifier(Protocol):
    """Compares final answers with references."""

    version: str
    """Of the rules: verdicts of two versions never mix in one state."""

    async def verify(self, response: str, reference: str, query: str) -> Verdict:
        """The verdict; never raises for anything a response holds. VerifierError if the verifier is out of order."""
        ...

    async def close(self) -> None:
        """Let everything go."""
        ...


class PoolVerifier:
    """Killable children on this machine."""

    def __init__(self, *, processes: int, deadline: float, memory_mib: int, lenient: bool = False) -> None:
        # Verdicts under another policy are other verdicts: they never mix in one state either.
        self.version = f"{answers.VERSION}-lenient" if lenient else answers.VERSION
        self._policy = Policy(lenient=lenient)
        self._pool = Pool(processes=processes, deadline=deadline, memory=memory_mib << 20)

    async def verify(self, response: str, reference: str, query: str) -> Verdict:
        """See `Verifier`."""
        return await self._pool.verify(response, reference, query, policy=self._policy)

    async def close(self) -> None:
        """See `Verifier`."""
        self._pool.close()


class LateVerifier:
    """A fake that ships, for dry runs and simulations: same text as the reference is right, after a fixed delay."""

    def __init__(self, *, delay: float) -> None:
        self.version = "exact-1"
        self._delay = delay

    async def verify(self, response: str, reference: str, query: str) -> Verdict:
        """See `Verifier`."""
        if self._delay:
            await asyncio.sleep(self._delay)
        _, found, rest = response.rpartition("\\boxed{")
        answer = rest.partition("}")[0] if found else None
        right = answer == reference
        return Verdict(
            verdict="correct" if right else "incorrect",
            answer=answer,
            tier="text",
            reason="same text" if right else "other text" if found else "no final answer",
        )

    async def close(self) -> None:
        """See `Verifier`."""


def holder_name(role: str, host: str, process: int) -> str:
    """A name for a process that nobody else has: role, host, process and a random part."""
    return f"{role}-{host}-{process}-{secrets.token_hex(4)}"
