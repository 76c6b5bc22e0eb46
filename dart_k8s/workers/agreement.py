"""How the verifier agrees with a benchmark: every reference against itself, and against answers made wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from dart_k8s.answers import Verdict
from dart_k8s.benchmarks import POLICIES, Item, Name, asked
from dart_k8s.benchmarks.agreement import Probe, probes

from .checking import Checkers

PIECE = 512
"""Responses asked of the checkers together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A verdict that is not what the response was made for."""

    item: Item
    policy: Name
    probe: Probe
    found: Verdict


@dataclass(slots=True, kw_only=True)
class Agreement:
    """What came out."""

    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Responses by policy and form."""
    disagreements: list[Disagreement] = field(default_factory=list)


async def agreement(items: Sequence[Item], checkers: Checkers) -> Agreement:
    """Ask checkers that are started. Items of one rule go together."""
    found = Agreement()
    waiting: dict[str, list[tuple[Item, Name, Probe]]] = {}
    for item in items:
        for policy in POLICIES:
            for probe in probes(item):
                found.asked[policy, probe.form] += 1
                group = waiting.setdefault(repr(asked(item, policy)), [])
                group.append((item, policy, probe))
                if len(group) == PIECE:
                    await _ask(group, checkers, found)
                    group.clear()
    for group in waiting.values():
        await _ask(group, checkers, found)
    return found


async def _ask(group: Sequence[tuple[Item, Name, Probe]], checkers: Checkers, found: Agreement) -> None:
    if not group:
        return
    item, policy, _ = group[0]
    responses = [(probe.response, item.reference, item.problem) for item, _, probe in group]
    verdicts = await checkers.check(responses, asdict(asked(item, policy)))
    for (item, policy, probe), verdict in zip(group, verdicts, strict=True):
        if verdict.verdict != probe.expected:
            found.disagreements.append(Disagreement(item=item, policy=policy, probe=probe, found=verdict))


__all__ = ["Agreement", "Disagreement", "agreement"]
