"""Policy: the passes of an Evaluation are Syntheses, which belong to it. One after the other: each may hold as many
GPUs as the Evaluation was given."""

from collections.abc import Iterable
from typing import Any

from dart_k8s.api import Synthesis
from dart_k8s.reconcile import digests
from dart_k8s.reconcile.decision import Action, ApplyPass, DeleteChild, ReadOrder
from dart_k8s.reconcile.declaring import declare, finalize
from dart_k8s.reconcile.facts import Reference
from dart_k8s.reconcile.view import ConditionStatus, Said, Step
from dart_k8s.reconcile.words import fold_reason, one_line

from .passes import manifest_spec
from .view import RECORD, EvaluationView, planned

TOLD = ("Progressing", "Degraded")
"""Conditions of a pass that are its Evaluation's too."""


def sample(view: EvaluationView) -> Step:
    """Have the passes sampled."""
    wanted, there = planned(view.facts), {one.name: one for one in view.made}
    if not wanted:
        return _unread(view)
    failed = _failed(there.values())
    if failed is not None:
        return Step(phase="Sampling", message=failed.message, said=(failed,))
    actions: list[Action] = []
    at: Reference | None = None
    for one in wanted:
        name = one.metadata.name
        at = there.get(name)
        actions += _apply(one, at, suspend=False)
        if at is None or not at.complete:
            break
    words = _standing(at) if at is not None else f"Synthesis {one.metadata.name} is created."
    said = _told(at) if at is not None else ()
    refused = view.failure("apply Synthesis ")
    if refused is not None:
        words = one_line(f"{refused.message} {refused.remedy}")
        types = ("Ready", "Progressing")
        said = tuple(Said(type=kind, status="False", reason="PodRefused", message=words) for kind in types)
    return Step(
        phase="Sampling",
        message=words,
        actions=(*finalize(view), *declare(view), *actions),
        said=(*said, *unreadable(view)),
    )


def sampled(view: EvaluationView) -> bool:
    """Whether all passes have all of their responses."""
    wanted, there = planned(view.facts), {one.name: one for one in view.made}
    return bool(wanted) and all(
        (found := there.get(one.metadata.name)) is not None and found.complete for one in wanted
    )


def pause(view: EvaluationView) -> tuple[tuple[Action, ...], ReadOrder | None]:
    """Suspends the passes that are not done; or, what has to be read before that."""
    wanted, there = planned(view.facts), {one.name: one for one in view.made}
    left = [one for one in view.made if not one.complete and not one.deleting and one.phase != "Suspended"]
    if left and not wanted:
        return (), ReadOrder(key=RECORD, after=view.settings.read_seconds if view.facts.found else 0.0)
    unfinished = {one.name for one in left}
    some = [one for one in wanted if one.metadata.name in unfinished]
    return tuple(action for one in some for action in _apply(one, there[one.metadata.name], suspend=True)), None


def unmake(view: EvaluationView) -> tuple[Action, ...]:
    """Deletes the passes."""
    ours = [one for one in view.made if not one.deleting]
    return tuple(DeleteChild(kind="Synthesis", name=one.name, uid=one.uid) for one in ours)


def _apply(one: Synthesis, there: Reference | None, *, suspend: bool) -> list[Action]:
    if there is not None and (there.deleting or there.digest == digests.synthesis_pass(manifest_spec(one, suspend))):
        return []
    return [ApplyPass(name=one.metadata.name, suspend=suspend)]


def _unread(view: EvaluationView) -> Step:
    words = f"{RECORD} of {view.wishes.output} is being read."
    said = unreadable(view)
    if view.record is not None:
        words = f"{RECORD} of {view.wishes.output} holds no passes that this version can read."
        said = (Said(type="Degraded", status="True", reason="RunUnreadable", message=words),)
    after = view.settings.read_seconds if view.looked_for(RECORD, 0.0) else 0.0
    return Step(
        phase="Sampling",
        message=words,
        actions=(*finalize(view),),
        said=said,
        read=ReadOrder(key=RECORD, after=after),
    )


def unreadable(view: EvaluationView) -> tuple[Said, ...]:
    """Why the output can't be read."""
    failed = view.failure("read")
    if failed is None:
        return ()
    words = one_line(f"{failed.message} {failed.remedy}")
    return (Said(type="Degraded", status="True", reason=fold_reason(failed.reason), message=words),)


def _failed(passes: Iterable[Reference]) -> Said | None:
    """A pass that was given up, with its reason."""
    for one in passes:
        for item in one.status.get("conditions") or ():
            if (item.get("type"), item.get("status")) == ("Failed", "True"):
                words = one_line(f"Synthesis {one.name}: {item.get('message', '')}")
                return Said(type="Failed", status="True", reason=str(item.get("reason", "")), message=words)
    return None


def _told(one: Reference) -> tuple[Said, ...]:
    """What a pass says of itself."""
    said = []
    for item in one.status.get("conditions") or ():
        status: ConditionStatus = item.get("status", "Unknown")
        if item.get("type") in TOLD and item.get("reason") not in ("AllWell", "AlreadyFinished", "Finished"):
            words = one_line(f"Synthesis {one.name}: {item.get('message', '')}") if item.get("message") else ""
            said.append(Said(type=item["type"], status=status, reason=item["reason"], message=words))
    return tuple(said)


def _standing(one: Reference) -> str:
    progress: dict[str, Any] = one.status.get("progress") or {}
    share = f", {progress['summary']}" if progress.get("summary") else ""
    return f"Synthesis {one.name} is {one.phase}{share}."


__all__ = ["pause", "sample", "sampled", "unmake", "unreadable"]
