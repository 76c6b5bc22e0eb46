"""Verdicts on responses under the policies of their items, by checkers that may be killed at any moment."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from re import compile as pattern

from dart_k8s.answers import Policy, Verdict, normal_answer
from dart_k8s.answers.limits import ANSWER_CHARACTERS
from dart_k8s.benchmarks import Item, Name, asked
from dart_k8s.workers.checking import Checkers

CLASSES_ASKED = 8
"""Classes, the largest ones, that a wrong answer is compared with before it has one of its own: comparing all with all
grows with the square of the trials, and a vote is decided among the large ones."""
_NUMBER = pattern(r"-?\d{1,400}(?:\.\d{1,400})?")


@dataclass(frozen=True, slots=True)
class Asked:
    """One response to one item."""

    item: Item
    text: str
    """What the response says itself, without code and outputs."""
    finish: str
    """stop, length or executions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """The verdicts on one response."""

    strict: Verdict
    lenient: Verdict

    def of(self, policy: Name) -> Verdict:
        """By policy."""
        return self.strict if policy == "strict" else self.lenient


async def judge(checkers: Checkers, batch: Sequence[Asked]) -> list[Both]:
    """Verdicts in order. Only a response without a marked answer is read twice: lenient differs in nothing else."""
    strict = await _checked(checkers, batch, "strict")
    silent = [i for i, verdict in enumerate(strict) if verdict.answer is None and batch[i].finish != "executions"]
    lenient = dict(zip(silent, await _checked(checkers, [batch[i] for i in silent], "lenient"), strict=True))
    return [
        Both(strict=_told(one, verdict), lenient=_told(one, lenient.get(i, verdict)))
        for i, (one, verdict) in enumerate(zip(batch, strict, strict=True))
    ]


async def classes(checkers: Checkers, item: Item, policy: Name, wrong: Counter[str]) -> tuple[int, ...]:
    """Sizes of the classes of equal wrong answers, the largest first; `wrong` counts answers by their normal form.

    Equal is what the verifier calls equal under the item's own policy. Equality of plain numbers is decided here; where
    a tolerance makes equality no equivalence, an answer joins the largest class that it equals.
    """
    rules = asked(item, policy)
    exact = not (rules.relative or rules.absolute)
    merged: Counter[str] = Counter()
    for answer, count in sorted(wrong.items(), key=lambda one: (-one[1], one[0])):
        merged[_number(answer) if exact else answer] += count
    found: list[tuple[str, int]] = []
    for answer, count in sorted(merged.items(), key=lambda one: (-one[1], one[0])):
        rivals = [
            number
            for number, (other, _) in enumerate(found[:CLASSES_ASKED])
            if not (exact and _NUMBER.fullmatch(answer) and _NUMBER.fullmatch(other))
        ]
        pairs = [(f"\\boxed{{{answer}}}", found[number][0], item.problem) for number in rivals]
        verdicts = await checkers.check(pairs, asdict(item.policy)) if pairs else []
        same = next((n for n, one in zip(rivals, verdicts, strict=True) if one.verdict == "correct"), None)
        if same is None:
            found.append((answer, count))
        else:
            found[same] = (found[same][0], found[same][1] + count)
    return tuple(sorted((count for _, count in found), reverse=True))


def form_of(answer: str) -> str:
    """The form under which answers are counted."""
    return normal_answer(answer) if len(answer) <= ANSWER_CHARACTERS else answer


async def _checked(checkers: Checkers, batch: Sequence[Asked], policy: Name) -> list[Verdict]:
    groups: dict[Policy, list[int]] = {}
    for number, one in enumerate(batch):
        if one.finish != "executions":
            groups.setdefault(asked(one.item, policy), []).append(number)
    stopped = Verdict(
        verdict="incorrect", answer=None, tier="extract", reason="it asked for more executions than it may"
    )
    result = [stopped] * len(batch)

    async def group(rules: Policy, numbers: list[int]) -> None:
        questions = [(batch[n].text, batch[n].item.reference, batch[n].item.problem) for n in numbers]
        for number, verdict in zip(numbers, await checkers.check(questions, asdict(rules)), strict=True):
            result[number] = verdict

    await asyncio.gather(*(group(rules, numbers) for rules, numbers in groups.items()))
    return result


def _told(one: Asked, verdict: Verdict) -> Verdict:
    """A response without an answer that was cut off says so."""
    if one.finish == "length" and verdict.verdict == "incorrect" and verdict.answer is None:
        return Verdict(verdict="incorrect", answer=None, tier=verdict.tier, reason="cut off at maxTokens")
    return verdict


def _number(answer: str) -> str:
    """One spelling for a plain number."""
    return str(Fraction(answer)) if _NUMBER.fullmatch(answer) else answer


__all__ = ["Asked", "Both", "classes", "form_of", "judge"]
