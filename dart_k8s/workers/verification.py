"""Verification behind one interface: what a sampler hands its responses to.

The children of `answers.pool` on the sampler's own machine, or a verification service.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, cast

from dart_k8s import answers
from dart_k8s.answers import Policy, Verdict
from dart_k8s.answers.pool import Pool
from dart_k8s.edges.verification import Item, VerificationService
from dart_k8s.errors import SpecError


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


def version_of(*, lenient: bool) -> str:
    """The version that verdicts of this program are stored with. Those under another policy are other verdicts: they
    never mix in one state either."""
    return f"{answers.VERSION}-lenient" if lenient else answers.VERSION


class PoolVerifier:
    """Killable children on this machine."""

    def __init__(self, *, processes: int, deadline: float, memory_mib: int, lenient: bool = False) -> None:
        self.version = version_of(lenient=lenient)
        self.lenient = lenient
        self._policy = Policy(lenient=lenient)
        self._pool = Pool(processes=processes, deadline=deadline, memory=memory_mib << 20)

    async def verify(self, response: str, reference: str, query: str) -> Verdict:
        """See `Verifier`."""
        return await self._pool.verify(response, reference, query, policy=self._policy)

    async def close(self) -> None:
        """See `Verifier`."""
        self._pool.close()


Connect = Callable[[str, str, Mapping[str, Any]], VerificationService]
"""(base URL, version of the rules, fields of the policy) -> the service."""


class ServiceVerifier:
    """A verification service, which judges by the rules of this program's own version or not at all."""

    def __init__(self, url: str, *, lenient: bool = False, connect: Connect | None = None) -> None:
        """`connect` makes the connection at the first use; default: over HTTP. SpecError if that is not installed."""
        self.version = version_of(lenient=lenient)
        self._policy = {"lenient": True} if lenient else {}
        self._url = url
        self._connect = connect or _http()
        self._service: VerificationService | None = None

    async def verify(self, response: str, reference: str, query: str) -> Verdict:
        """See `Verifier`. SpecError if the service judges by other rules."""
        if self._service is None:
            self._service = self._connect(self._url, answers.VERSION, self._policy)
        found = await self._service.verify(Item(response=response, reference=reference, query=query))
        verdict = cast(Literal["correct", "incorrect", "undecided"], found.verdict)
        return Verdict(verdict=verdict, answer=found.answer, tier=found.tier, reason=found.reason)

    async def close(self) -> None:
        """See `Verifier`."""
        if self._service is not None:
            await self._service.close()


def _http() -> Connect:
    try:
        from dart_k8s.edges.verification.http import HttpVerification
    except ImportError as error:
        raise SpecError(
            f"Cannot ask a verification service: the package '{error.name}' is not installed.",
            remedy="Install dart-k8s[worker], or remove spec.verifiers.url.",
        ) from error
    return lambda url, rules, policy: HttpVerification([url], rules=rules, policy=policy)


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
