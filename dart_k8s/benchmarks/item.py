"""One problem of a benchmark, as everything behind the readers sees it."""

from dataclasses import dataclass

from dart_k8s.answers import Policy

DEFAULT = Policy()
"""The rules for data sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A problem with its reference, and how answers to it are compared."""

    benchmark: str
    id: str
    """Unique in its benchmark, the same wherever its rows came from: the publisher's where all forms have one, else
    made from the problem's text."""
    number: int
    """Place among the benchmark's items, from 0, in the order of its rows."""
    problem: str
    """The bare text."""
    query: str
    """What the prompt's template gets: the problem, in the words that its publisher puts around it."""
    references: tuple[str, ...]
    """All final answers, each as the publisher wrote it."""
    reference: str
    """The same as one text, which answers are compared with."""
    subject: str | None = None
    level: str | None = None
    picture: bool = False
    """It refers to a picture, which no model here gets to see: reported apart."""
    policy: Policy = DEFAULT
    """How answers are compared, under `strict`; `lenient` adds where they are looked for."""
    unreadable: str | None = None
    """Why the verifier can't read the reference; then only the very same text is right."""
