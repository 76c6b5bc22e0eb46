"""Policy: verification pods follow the samplers that run, and what waits for a verdict."""

import math

from dart_k8s.names import Stage, verifier_name

from . import digests
from .decision import VERIFIERS, Action, ApplyVerifiers
from .ending import end_verifiers, rest_verifiers
from .failures import JUDGING, worst
from .view import Clock, Said, SynthesisView
from .words import one_line, told


def size(view: SynthesisView, samplers: int) -> int:
    """Verification pods for so many samplers: as the spec says, or in proportion, and up to twice as many while many
    responses wait."""
    wishes, settings = view.wishes, view.settings
    if samplers <= 0:
        return 0
    if wishes.verifiers is not None:
        return wishes.verifiers
    progress = view.progress
    # In steps of a half, so that the number does not follow every response.
    waiting = min(1.0, progress.pending / wishes.max_pending) if progress is not None else 0.0
    share = 1.0 + math.floor(waiting * 2.0) / 2.0
    return min(settings.most_verifiers, math.ceil(samplers * share / settings.samplers_per_verifier))


def verify(view: SynthesisView, samplers: int) -> tuple[Action, ...]:
    """The verification pods, where they are not as they should be."""
    if not view.wishes.own_verifiers:
        return end_verifiers(view)
    replicas = size(view, samplers)
    if not replicas:
        return rest_verifiers(view)
    name, wanted = verifier_name(view.wishes.name), digests.verifiers(view.facts.object, view.settings)
    good = {
        child.kind
        for child in view.facts.children
        if child.name == name
        and (child.owner, child.digest) == (view.wishes.uid, wanted)
        and not child.deleting
        and (child.kind != "Deployment" or child.replicas == replicas)
    }
    missing = VERIFIERS - good
    return (ApplyVerifiers(replicas=replicas, kinds=missing),) if missing else ()


def complaints(view: SynthesisView, clock: Clock) -> tuple[Said, ...]:
    """Verification pods that should work and do not."""
    progress, wishes = view.progress, view.wishes
    found: list[Said] = []
    pods = view.pods(Stage.VERIFIER)
    open_ = [finding[1] for pod in pods if (finding := told(pod.said)) and finding[0] == "NotIsolated"]
    if open_:
        # It ends again and again: for its code it is not safe to run there. Samplers hold their GPUs meanwhile.
        found.append(Said(type="NetworkIsolation", status="False", reason="NotIsolated", message=open_[0]))
        found.append(Said(type="Degraded", status="True", reason="NotIsolated", message=open_[0]))
        if clock.passed(pods[0].created + view.settings.stuck_seconds):
            found.append(Said(type="Failed", status="True", reason="NotIsolated", message=open_[0]))
    elif wishes.isolated and any(pod.ready for pod in pods):
        words = "Verification pods tried to reach the API server and DNS, and could not."
        found.append(Said(type="NetworkIsolation", status="True", reason="Isolated", message=words))
    refused = view.failure(JUDGING)
    if refused is not None:
        words = one_line(f"{refused.message} {refused.remedy}")
        found.append(Said(type="Degraded", status="True", reason="PodRefused", message=words))
        if refused.fault == "user" and clock.passed(refused.since + view.settings.stuck_seconds):
            found.append(Said(type="Failed", status="True", reason="PodRefused", message=words))
    deployed = [c for c in view.facts.children if c.kind == "Deployment" and c.owner == wishes.uid and c.replicas]
    running = [pod for pod in view.pods(Stage.SAMPLER) if pod.ready]
    if wishes.own_verifiers and running and not any(child.ready for child in deployed):
        since = min([pod.created for pod in pods], default=min(pod.created for pod in running))
        if clock.passed(since + view.settings.verifier_seconds):
            why = worst(pods)
            rest = why.message if why else "Look at the Deployment."
            message = f"No verification pod is ready; responses are kept until one is. {rest}"
            found.append(Said(type="Degraded", status="True", reason="VerifiersUnavailable", message=message))
    if progress is not None and progress.pending > wishes.max_pending:
        message = (
            f"{progress.pending} responses wait for a verdict (at most {wishes.max_pending} may); no trials start."
        )
        found.append(Said(type="Degraded", status="True", reason="TooManyPending", message=message))
    return tuple(found)


__all__ = ["complaints", "size", "verify"]
