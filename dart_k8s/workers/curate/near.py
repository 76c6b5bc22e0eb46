"""Near-duplicates: responses of which most 5-word shingles are the same."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dart_k8s.api.curating import NearDuplicates

if TYPE_CHECKING:
    from datasketch import MinHash

_PERMUTATIONS = 128
"""Hash functions of a signature: the estimate's standard error is at most 0.045 (Broder 1997)."""
_SHINGLE = 5


def near_duplicates(rows: Iterable[tuple[int, str]], settings: NearDuplicates) -> Iterator[int | None]:
    """For each row (query number, response) the number of an earlier kept row that it nearly equals, else None.

    Rows of one query are compared only with `within_query`. Signatures take half a kilobyte per kept row.
    """
    # Few runs ask for this, and the library takes longer to import than all the rest.
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=settings.similarity, num_perm=_PERMUTATIONS)
    kept: dict[int, tuple[int, NDArray[np.uint32]]] = {}
    for number, (query, response) in enumerate(rows):
        sketch = _sketch(response)
        own = sketch.hashvalues.astype(np.uint32)
        twin = None
        for other in sorted(index.query(sketch)):
            other_query, signature = kept[other]
            if other_query == query and not settings.within_query:
                continue
            if float(np.mean(own == signature)) >= settings.similarity:
                twin = other
                break
        if twin is None:
            index.insert(number, sketch)
            kept[number] = (query, own)
        yield twin


def _sketch(text: str) -> "MinHash":
    from datasketch import MinHash

    words = text.split()
    last = max(1, len(words) - _SHINGLE + 1)
    sketch = MinHash(num_perm=_PERMUTATIONS, seed=1)
    sketch.update_batch(sorted({" ".join(words[start : start + _SHINGLE]).encode() for start in range(last)}))
    return sketch
