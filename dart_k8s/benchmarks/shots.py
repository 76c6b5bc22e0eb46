"""Worked examples before a problem. The result goes into the hole of the prompt's template, so nothing that samples
has to know of examples."""

from collections.abc import Sequence
from dataclasses import dataclass

from dart_k8s.api.generation import PLACEHOLDER
from dart_k8s.api.templates import Template

SEPARATOR = "\n\n"
PROBLEM, SOLUTION = "Problem:", "Solution:"
"""What examples stand under where the template has no words of its own around the problem."""


@dataclass(frozen=True, slots=True)
class Example:
    """A problem with its solution; the query as the benchmark puts it."""

    query: str
    solution: str


def body(query: str, examples: Sequence[Example], template: Template) -> str:
    """What takes the template's hole: the query, after the examples in the same template.

    A template of one text is repeated for every example, as it will be trained or prompted with; a conversation, and a
    template without words behind the hole, get them under headings.
    """
    if not examples:
        return query
    if _repeats(template):
        before, _, after = template.user.partition(PLACEHOLDER)
        shown = [f"{example.query}{after} {example.solution}{SEPARATOR}{before}" for example in examples]
        return "".join(shown) + query
    shown = [f"{PROBLEM}\n{example.query}\n\n{SOLUTION}\n{example.solution}{SEPARATOR}" for example in examples]
    ending = "" if template.chat else f"\n\n{SOLUTION}"
    return "".join(shown) + f"{PROBLEM}\n{query}{ending}"


def stops(shots: int, template: Template) -> tuple[str, ...]:
    """Texts that end a response besides the template's own: where a model goes on with an example of its own."""
    if not shots:
        return ()
    if not _repeats(template):
        return (f"\n{PROBLEM}",)
    first = template.user.partition(PLACEHOLDER)[0].strip().partition("\n")[0]
    return (f"\n{first}",) if first else ()


def _repeats(template: Template) -> bool:
    return (
        not template.chat
        and template.user.count(PLACEHOLDER) == 1
        and bool(template.user.partition(PLACEHOLDER)[2].strip())
    )
