"""What goes wrong: a reason in a condition, a deadline, and what happens then; never silence."""

import json
from dataclasses import replace

import pytest

from dart_k8s.names import Stage
from dart_k8s.reconcile import CreateJob, Failure, Settings, decide

from .builders import (
    CLOSED,
    NOW,
    SAMPLING,
    SETTINGS,
    apply,
    condition,
    done,
    facts,
    failed,
    job,
    pod,
    said,
    sampling,
    settle,
    synthesis,
)

WAITING = {"phase": "Pending", "ready": False, "started": False}
CRASHED = {"phase": "Failed", "ready": False, "started": False, "exit_code": 1, "exit_reason": "Error", "ended_at": NOW}
FOUND = json.dumps({"finding": "QueriesUnreadable", "message": "math, row 3: no answer.", "remedy": "Mend it."})


def stuck(age: float = 100.0, **fields):
    """A run whose only sampler pod does not get on."""
    pods = (pod(**{**WAITING, "created": NOW - age, **fields}),)
    return sampling(jobs=(job(active=1, ready=0),), pods=pods)


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({"unschedulable": "0/3 nodes: 3 Insufficient nvidia.com/gpu"}, "Unschedulable", "Insufficient nvidia.com/gpu"),
        ({"waiting": "ImagePullBackOff", "waiting_message": "not found"}, "ImagePullFailed", "not found"),
        ({"waiting": "ErrImagePull"}, "ImagePullFailed", "ErrImagePull"),
        ({"waiting": "CreateContainerConfigError", "waiting_message": "secret x"}, "PodMisconfigured", "secret x"),
    ],
)
def test_a_pod_that_can_not_start_says_why_and_counts_as_degraded_after_a_minute(fields, reason, words):
    early, late = decide(stuck(10.0, **fields), SETTINGS), decide(stuck(100.0, **fields), SETTINGS)
    assert said(early, "EngineReady") == ("False", reason) and words in condition(early, "EngineReady")["message"]
    assert said(early, "Degraded") == ("False", "AllWell") and early.after == 50.0
    assert said(late, "Degraded") == ("True", reason)


def test_what_waiting_does_not_mend_ends_the_synthesis_after_half_an_hour_and_gives_back_what_it_holds():
    seen = stuck(1800.0, waiting="ImagePullBackOff")
    decision = decide(seen, SETTINGS)
    assert decision.status["phase"] == "Failed" and said(decision, "Failed") == ("True", "ImagePullFailed")
    last, _ = settle(seen)
    assert [j.stage for j in last.jobs if not j.ended] == []
    assert decide(stuck(90_000.0, unschedulable="no node"), SETTINGS).status["phase"] == "Sampling"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"exit_reason": "OOMKilled", "exit_code": 137}, "OutOfMemory"),
        ({"exit_code": 1, "said": "CUDA error"}, "SamplerCrashed"),
        ({"said": json.dumps({"finding": "EngineNotReady", "message": "no model"})}, "EngineNotReady"),
        (
            {"said": json.dumps({"finding": "StoreAccessDenied", "message": "denied"}), "exit_code": 74},
            "StoreAccessDenied",
        ),
    ],
)
def test_a_failed_sampler_says_why_until_a_result_comes(fields, reason):
    crash = sampling(jobs=(job(failed=1),), pods=(pod(**{**CRASHED, **fields}),))
    decision = decide(crash, SETTINGS)
    assert said(decision, "Degraded") == ("True", reason) and decision.status["failures"] == 1
    better = replace(apply(crash, decision), progress=replace(SAMPLING, trials=501))
    after = decide(better, SETTINGS)
    assert said(after, "Degraded") == ("False", "AllWell") and after.status["failures"] == 0


@pytest.mark.parametrize(
    "fields", [{"disrupted": "PreemptionByScheduler"}, {"exit_code": 75}], ids=["drained", "stopped"]
)
def test_pods_that_the_cluster_took_or_that_were_told_to_stop_are_no_failures(fields):
    seen = sampling(pods=(pod(), pod(index=1, **{**CRASHED, **fields})))
    assert said(decide(seen, SETTINGS), "Degraded") == ("False", "AllWell")


def test_too_many_failures_without_a_result_end_it_and_say_how_to_go_on():
    seen = sampling(jobs=(job(failed=10),), pods=(pod(**CRASHED),))
    decision = decide(seen, SETTINGS)
    assert said(decision, "Failed") == ("True", "TooManyFailures")
    assert "raise samplers.maxFailures" in condition(decision, "Failed")["message"]
    last, _ = settle(seen)
    assert [j for j in last.jobs if j.stage is Stage.SAMPLER] == []


def test_a_change_of_the_spec_makes_a_new_start_after_failing():
    last, _ = settle(sampling(jobs=(job(failed=10),), pods=(pod(**CRASHED),)))
    changed = synthesis(status=last.object["status"], generation=2, samplers={"replicas": 4, "maxFailures": 20})
    again = decide(replace(last, object=changed), SETTINGS)
    assert again.status["phase"] == "Sampling" and again.status["failures"] == 0
    assert CreateJob(stage=Stage.SAMPLER, number=2, parallelism=4) in again.actions


def test_a_lost_status_never_makes_old_failures_the_end():
    seen = sampling(jobs=(job(failed=300),))
    seen = replace(seen, object={**seen.object, "status": {}}, progress=replace(SAMPLING, trials=0))
    decision = decide(seen, SETTINGS)
    assert decision.status["phase"] == "Sampling" and decision.status["failures"] == 9
    one_more = replace(apply(seen, decision), jobs=(done(Stage.PREPARE), job(failed=301)))
    assert decide(one_more, SETTINGS).status["phase"] == "Failed"


class TestPrepare:
    def test_what_it_finds_is_a_condition_and_the_end_until_the_spec_changes(self):
        seen = facts(
            jobs=(failed(Stage.PREPARE),), pods=(pod(Stage.PREPARE, **{**CRASHED, "exit_code": 64, "said": FOUND}),)
        )
        decision = decide(seen, SETTINGS)
        assert said(decision, "Prepared") == ("False", "QueriesUnreadable")
        assert "math, row 3: no answer. Mend it." in condition(decision, "Prepared")["message"]
        assert said(decision, "Failed") == ("True", "QueriesUnreadable") and decision.actions == ()
        latched = decide(apply(seen, decision), SETTINGS)
        assert latched.status == decision.status
        changed = replace(seen, object=synthesis(status=decision.status, generation=2))
        assert CreateJob(stage=Stage.PREPARE, number=2, parallelism=1) in decide(changed, SETTINGS).actions

    def test_other_failures_are_repeated_by_the_job_and_shown(self):
        crash = pod(Stage.PREPARE, **{**CRASHED, "exit_code": 74, "ended_at": NOW - 100, "said": json.dumps(
            {"finding": "StoreUnavailable", "message": "s3 does not answer"})})  # fmt: skip
        decision = decide(facts(jobs=(job(Stage.PREPARE, failed=1),), pods=(crash,)), SETTINGS)
        assert decision.status["phase"] == "Preparing"
        assert said(decision, "Prepared") == ("False", "StoreUnavailable")
        assert said(decision, "Degraded") == ("True", "StoreUnavailable")

    def test_at_its_deadline_it_fails_with_what_was_last_seen(self):
        pull = pod(Stage.PREPARE, **WAITING, waiting="ImagePullBackOff", waiting_message="no such tag")
        seen = facts(jobs=(job(Stage.PREPARE),), pods=(pull,))
        before = apply(seen, decide(seen, SETTINGS))
        over = replace(before, jobs=(failed(Stage.PREPARE, reason="DeadlineExceeded"),), pods=())
        decision = decide(over, SETTINGS)
        assert said(decision, "Failed") == ("True", "PrepareDeadlineExceeded")
        assert "no such tag" in condition(decision, "Failed")["message"]


def test_a_refused_job_is_said_tried_again_and_the_end_if_it_is_the_users_to_mend():
    def refused(since: float, fault: str):
        failure = Failure(
            what="create Job math-sampler-1", reason="ObjectRefused", message="quota", since=since, fault=fault
        )
        return decide(facts(jobs=(done(Stage.PREPARE),), progress=SAMPLING, failures=(failure,)), SETTINGS)

    early = refused(NOW - 5, "user")
    assert said(early, "Ready") == ("False", "PodRefused")
    assert CreateJob(stage=Stage.SAMPLER, number=1, parallelism=4) in early.actions
    assert said(refused(NOW - 1800, "user"), "Failed") == ("True", "PodRefused")
    assert refused(NOW - 90_000, "cluster").status["phase"] == "Sampling"


def test_pods_that_do_not_appear_are_missed_after_a_minute():
    decision = decide(sampling(jobs=(job(active=0, ready=0),), pods=()), SETTINGS)
    assert said(decision, "Progressing") == ("False", "PodRefused") and said(decision, "Degraded")[0] == "True"


def test_verifiers_that_are_away_too_long_are_missed():
    seen = sampling()
    away = replace(seen, children=tuple(replace(child, ready=0) for child in seen.children))
    assert said(decide(away, SETTINGS), "Degraded") == ("True", "VerifiersUnavailable")
    young = replace(away, pods=(*seen.pods, pod(Stage.VERIFIER, 0, created=NOW - 10, ready=False)))
    assert said(decide(young, SETTINGS), "Degraded") == ("False", "AllWell")


def test_code_that_could_reach_a_network_is_not_run():
    open_ = pod(Stage.VERIFIER, 0, **{**WAITING, "phase": "Running", "waiting": "CrashLoopBackOff", "exit_code": 64,
        "created": NOW - 1800, "said": json.dumps({"finding": "NotIsolated", "message": "reached DNS"})})  # fmt: skip
    seen = sampling(spec={"prompt": {"template": "tool-integrated"}}, pods=(pod(), open_))
    decision = decide(seen, SETTINGS)
    assert said(decision, "NetworkIsolation") == ("False", "NotIsolated")
    assert said(decision, "Failed") == ("True", "NotIsolated")


def test_shards_that_were_set_aside_are_named():
    aside = replace(SAMPLING, set_aside=("3-1/7",), set_aside_total=1, last_change=1.0)
    decision = decide(sampling(progress=aside), SETTINGS)
    assert said(decision, "Degraded") == ("True", "ShardsSetAside")
    assert "3-1/7" in condition(decision, "Degraded")["message"]


@pytest.mark.parametrize(
    ("allowed", "may"),
    [
        ({}, False),
        ({"*": ("s3://bucket",)}, True),
        ({"team": ("s3://bucket/runs",)}, True),
        ({"team": ("s3://bucket/run",)}, False),
        ({"others": ("s3://bucket",)}, False),
        ({"team": ("s3://bucket/runs/../other",)}, False),
    ],
)
def test_an_output_outside_of_what_a_namespace_may_use_is_refused_before_anything_is_made(allowed, may):
    decision = decide(facts(), Settings(allowed_outputs=allowed))
    assert bool(decision.actions) is may
    assert (said(decision, "Ready") == ("False", "OutputNotAllowed")) is not may


@pytest.mark.parametrize(
    "samplers",
    [
        {"pod": {"hostNetwork": True}},
        {"pod": {"containers": []}},
        {"pod": {"securityContext": {"runAsUser": 0}}},
        {"pod": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}},
        {"volumes": [{"name": "x", "nfs": {"server": "s", "path": "/"}}]},
        {"volumeMounts": [{"name": "x", "mountPath": "/tmp/"}]},
    ],
)
def test_settings_that_would_weaken_the_pods_are_refused_in_words(samplers):
    decision = decide(facts(spec={"samplers": samplers}), SETTINGS)
    assert decision.actions == () and said(decision, "Ready") == ("False", "BadConfiguration")
    assert "spec.samplers" in condition(decision, "Ready")["message"]


def test_events_tell_what_is_new_and_only_once():
    seen = stuck(100.0, waiting="ImagePullBackOff")
    fresh = replace(seen, object={**seen.object, "status": {}})
    first = decide(fresh, SETTINGS)
    assert {(a.kind, a.reason) for a in first.announcements} >= {("Normal", "Sampling"), ("Warning", "ImagePullFailed")}
    assert decide(apply(fresh, first), SETTINGS).announcements == ()


def test_times_of_conditions_move_only_when_their_status_does():
    first = decide(sampling(), SETTINGS)
    later = replace(apply(sampling(), first), now=NOW + 500, progress=replace(SAMPLING, trials=900))
    second = decide(later, SETTINGS)
    assert condition(first, "Ready")["lastTransitionTime"] == condition(second, "Ready")["lastTransitionTime"]
    assert not second.urgent and second.status["progress"]["trials"] == 900


def test_that_the_last_pod_of_a_suspended_run_is_gone_is_said_at_once():
    seen = sampling(spec={"suspend": True})
    first = decide(seen, SETTINGS)
    assert first.status["samplers"]["ready"] > 0
    last = decide(replace(apply(seen, first), pods=()), SETTINGS)
    assert last.urgent and last.status["samplers"]["replicas"] == 0


@pytest.mark.parametrize("stage", [Stage.PREPARE, Stage.CURATE])
def test_a_job_of_one_pod_without_its_pod_is_no_silence_either(stage: Stage):
    def seen(age: float):
        before = () if stage is Stage.PREPARE else (done(Stage.PREPARE),)
        progress = None if stage is Stage.PREPARE else CLOSED
        return facts(jobs=(*before, job(stage, active=0, ready=0, created=NOW - age)), progress=progress)

    early, late = decide(seen(10.0), SETTINGS), decide(seen(61.0), SETTINGS)
    assert said(early, "Degraded") == ("False", "AllWell") and early.after == 50.0
    assert said(late, "Degraded") == ("True", "PodRefused")
    assert "has no pods" in condition(late, "Degraded")["message"]


def refused(what: str, since: float = NOW) -> Failure:
    words = "Cannot apply it: tolerations[0].colour: field not declared in schema."
    return Failure(what=what, reason="ObjectRefused", message=words, remedy="Mend it.", fault="user", since=since)


def test_verifiers_that_the_api_server_refuses_are_named_at_once_and_end_it_after_half_an_hour():
    early = decide(replace(sampling(), failures=(refused("apply the verifiers"),)), SETTINGS)
    assert said(early, "Degraded") == ("True", "PodRefused")
    assert "tolerations[0].colour" in condition(early, "Degraded")["message"]
    late = decide(replace(sampling(), failures=(refused("apply the verifiers", NOW - 1800.0),)), SETTINGS)
    assert late.status["phase"] == "Failed"


def test_a_declaration_that_the_api_server_refuses_is_named():
    decision = decide(facts(failures=(refused("apply the declaration"),)), SETTINGS)
    assert said(decision, "Ready") == ("False", "PodRefused")
    assert "tolerations[0].colour" in condition(decision, "Prepared")["message"]


def test_samplers_go_before_verifiers_that_may_be_refused_come():
    paused = sampling(spec={"samplers": {"replicas": 0}, "verifiers": {"replicas": 3}})
    kinds = [type(action).__name__ for action in decide(paused, SETTINGS).actions]
    assert "ScaleJob" in kinds and "ApplyVerifiers" in kinds
    assert kinds.index("ScaleJob") < kinds.index("ApplyVerifiers")
