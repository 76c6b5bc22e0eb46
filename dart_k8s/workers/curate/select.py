"""Which correct responses become rows: the first distinct ones by trial index.

Taking them in launch order is what keeps short (early finished) responses from being preferred; so surplus responses,
which finished out of that order, are never taken and only counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dart_k8s.api.curating import Curation, NearDuplicates

from .bands import Bands, Floats, Ints
from .database import spans_of
from .filters import active
from .near import near_duplicates
from .opened import OpenPools
from .pool import ROWS_PER_GROUP

EXAMPLES = 5
"""Examples per kind of loss in reports."""
_EXCERPT = 240
"""Characters of an example."""

EVERYTHING = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a strategy takes of each query. Arrays of shape (Q,)."""

    strategy: str
    target: Ints | None = None
    """Rows wanted, None: all there are."""
    trials: Ints | None = None
    """Only the first so many counted trials by index, None: all."""
    distinct: bool = True
    """Equal texts (after Unicode and white-space normalisation) of a query are one row."""

    @classmethod
    def vanilla(cls, trials: int, queries: int, *, distinct: bool = True) -> "Rule":
        """All correct ones among the first `trials` of each query."""
        return cls(strategy="vanilla", trials=np.full(queries, trials, dtype=np.int64), distinct=distinct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One response that was left out, and why."""

    query_id: str
    trial: int
    text: str
    """Its beginning."""
    like: str = ""
    """For a near-duplicate: query id and trial of the row that it nearly equals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What one filter or the near-duplicate check took away, or would take away."""

    name: str
    before: Ints
    """Responses by difficulty decile before it."""
    dropped: Ints
    """Of those, dropped."""
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """A query with fewer rows than its target."""

    query_id: str
    target: int
    """Rows wanted; for a rule on trials alone, trials wanted."""
    rows: int
    trials: int
    surplus_correct: int
    """Correct ones that finished out of launch order: in the pool, not in the data set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The rows of a data set, without their texts; the database table `chosen` holds them for `texts`."""

    rule: Rule
    per_query: Ints
    """Rows per query, shape (Q,)."""
    available: Ints
    """Correct responses of the considered trials, equal texts counted once each time they appear, shape (Q,)."""
    trials: Ints
    """Counted trials considered per query, shape (Q,)."""
    duplicates: int
    """Correct responses left out because an earlier one of the query has the same text."""
    losses: tuple[Loss, ...]
    too_rare: int
    """Queries left out because of `minPassRate`."""
    short: tuple[Shortfall, ...]

    @property
    def rows(self) -> int:
        """Rows of the data set."""
        return int(self.per_query.sum())


def select(pools: OpenPools, rule: Rule, curation: Curation, pass_rate: Floats, bands: Bands) -> Selection:
    """Choose rows by `rule` and `curation`; fills the table `chosen` (query, pool, file, line, trial, position).

    `pass_rate` (posterior means) and `bands` (deciles) are per query, shape (Q,). Response filters work before the
    choice, so that later responses take the place of dropped ones; near-duplicates are removed after it.
    """
    db = pools.db
    queries = len(pools.query_ids)
    rare = np.zeros(queries, dtype=bool)
    if curation.min_pass_rate is not None:
        rare = pass_rate < curation.min_pass_rate
    limits = np.full(queries, EVERYTHING, dtype=np.int64) if rule.trials is None else rule.trials
    target = np.full(queries, EVERYTHING, dtype=np.int64) if rule.target is None else rule.target
    db.register(
        "wishes",
        pa.table(
            {
                "query": pa.array(np.arange(queries), pa.int32()),
                "target": pa.array(np.where(rare, 0, target), pa.int64()),
                "trials": pa.array(limits, pa.int64()),
            }
        ),
    )
    db.run("DROP TABLE IF EXISTS dropped")
    db.run("CREATE TEMP TABLE dropped (query INTEGER, position INTEGER, filter VARCHAR)")
    db.run(_CANDIDATES)
    losses = _filter(pools, curation, bands)
    db.run(_PASSED)
    db.run(_CHOSEN, distinct=rule.distinct)
    available = _per_query(pools, "SELECT query, count(*) AS value FROM candidates GROUP BY query")
    repeated = db.table(_DUPLICATES).to_pylist()[0]["count"] if rule.distinct else 0
    if curation.deduplicate == "near":
        losses.append(_remove_near(pools, curation.near, bands))
    per_query = _per_query(pools, "SELECT query, count(*) AS value FROM chosen GROUP BY query")
    trials = np.minimum(pools.trials(), limits)
    return Selection(
        rule=rule,
        per_query=per_query,
        available=available,
        trials=trials,
        duplicates=int(repeated),
        losses=tuple(losses),
        too_rare=int(np.count_nonzero(rare & (available > 0))),
        short=_short(pools, rule, per_query, trials),
    )


def near_report(pools: OpenPools, settings: NearDuplicates, bands: Bands) -> Loss:
    """What removing near-duplicates would cost the rows that are chosen now, without removing them."""
    return _near_loss(pools, settings, bands)[0]


def texts(pools: OpenPools, *, rows: int = ROWS_PER_GROUP) -> Iterator[pa.Table]:
    """The chosen rows with query number, pool, trial, response, answer, tokens, spans; by query, then index."""
    if pools.files:
        responses, spans = spans_of(pools.files)
        query = _TEXTS.format(responses=responses, spans=spans)
        yield from pools.db.stream(query, rows=rows, files=pools.files)


def any_spans(pools: OpenPools) -> bool:
    """Whether code was run in any of the chosen responses."""
    responses, spans = spans_of(pools.files) if pools.files else ("", "NULL")
    if spans == "NULL":
        return False
    found = pools.db.table(_ANY_SPANS.format(responses=responses), files=pools.files)
    return bool(found["found"][0].as_py())


_CANDIDATES = """
CREATE OR REPLACE TEMP TABLE candidates AS
SELECT rows.query, pool, file, line, trial, position, hash, tokens
FROM rows JOIN wishes USING (query)
WHERE verdict = 'correct' AND NOT surplus AND position < trials
"""

_PASSED = """
CREATE OR REPLACE TEMP VIEW passed AS SELECT * FROM candidates ANTI JOIN dropped USING (query, position)
"""

_CHOSEN = """
CREATE OR REPLACE TEMP TABLE chosen AS
WITH once AS (
    SELECT * FROM passed
    QUALIFY NOT $distinct OR row_number() OVER (PARTITION BY query, hash ORDER BY position) = 1)
SELECT once.query, pool, file, line, trial, position
FROM once JOIN wishes USING (query)
QUALIFY row_number() OVER (PARTITION BY once.query ORDER BY position) <= target
"""

_WITHOUT_DOOMED = """
CREATE OR REPLACE TEMP TABLE chosen AS SELECT * FROM chosen ANTI JOIN doomed USING (query, pool, trial)
"""

_DUPLICATES = "SELECT count(*) - count(DISTINCT (query, hash)) AS count FROM passed"

_TEXTS = """
SELECT c.query, c.pool, c.trial, r.response, r.answer, r.tokens, {spans} AS spans
FROM {responses}($files) r JOIN pool_files f ON f.path = r.filename
JOIN chosen c ON c.file = f.file AND c.line = r.file_row_number
ORDER BY c.query, c.position
"""

_ANY_SPANS = """
SELECT coalesce(bool_or(r.spans IS NOT NULL), false) AS found
FROM {responses}($files) r JOIN pool_files f ON f.path = r.filename
JOIN chosen c ON c.file = f.file AND c.line = r.file_row_number
"""

_CANDIDATE_TEXTS = """
SELECT c.query, c.position, r.response, r.tokens
FROM responses($files) r JOIN pool_files f ON f.path = r.filename
JOIN candidates c ON c.file = f.file AND c.line = r.file_row_number
"""

_DROPPED_EXAMPLES = """
SELECT d.query, r.trial, r.response
FROM responses($files) r JOIN pool_files f ON f.path = r.filename
JOIN candidates c ON c.file = f.file AND c.line = r.file_row_number
JOIN (SELECT * FROM dropped WHERE filter = $filter ORDER BY query, position LIMIT $examples) d
  ON d.query = c.query AND d.position = c.position
ORDER BY d.query, d.position
"""


def _filter(pools: OpenPools, curation: Curation, bands: Bands) -> list[Loss]:
    """Fill `dropped`; one loss per filter, each after those before it."""
    filters = active(curation.filters)
    if not filters or not pools.files:
        return []
    for table in pools.db.stream(_CANDIDATE_TEXTS, rows=ROWS_PER_GROUP, files=pools.files):
        verdicts = [
            next((name for name, faulty in filters.items() if faulty(response, tokens)), None)
            for response, tokens in zip(table["response"].to_pylist(), table["tokens"].to_pylist(), strict=True)
        ]
        found = table.select(["query", "position"]).append_column("filter", pa.array(verdicts, pa.string()))
        pools.db.register("found", found)
        pools.db.run("INSERT INTO dropped SELECT query, position, filter FROM found WHERE filter IS NOT NULL")
    before = bands.count(_per_query(pools, "SELECT query, count(*) AS value FROM candidates GROUP BY query"))
    losses = []
    for name in filters:
        gone = bands.count(
            _per_query(
                pools, "SELECT query, count(*) AS value FROM dropped WHERE filter = $filter GROUP BY query", filter=name
            )
        )
        shown = pools.db.table(_DROPPED_EXAMPLES, files=pools.files, filter=name, examples=EXAMPLES).to_pylist()
        examples = tuple(_example(pools, row["query"], row["trial"], row["response"]) for row in shown)
        losses.append(Loss(name=name, before=before, dropped=gone, examples=examples))
        before = before - gone
    return losses


def _near_loss(pools: OpenPools, settings: NearDuplicates, bands: Bands) -> tuple[Loss, list[tuple[int, int, int]]]:
    """The loss, and the doomed rows as (query, pool, trial)."""
    places: list[tuple[int, int, int]] = []
    examples: list[Example] = []
    doomed: list[tuple[int, int, int]] = []
    excerpts: list[str] = []

    def rows() -> Iterator[tuple[int, str]]:
        for table in texts(pools):
            columns = (table[name].to_pylist() for name in ("query", "pool", "trial", "response"))
            for query, pool, trial, response in zip(*columns, strict=True):
                places.append((query, pool, trial))
                excerpts[:] = [response]
                yield query, response

    for number, twin in enumerate(near_duplicates(rows(), settings)):
        if twin is None:
            continue
        query, _, trial = places[number]
        doomed.append(places[number])
        if len(examples) < EXAMPLES:
            other = f"{pools.query_ids[places[twin][0]]}, trial {places[twin][2]}"
            examples.append(_example(pools, query, trial, excerpts[0], like=other))
    size = len(pools.query_ids)
    loss = Loss(
        name="near-duplicates",
        before=bands.count(np.bincount([place[0] for place in places], minlength=size)),
        dropped=bands.count(np.bincount([place[0] for place in doomed], minlength=size)),
        examples=tuple(examples),
    )
    return loss, doomed


def _remove_near(pools: OpenPools, settings: NearDuplicates, bands: Bands) -> Loss:
    loss, doomed = _near_loss(pools, settings, bands)
    columns = zip(*doomed, strict=True) if doomed else ((), (), ())
    names = ("query", "pool", "trial")
    pools.db.register(
        "doomed",
        pa.table({name: pa.array(values, pa.int32()) for name, values in zip(names, columns, strict=True)}),
    )
    pools.db.run(_WITHOUT_DOOMED)
    return loss


def _short(pools: OpenPools, rule: Rule, per_query: Ints, trials: Ints) -> tuple[Shortfall, ...]:
    """Queries under their target; for a rule on trials alone, those with fewer trials than it wants."""
    wanted, had = (rule.trials, trials) if rule.target is None else (rule.target, per_query)
    if wanted is None:
        return ()
    found = np.flatnonzero(had < wanted)
    extra = _per_query(
        pools, "SELECT query, count(*) AS value FROM rows WHERE surplus AND verdict = 'correct' GROUP BY query"
    )
    return tuple(
        Shortfall(
            query_id=pools.query_ids[query],
            target=int(wanted[query]),
            rows=int(per_query[query]),
            trials=int(trials[query]),
            surplus_correct=int(extra[query]),
        )
        for query in found
    )


def _example(pools: OpenPools, query: int, trial: int, text: str, *, like: str = "") -> Example:
    return Example(query_id=pools.query_ids[query], trial=trial, text=text[:_EXCERPT], like=like)


def _per_query(pools: OpenPools, query: str, **parameters: str) -> Ints:
    result = np.zeros(len(pools.query_ids), dtype=np.int64)
    found = pools.db.table(query, **parameters)
    result[found["query"].to_numpy()] = found["value"].to_numpy()
    return result


def rule_for(strategy: str, *, target: Sequence[int], trials: int, distinct: bool) -> Rule:
    """The rule of a strategy by name: `target` per query from the final state, `trials` per query for vanilla."""
    if strategy == "vanilla":
        return Rule.vanilla(trials, len(target), distinct=distinct)
    return Rule(strategy=strategy, target=np.asarray(target, dtype=np.int64))
