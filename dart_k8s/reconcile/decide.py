"""From facts to a decision: pure, total, and at rest once what it asks for is there."""

from dataclasses import replace

from .announcements import announcements
from .decision import Action, Decision
from .facts import Facts
from .phases import PHASES, fail
from .settings import Settings
from .status import finished_at, status, urgent
from .ttl import expire
from .view import Step, View, soonest


def decide(facts: Facts, settings: Settings) -> Decision:
    """What is to be done about a Synthesis now, and what its status should say.

    Never from the status alone: children have deterministic names, so a decision that was carried out in part, or
    twice, or on an older view, leads to the same end.
    """
    view = View(facts, settings)
    step = next(phase.policy(view) for phase in PHASES if phase.applies(view))
    step = _failing(view, step)
    after, actions = step.after, step.actions
    if step.phase in ("Complete", "Failed"):
        last, due = expire(view, finished_at(view))
        actions, after = (*actions, *last), soonest(after, due)
    said = status(view, step)
    before = dict(view.status)
    return Decision(
        actions=_once_each(actions),
        status=said,
        urgent=urgent(before, said),
        fold=step.fold,
        after=after,
        announcements=announcements(before, said),
        why=step.message,
    )


def _failing(view: View, step: Step) -> Step:
    """A policy that gives up: what the phase Failed does is done at once."""
    why = next((item for item in step.said if item.type == "Failed" and item.status == "True"), None)
    if why is None or step.phase in ("Failed", "Deleting"):
        return step
    failed = fail(view, why, *step.said)
    return replace(
        step, phase="Failed", message=why.message, actions=failed.actions, said=failed.said, fold=None, after=None
    )


def _once_each(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    return tuple(dict.fromkeys(actions))


__all__ = ["decide"]
