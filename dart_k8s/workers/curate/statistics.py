"""What a data set is, as plain data: report/statistics.json, and what the card prints."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dart_k8s.scores.curves import Curve, Reach

from .bands import Bands, Floats, Ints, deciles, levels
from .decontaminate import Pair
from .repeated import Repetition
from .select import Loss, Selection
from .suspects import Suspects

STATISTICS_FORMAT = "dart-k8s.io/statistics/v1"
LISTED = 1000
"""Most entries of a list in the statistics; totals are always whole."""

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything known about a data set and the run behind it."""

    name: str
    queries: pa.Table
    status: Sequence[str]
    """Per query why it stopped, from the final state."""
    pass_rate: Floats
    selection: Selection
    trials: Ints
    """All counted trials of the pools per query; the selection may consider fewer."""
    correct: Ints
    suspects: Suspects
    losses: Sequence[Loss]
    """Filters, and near-duplicates where asked for."""
    near_preview: Loss | None
    """What near-duplicate removal would cost, where asked for."""
    pairs: Sequence[Pair]
    """Queries that also stand in a benchmark."""
    repetitions: Sequence[Repetition]
    reach: Reach | None

    @property
    def bands(self) -> Bands:
        """Deciles of difficulty."""
        return deciles(1.0 - self.pass_rate)


def statistics(facts: Facts) -> Plain:
    """The facts as JSON-ready data; no NaN, no time, no place."""
    chosen = facts.selection
    short_of = "trials" if chosen.rule.target is None else "rows"
    return {
        "format": STATISTICS_FORMAT,
        "name": facts.name,
        "strategy": chosen.rule.strategy,
        "queries": facts.queries.num_rows,
        "trials": int(chosen.trials.sum()),
        "poolTrials": int(facts.trials.sum()),
        "poolCorrect": int(facts.correct.sum()),
        "rows": chosen.rows,
        "queriesWithoutRow": int((chosen.per_query == 0).sum()),
        "duplicatesLeftOut": chosen.duplicates,
        "queriesUnderMinPassRate": chosen.too_rare,
        "stopped": _tally(facts.status),
        "bySource": table(facts, _by_text(facts.queries["source"].to_pylist(), "source")),
        "byLevel": table(facts, levels(facts.queries["level"].to_pylist())),
        "byDecile": table(facts, facts.bands),
        "short": {
            "queries": len(chosen.short),
            "of": short_of,
            "missing": sum(short.target - int(getattr(short, short_of)) for short in chosen.short),
            "surplusCorrect": sum(short.surplus_correct for short in chosen.short),
            "list": [_fields(short) for short in chosen.short[:LISTED]],
        },
        "losses": [_loss(loss) for loss in facts.losses],
        "nearDuplicates": None if facts.near_preview is None else _loss(facts.near_preview),
        "suspects": {
            "otherAnswer": [_fields(suspect, without="query") for suspect in facts.suspects.other_answer[:LISTED]],
            "otherAnswerQueries": len(facts.suspects.other_answer),
            "lowPassRate": [facts.queries["id"][q].as_py() for q in facts.suspects.low_pass_rate[:LISTED]],
            "lowPassRateQueries": len(facts.suspects.low_pass_rate),
            "lowPassRateRows": int(chosen.per_query[list(facts.suspects.low_pass_rate)].sum()),
            "undecided": [
                {"queryId": query, "undecided": count, "trials": trials}
                for query, count, trials in facts.suspects.undecided[:LISTED]
            ],
        },
        "contamination": {"pairs": len(facts.pairs), "list": [_fields(pair) for pair in facts.pairs[:LISTED]]},
        "repetitions": {"rows": len(facts.repetitions), "list": [_fields(one) for one in facts.repetitions[:LISTED]]},
        "reach": None if facts.reach is None else _reach(facts.reach),
    }


def table(facts: Facts, bands: Bands) -> list[Plain]:
    """Queries, trials, rows and queries without any row by band."""
    per_query = facts.selection.per_query
    rates = bands.mean(facts.pass_rate)
    columns = {
        "queries": bands.sizes(),
        "trials": bands.count(facts.selection.trials),
        "rows": bands.count(per_query),
        "withoutRow": bands.count(per_query == 0),
    }
    return [
        {
            bands.name: label,
            **{name: int(values[number]) for name, values in columns.items()},
            "meanPassRate": None if np.isnan(rates[number]) else round(float(rates[number]), 6),
        }
        for number, label in enumerate(bands.labels)
    ]


def _by_text(values: Sequence[str], name: str) -> Bands:
    """One band per text, in the order in which they first appear."""
    names = list(dict.fromkeys(values))
    position = {value: number for number, value in enumerate(names)}
    return Bands(
        name=name, labels=tuple(names), index=np.asarray([position[value] for value in values], dtype=np.int64)
    )


def _tally(values: Sequence[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _loss(loss: Loss) -> Plain:
    return {
        "name": loss.name,
        "before": loss.before.tolist(),
        "dropped": loss.dropped.tolist(),
        "examples": [_fields(example) for example in loss.examples],
    }


def _reach(reach: Reach) -> Plain:
    curves = {
        "coverage": reach.coverage,
        "passAtK": reach.pass_at_k,
        "coveragePosterior": reach.coverage_posterior,
    }
    return {
        "m": reach.m,
        "queries": reach.queries,
        "leftOut": reach.left_out,
        **{name: None if curve is None else _curve(curve) for name, curve in curves.items()},
    }


def _curve(curve: Curve) -> Mapping[str, list[float]]:
    return {"k": curve.k.tolist(), "value": [round(float(value), 6) for value in curve.value]}


def _fields(record: Any, *, without: str = "") -> Plain:
    """A flat record with its field names in camel case."""
    found = {}
    for name in record.__slots__:
        if name != without:
            first, *others = name.split("_")
            value = getattr(record, name)
            key = first + "".join(part.capitalize() for part in others)
            found[key] = round(value, 6) if isinstance(value, float) else value
    return found
