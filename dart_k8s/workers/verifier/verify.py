"""POST /v1/verify: responses in, verdicts out. The format is that of `edges.verification.wire`."""

from dataclasses import fields
from typing import Any

from dart_k8s import __version__, answers
from dart_k8s.answers import Policy
from dart_k8s.edges.metrics import Metrics
from dart_k8s.edges.verification import wire
from dart_k8s.errors import VerifierError
from dart_k8s.workers.checking import Checkers

from . import measures
from .endpoint import Refused
from .gate import Gate

__all__ = ["Verify"]

PROBE = (r"\boxed{\int_0^1 x^2 dx}", r"\frac{1}{3}", None)
"""A check that no tier before computer algebra can decide: it proves that a child works."""
MOST = 1e100
"""Largest tolerance that can be asked for."""
KINDS = ("", "list", "set", "tuple", "interval")


class Verify:
    """See `Endpoint`."""

    name = "verify"

    def __init__(
        self,
        checkers: Checkers,
        metrics: Metrics,
        *,
        queue_items: int,
        queue_bytes: int,
        most_items: int,
        most_body: int,
        seconds: float,
    ) -> None:
        self.gate = Gate(items=queue_items, size=queue_bytes)
        self.most_body, self.most_items, self.seconds = most_body, most_items, seconds
        self._checkers, self._metrics = checkers, metrics
        self._checkers_dead = self._children_dead = 0

    async def start(self) -> None:
        """See `Endpoint`."""
        await self._checkers.start()

    async def probe(self) -> str:
        """See `Endpoint`."""
        if not self._checkers.alive:
            return "no checker is alive"
        [found] = await self._checkers.check([PROBE])
        if found.verdict != "correct" or found.tier != "symbolic":
            return f"a check that should succeed is {found.verdict}: {found.reason}"
        return ""

    def parse(self, body: bytes) -> tuple[wire.Request, int]:
        """See `Endpoint`."""
        try:
            request = wire.read_request(body)
        except wire.Malformed as error:
            raise Refused(400, "malformed", error.message, remedy=error.remedy) from None
        if len(request.items) > self.most_items:
            raise Refused(
                413,
                "too-large",
                f"The request has {len(request.items)} items, more than {self.most_items}.",
                remedy="Send several smaller requests.",
            )
        if request.rules is not None and request.rules != answers.VERSION:
            raise Refused(
                409,
                "other-rules",
                f"The request asks for verdicts by rules {request.rules}; this verifier (dart-k8s {__version__}) has "
                f"rules {answers.VERSION}.",
                remedy="Use samplers and verifiers of the same release: verdicts of two never mix.",
            )
        wrong = wrong_policy(request.policy)
        if wrong:
            raise Refused(400, "malformed", wrong)
        return request, len(request.items)

    async def answer(self, asked: wire.Request) -> bytes:
        """See `Endpoint`."""
        items = [(item.response, item.reference, item.query) for item in asked.items]
        try:
            found = await self._checkers.check(items, asked.policy)
        except VerifierError as error:
            raise Refused(503, "stopping", error.message, retry_after=1) from None
        for one in found:
            self._metrics.add(measures.VERDICTS, verdict=one.verdict, tier=one.tier)
        verdicts = tuple(
            wire.WireVerdict(verdict=one.verdict, answer=one.answer, tier=one.tier, reason=one.reason) for one in found
        )
        return wire.write_reply(wire.Reply(verdicts=verdicts, rules=answers.VERSION, program=__version__))

    def facts(self) -> dict[str, Any]:
        """See `Endpoint`."""
        return {}

    def bounds(self) -> dict[str, Any]:
        """See `Endpoint`."""
        return {}

    def measure(self) -> None:
        """See `Endpoint`."""
        counts = self._checkers.counts
        self._metrics.add(measures.KILLS, counts.checkers - self._checkers_dead, child="checker")
        self._metrics.add(measures.KILLS, counts.children - self._children_dead, child="algebra")
        self._checkers_dead, self._children_dead = counts.checkers, counts.children
        self._metrics.set(measures.CHILDREN, self._checkers.alive, endpoint=self.name)

    async def close(self) -> None:
        """See `Endpoint`."""
        await self._checkers.close()


def wrong_policy(given: Any) -> str:
    """One sentence that says what is wrong with a request's policy, or nothing."""
    defaults = {one.name: one.default for one in fields(Policy)}
    for name, value in given.items():
        if name not in defaults:
            return f"policy has a field {ascii(name)[:60]}; there are {', '.join(defaults)}."
        wanted = type(defaults[name])
        if wanted is float and (
            isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST
        ):
            return f"policy.{name} is {ascii(value)[:60]}: not a number from 0 to {MOST:g}."
        if wanted is bool and not isinstance(value, bool):
            return f"policy.{name} is {ascii(value)[:60]}: not true or false."
        if wanted is str and value not in KINDS:
            return f"policy.{name} is {ascii(value)[:60]}: not one of {', '.join(map(repr, KINDS))}."
    return ""
