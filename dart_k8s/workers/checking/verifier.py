"""Checkers in the place of a verifier: for those who judge one response at a time, and want all cores for it."""

from dart_k8s.answers import Verdict

from .checkers import Checkers


class CheckersVerifier:
    """Verdicts by checkers that are started, under one policy. See `verification.Verifier`."""

    def __init__(self, checkers: Checkers, *, version: str, lenient: bool) -> None:
        """`version` is what the verdicts are stored with."""
        self.version = version
        self._checkers = checkers
        self._policy = {"lenient": True} if lenient else {}

    async def verify(self, response: str, reference: str, query: str) -> Verdict:
        """The verdict; VerifierError after `close`."""
        [found] = await self._checkers.check([(response, reference, query)], self._policy)
        return found

    async def close(self) -> None:
        """End all processes."""
        await self._checkers.close()
