"""Policy: when the run is folded, and what a fold that failed means. The operator runs folds in child processes."""

from dart_k8s.names import Stage

from .decision import FoldOrder
from .view import Clock, Said, SynthesisView
from .words import fold_reason, one_line

FOLD_SHARE = 0.25
"""Of the time since the last fold with news, until the next one."""


def order(view: SynthesisView) -> FoldOrder | None:
    """A fold, if there may be something to fold: sampled results, claims that may expire, a run to be sealed."""
    progress, settings = view.progress, view.settings
    at_work = any(pod.phase == "Running" and not pod.disrupted for pod in view.pods(Stage.SAMPLER))
    samplers, ended = max(1, view.wishes.samplers), view.ended
    if progress is None:
        return FoldOrder(samplers=samplers, ended=ended, goal=view.goal)
    if not progress.prepared or progress.phase == "closed":
        return None
    if view.stale:
        return FoldOrder(samplers=samplers, ended=ended, goal=view.goal)
    if not (at_work or progress.live_claims or progress.phase == "sealing"):
        return None
    pause = min(settings.fold_most, max(settings.fold_first, progress.last_change * FOLD_SHARE))
    return FoldOrder(samplers=samplers, after=pause, ended=ended, goal=view.goal)


def complaints(view: SynthesisView, clock: Clock) -> tuple[Said, ...]:
    """What keeps the run from being folded. The store is asked again for as long as it takes; what is the user's to
    mend ends the Synthesis after a while."""
    failed = view.failure("fold")
    if failed is None:
        return ()
    reason, words = fold_reason(failed.reason), one_line(f"{failed.message} {failed.remedy}")
    if failed.fault == "user":
        both = [Said(type=name, status="False", reason=reason, message=words) for name in ("Ready", "Progressing")]
        if clock.passed(failed.since + view.settings.stuck_seconds):
            both.append(Said(type="Failed", status="True", reason=reason, message=words))
        return tuple(both)
    said = [Said(type="Degraded", status="True", reason=reason, message=words)]
    if reason in ("StoreAccessDenied", "OutputOwned"):
        said.append(Said(type="Ready", status="False", reason=reason, message=words))
    return tuple(said)


__all__ = ["complaints", "order"]
