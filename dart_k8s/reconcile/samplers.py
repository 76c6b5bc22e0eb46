"""Policy: what is said of the samplers' pods, and which of it is the end."""

from dart_k8s.names import Stage

from .failures import Tally, Trouble, podless, worst
from .progress import Progress
from .view import Clock, Said, SynthesisView, names


def of_pods(view: SynthesisView, count: Tally, clock: Clock) -> tuple[Said, ...]:
    """What keeps samplers from their work, and since when that is worth a look or the end."""
    pods, wishes, settings = view.pods(Stage.SAMPLER), view.wishes, view.settings
    ready = [pod for pod in pods if pod.ready]
    # A failure is over once a result has come after it; its pod stays until the Job goes.
    fresh = [pod for pod in pods if pod.phase != "Failed" or count.failures]
    found = worst(fresh)
    said: list[Said] = []
    if ready:
        words = f"{len(ready)} samplers have their engine."
        said.append(Said(type="EngineReady", status="True", reason="EngineAnswers", message=words))
        said.append(Said(type="Progressing", status="True", reason="Sampling", message=words))
    elif found is not None:
        said += _blocked(view, found, clock)
    elif not wishes.samplers:
        words = "spec.samplers.replicas is 0."
        said += [not_so(name, "NoSamplersWanted", words) for name in ("EngineReady", "Progressing")]
    elif pods:
        words = f"{len(pods)} samplers start."
        late = [pod for pod in pods if pod.phase == "Running" and not pod.started]
        if late and view.now - late[0].created > wishes.startup_deadline:
            words = f"Pod {late[0].name} has not loaded its model after {wishes.startup_deadline:g} s."
            said.append(Said(type="Degraded", status="True", reason="EngineNotReady", message=words))
        said.append(not_so("EngineReady", "EngineLoading", words))
    else:
        said += _podless(view, clock)
    if found is not None and (found.kind == "failed" or clock.passed(found.since + settings.quiet_seconds)):
        words = found.message
        if count.failures:
            words = f"{count.failures} of at most {wishes.max_failures} failures without a result. {words}"
        said.append(Said(type="Degraded", status="True", reason=found.reason, message=words))
    return tuple(said)


def _blocked(view: SynthesisView, found: Trouble, clock: Clock) -> list[Said]:
    said = [not_so(name, found.reason, found.message) for name in ("EngineReady", "Progressing")]
    if found.kind == "broken" and clock.passed(found.since + view.settings.stuck_seconds):
        minutes = view.settings.stuck_seconds / 60
        words = f"No sampler could start for {minutes:g} minutes. {found.message} Mend it, then change the spec."
        said.append(Said(type="Failed", status="True", reason=found.reason, message=words))
    return said


def _podless(view: SynthesisView, clock: Clock) -> list[Said]:
    alone = [job for job in view.jobs(Stage.SAMPLER) if not job.ended and not job.suspended and job.parallelism]
    found = podless(view, alone[-1], clock) if alone else None
    if found is None:
        return []
    said = [not_so(name, found.reason, found.message) for name in ("Progressing", "EngineReady")]
    return [*said, Said(type="Degraded", status="True", reason=found.reason, message=found.message)]


def not_so(kind: str, reason: str, message: str) -> Said:
    """A condition that is False."""
    return Said(type=kind, status="False", reason=reason, message=message)


def of_run(progress: Progress | None) -> tuple[Said, ...]:
    """What the state says that is worth a look."""
    said: list[Said] = []
    if progress is None:
        return ()
    if progress.set_aside_total:
        words = f"{progress.set_aside_total} shards ended their samplers again and again: {names(progress.set_aside)}."
        said.append(Said(type="Degraded", status="True", reason="ShardsSetAside", message=words))
    if progress.phase == "sealing":
        words = "No query is open; what is late or waits for a verdict is being collected."
        said.append(Said(type="Progressing", status="True", reason="Sealing", message=words))
    return tuple(said)


__all__ = ["not_so", "of_pods", "of_run"]
