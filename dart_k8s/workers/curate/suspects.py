"""What a person should look at before trusting a data set."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .bands import Floats, Ints
from .opened import OpenPools

OTHER_ANSWER_SHARE = 0.3
"""Share of a query's trials that agree on one answer other than the reference: the reference is likely wrong."""
LEAST_AGREEING = 3
"""Trials that have to agree: a share of fewer says nothing."""
LOW_PASS_RATE = 0.005
"""Pass rate under which a correct response is likely right by luck."""
UNDECIDED_SHARE = 0.05
"""Share of undecided trials above which a query is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherAnswer:
    """A query whose most frequent answer is not its reference."""

    query: int
    query_id: str
    reference: str
    answer: str
    share: float
    """Of the counted trials."""
    agreeing: int
    trials: int
    correct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspects:
    """Queries to look at, by reason."""

    other_answer: tuple[OtherAnswer, ...]
    low_pass_rate: tuple[int, ...]
    """Numbers of queries with a pass rate under 0.5 % and at least one correct response."""
    undecided: tuple[tuple[str, int, int], ...]
    """(query id, undecided, trials) where over 5 % of the trials are undecided."""

    def flags(self, queries: int) -> list[list[str]]:
        """For each query the flags that its rows carry."""
        found: list[list[str]] = [[] for _ in range(queries)]
        for suspect in self.other_answer:
            found[suspect.query].append("other-answer")
        for query in self.low_pass_rate:
            found[query].append("low-pass-rate")
        return found


_ANSWERS = """
WITH given AS (
    SELECT w.query, r.answer, count(*) AS agreeing
    FROM responses($files) r JOIN pool_files f ON f.path = r.filename
    JOIN rows w ON w.file = f.file AND w.line = r.file_row_number
    WHERE NOT w.surplus AND w.verdict = 'incorrect' AND r.answer IS NOT NULL
    GROUP BY w.query, r.answer)
SELECT query, answer, agreeing FROM given
WHERE agreeing >= $least
QUALIFY row_number() OVER (PARTITION BY query ORDER BY agreeing DESC, answer) = 1
ORDER BY query
"""


def suspects(pools: OpenPools, queries: pa.Table, pass_rate: Floats) -> Suspects:
    """Look at all counted trials of the pools; `pass_rate` are posterior means, shape (Q,)."""
    trials, correct, undecided = pools.trials(), pools.correct(), pools.undecided()
    found = pools.db.table(_ANSWERS, files=pools.files, least=LEAST_AGREEING).to_pylist() if pools.files else []
    references = queries["answer"]
    other = tuple(
        OtherAnswer(
            query=row["query"],
            query_id=pools.query_ids[row["query"]],
            reference=references[row["query"]].as_py(),
            answer=row["answer"],
            share=row["agreeing"] / int(trials[row["query"]]),
            agreeing=row["agreeing"],
            trials=int(trials[row["query"]]),
            correct=int(correct[row["query"]]),
        )
        for row in found
        if row["agreeing"] >= OTHER_ANSWER_SHARE * trials[row["query"]] and row["agreeing"] > correct[row["query"]]
    )
    low = np.flatnonzero((pass_rate < LOW_PASS_RATE) & (correct > 0))
    unsure = np.flatnonzero(undecided > UNDECIDED_SHARE * trials)
    return Suspects(
        other_answer=other,
        low_pass_rate=tuple(int(query) for query in low),
        undecided=tuple((pools.query_ids[q], _int(undecided, q), _int(trials, q)) for q in unsure),
    )


def _int(values: Ints, query: int) -> int:
    return int(values[query])
