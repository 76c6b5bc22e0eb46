"""Labelled pairs by construction: whether they are equal follows from how they were made, not from any verifier.

Each family is a function from a source of randomness to pairs; `made` draws from all of them. Used by the tests (a
few of each family), by `make fuzz` and by the benchmark of speed (many).
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Draw = random.Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A response, a reference, and whether the first ends in an answer equal to the second."""

    family: str
    response: str
    reference: str
    equal: bool
    query: str | None = None


Made = tuple[str, str, bool] | tuple[str, str, bool, str]
"""Answer, reference, whether they are equal, and the query where it matters."""
Maker = Callable[[Draw], Iterator[Made]]

FAMILIES: dict[str, Maker] = {}
"""By name. A family yields (answer, reference, equal[, query]); the answer is put into a box by `made`."""


def family(function: Maker) -> Maker:
    """Register a family under its function's name."""
    FAMILIES[function.__name__] = function
    return function


BOXES = (
    "\\boxed{%s}",
    "So we get $\\boxed{%s}$.",
    "Adding, $x = 3$ and then\n\\[\\boxed{%s}\\]",
    "Thus \\boxed{ %s }",
    "Hence the final answer is $\\boxed{%s}$. I hope it is correct.",
    "**\\boxed{%s}**",
    "It costs $3 and $4, so \\fbox{%s}",
    "\\( \\boxed{%s} \\)",
)


def made(seed: int, rounds: int = 1, only: str = "") -> Iterator[Pair]:
    """All families, `rounds` draws of each. The same seed makes the same pairs."""
    for name, function in FAMILIES.items():
        if only and only != name:
            continue
        for number in range(rounds):
            draw = random.Random(f"{seed} {name} {number}")
            for answer, reference, equal, *query in function(draw):
                yield Pair(
                    family=name,
                    response=draw.choice(BOXES) % answer,
                    reference=reference,
                    equal=equal,
                    query=query[0] if query else None,
                )
