"""An Evaluation, phase by phase: what is decided on what is seen."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.api.conditions import status_of
from dart_k8s.api.status import MOST_BYTES, EvaluationStatus
from dart_k8s.names import Stage, declaration_name, job_name
from dart_k8s.reconcile import (
    ApplyDeclaration,
    ApplyPass,
    ChildFact,
    CreateJob,
    Decision,
    DeleteChild,
    Facts,
    Failure,
    Found,
    JobFact,
    Reference,
    SetFinalizer,
    decide,
    digests,
    moments,
)
from dart_k8s.reconcile.references import resolved
from dart_k8s.render import objects

from .builders import NOW, SETTINGS, apply_status, condition, said

UID = "evaluation-uid"
RECORD, SUMMARY = "state/evaluation.json", "state/summary.json"
SPEC: dict[str, Any] = {
    "model": {"uri": "hf://owner/model"},
    "benchmarks": [{"name": "gsm8k"}],
    "trials": {"count": 4, "temperature": 1.0},
    "samplers": {"replicas": 2},
    "output": {"uri": "s3://bucket/runs/e"},
}
PREPARED = {
    "prompt": {"inline": "{query}", "stop": ["\n\n"]},
    "model": "hf://owner/model",
    "revision": "abc",
    "items": 9,
}
SCORES = {
    "benchmarks": [
        {"name": "gsm8k", "items": 9, "strict": {"value": 0.5}, "lenient": {"value": 0.6, "low": 0.4, "high": 0.8}},
        {"name": "math", "items": 4, "passAt1": {"value": 2.0}, "majority": {"value": float("nan")}, "strict": "much"},
    ],
    "average": {"lenient": {"value": 0.55}},
}


def facts(
    *, spec: Mapping[str, Any] | None = None, status: Mapping[str, Any] | None = None, generation: int = 1,
    metadata: Mapping[str, Any] | None = None, **fields: Any,
) -> Facts:  # fmt: skip
    """Facts about one; fields of the spec replaced, None removes one."""
    about = {"name": "e", "namespace": "team", "uid": UID, "generation": generation, **(metadata or {})}
    made = {"apiVersion": "dart-k8s.io/v1alpha1", "kind": "Evaluation", "metadata": about}
    made["spec"] = {key: value for key, value in {**SPEC, **(spec or {})}.items() if value is not None}
    return Facts(object=made | ({"status": dict(status)} if status else {}), **{"now": NOW, **fields})


def found(key: str = RECORD, content: Mapping[str, Any] | None = PREPARED) -> dict[str, Any]:
    return {"found": Found(key=key, object=content), "found_at": NOW}


def job(stage: Stage, number: int = 1, **fields: Any) -> JobFact:
    given = {
        "uid": f"{stage.value}-{number}-uid", "owner": UID, "suspended": False, "deleting": False, "created": NOW - 600,
        "active": 1, "generation": 1, "digest": digests.goal(facts().object), "ended": "Complete",
        "finished": NOW - 300,
    }  # fmt: skip
    name = job_name("e", stage, number, "Evaluation")
    return JobFact(name=name, stage=stage, number=number, parallelism=1, **{**given, **fields})


READY = job(Stage.PREPARE)


def made(
    name: str, phase: str = "Sampling", seen: Facts | None = None, suspend: bool = False, **status: Any
) -> Reference:
    """A pass's Synthesis, as it is applied."""
    [manifest] = objects(ApplyPass(name=f"e-{name}", suspend=suspend), seen or facts(**found()), SETTINGS)
    digest = manifest["metadata"]["annotations"]["dart-k8s.io/digest"]
    return Reference(
        kind="Synthesis",
        name=f"e-{name}",
        uid=f"{name}-uid",
        owner=UID,
        digest=digest,
        status={"phase": phase, **status},
    )


def apply(seen: Facts, decision: Decision) -> Facts:
    """The facts after a decision was carried out: all at once, readings finding what there was or nothing."""
    for action in decision.actions:
        match action:
            case CreateJob():
                fresh = job(
                    action.stage,
                    action.number,
                    ended="",
                    finished=None,
                    created=seen.now,
                    digest=digests.goal(seen.object),
                )
                assert fresh.name not in {one.name for one in seen.jobs}
                fresh = replace(fresh, generation=seen.object["metadata"]["generation"])
                seen = replace(seen, jobs=(*seen.jobs, fresh))
            case ApplyDeclaration():
                whole = resolved(seen)
                assert whole is not None
                name, digest = declaration_name("e", "Evaluation"), digests.declaration(whole, SETTINGS)
                seen = replace(
                    seen, children=(ChildFact(kind="ConfigMap", name=name, uid="c", owner=UID, digest=digest),)
                )
            case ApplyPass(name=name):
                old = {one.name: one for one in seen.references}
                before = old.get(name)
                fresh_pass = made(name.removeprefix("e-"), "Sampling", seen, action.suspend)
                old[name] = (
                    replace(fresh_pass, status=before.status) if before is not None and before.uid else fresh_pass
                )
                seen = replace(seen, references=tuple(old.values()))
            case DeleteChild(uid=uid):
                seen = replace(
                    seen,
                    jobs=tuple(one for one in seen.jobs if one.uid != uid),
                    references=tuple(one for one in seen.references if one.uid != uid),
                )
            case SetFinalizer(present=present):
                metadata = {**seen.object["metadata"], "finalizers": ["dart-k8s.io/output"] if present else []}
                seen = replace(seen, object={**seen.object, "metadata": metadata})
            case _:
                metadata = {**seen.object["metadata"], "deletionTimestamp": moments.text(seen.now)}
                seen = replace(seen, object={**seen.object, "metadata": metadata})
    if decision.read is not None and (seen.found is None or seen.found.key != decision.read.key):
        seen = replace(seen, found=Found(key=decision.read.key), found_at=seen.now)
    return apply_status(seen, decision)


def settle(seen: Facts, rounds: int = 16) -> tuple[Facts, list[Decision]]:
    """Decide and carry out, time standing still, until nothing is left to do."""
    decisions: list[Decision] = []
    for _ in range(rounds):
        decisions.append(decide(seen, SETTINGS))
        after = apply(seen, decisions[-1])
        if not decisions[-1].actions and after == seen:
            return after, decisions
        seen = after
    raise AssertionError(f"still at it after {rounds} rounds: {decisions[-1].actions}")


def test_it_is_prepared_and_then_what_prepare_found_is_read():
    first = decide(facts(), SETTINGS)
    assert first.actions == (ApplyDeclaration(), CreateJob(stage=Stage.PREPARE, number=1, parallelism=1))
    read = decide(facts(jobs=(READY,)), SETTINGS)
    assert read.read is not None and read.read.key == RECORD and read.status["phase"] == "Sampling"


def test_its_passes_are_syntheses_of_its_own_one_after_the_other():
    seen = facts(jobs=(READY,), **found())
    assert ApplyPass(name="e-greedy") in decide(seen, SETTINGS).actions
    at_work = replace(seen, references=(made("greedy"),))
    assert not [one for one in decide(at_work, SETTINGS).actions if isinstance(one, ApplyPass)]
    through = replace(seen, references=(made("greedy", "Complete"),))
    assert ApplyPass(name="e-trials") in decide(through, SETTINGS).actions
    [manifest] = objects(ApplyPass(name="e-greedy"), seen, SETTINGS)
    assert manifest["spec"]["model"] == {"uri": "hf://owner/model", "revision": "abc", "trustRemoteCode": False}
    assert manifest["spec"]["output"]["uri"] == "s3://bucket/runs/e/passes/greedy"
    assert manifest["metadata"]["ownerReferences"][0]["uid"] == UID


def test_a_record_that_says_more_than_it_may_changes_no_pod():
    bold = {
        **PREPARED,
        "declaration": {"spec": {"samplers": {"image": "evil"}}},
        "passes": [{"spec": {"samplers": {}}}],
    }
    [manifest] = objects(ApplyPass(name="e-greedy"), facts(jobs=(READY,), **found(content=bold)), SETTINGS)
    assert manifest["spec"]["samplers"].get("image") is None and manifest["spec"]["samplers"]["replicas"] == 2


@pytest.mark.parametrize("content", [{}, {"prompt": 3}, {"prompt": {"inline": "no place for it"}}])
def test_a_record_that_can_not_be_read_is_said_to_be_so(content):
    decision = decide(facts(jobs=(READY,), **found(content=content)), SETTINGS)
    assert said(decision, "Degraded") == ("True", "RunUnreadable") and decision.actions == ()


def test_what_a_pass_fails_of_it_fails_of_and_what_ails_it_is_told():
    why = {"type": "Failed", "status": "True", "reason": "ModelUnavailable", "message": "no such model"}
    failed = facts(jobs=(READY,), references=(made("greedy", "Failed", conditions=[why]),), **found())
    decision = decide(failed, SETTINGS)
    assert said(decision, "Failed") == ("True", "ModelUnavailable") and decision.status["phase"] == "Failed"
    assert "e-greedy" in condition(decision, "Failed")["message"]
    ill = {"type": "Degraded", "status": "True", "reason": "Unschedulable", "message": "no GPU"}
    decision = decide(replace(failed, references=(made("greedy", conditions=[ill]),)), SETTINGS)
    assert said(decision, "Degraded") == ("True", "Unschedulable")


def test_suspension_goes_through_to_the_pass_at_work_and_back():
    seen = facts(spec={"suspend": True}, jobs=(READY,), references=(made("greedy"),), **found())
    decision = decide(seen, SETTINGS)
    assert decision.status["phase"] == "Suspended" and ApplyPass(name="e-greedy", suspend=True) in decision.actions
    # An operator that knows nothing yet has to read first.
    blind = decide(replace(seen, found=None), SETTINGS)
    assert blind.read is not None and not [one for one in blind.actions if isinstance(one, ApplyPass)]
    rest = replace(facts(jobs=(READY,), **found()), references=(made("greedy", "Suspended", suspend=True),))
    assert ApplyPass(name="e-greedy") in decide(rest, SETTINGS).actions


def test_all_responses_there_it_is_scored_and_the_scores_are_in_the_status():
    both = (
        made("greedy", "Complete", progress={"trials": 9, "wanted": 9}),
        made("trials", "Complete", progress={"trials": 36, "wanted": 36}),
    )
    seen = facts(jobs=(READY,), references=both, **found())
    scoring = decide(seen, SETTINGS)
    assert (
        scoring.status["phase"] == "Scoring"
        and CreateJob(stage=Stage.SCORE, number=1, parallelism=1) in scoring.actions
    )
    ended = replace(seen, jobs=(READY, job(Stage.SCORE, finished=NOW)), now=NOW + 1)
    done = decide(ended, SETTINGS)
    assert done.status["phase"] == "Complete" and done.read is not None and done.read.key == SUMMARY
    told = decide(replace(ended, **found(SUMMARY, SCORES)), SETTINGS)
    assert told.status["scores"] == [
        {"name": "gsm8k", "items": 9, "strict": 0.5, "lenient": 0.6, "low": 0.4, "high": 0.8},
        {"name": "math", "items": 4, "passAt1": 1.0},
    ]
    assert (told.status["average"], told.status["averageText"]) == (0.55, "55.0%")
    assert (told.status["progress"]["trials"], told.status["progress"]["fraction"]) == (45, 1.0)


def test_it_waits_for_its_training():
    spec = {"model": {"fromTraining": "t"}}
    training = Reference(kind="Training", name="t", uid="u", output="s3://bucket/t", status={"phase": "Training"})
    decision = decide(facts(spec=spec, references=(training,)), SETTINGS)
    assert said(decision, "Ready") == ("False", "WaitingForReference") and "Training t" in decision.status["message"]
    whole = resolved(facts(spec=spec, references=(training,)))
    assert whole is not None and whole["spec"]["model"] == {"uri": "s3://bucket/t/model"}


def test_its_passes_are_gone_before_its_output_is_deleted():
    metadata = {"deletionTimestamp": moments.text(NOW - 10), "finalizers": ["dart-k8s.io/output"]}
    seen = facts(spec={"deletionPolicy": "Delete"}, metadata=metadata, references=(made("greedy"),))
    going = decide(seen, SETTINGS)
    assert going.actions == (DeleteChild(kind="Synthesis", name="e-greedy", uid="greedy-uid"),)
    gone = decide(replace(seen, references=()), SETTINGS)
    assert CreateJob(stage=Stage.CLEANUP, number=1, parallelism=1) in gone.actions


FAILURES = [
    Failure(what="read", reason="StoreUnavailable", message="nö🙂" * 900, fault="store", since=NOW - 50),
    Failure(what="apply Synthesis e-greedy", reason="ObjectRefused", message="quota", fault="user", since=NOW - 9000),
]


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    spec = {
        "suspend": draw(st.booleans()),
        "deletionPolicy": draw(st.sampled_from(["Retain", "Delete"])),
        "ttlSecondsAfterFinished": draw(st.sampled_from([None, 0, 10_000])),
        "trials": draw(st.sampled_from([None, SPEC["trials"]])),
        "model": draw(st.sampled_from([SPEC["model"], {"fromTraining": "t"}, {}])),
    }
    metadata: dict[str, Any] = {}
    if draw(st.sampled_from([False, False, True])):
        metadata["deletionTimestamp"] = draw(st.sampled_from(["2027-01-15T08:00:00Z", "2027-01-15T06:00:00Z"]))
    if draw(st.booleans()):
        metadata["finalizers"] = ["dart-k8s.io/output", "other.io/finalizer"]
    jobs = {}
    for stage in draw(st.lists(st.sampled_from([Stage.PREPARE, Stage.SCORE, Stage.CLEANUP]), max_size=3)):
        ended = draw(st.sampled_from(["", "Complete", "Complete", "Failed"]))
        one = job(
            stage, draw(st.integers(1, 2)), ended=ended, finished=NOW - 300 if ended else None,
            deleting=draw(st.sampled_from([False, False, True])), owner=draw(st.sampled_from([UID, UID, "another"])),
            digest=draw(st.sampled_from([digests.goal(facts(spec=spec).object), "older"])),
            reason="DeadlineExceeded" if ended == "Failed" else "",
        )  # fmt: skip
        jobs[one.name] = one
    condition_of = st.sampled_from(
        [
            [],
            [{"type": "Failed", "status": "True", "reason": "TooManyFailures", "message": "x" * 2000}],
            [
                {"type": "Progressing", "status": "True", "reason": "Sampling"},
                {"type": "Degraded", "status": "True", "reason": "OutOfMemory", "message": "m"},
            ],
        ]
    )
    passes = [
        made(
            name, draw(st.sampled_from(["Sampling", "Complete", "Suspended", "Failed"])), conditions=draw(condition_of),
            progress={"trials": draw(st.integers(0, 10**12)), "wanted": 9}, usage={"tokens": 3, "gpuSecondsHeld": 1.5},
            samplers={"replicas": 2, "ready": 1},
        )
        for name in draw(st.sampled_from([[], ["greedy"], ["greedy", "trials"]]))
    ]  # fmt: skip
    passes = [
        replace(
            one,
            owner=draw(st.sampled_from([UID, UID, "another"])),
            deleting=draw(st.sampled_from([False, False, True])),
        )
        for one in passes
    ]
    named = Reference(
        kind="Training", name="t", uid=draw(st.sampled_from(["", "u"])), output="s3://bucket/runs/t",
        status={"phase": draw(st.sampled_from(["Training", "Complete"]))},
    )  # fmt: skip
    read = draw(
        st.sampled_from(
            [
                {},
                found(),
                found(content=None),
                found(content={"prompt": 1}),
                found(SUMMARY, SCORES),
                found(SUMMARY, None),
            ]
        )
    )
    seen = facts(
        spec=spec, metadata=metadata, jobs=tuple(jobs.values()), generation=draw(st.sampled_from([1, 2])),
        references=(*passes, *((named,) if "fromTraining" in spec["model"] else ())), **read,
        failures=draw(st.sampled_from([(), *((failure,) for failure in FAILURES)])),
    )  # fmt: skip
    if draw(st.booleans()):
        seen = replace(
            seen, object={**seen.object, "status": dict(decide(replace(seen, now=NOW - 5000), SETTINGS).status)}
        )
    return seen


@given(worlds())
def test_decided_and_carried_out_nothing_is_left_to_do(seen: Facts):
    last, decisions = settle(seen)
    again = decide(last, SETTINGS)
    assert again.actions == () and again.status == last.object["status"]
    assert again.announcements == () and not again.urgent
    for decision in decisions:
        assert len(json.dumps(decision.status).encode()) <= MOST_BYTES
        EvaluationStatus.model_validate(decision.status, by_alias=True, by_name=False)
        for item in decision.status["conditions"]:
            assert item["status"] == status_of(item["type"], item["reason"]), item
