"""Phases as a table: the first one that applies says what is to be done."""

from collections.abc import Callable
from typing import Any, NamedTuple

from dart_k8s.names import Stage

from .admission import refusal, wait
from .curate import closed, complete, curate, finish
from .decision import Action
from .declaring import finalize
from .deletion import delete
from .ending import end_jobs, end_verifiers
from .prepare import prepare, prepared
from .sampling import sample
from .suspend import suspend
from .view import Said, Step, SynthesisView, View


class Phase(NamedTuple):
    """A row of the table. Its functions take the view of the table's kind."""

    name: str
    applies: Callable[[Any], bool]
    policy: Callable[[Any], Step]


def end(view: View) -> tuple[Action, ...]:
    """Takes away everything of a Synthesis that costs."""
    return (*end_jobs(view, Stage.PREPARE, Stage.SAMPLER, Stage.CURATE), *end_verifiers(view))


def fail(view: View, ending: tuple[Action, ...], why: Said, *rest: Said) -> Step:
    """Given up: everything that costs goes (`ending`), what says why stays. A change of the spec makes a new start."""
    stopped = Said(type="Progressing", status="False", reason=why.reason, message=why.message)
    kept = tuple(item for item in rest if item.type in KEPT and item.status != "True")
    actions = (*finalize(view), *ending)
    return Step(phase="Failed", message=why.message, actions=actions, said=(why, stopped, *kept))


KEPT = ("Ready", "Prepared", "EngineReady", "NetworkIsolation", "Suspended")
"""Conditions that go on saying what they said when it was given up, if that was bad."""


def given_up(view: View, ending: tuple[Action, ...]) -> Step:
    """Stay failed: what the status says, it goes on to say."""
    said = [
        Said(type=kind, status=item["status"], reason=item.get("reason", ""), message=item.get("message", ""))
        for kind, item in view.conditions.items()
    ]
    [why] = [item for item in said if item.type == "Failed"]
    return fail(view, ending, why, *said)


def _given_up(view: SynthesisView) -> Step:
    return given_up(view, end(view))


def _refused(view: SynthesisView) -> Step:
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

__all__ = ["PHASES", "Phase", "end", "fail", "given_up"]
