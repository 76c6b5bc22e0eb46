"""A verification service, seen from outside: one response in, one verdict out. How it is reached is its own matter."""

from typing import Protocol

from dart_k8s.edges.verification.wire import Item, WireVerdict

__all__ = ["VerificationService"]


class VerificationService(Protocol):
    """Pods that judge responses under one policy and one version of the rules."""

    async def verify(self, item: Item) -> WireVerdict:
        """The verdict on one response; as many at a time as the caller likes.

        Raises VerifierError when all servers are out of order for long, SpecError when they judge by other rules than
        were asked for: waiting does not mend that.
        """
        ...

    async def close(self) -> None:
        """Let connections go. Verdicts still awaited raise VerifierError."""
        ...
