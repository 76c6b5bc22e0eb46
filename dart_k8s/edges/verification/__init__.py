"""Verification servers, seen from outside: the wire format, the client, and a fake of both ends."""

from dart_k8s.edges.verification.base import VerificationService
from dart_k8s.edges.verification.memory import MemoryVerification
from dart_k8s.edges.verification.wire import Item, WireVerdict

__all__ = ["Item", "MemoryVerification", "VerificationService", "WireVerdict"]
