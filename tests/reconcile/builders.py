"""Facts for tests, and a cluster of a few dictionaries that carries decisions out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dart_k8s.names import Stage, declaration_name, job_name, verifier_name
from dart_k8s.reconcile import (
    Action,
    ApplyDeclaration,
    ApplyVerifiers,
    ChildFact,
    CreateJob,
    Decision,
    DeleteChild,
    Facts,
    JobFact,
    PodFact,
    Progress,
    ScaleJob,
    SetFinalizer,
    Settings,
    decide,
    digests,
    moments,
)

NOW = 1_800_000_000.0
UID = "synthesis-uid"
SETTINGS = Settings(allowed_outputs={"*": ("s3://bucket",)})
SPEC: dict[str, Any] = {
    "queries": [{"name": "math", "uri": "s3://bucket/math.jsonl"}],
    "model": {"uri": "hf://owner/model"},
    "prompt": {"template": "deepseek-math"},
    "strategy": {"kind": "uniform"},
    "samplers": {"replicas": 4},
    "output": {"uri": "s3://bucket/runs/math"},
}
SAMPLING = Progress(
    prepared=True, plan="3-1", epoch=1, queries=100, open=60, covered=50, trials=500, correct=200, distinct=190,
    wanted=4000, accepted=190, remaining=4500.0, trials_per_second=9.0, live_claims=4, unclaimed_shards=9,
)  # fmt: skip
CLOSED = replace(SAMPLING, phase="closed", open=0, live_claims=0, unclaimed_shards=0, remaining=0.0)


def synthesis(*, status: Mapping[str, Any] | None = None, generation: int = 1, **spec: Any) -> dict[str, Any]:
    """A Synthesis as an API server gives it; fields of the spec replaced, None removes one."""
    fields = {key: value for key, value in {**SPEC, **spec}.items() if value is not None}
    return {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Synthesis",
        "metadata": {"name": "math", "namespace": "team", "uid": UID, "generation": generation},
        "spec": fields,
        **({"status": dict(status)} if status else {}),
    }


def job(stage: Stage = Stage.SAMPLER, number: int = 1, **fields: Any) -> JobFact:
    """A Job of the Synthesis, at work."""
    parallelism = fields.pop("parallelism", 4 if stage is Stage.SAMPLER else 1)
    given = {
        "uid": f"{stage.value}-{number}-uid", "owner": UID, "suspended": False, "deleting": False,
        "created": NOW - 600, "active": parallelism, "ready": parallelism, "asked": parallelism, "generation": 1,
        "digest": digests.goal(synthesis()),
    }  # fmt: skip
    name = job_name("math", stage, number)
    return JobFact(name=name, stage=stage, number=number, parallelism=parallelism, **{**given, **fields})


def done(stage: Stage, number: int = 1, **fields: Any) -> JobFact:
    """A Job whose pod ended well."""
    return job(stage, number, **{"ended": "Complete", "finished": NOW - 300, "active": 0, "succeeded": 1, **fields})


def failed(stage: Stage, number: int = 1, **fields: Any) -> JobFact:
    """A Job that failed."""
    given = {"ended": "Failed", "reason": "PodFailurePolicy", "finished": NOW - 300, "active": 0, "failed": 1}
    return job(stage, number, **{**given, **fields})


def pod(stage: Stage = Stage.SAMPLER, number: int = 1, index: int = 0, **fields: Any) -> PodFact:
    """A pod at work."""
    given = {"phase": "Running", "created": NOW - 600, "ready": True, "started": True, "node": "node-1"}
    name = f"{job_name('math', stage, number)}-{index}"
    return PodFact(name=name, uid=f"{name}-uid", stage=stage, number=number, **{**given, **fields})


def facts(
    *,
    jobs: tuple[JobFact, ...] = (),
    progress: Progress | None = None,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    generation: int = 1,
    metadata: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Facts:
    """Facts about it."""
    made = synthesis(status=status, generation=generation, **(spec or {}))
    made["metadata"] |= metadata or {}
    given = {"now": NOW, "progress_at": NOW - 5 if progress is not None else 0.0}
    if progress is not None:
        given["progress_ended"] = {job.name: job.succeeded for job in jobs}
    return Facts(object=made, jobs=jobs, progress=progress, **{**given, **fields})


def sampling(*, spec: Mapping[str, Any] | None = None, **changes: Any) -> Facts:
    """Facts about one that samples with four samplers, all children there; then, from one moment to the next, these
    fields of the spec and these facts are others. `jobs` are besides the prepare Job."""
    four = tuple(pod(index=index) for index in range(4))
    seen, _ = settle(facts(jobs=(done(Stage.PREPARE), job()), progress=SAMPLING, pods=four))
    if "jobs" in changes:
        changes["jobs"] = (done(Stage.PREPARE), *changes["jobs"])
    if spec:
        changes["object"] = {**seen.object, "spec": {**seen.object["spec"], **spec}}
    return replace(seen, **changes)


def condition(decision: Decision, kind: str) -> dict[str, Any]:
    """A condition of the status that was decided."""
    [found] = [item for item in decision.status["conditions"] if item["type"] == kind]
    return found


def said(decision: Decision, kind: str) -> tuple[str, str]:
    """Its status and reason."""
    found = condition(decision, kind)
    return found["status"], found["reason"]


def settle(seen: Facts, settings: Settings = SETTINGS, rounds: int = 12) -> tuple[Facts, list[Decision]]:
    """Decide and carry out, time standing still, until nothing is left to do."""
    decisions: list[Decision] = []
    for _ in range(rounds):
        decisions.append(decide(seen, settings))
        after = apply(seen, decisions[-1], settings)
        if not decisions[-1].actions and after == seen:
            return after, decisions
        seen = after
    raise AssertionError(f"still at it after {rounds} rounds: {decisions[-1].actions}")


def apply(seen: Facts, decision: Decision, settings: Settings = SETTINGS) -> Facts:
    """The facts after a decision was carried out: all at once, nothing else happening, folds finding nothing new."""
    for action in decision.actions:
        seen = _carry_out(seen, action, settings)
    if decision.fold is not None and seen.progress is not None:
        seen = replace(seen, progress_ended=decision.fold.ended)
    return apply_status(seen, decision)


def apply_status(seen: Facts, decision: Decision) -> Facts:
    """The facts after the status was written."""
    return replace(seen, object={**seen.object, "status": decision.status})


def _carry_out(seen: Facts, action: Action, settings: Settings) -> Facts:
    match action:
        case CreateJob():
            return _created(seen, action)
        case ScaleJob():
            jobs = [replace(j, parallelism=action.parallelism) if j.uid == action.uid else j for j in seen.jobs]
            return replace(seen, jobs=tuple(jobs))
        case ApplyDeclaration():
            wanted = digests.declaration(seen.object, settings)
            return _applied(seen, "ConfigMap", declaration_name("math"), wanted, 0)
        case ApplyVerifiers():
            wanted = digests.verifiers(seen.object, settings)
            for kind in action.kinds:
                replicas = action.replicas if kind == "Deployment" else 0
                seen = _applied(seen, kind, verifier_name("math"), wanted, replicas)
            return seen
        case DeleteChild():
            jobs = tuple(j for j in seen.jobs if j.uid != action.uid)
            gone = {(j.stage, j.number) for j in seen.jobs if j.uid == action.uid}
            pods = tuple(p for p in seen.pods if (p.stage, p.number) not in gone)
            children = tuple(c for c in seen.children if c.uid != action.uid)
            return replace(seen, jobs=jobs, pods=pods, children=children)
        case SetFinalizer():
            metadata = {**seen.object["metadata"], "finalizers": ["dart-k8s.io/output"] if action.present else []}
            return replace(seen, object={**seen.object, "metadata": metadata})
    metadata = {**seen.object["metadata"], "deletionTimestamp": moments.text(seen.now)}
    return replace(seen, object={**seen.object, "metadata": metadata})


def _created(seen: Facts, action: CreateJob) -> Facts:
    name = job_name("math", action.stage, action.number)
    if any(j.name == name for j in seen.jobs):
        return seen
    metadata = seen.object["metadata"]
    queued = action.stage is Stage.SAMPLER and bool(seen.object["spec"].get("queueName"))
    made = job(
        action.stage, action.number, parallelism=action.parallelism, created=seen.now, active=0, ready=0,
        generation=metadata["generation"], digest=digests.goal(seen.object), queued=queued, suspended=queued,
    )  # fmt: skip
    return replace(seen, jobs=(*seen.jobs, made))


def _applied(seen: Facts, kind: str, name: str, digest: str, replicas: int) -> Facts:
    rest = tuple(c for c in seen.children if (c.kind, c.name) != (kind, name))
    made = ChildFact(
        kind=kind, name=name, uid=f"{kind}-uid", owner=UID, digest=digest, replicas=replicas, ready=replicas
    )
    return replace(seen, children=(*rest, made))
