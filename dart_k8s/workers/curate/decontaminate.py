"""Queries that also stand in a benchmark. Pure: texts in, pairs out.

Two rules on normalised texts with numbers kept: the same text, or a common run of 13 words, the length used since the
GPT-3 paper (Brown et al. 2020, appendix C). Numbers stay because problems of one template with other numbers are
different problems; the same boilerplate around them can still match, so pairs show what they share.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from .words import grams, words, words_and_signs

GRAM = 13
"""Words in a row that make a pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A text of a benchmark."""

    benchmark: str
    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A query and the benchmark item that it matches."""

    query_id: str
    benchmark: str
    item_id: str
    kind: Literal["exact", "13-gram"]
    share: float
    """Share of the query's 13-word runs that the item has too; 1 for exact."""
    shared: str
    """First common run of words, or the whole normalised text."""


def contaminated(queries: Iterable[tuple[str, str]], benchmark: Sequence[Item]) -> list[Pair]:
    """Pairs of (query id, text) and benchmark items, at most one per query: exact before the largest share.

    Sorted as the queries come. Texts without a word match nothing.
    """
    exact: dict[str, int] = {}
    runs: dict[int, list[int]] = {}
    for number, item in enumerate(benchmark):
        whole = " ".join(words_and_signs(item.text))
        if whole:
            exact.setdefault(whole, number)
        # Hashes of runs: a tenth of the memory of the runs themselves. `_overlap` compares the words of a candidate.
        for gram in set(grams(words(item.text), GRAM)):
            runs.setdefault(hash(gram), []).append(number)
    pairs = (_best(query_id, text, benchmark, exact, runs) for query_id, text in queries)
    return [pair for pair in pairs if pair is not None]


def _best(
    query_id: str, text: str, benchmark: Sequence[Item], exact: dict[str, int], runs: dict[int, list[int]]
) -> Pair | None:
    whole = " ".join(words_and_signs(text))
    if whole in exact:
        item = benchmark[exact[whole]]
        return Pair(query_id=query_id, benchmark=item.benchmark, item_id=item.id, kind="exact", share=1.0, shared=whole)
    own = list(grams(words(text), GRAM))
    candidates = sorted({number for gram in own for number in runs.get(hash(gram), ())})
    overlaps = [(number, *_overlap(own, benchmark[number].text)) for number in candidates]
    found = [overlap for overlap in overlaps if overlap[1]]
    if not found:
        return None
    number, count, first = max(found, key=lambda overlap: (overlap[1], -overlap[0]))
    item = benchmark[number]
    return Pair(
        query_id=query_id,
        benchmark=item.benchmark,
        item_id=item.id,
        kind="13-gram",
        share=count / len(own),
        shared=first,
    )


def _overlap(own: Sequence[str], text: str) -> tuple[int, str]:
    """How many of the query's runs the text has, and the first of them."""
    others = set(grams(words(text), GRAM))
    common = [gram for gram in own if gram in others]
    return len(common), common[0] if common else ""
