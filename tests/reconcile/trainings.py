"""Facts about Trainings for tests, and a cluster of a few dictionaries that carries decisions out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from dart_k8s.names import Stage, declaration_name, job_name, trainers_name
from dart_k8s.reconcile import (
    ApplyDeclaration,
    ApplyTrainers,
    ChildFact,
    CreateJob,
    Decision,
    DeleteChild,
    Facts,
    Failure,
    Found,
    JobFact,
    PodFact,
    Reference,
    SetFinalizer,
    Settings,
    decide,
    digests,
    moments,
)
from dart_k8s.reconcile.references import resolved

from .builders import NOW, SETTINGS, apply_status
from .worlds import WORDS, counts
from .worlds import moments as times

UID = "training-uid"
SPEC: dict[str, Any] = {
    "data": {"uri": "s3://bucket/rows.parquet"},
    "model": {"uri": "hf://owner/base"},
    "nodes": 2,
    "output": {"uri": "s3://bucket/runs/t"},
}
KEY = "state/progress.json"
PROGRESS: dict[str, Any] = {
    "version": 1, "phase": "training", "attempt": 1, "step": 120, "steps": 480, "epoch": 0.75, "loss": 0.4321,
    "tokens": 10**9,
    "tokensPerSecond": 12345.6, "mfu": 0.41, "etaSeconds": 3600.0, "checkpoint": 100, "rows": 590000, "droppedRows": 12,
    "warnings": [], "updated": NOW - 5,
}  # fmt: skip


def training(*, status: Mapping[str, Any] | None = None, generation: int = 1, **spec: Any) -> dict[str, Any]:
    """A Training as an API server gives it; fields of the spec replaced, None removes one."""
    fields = {key: value for key, value in {**SPEC, **spec}.items() if value is not None}
    return {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Training",
        "metadata": {"name": "t", "namespace": "team", "uid": UID, "generation": generation},
        "spec": fields,
        **({"status": dict(status)} if status else {}),
    }


def facts(
    *,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    generation: int = 1,
    metadata: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Facts:
    """Facts about it."""
    made = training(status=status, generation=generation, **(spec or {}))
    made["metadata"] |= metadata or {}
    return Facts(object=made, **{"now": NOW, **fields})


def job(stage: Stage = Stage.TRAINER, number: int = 1, **fields: Any) -> JobFact:
    """A Job of it, at work."""
    size = fields.pop("parallelism", 2 if stage is Stage.TRAINER else 1)
    given = {
        "uid": f"{stage.value}-{number}-uid", "owner": UID, "suspended": False, "deleting": False, "created": NOW - 600,
        "active": size, "ready": size, "asked": size, "generation": 1, "digest": digests.goal(training()),
    }  # fmt: skip
    name = job_name("t", stage, number, "Training")
    return JobFact(name=name, stage=stage, number=number, parallelism=size, **{**given, **fields})


def done(stage: Stage, number: int = 1, **fields: Any) -> JobFact:
    """A Job whose pods ended well."""
    given = {"ended": "Complete", "finished": NOW - 300, "active": 0, "succeeded": 2 if stage is Stage.TRAINER else 1}
    return job(stage, number, **{**given, **fields})


def over(number: int = 1, **fields: Any) -> JobFact:
    """A group of trainers that failed."""
    given = {"ended": "Failed", "failing": True, "reason": "BackoffLimitExceeded", "finished": NOW - 5, "active": 0}
    return job(Stage.TRAINER, number, **{**given, "failed": 1, **fields})


def by_rule(node: int, *, code: int | None = None, number: int = 1) -> dict[str, Any]:
    """What the Job controller says of a pod that a rule fits; no code: the cluster took it."""
    pod = f"t-trainer-{number}-{node}-abcde"
    words = f"Pod team/{pod} has condition DisruptionTarget matching FailJob rule at index 1"
    if code is not None:
        words = f"Container dart for pod team/{pod} failed with exit code {code} matching FailJob rule at index 0"
    return {"reason": "PodFailurePolicy", "message": words}


def pod(node: int = 0, number: int = 1, stage: Stage = Stage.TRAINER, **fields: Any) -> PodFact:
    """A pod at work."""
    given = {"phase": "Running", "created": NOW - 600, "ready": True, "started": True, "node": "node-1"}
    suffix = f"-{node}-abcde" if stage is Stage.TRAINER else "-abcde"
    name = f"{job_name('t', stage, number, 'Training')}{suffix}"
    return PodFact(name=name, uid=f"{name}-uid", stage=stage, number=number, **{**given, **fields})


def crashed(node: int = 0, number: int = 1, **fields: Any) -> PodFact:
    """A pod that failed."""
    given = {"phase": "Failed", "ready": False, "exit_code": 1, "exit_reason": "Error", "ended_at": NOW - 10}
    return pod(node, number, **{**given, **fields})


def apply(seen: Facts, decision: Decision, settings: Settings = SETTINGS) -> Facts:
    """The facts after a decision was carried out: all at once, nothing else happening, readings finding nothing new."""
    for action in decision.actions:
        seen = _carry_out(seen, action, settings)
    if decision.read is not None and seen.found is None:
        seen = replace(seen, found=Found(key=decision.read.key), found_at=seen.now)
    return apply_status(seen, decision)


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


def _carry_out(seen: Facts, action: object, settings: Settings) -> Facts:
    match action:
        case CreateJob():
            name = job_name("t", action.stage, action.number, "Training")
            assert name not in {found.name for found in seen.jobs}
            queued = action.stage is Stage.TRAINER and bool(seen.object["spec"].get("queueName"))
            made = job(
                action.stage, action.number, parallelism=action.parallelism, created=seen.now, active=0, ready=0,
                generation=seen.object["metadata"]["generation"], digest=digests.goal(seen.object), queued=queued,
                suspended=queued,
            )  # fmt: skip
            return replace(seen, jobs=(*seen.jobs, made))
        case ApplyDeclaration():
            whole = resolved(seen)
            assert whole is not None
            return _applied(seen, "ConfigMap", declaration_name("t", "Training"), digests.declaration(whole, settings))
        case ApplyTrainers():
            for kind in action.kinds:
                seen = _applied(seen, kind, trainers_name("t"), digests.trainers(seen.object))
            return seen
        case DeleteChild():
            gone = {(j.stage, j.number) for j in seen.jobs if j.uid == action.uid}
            return replace(
                seen,
                jobs=tuple(j for j in seen.jobs if j.uid != action.uid),
                pods=tuple(p for p in seen.pods if (p.stage, p.number) not in gone),
                children=tuple(c for c in seen.children if c.uid != action.uid),
            )
        case SetFinalizer():
            metadata = {**seen.object["metadata"], "finalizers": ["dart-k8s.io/output"] if action.present else []}
            return replace(seen, object={**seen.object, "metadata": metadata})
    metadata = {**seen.object["metadata"], "deletionTimestamp": moments.text(seen.now)}
    return replace(seen, object={**seen.object, "metadata": metadata})


def _applied(seen: Facts, kind: str, name: str, digest: str) -> Facts:
    rest = tuple(c for c in seen.children if (c.kind, c.name) != (kind, name))
    made = ChildFact(kind=kind, name=name, uid=f"{kind}-uid", owner=UID, digest=digest)
    return replace(seen, children=(*rest, made))


# Any facts that a cluster could show, also those that should never come together


@st.composite
def _specs(draw: st.DrawFn) -> dict[str, Any]:
    spec: dict[str, Any] = {"nodes": draw(st.sampled_from([1, 2, 4])), "trainers": {"maxRestarts": draw(counts)}}
    if draw(st.booleans()):
        spec["suspend"] = draw(st.booleans())
        spec["queueName"] = draw(st.sampled_from([None, "gpus"]))
        spec["deletionPolicy"] = draw(st.sampled_from(["Retain", "Delete"]))
        spec["ttlSecondsAfterFinished"] = draw(st.sampled_from([None, 0, 100, 10_000]))
        spec["output"] = {"uri": draw(st.sampled_from(["s3://bucket/runs/t", "s3://bucket", "s3://other/x"]))}
        spec["data"] = draw(st.sampled_from([SPEC["data"], {"fromSynthesis": "math"}, {}]))
    return spec


@st.composite
def _jobs(draw: st.DrawFn, goal: str) -> JobFact:
    stage = draw(st.sampled_from([Stage.PREPARE, Stage.TRAINER, Stage.TRAINER, Stage.CLEANUP]))
    ended = draw(st.sampled_from(["", "", "Complete", "Failed"]))
    failing = ended == "Failed" or (not ended and draw(st.sampled_from([False, False, True])))
    number = draw(st.integers(1, 4))
    said = draw(
        st.sampled_from(
            [
                {"reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"},
                {"reason": "DeadlineExceeded", "message": ""},
                *(by_rule(1, code=code, number=number) for code in (None, 64, 75)),
            ]
        )
    )
    return job(
        stage,
        number,
        parallelism=draw(st.sampled_from([1, 2])) if stage is Stage.TRAINER else 1,
        owner=draw(st.sampled_from([UID, UID, UID, "another"])),
        suspended=draw(st.booleans()) and not ended,
        deleting=draw(st.sampled_from([False, False, False, True])),
        created=NOW - 100_000,
        active=0 if ended else 1,
        ended=ended,
        failing=failing,
        **(said if failing else {}),
        finished=draw(times) if ended else None,
        queued=draw(st.booleans()),
        generation=draw(st.sampled_from([0, 1, 2])),
        digest=draw(st.sampled_from(["", goal, "older"])),
    )


@st.composite
def _pods(draw: st.DrawFn) -> PodFact:
    phase = draw(st.sampled_from(["Pending", "Running", "Failed", "Unknown"]))
    failed = phase == "Failed"
    return pod(
        draw(st.integers(0, 3)),
        draw(st.integers(1, 4)),
        draw(st.sampled_from([Stage.PREPARE, Stage.TRAINER, Stage.TRAINER, Stage.CLEANUP])),
        phase=phase,
        created=draw(times),
        ready=phase == "Running" and draw(st.booleans()),
        deleting=draw(st.booleans()),
        disrupted=draw(st.sampled_from(["", "", "PreemptionByScheduler"])),
        unschedulable=draw(st.sampled_from(["", "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. " * 40])),
        waiting=draw(st.sampled_from(["", "", "ImagePullBackOff", "CreateContainerConfigError"])),
        waiting_message=draw(WORDS),
        exit_code=draw(st.sampled_from([0, 1, 64, 74, 75, 137])) if failed else None,
        exit_reason=draw(st.sampled_from(["Error", "OOMKilled"])) if failed else "",
        said=draw(WORDS),
        ended_at=draw(times) if failed else None,
    )


SAID = st.sampled_from(
    [
        None,
        PROGRESS,
        {**PROGRESS, "phase": "complete", "step": 480, "loss": None, "mfu": None, "etaSeconds": None},
        {"step": "many", "steps": -4, "loss": float("nan"), "mfu": 1e9, "phase": ["x"] * 1000, "checkpoint": True},
        {
            "step": 10**40,
            "steps": 1,
            "loss": -1e300,
            "tokensPerSecond": float("inf"),
            "etaSeconds": 1e300,
            "phase": "p" * 9999,
        },
        {},
    ]
)
FAILURES = [
    Failure(what="read", reason="StoreUnavailable", message="nö🙂" * 900, fault="store", since=NOW - 50),
    Failure(what="create Job t-trainer-2", reason="ObjectRefused", message="quota", fault="user", since=NOW - 9000),
    Failure(what="apply the trainers", reason="Forbidden", message="no rights", since=NOW - 5),
]


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    """Facts, with a status that an earlier decision may have written."""
    spec, generation = draw(_specs()), draw(st.sampled_from([1, 2]))
    metadata: dict[str, Any] = {}
    if draw(st.sampled_from([False, False, True])):
        metadata["deletionTimestamp"] = draw(st.sampled_from(["2027-01-15T08:00:00Z", "2027-01-15T06:00:00Z"]))
    if draw(st.booleans()):
        metadata["finalizers"] = ["dart-k8s.io/output", "other.io/finalizer"]
    named = Reference(
        kind="Synthesis", name="math", uid=draw(st.sampled_from(["", "u"])), output="s3://bucket/runs/math",
        deleting=draw(st.booleans()), status={"phase": draw(st.sampled_from(["Sampling", "Complete", "Failed"]))},
    )  # fmt: skip
    goal = digests.goal(facts(spec=spec).object)
    found = {one.name: one for one in draw(st.lists(_jobs(goal), max_size=5))}
    read = draw(st.booleans())
    seen = facts(
        spec=spec,
        generation=generation,
        metadata=metadata,
        jobs=tuple(found.values()),
        pods=tuple(draw(st.lists(_pods(), max_size=6))),
        references=(named,) if "fromSynthesis" in spec.get("data", {}) else (),
        found=Found(key=KEY, object=draw(SAID)) if read else None,
        found_at=draw(times) if read else 0.0,
        failures=draw(st.sampled_from([(), *((failure,) for failure in FAILURES)])),
    )
    before = draw(st.sampled_from(["none", "lost", "older"]))
    if before == "older":
        earlier = replace(seen, now=NOW - 5000, jobs=seen.jobs[:2], pods=seen.pods[:2])
        seen = replace(seen, object={**seen.object, "status": dict(decide(earlier, SETTINGS).status)})
    return seen
