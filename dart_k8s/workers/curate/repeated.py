"""Benchmark items repeated word for word in responses: runs of 30 words and more."""

from collections.abc import Sequence
from dataclasses import dataclass

from .decontaminate import Item
from .words import grams, words

LENGTH = 30
"""Words in a row that count as repeated."""

_PROBE = LENGTH // 2
"""A run of 30 words holds a run of 15 that starts at a multiple of 16 (or earlier), so looking up only those runs of a
response finds every repetition in a sixteenth of the look-ups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """A response that repeats a benchmark item."""

    query_id: str
    trial: int
    benchmark: str
    item_id: str
    words: int
    """Length of the longest common run found."""
    text: str
    """Its beginning."""


class Repetitions:
    """Looks for benchmark items in responses."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._words = [words(item.text) for item in items]
        self._starts: dict[int, list[tuple[int, int]]] = {}
        for number, tokens in enumerate(self._words):
            if len(tokens) >= LENGTH:
                for start, gram in enumerate(grams(tokens, _PROBE)):
                    self._starts.setdefault(hash(gram), []).append((number, start))

    def find(self, query_id: str, trial: int, response: str) -> Repetition | None:
        """The longest repetition of at least 30 words, or None."""
        tokens = words(response)
        best: tuple[int, int, int] | None = None
        for start in range(0, len(tokens) - _PROBE + 1, _PROBE + 1):
            for number, there in self._starts.get(hash(" ".join(tokens[start : start + _PROBE])), ()):
                begin, length = _common_run(tokens, start, self._words[number], there)
                if length >= LENGTH and (best is None or length > best[0]):
                    best = (length, number, begin)
        if best is None:
            return None
        length, number, begin = best
        item = self._items[number]
        return Repetition(
            query_id=query_id,
            trial=trial,
            benchmark=item.benchmark,
            item_id=item.id,
            words=length,
            text=" ".join(tokens[begin : begin + LENGTH]),
        )


def _common_run(own: Sequence[str], here: int, other: Sequence[str], there: int) -> tuple[int, int]:
    """The longest common run through two positions: its start in `own`, its length (0 if the words there differ)."""
    end = 0
    while here + end < len(own) and there + end < len(other) and own[here + end] == other[there + end]:
        end += 1
    before = 0
    while before < min(here, there) and own[here - before - 1] == other[there - before - 1]:
        before += 1
    return here - before, before + end
