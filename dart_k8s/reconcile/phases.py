"""Phases as a table: the first one that applies says what is to be done."""

from collections.abc import Callable
from typing import NamedTuple

from dart_k8s.names import Stage

from .admission import refusal, wait
from .curate import closed, complete, curate, finish
from .deletion import delete
from .ending import end_jobs, end_verifiers
from .prepare import finalize, prepare, prepared
from .sampling import sample
from .suspend import suspend
from .view import Said, Step, View


class Phase(NamedTuple):
    """A row of the table."""

    name: str
    applies: Callable[[View], bool]
    policy: Callable[[View], Step]


def fail(view: View, why: Said, *rest: Said) -> Step:
    """Given up: everything that costs goes, what says why stays. A change of the spec makes a new start."""
    stages = (Stage.PREPARE, Stage.SAMPLER, Stage.CURATE)
    actions = (*finalize(view), *end_jobs(view, *stages), *end_verifiers(view))
    stopped = Said(type="Progressing", status="False", reason=why.reason, message=why.message)
    kept = tuple(item for item in rest if item.type in KEPT and item.status != "True")
    return Step(phase="Failed", message=why.message, actions=actions, said=(why, stopped, *kept))


KEPT = ("Ready", "Prepared", "EngineReady", "NetworkIsolation", "Suspended")
"""Conditions that go on saying what they said when it was given up, if that was bad."""


def _given_up(view: View) -> Step:
    said = [
        Said(type=kind, status=item["status"], reason=item.get("reason", ""), message=item.get("message", ""))
        for kind, item in view.conditions.items()
    ]
    [why] = [item for item in said if item.type == "Failed"]
    return fail(view, why, *said)


def _refused(view: View) -> Step:
    why = refusal(view)
    return wait(view, why) if why is not None else sample(view)


PHASES = (
    Phase("Deleting", lambda view: view.deleting_since is not None, delete),
    Phase("Complete", complete, finish),
    Phase("Failed", lambda view: view.holds("Failed"), _given_up),
    Phase("Suspended", lambda view: view.wishes.suspend, suspend),
    Phase("Waiting", lambda view: refusal(view) is not None, _refused),
    Phase("Preparing", lambda view: not prepared(view), prepare),
    Phase("Curating", closed, curate),
    Phase("Sampling", lambda view: True, sample),
)

__all__ = ["PHASES", "Phase", "fail"]
