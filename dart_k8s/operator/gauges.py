"""Gauges of Trainings and Evaluations: where each stands, by its status."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from dart_k8s.api.conditions import REASONS
from dart_k8s.api.status import EvaluationPhase, TrainingPhase
from dart_k8s.edges.metrics import Metric

__all__ = ["GAUGES", "MOST_OBJECTS", "of_status"]

MOST_OBJECTS = 500
"""Trainings, and as many Evaluations, with series of their own; more are left out, and counted."""
Said = tuple[Metric, float, tuple[tuple[str, str], ...]]


def _of(kind: str, name: str, words: str) -> Metric:
    return Metric(name=f"dart_{kind}_{name}", kind="gauge", help=words, objects=MOST_OBJECTS)


def _phase(kind: str, phases: tuple[str, ...]) -> Metric:
    return Metric(
        name=f"dart_{kind}_phase", kind="gauge", help="1, with the phase as label.", objects=MOST_OBJECTS,
        labels={"phase": phases}, states=("phase",),
    )  # fmt: skip


def _condition(kind: str) -> Metric:
    return Metric(
        name=f"dart_{kind}_condition", kind="gauge", help="1, with a condition's status and reason as labels.",
        objects=MOST_OBJECTS, states=("status", "reason"),
        labels={"condition": CONDITIONS, "status": ("True", "False", "Unknown"), "reason": tuple(REASONS)},
    )  # fmt: skip


CONDITIONS = ("Degraded",)
"""Conditions that alerts are about; phases tell the rest."""
PHASES = {
    "Training": _phase("training", get_args(TrainingPhase)),
    "Evaluation": _phase("evaluation", get_args(EvaluationPhase)),
}
CONDITION = {"Training": _condition("training"), "Evaluation": _condition("evaluation")}
NUMBERS: Mapping[str, tuple[tuple[tuple[str, ...], Metric], ...]] = {
    "Training": tuple(
        (path, _of("training", name, words))
        for path, name, words in (
            (("progress", "step"), "step", "Optimiser steps done."),
            (("progress", "steps"), "steps", "Optimiser steps in all."),
            (("progress", "loss"), "loss", "Mean loss over response tokens of the last steps."),
            (("progress", "tokensPerSecond"), "tokens_per_second", "Tokens that all nodes train on in a second."),
            (("progress", "utilisation"), "mfu", "Part of the hardware's arithmetic that trains."),
            (("checkpoint", "step"), "checkpoint_step", "Optimiser steps in the newest complete checkpoint."),
            (("restarts",), "restarts", "Ends of the group by its own fault."),
            (("disruptions",), "disruptions", "Ends of the group that the cluster caused."),
            (("trainers", "replicas"), "trainers", "Trainer pods that wait or run."),
            (("trainers", "ready"), "trainers_ready", "Trainer pods that run."),
        )
    ),
    "Evaluation": tuple(
        (path, _of("evaluation", name, words))
        for path, name, words in (
            (("progress", "items"), "items", "Problems of all benchmarks."),
            (("progress", "trials"), "trials", "Trials spent, in both passes."),
            (("progress", "wanted"), "wanted", "Trials in all."),
            (("samplers", "replicas"), "samplers", "Sampler pods that wait or run, of both passes."),
            (("samplers", "ready"), "samplers_ready", "Sampler pods whose engine has its model."),
            (("average",), "average", "Mean of the lenient greedy accuracies."),
        )
    ),
}
"""Kind -> path in the status, and its gauge."""
GAUGES = (*PHASES.values(), *CONDITION.values(), *(metric for some in NUMBERS.values() for _, metric in some))


def of_status(kind: str, status: Mapping[str, Any]) -> Iterator[Said]:
    """What a status says."""
    for item in status.get("conditions") or ():
        if (name := item["type"]) in CONDITIONS:
            yield CONDITION[kind], 1.0, (("condition", name), ("status", item["status"]), ("reason", item["reason"]))
    for path, metric in NUMBERS[kind]:
        value: Any = status
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, int | float):
            yield metric, float(value), ()
    yield PHASES[kind], 1.0, (("phase", status["phase"]),)
