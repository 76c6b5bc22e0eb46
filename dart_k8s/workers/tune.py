"""Which temperature gives distinct correct responses at the least cost: the same queries sampled over a grid of them.

A higher temperature gives more different responses and fewer correct ones, so the cost per distinct correct row has a
minimum in between; where it lies depends on model and queries. Queries, not trials, are what was drawn at random: all
intervals are over queries, Wilson's for coverage, which may be all or nothing, and the bootstrap of whole queries
(Efron, Annals of Statistics 7, 1979) for the ratios.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from dart_k8s.answers import text_hash
from dart_k8s.edges.engine.base import Engine, Request
from dart_k8s.errors import EngineRequestError, SpecError
from dart_k8s.ledger.segments import Row

from .judging import Judge
from .responding import PlainResponder, Responder
from .sample import Problems
from .verification import Verifier

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FORMAT = "dart-k8s.io/tuning/v1"

RESAMPLES = 2000
"""Of the bootstrap."""

SIGNIFICANT = 0.05
"""One-sided level at which a temperature's coverage counts as lower than the best."""

Z = 1.959964
"""Standard normal quantile of 95 % intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate and its 95 % interval; `value` and `high` are infinite for a cost where nothing was correct."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one temperature gave."""

    temperature: float
    trials: int
    tokens: int
    correct: int
    distinct: int
    """Distinct correct responses, summed over queries: the rows."""
    refused: int
    """Requests that the engine could not serve: not trials."""
    pass_rate: Interval
    coverage: Interval
    """Share of queries with a correct response among their trials."""
    distinct_share: Interval
    """Distinct correct responses over correct ones."""
    cut_off_share: Interval
    """Responses cut off at the token limit, over trials."""
    trials_per_row: Interval
    tokens_per_row: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """All readings by rising temperature, and what follows from them."""

    readings: tuple[Reading, ...]
    queries: tuple[int, ...]
    """Row numbers of the sampled queries."""
    n: int
    """Trials of each query at each temperature."""
    recommended: float | None
    """Temperature; None if nothing was correct at any."""
    words: str
    """The recommendation and how sure it is."""
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Plain data; an infinite cost is null."""
        return {
            "format": FORMAT,
            "queries": list(self.queries),
            "trialsPerQuery": self.n,
            "seed": self.seed,
            "interval": "95 %",
            "readings": [
                {_camel(field.name): _plain(getattr(reading, field.name)) for field in fields(Reading)}
                for reading in self.readings
            ],
            "recommended": self.recommended,
            "words": self.words,
        }

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Header and one row of texts per temperature."""
        header = (
            "temperature", "pass rate", f"coverage@{self.n}", "distinct", "cut off", "trials per row", "tokens per row",
        )  # fmt: skip
        shares = ("pass_rate", "coverage", "distinct_share", "cut_off_share")
        return (
            header,
            *(
                (
                    f"{reading.temperature:g}" + ("*" if reading.temperature == self.recommended else ""),
                    *(_words(getattr(reading, name), 100.0, " %") for name in shares),
                    _words(reading.trials_per_row),
                    _words(reading.tokens_per_row),
                )
                for reading in self.readings
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a tuning is."""

    temperature: float
    done: int
    """Requests ended, of all temperatures."""
    total: int
    correct: int
    """At this temperature so far."""


class _Counts:
    """Of one temperature; arrays of shape (sampled queries,)."""

    def __init__(self, size: int) -> None:
        self.trials, self.tokens, self.correct, self.distinct, self.cut = np.zeros((5, size), dtype=np.int64)
        self.texts: list[set[int]] = [set() for _ in range(size)]
        self.refused = 0


@dataclass(slots=True, kw_only=True)
class _Bench:
    """What all temperatures share."""

    engine: Engine
    responder: Responder
    judge: Judge
    problems: Problems
    request: Request
    queries: Ints
    n: int
    seed: int
    seeded_requests: bool
    tell: Callable[[Progress], None]
    total: int
    done: int = 0

    async def sample(self, temperature: float) -> _Counts:
        """All trials at one temperature, as many at once as the engine has slots, one of each query after the other."""
        counts = _Counts(self.queries.size)
        work = iter([(place, number) for number in range(self.n) for place in range(self.queries.size)])

        async def slot() -> None:
            for place, number in work:
                await self._trial(temperature, counts, place, number)
                self.done += 1
                correct = int(counts.correct.sum())
                self.tell(Progress(temperature=temperature, done=self.done, total=self.total, correct=correct))

        await _all([slot() for _ in range(min(self.engine.slots, self.queries.size * self.n))])
        return counts

    async def _trial(self, temperature: float, counts: _Counts, place: int, number: int) -> None:
        query = int(self.queries[place])
        own = int(np.random.SeedSequence([self.seed, place, number]).generate_state(1)[0]) & 0x7FFFFFFF
        request = replace(
            self.request,
            name=f"tune/{temperature:g}/{query}/{number}",
            prompt=self.problems.prompt(query),
            temperature=temperature,
            seed=own if self.seeded_requests else None,
        )
        try:
            response = await self.responder.respond(request, _one_slot)
        except EngineRequestError:
            counts.refused += 1
            return
        verdict = await self.judge.judge(
            Row(query=query, place=number, response=response.text, finish=response.finish, spans=response.spans)
        )
        counts.trials[place] += 1
        counts.tokens[place] += response.tokens
        counts.cut[place] += response.finish == "length"
        if verdict.verdict == "correct":
            counts.correct[place] += 1
            counts.texts[place].add(text_hash(response.text))
            counts.distinct[place] = len(counts.texts[place])


async def tune(
    engine: Engine,
    verifier: Verifier,
    problems: Problems,
    size: int,
    *,
    temperatures: Sequence[float],
    samples: int,
    n: int,
    request: Request,
    seed: int = 0,
    seeded_requests: bool = False,
    responder: Responder | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Tuning:
    """Sample `n` responses of each of `samples` out of `size` queries at each temperature.

    The engine has been started, and so has what `responder` runs code with, if it does; by default each completion is a
    response. `request` gives max_tokens, top_p and stop strings; its name, prompt, temperature and
    seed are set here (a seed only with `seeded_requests`). Raises SpecError for a grid that says nothing, and what
    engine and verifier raise; EngineRequestError alone is counted and goes on.
    """
    grid = sorted(set(temperatures))
    if not grid or any(not math.isfinite(t) or t < 0 for t in grid) or samples < 1 or n < 1 or size < 1:
        raise SpecError(
            f"Cannot tune over temperatures {list(temperatures)} with {samples} of {size} queries and {n} trials each.",
            remedy="Give at least one temperature from 0 up, one query and one trial.",
        )
    rng = np.random.default_rng(seed)
    queries = np.sort(rng.choice(size, size=min(samples, size), replace=False))
    bench = _Bench(
        engine=engine,
        responder=responder or PlainResponder(engine),
        judge=Judge(verifier=verifier, query=problems.query, reference=problems.reference, patience=0.0),
        problems=problems,
        request=request,
        queries=queries,
        n=n,
        seed=seed,
        seeded_requests=seeded_requests,
        tell=progress or (lambda _: None),
        total=len(grid) * queries.size * n,
    )
    counts = [await bench.sample(temperature) for temperature in grid]
    # The same resamples for all temperatures: their differences are then those of the same queries.
    draws = rng.integers(queries.size, size=(RESAMPLES, queries.size))
    readings = tuple(_read(temperature, now, draws) for temperature, now in zip(grid, counts, strict=True))
    recommended, words = recommend(readings, [now.correct > 0 for now in counts])
    return Tuning(
        readings=readings,
        queries=tuple(int(query) for query in queries),
        n=n,
        recommended=recommended,
        words=words,
        seed=seed,
    )


def _one_slot(change: int) -> None:
    """A trial of a tuning keeps its slot while its code runs."""


async def _all(slots: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run them at once; the first error ends them all and is raised as it is."""
    tasks = [asyncio.ensure_future(slot) for slot in slots]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def recommend(readings: Sequence[Reading], covered: Sequence[NDArray[np.bool_]]) -> tuple[float | None, str]:
    """The temperature of the lowest cost in tokens per row among those whose coverage is not significantly lower than
    the best; and why, in words. `covered` says per reading which queries have a correct response, shape (queries,).

    Coverage is compared query by query (exact McNemar test: the queries that one covers and the other does not).
    """
    if not any(reading.distinct for reading in readings):
        return None, "No temperature gave a correct response: use more queries, more trials or longer responses."
    best = max(range(len(readings)), key=lambda i: (readings[i].coverage.value, -readings[i].tokens_per_row.value))
    lower = {i for i in range(len(readings)) if i != best and _worse(covered[i], covered[best])}
    kept = [i for i in range(len(readings)) if i not in lower and readings[i].distinct]
    chosen = min(kept, key=lambda i: readings[i].tokens_per_row.value)
    cost = readings[chosen].tokens_per_row
    says = [
        f"Temperature {readings[chosen].temperature:g} costs {cost.value:,.0f} tokens per distinct correct response "
        f"({cost.low:,.0f} to {_number(cost.high)}), the least"
        + (f" of the {len(kept)} whose coverage is not significantly lower than the best." if lower else ".")
    ]
    close = [readings[i] for i in kept if i != chosen and readings[i].tokens_per_row.low <= cost.high]
    if close:
        names = ", ".join(f"{reading.temperature:g}" for reading in close)
        says.append(
            f"Its interval overlaps with that of {names}: more queries or trials are needed to tell them apart."
        )
    cheaper = [i for i in lower if readings[i].tokens_per_row.value < cost.value]
    if cheaper:
        names = ", ".join(f"{readings[i].temperature:g}" for i in sorted(cheaper))
        says.append(f"Cheaper but covering significantly fewer queries: {names}.")
    if readings[chosen].cut_off_share.value > 0.05:
        says.append(f"{readings[chosen].cut_off_share.value:.0%} of its responses are cut off: try longer ones.")
    return readings[chosen].temperature, " ".join(says)


def _worse(mine: NDArray[np.bool_], best: NDArray[np.bool_]) -> bool:
    only_best, only_mine = int((best & ~mine).sum()), int((mine & ~best).sum())
    return float(binom.sf(only_best - 1, only_best + only_mine, 0.5)) < SIGNIFICANT


def _read(temperature: float, counts: _Counts, draws: Ints) -> Reading:
    covered = int((counts.correct > 0).sum())
    return Reading(
        temperature=temperature,
        trials=int(counts.trials.sum()),
        tokens=int(counts.tokens.sum()),
        correct=int(counts.correct.sum()),
        distinct=int(counts.distinct.sum()),
        refused=counts.refused,
        pass_rate=_ratio(counts.correct, counts.trials, draws),
        coverage=wilson(covered, counts.trials.size),
        distinct_share=_ratio(counts.distinct, counts.correct, draws),
        cut_off_share=_ratio(counts.cut, counts.trials, draws),
        trials_per_row=_ratio(counts.trials, counts.distinct, draws),
        tokens_per_row=_ratio(counts.tokens, counts.distinct, draws),
    )


def _ratio(above: Ints, below: Ints, draws: Ints) -> Interval:
    """Sum over sum, with the bootstrap interval over queries; x / 0 is infinite and 0 / 0 is 0."""

    def quotient(a: Floats, b: Floats) -> Floats:
        empty = np.where(a > 0, np.inf, 0.0)
        result: Floats = np.divide(a, b, out=empty, where=b > 0)
        return result

    value = quotient(np.array([above.sum()], dtype=np.float64), np.array([below.sum()], dtype=np.float64))[0]
    again = quotient(above[draws].sum(axis=1).astype(np.float64), below[draws].sum(axis=1).astype(np.float64))
    low, high = np.quantile(again, (0.025, 0.975), method="nearest")
    return Interval(value=float(value), low=float(low), high=float(high))


def wilson(successes: int, trials: int) -> Interval:
    """Wilson's score interval of a share (JASA 22, 1927): honest for all, none and few."""
    if trials == 0:
        return Interval(value=0.0, low=0.0, high=1.0)
    share, weight = successes / trials, Z * Z / trials
    centre = (share + weight / 2) / (1 + weight)
    half = Z * math.sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    return Interval(value=share, low=max(0.0, centre - half), high=min(1.0, centre + half))


def _number(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else "any number"


def _words(value: Interval, factor: float = 1.0, unit: str = "") -> str:
    def text(number: float) -> str:
        number *= factor
        return "-" if not math.isfinite(number) else f"{number:,.{0 if number >= 100 else 1}f}"

    return f"{text(value.value)}{unit} ({text(value.low)} to {text(value.high)})"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(Interval)}
    return None if isinstance(value, float) and not math.isfinite(value) else value
