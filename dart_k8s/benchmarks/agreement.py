"""What a verifier must say of a benchmark's own references: responses that are right, and responses made wrong."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Literal, NamedTuple

from dart_k8s.benchmarks.item import Item

_DECORATION = re.compile(r"\\\$|\$")
_OPTION = re.compile(r"\(([a-zA-Z])\)")
OTHER_MEMBER = "987654"
"""Put into a list that it is not in."""


class Probe(NamedTuple):
    """A response whose verdict is known by how it was made."""

    expected: Literal["correct", "incorrect"]
    form: str
    """boxed and sentence are right; changed, shorter, longer, turned and other are wrong."""
    response: str


def probes(item: Item) -> Iterator[Probe]:
    """The item's reference as models end with it, and answers that differ from it."""
    bare = _bare(item.reference)
    yield Probe("correct", "boxed", f"So we have the result $\\boxed{{{bare}}}$.")
    written = item.reference if "$" in item.reference or "\\" not in item.reference else f"${item.reference}$"
    yield Probe("correct", "sentence", f"The steps above lead to the end.\nThe answer is {written}.")
    for form, answer in _wrong(item, bare):
        yield Probe("incorrect", form, f"So we have the result $\\boxed{{{answer}}}$.")


def _wrong(item: Item, bare: str) -> Iterator[tuple[str, str]]:
    if bare in ("True", "False"):
        yield "other", "False" if bare == "True" else "True"
        return
    if item.policy.choices and (found := _OPTION.fullmatch(bare)):
        yield "other", f"({chr((ord(found[1].lower()) - ord('a') + 1) % 4 + ord('a'))})"
        return
    members = [_bare(one) for one in item.references]
    if len(members) > 1:
        left, right = ("", "") if item.policy.kind == "set" else ("(", ")")
        listed = [members[1:], [OTHER_MEMBER, *members]]
        if len(set(members)) == len(members):
            yield "shorter", left + ", ".join(listed[0]) + right
        yield "longer", left + ", ".join(listed[1]) + right
        if item.policy.kind == "tuple" and _apart(members, members[::-1]):
            yield "turned", left + ", ".join(members[::-1]) + right
        return
    number = _number(bare)
    if number is not None:
        # Beyond any tolerance of a benchmark, and no factor of a hundred.
        yield "changed", format(number + 1 + abs(number) / 10, "f")
    elif "infty" not in bare:
        yield "changed", f"{bare}+1"


def _apart(members: list[str], others: list[str]) -> bool:
    """Whether two lists of numbers differ by more than any tolerance somewhere."""
    pairs = [(_number(left), _number(right)) for left, right in zip(members, others, strict=True)]
    return any(
        left is not None and right is not None and abs(left - right) > abs(left) / 10 + abs(right) / 10
        for left, right in pairs
    )


def _bare(reference: str) -> str:
    """Without dollar signs, as it stands in a box."""
    return _DECORATION.sub("", reference).strip().rstrip(".")


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
