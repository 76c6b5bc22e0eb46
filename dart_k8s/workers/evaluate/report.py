"""From outcomes to what is written: `report/evaluation.json`, the table, and what a status shows.

    {"format": "dart-k8s.io/evaluation-report/v1", "version": 1, "name": ..., "model": {...}, "benchmarks": [...], ...}

Shares are 0 to 1. Each benchmark carries its items' ids with one digit each for the greedy response ("1": right) and
the counts of right trials, so that two reports can be compared problem by problem without anything else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dart_k8s import __version__
from dart_k8s.answers import VERSION
from dart_k8s.api import Evaluation
from dart_k8s.scores.average import Average, average_of
from dart_k8s.scores.benchmark import (
    COVERAGE_AT,
    POLICIES,
    At,
    BenchmarkScores,
    Group,
    Outcomes,
    Scored,
    Wanted,
    scores_of,
)
from dart_k8s.scores.curves import Curve, sizes_up_to
from dart_k8s.scores.numbers import Estimate, Resampling

from .problems import Problems
from .record import BenchmarkRecord, EvaluationRecord
from .scoring import ItemFacts

FORMAT = "dart-k8s.io/evaluation-report/v1"
REPORT = "report/evaluation.json"
EARLIER = "report/earlier/"
"""Reports that a later scoring has replaced."""
ITEMS_TABLE = "report/items.parquet"
TABLE = "report/README.md"
SUMMARY = "state/summary.json"
SUMMARY_BYTES = 8192
"""Most that a status may take of it."""

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassFacts:
    """What one pass cost."""

    name: str
    """greedy or trials."""
    output: str
    trials: int
    tokens: int
    generating_seconds: float
    """Summed over engines."""
    held_seconds: float


def wanted_of(evaluation: Evaluation) -> Wanted:
    """The k of pass@k and maj@k, as declared; else 1, 2, 5, 10, ... up to n, and n."""
    trials = evaluation.spec.trials
    if trials is None:
        return Wanted()
    series = [step * 10**power for power in range(6) for step in (1, 2, 5)]
    default = (*(k for k in series if k < trials.count), trials.count)
    return Wanted(pass_at=trials.pass_at or default, majority_at=trials.majority_at or (trials.count,))


def resampling_of(evaluation: Evaluation) -> Resampling:
    """As declared."""
    given = evaluation.spec.intervals
    return Resampling(resamples=given.resamples, confidence=given.confidence, seed=given.seed)


def report_of(
    record: EvaluationRecord,
    problems: Problems,
    facts: Sequence[ItemFacts],
    outcomes: Sequence[Outcomes],
    passes: Sequence[PassFacts],
) -> Plain:
    """The report, ready for JSON; the same verdicts give the same report."""
    evaluation = record.evaluation
    spec = evaluation.spec
    wanted, how = wanted_of(evaluation), resampling_of(evaluation)
    benchmarks = [
        {
            **_noted(noted),
            **_benchmark(scores_of(one, wanted, how)),
            **_counts([facts[number] for number in problems.of(one.name)], greedy=spec.decoding.greedy),
            "perItem": _vectors(one),
        }
        for noted, one in zip(record.benchmarks, outcomes, strict=True)
    ]
    average = average_of(outcomes, wanted, how) if len(outcomes) > 1 else None
    declared = spec.model
    return {
        "format": FORMAT,
        "version": 1,
        "name": evaluation.metadata.name,
        "digest": record.digest,
        "model": {
            "uri": record.model,
            "revision": record.revision,
            "fromTraining": None if declared is None else declared.from_training,
            "engine": spec.engine.kind,
            "served": spec.engine.model,
        },
        "prompt": {**record.prompt, "from": record.template_from},
        "decoding": _decoding(evaluation),
        "versions": {"dart-k8s": __version__, "prepared by dart-k8s": record.program, "verifier": VERSION},
        "intervals": {**asdict(how), "over": "problems", "method": "percentile bootstrap"},
        "rules": {
            "strict": "only a marked final answer counts",
            "lenient": "the last number or formula where none is marked, as the DART-Math evaluation code does",
            "majority": "answers that the verifier calls equal vote together, responses without an answer not at all; "
            "the exact mean over all choices of k trials; a tie is settled by lot, in expectation",
            "pass": "unbiased, 1 - C(n-c, k) / C(n, k)",
        },
        "passes": [_camel(asdict(one)) for one in passes],
        "benchmarks": benchmarks,
        "average": None if average is None else _average(average),
    }


def summary_of(report: Mapping[str, Any]) -> Plain:
    """What a status shows: per benchmark items and the main scores; at most `SUMMARY_BYTES` as JSON."""

    def short(scores: Mapping[str, Any]) -> Plain:
        strict, lenient = scores["strict"], scores["lenient"]
        at_one = next((one for one in strict["passAt"] if one["k"] == 1), None)
        majority = strict["majorityAt"][-1] if strict["majorityAt"] else None
        return {
            "strict": _rounded(strict["greedy"]),
            "lenient": _rounded(lenient["greedy"]),
            "passAt1": None if at_one is None else _rounded(at_one),
            "majority": None if majority is None else {"k": majority["k"], **_rounded(majority)},
        }

    average = report["average"]
    made = {
        "version": 1,
        "benchmarks": [
            {"name": one["name"], "items": one["items"], **short(one["scores"])} for one in report["benchmarks"]
        ],
        "average": None if average is None else short(average["scores"]),
        "verifier": report["versions"]["verifier"],
    }
    while len(json.dumps(made).encode()) > SUMMARY_BYTES:
        made["benchmarks"] = made["benchmarks"][:-1]
    return made


def dumps(report: Mapping[str, Any]) -> bytes:
    """As JSON, items' vectors on one line each."""
    return json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _rounded(estimate: Mapping[str, Any] | None) -> Any:
    return None if estimate is None else {name: round(estimate[name], 4) for name in ("value", "low", "high")}


def _decoding(evaluation: Evaluation) -> Plain:
    spec, trials = evaluation.spec, evaluation.spec.trials
    return {
        "maxTokens": spec.decoding.max_tokens,
        "greedy": {"temperature": 0.0} if spec.decoding.greedy else None,
        "trials": None
        if trials is None
        else {"n": trials.count, "temperature": trials.temperature, "topP": trials.top_p, "seed": trials.seed},
    }


def _noted(noted: BenchmarkRecord) -> Plain:
    fields = asdict(noted)
    return {**fields, "notes": list(noted.notes)}


def _benchmark(found: BenchmarkScores) -> Plain:
    return {
        "scores": _scores(found.scores),
        "bySubject": [_group(one) for one in found.by_subject],
        "byLevel": [_group(one) for one in found.by_level],
        "byPicture": [_group(one) for one in found.by_picture],
    }


def _average(found: Average) -> Plain:
    return {"benchmarks": list(found.benchmarks), "scores": _scores(found.scores)}


def _scores(scores: Mapping[Any, Scored]) -> Plain:
    return {policy: _scored(scores[policy]) for policy in POLICIES}


def _scored(found: Scored) -> Plain:
    return {
        "greedy": _estimate(found.greedy),
        "passAt": [_at(one) for one in found.pass_at],
        "majorityAt": [_at(one) for one in found.majority_at],
        "coverageAt": [_at(one) for one in found.covered_at],
        "coverage": _curve(found.coverage),
    }


def _group(group: Group) -> Plain:
    return {"label": group.label, "items": group.items, "scores": _scores(group.scores)}


def _at(one: At) -> Plain:
    return {"k": one.k, **(_estimate(one.score) or {}), "leftOut": one.left_out}


def _estimate(one: Estimate | None) -> Plain | None:
    return None if one is None else {name: round(value, 6) for name, value in asdict(one).items()}


def _curve(curve: Curve | None) -> Plain | None:
    """The curve at 1, 2, 4, ... and at the numbers of trials that are told."""
    if curve is None:
        return None
    last = int(curve.k[-1])
    ks = sorted({*sizes_up_to(last).tolist(), *(k for k in COVERAGE_AT if k <= last)})
    return {"k": ks, "value": [round(float(curve.value[k - 1]), 6) for k in ks]}


def _counts(facts: Sequence[ItemFacts], *, greedy: bool) -> Plain:
    """What became of the responses."""
    made: Plain = {}
    if greedy:
        known = [one for one in facts if one.greedy is not None]
        strict = [one.greedy.strict for one in known if one.greedy is not None]
        made["greedyResponses"] = {
            "responses": len(known),
            "undecided": sum(verdict.verdict == "undecided" for verdict in strict),
            "withoutAnswer": sum(verdict.answer is None for verdict in strict),
            "cutOff": sum(one.greedy_finish == "length" for one in known),
            "tokens": sum(one.greedy_tokens for one in known),
        }
    if any(one.trials for one in facts):
        made["trialResponses"] = {
            "responses": sum(one.trials for one in facts),
            "undecided": sum(one.undecided for one in facts),
            "withoutAnswer": sum(one.unanswered for one in facts),
            "cutOff": sum(one.cut_off for one in facts),
            "tokens": sum(one.tokens for one in facts),
        }
    return made


def _vectors(one: Outcomes) -> Plain:
    made: Plain = {"ids": " ".join(one.ids) if not any(" " in name for name in one.ids) else list(one.ids)}
    for policy in POLICIES:
        judged = one.judged[policy]
        if judged.greedy is not None:
            made[policy] = "".join("1" if right else "0" for right in judged.greedy)
    if one.trials.any():
        made["trials"] = _packed(one.trials)
        made["correct"] = {policy: _packed(one.judged[policy].correct) for policy in POLICIES}
    return made


def _packed(values: np.ndarray[Any, Any]) -> str:
    """Numbers in one line of text: a list of JSON's would take a line each."""
    return " ".join(map(str, values.tolist()))


def _camel(fields: Mapping[str, Any]) -> Plain:
    made = {}
    for name, value in fields.items():
        first, *others = name.split("_")
        made[first + "".join(part.capitalize() for part in others)] = value
    return made


__all__ = [
    "EARLIER",
    "FORMAT",
    "ITEMS_TABLE",
    "REPORT",
    "SUMMARY",
    "TABLE",
    "PassFacts",
    "dumps",
    "report_of",
    "resampling_of",
    "summary_of",
    "wanted_of",
]
