"""Policy: which outputs a namespace may use. Judged before anything is created."""

from dart_k8s.api.places import within
from dart_k8s.names import Stage

from .deletion import has_folder
from .ending import end_jobs, end_verifiers
from .folding import order
from .view import Said, Step, SynthesisView, View, names


def refusal(view: View) -> Said | None:
    """Why the object may not run here; None: it may."""
    uri, namespace = view.wishes.output, view.wishes.namespace
    if view.wishes.invalid:
        return Said(type="Ready", status="False", reason="BadConfiguration", message=view.wishes.invalid)
    allowed = [*view.settings.allowed_outputs.get(namespace, ()), *view.settings.allowed_outputs.get("*", ())]
    if not any(within(uri, prefix) for prefix in allowed):
        listed = f"allowed: {names(allowed, 10)}" if allowed else "none is allowed here"
        words = f"Namespace {namespace} may not write to {uri}; {listed}."
        return Said(type="Ready", status="False", reason="OutputNotAllowed", message=words)
    if view.wishes.delete_output and not has_folder(uri):
        words = f"deletionPolicy Delete needs an output with a folder of its own; {uri} has none."
        return Said(type="Ready", status="False", reason="OutputNotAllowed", message=words)
    return None


def wait(view: SynthesisView, why: Said) -> Step:
    """Run nothing of a Synthesis until that has changed."""
    stages = (Stage.PREPARE, Stage.SAMPLER, Stage.CURATE)
    progressing = Said(type="Progressing", status="False", reason=why.reason, message=why.message)
    return Step(
        phase="Waiting",
        message=why.message,
        actions=(*end_jobs(view, *stages), *end_verifiers(view)),
        said=(why, progressing),
        fold=order(view) if view.progress is not None and view.progress.live_claims else None,
    )


__all__ = ["refusal", "wait"]
