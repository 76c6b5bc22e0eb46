"""From facts to a decision: pure, total, and at rest once what it asks for is there."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from dart_k8s.names import Kind, Stage

from . import evaluation, phases, training
from .announcements import announcements
from .decision import Action, Decision
from .facts import Facts
from .phases import Phase, fail
from .settings import Settings
from .status import finished_at, status, urgent
from .ttl import expire
from .view import Step, SynthesisView, View, soonest
from .wishes import kind_of


class Policy(NamedTuple):
    """How objects of a kind are decided."""

    view: Callable[[Facts, Settings], Any]
    phases: tuple[Phase, ...]
    status: Callable[[Any, Step], dict[str, Any]]
    end: Callable[[Any], tuple[Action, ...]]
    """Takes away what costs, once it was given up."""
    last: Stage
    """The stage after which nothing is left to do."""


KINDS: Mapping[Kind, Policy] = {
    "Synthesis": Policy(SynthesisView, phases.PHASES, status, phases.end, Stage.CURATE),
    "Training": Policy(training.TrainingView, training.PHASES, training.status, training.end, Stage.TRAINER),
    "Evaluation": Policy(evaluation.EvaluationView, evaluation.PHASES, evaluation.status, evaluation.end, Stage.SCORE),
}


def decide(facts: Facts, settings: Settings) -> Decision:
    """What is to be done about an object now, and what its status should say.

    Never from the status alone: children have deterministic names, so a decision that was carried out in part, or
    twice, or on an older view, leads to the same end.
    """
    kind = KINDS[kind_of(facts.object)]
    view = kind.view(facts, settings)
    step = next(phase.policy(view) for phase in kind.phases if phase.applies(view))
    step = _failing(view, step, kind)
    after, actions = step.after, step.actions
    if step.phase in ("Complete", "Failed"):
        last, due = expire(view, finished_at(view, kind.last))
        actions, after = (*actions, *last), soonest(after, due)
    said = kind.status(view, step)
    before = dict(view.status)
    return Decision(
        actions=_once_each(actions),
        status=said,
        urgent=urgent(before, said),
        fold=step.fold,
        read=step.read,
        after=after,
        announcements=announcements(before, said),
        why=step.message,
    )


def _failing(view: View, step: Step, kind: Policy) -> Step:
    """A policy that gives up: what the phase Failed does is done at once."""
    why = next((item for item in step.said if item.type == "Failed" and item.status == "True"), None)
    if why is None or step.phase in ("Failed", "Deleting"):
        return step
    failed = fail(view, kind.end(view), why, *step.said)
    return replace(
        step,
        phase="Failed",
        message=why.message,
        actions=failed.actions,
        said=failed.said,
        fold=None,
        read=None,
        after=None,
    )


def _once_each(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    return tuple(dict.fromkeys(actions))


__all__ = ["decide"]
