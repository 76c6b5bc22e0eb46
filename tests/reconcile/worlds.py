"""Any facts that a cluster could show, also those that should never come together."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from dart_k8s.names import Stage, verifier_name
from dart_k8s.reconcile import ChildFact, Facts, Failure, JobFact, PodFact, Progress, decide, digests

from .builders import NOW, SETTINGS, UID, facts, job, pod

moments = st.sampled_from([NOW - age for age in (0, 1, 30, 90, 700, 4000, 90_000)])
counts = st.integers(0, 6)

WORDS = st.sampled_from(
    [
        "",
        "Traceback ... KeyError: 'x'",
        "\x1b[31mred",
        json.dumps({"finding": "QueriesUnreadable", "message": "row 3"}),
        json.dumps({"finding": "Nonsense", "message": "日本" * 2000, "remedy": "r" * 4000}),
    ]
)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    spec: dict[str, Any] = {"samplers": {"replicas": draw(counts), "maxFailures": draw(st.sampled_from([1, 3, 10]))}}
    if draw(st.booleans()):
        spec["suspend"] = draw(st.booleans())
        spec["queueName"] = draw(st.sampled_from([None, "gpus"]))
        spec["deletionPolicy"] = draw(st.sampled_from(["Retain", "Delete"]))
        spec["ttlSecondsAfterFinished"] = draw(st.sampled_from([None, 0, 100, 10_000]))
        spec["verifiers"] = draw(st.sampled_from([{}, {"replicas": 2}, {"url": "http://verify:8080"}]))
        spec["output"] = {"uri": draw(st.sampled_from(["s3://bucket/runs/math", "s3://bucket", "s3://other/x"]))}
        spec["strategy"] = {"kind": "uniform", "target": draw(st.sampled_from([40, 50]))}
    return spec


@st.composite
def jobs(draw: st.DrawFn, goal: str) -> JobFact:
    stage = draw(st.sampled_from([stage for stage in Stage if stage is not Stage.VERIFIER]))
    ended = draw(st.sampled_from(["", "", "Complete", "Failed"]))
    reason = draw(st.sampled_from(["PodFailurePolicy", "BackoffLimitExceeded", "DeadlineExceeded"]))
    size = draw(counts) if stage is Stage.SAMPLER else 1
    return job(
        stage,
        draw(st.integers(1, 4)),
        parallelism=size,
        owner=draw(st.sampled_from([UID, UID, UID, "another"])),
        suspended=draw(st.booleans()) and not ended,
        deleting=draw(st.sampled_from([False, False, False, True])),
        created=NOW - 100_000,
        active=0 if ended else draw(st.integers(0, size)),
        succeeded=draw(st.sampled_from([0, 0, 1])),
        failed=draw(counts),
        ended=ended,
        reason=reason if ended == "Failed" else "",
        finished=draw(moments) if ended else None,
        queued=draw(st.booleans()),
        asked=size,
        generation=draw(st.sampled_from([0, 1, 2])),
        digest=draw(st.sampled_from(["", goal, "older"])),
    )


@st.composite
def pods(draw: st.DrawFn) -> PodFact:
    phase = draw(st.sampled_from(["Pending", "Running", "Failed", "Unknown"]))
    failed = phase == "Failed"
    return pod(
        draw(st.sampled_from(list(Stage))),
        draw(st.integers(0, 3)),
        draw(st.integers(0, 50)),
        phase=phase,
        created=draw(moments),
        ready=phase == "Running" and draw(st.booleans()),
        started=draw(st.booleans()),
        deleting=draw(st.booleans()),
        disrupted=draw(st.sampled_from(["", "", "PreemptionByScheduler"])),
        unschedulable=draw(st.sampled_from(["", "0/3 nodes are available: 3 Insufficient nvidia.com/gpü. " * 40])),
        waiting=draw(st.sampled_from(["", "", "ImagePullBackOff", "CreateContainerConfigError", "CrashLoopBackOff"])),
        waiting_message=draw(WORDS),
        exit_code=draw(st.sampled_from([0, 1, 64, 74, 75, 137])) if failed else None,
        exit_reason=draw(st.sampled_from(["Error", "OOMKilled"])) if failed else "",
        said=draw(WORDS),
        ended_at=draw(moments) if failed else None,
    )


@st.composite
def progresses(draw: st.DrawFn) -> Progress:
    phase = draw(st.sampled_from(["sampling", "sampling", "sealing", "closed"]))
    open_ = 0 if phase != "sampling" else draw(counts)
    return Progress(
        prepared=draw(st.sampled_from([True, True, True, False])),
        phase=phase,
        plan=draw(st.sampled_from(["", "12-3"])),
        queries=10,
        open=open_,
        trials=draw(st.integers(0, 10**12)),
        stopped=dict.fromkeys(draw(st.sets(st.sampled_from(["TARGET", "cap", "set_aside", "odd"]))), 10**9),
        pending=draw(st.sampled_from([0, 15_000, 30_000])),
        remaining=draw(st.sampled_from([0.0, 1e9])),
        trials_per_second=draw(st.sampled_from([0.0, 7.5])),
        held_seconds=draw(st.sampled_from([0.0, 1e9])),
        live_claims=draw(counts),
        unclaimed_shards=draw(counts),
        set_aside=("shard-" + "9" * 80,) * draw(st.integers(0, 5)),
        set_aside_total=draw(st.sampled_from([0, 10_000])),
        last_change=draw(st.sampled_from([0.0, 100.0, 1e6])),
        note="n" * draw(st.sampled_from([0, 3000])),
    )


FAILURES = [
    Failure(what="fold", reason="AccessDenied", message="nö🙂" * 900, fault="store", since=NOW - 50),
    Failure(what="fold", reason="OutputOwned", message="another run", fault="user", since=NOW - 50),
    Failure(what="create Job math-sampler-2", reason="ObjectRefused", message="quota", fault="user", since=NOW - 9000),
    Failure(what="create Job math-prepare-1", reason="Forbidden", message="no rights", since=NOW - 5),
]


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    """Facts, with a status that an earlier decision may have written."""
    spec, generation = draw(specs()), draw(st.sampled_from([1, 2]))
    goal = digests.goal(facts(spec=spec).object)
    metadata: dict[str, Any] = {}
    if draw(st.sampled_from([False, False, True])):
        metadata["deletionTimestamp"] = draw(st.sampled_from(["2027-01-15T08:00:00Z", "2027-01-15T06:00:00Z"]))
    if draw(st.booleans()):
        metadata["finalizers"] = ["dart-k8s.io/output", "other.io/finalizer"]
    found = {j.name: j for j in draw(st.lists(jobs(goal), max_size=5))}
    progress = draw(st.none() | progresses())
    seen = facts(
        spec=spec,
        generation=generation,
        metadata=metadata,
        jobs=tuple(found.values()),
        pods=tuple(draw(st.lists(pods(), max_size=6))),
        children=tuple(draw(children())),
        progress=progress,
        progress_at=draw(moments),
        failures=draw(st.sampled_from([(), *((failure,) for failure in FAILURES)])),
    )
    before = draw(st.sampled_from(["none", "lost", "older"]))
    if before == "older":
        earlier = replace(seen, now=NOW - 5000, jobs=seen.jobs[:2], pods=seen.pods[:2])
        status = dict(decide(earlier, SETTINGS).status)
        seen = replace(seen, object={**seen.object, "status": status})
    return seen


@st.composite
def children(draw: st.DrawFn) -> list[ChildFact]:
    wanted = st.sampled_from(["older", digests.verifiers(facts().object, SETTINGS)])
    return [
        ChildFact(
            kind=kind,
            name=verifier_name("math"),
            uid=f"{kind}-uid",
            owner=draw(st.sampled_from([UID, UID, "another"])),
            digest=draw(wanted),
            deleting=draw(st.sampled_from([False, False, True])),
            replicas=draw(counts) if kind == "Deployment" else 0,
            ready=draw(counts) if kind == "Deployment" else 0,
        )
        for kind in draw(st.sets(st.sampled_from(["Deployment", "Service", "NetworkPolicy"])))
    ]
