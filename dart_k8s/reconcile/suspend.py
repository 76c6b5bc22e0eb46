"""Policy: a suspended Synthesis has no Jobs, so it holds no quota; all state is in the store."""

from dart_k8s.names import Stage

from .declaring import finalize
from .ending import end_jobs, rest_verifiers
from .folding import order
from .view import Said, Step, SynthesisView, names


def suspend(view: SynthesisView) -> Step:
    """End all pods."""
    stages = (Stage.PREPARE, Stage.SAMPLER, Stage.CURATE)
    actions = (*finalize(view), *end_jobs(view, *stages), *rest_verifiers(view))
    going = view.going(*stages)
    words = "spec.suspend is true. Nothing is lost; set it to false to go on."
    if going:
        words = f"{words} {names(job.name for job in going)} ends."
    said = [Said(type="Suspended", status="True", reason="SuspendedByUser", message=words)]
    said.append(Said(type="Progressing", status="False", reason="Paused", message=words))
    # What the samplers wrote last is still to be counted; then the store is left alone.
    progress = view.progress
    fold = order(view) if progress is not None and progress.live_claims else None
    return Step(phase="Suspended", message=words, actions=actions, said=tuple(said), fold=fold)


__all__ = ["suspend"]
