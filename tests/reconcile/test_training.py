"""A Training, phase by phase: what is decided on what is seen."""

import json
from dataclasses import replace

import pytest
from hypothesis import given

from dart_k8s.api.conditions import status_of
from dart_k8s.api.status import MOST_BYTES, TrainingStatus
from dart_k8s.names import Stage, job_name
from dart_k8s.reconcile import (
    ApplyDeclaration,
    ApplyTrainers,
    CreateJob,
    DeleteChild,
    Facts,
    Failure,
    Found,
    Reference,
    SetFinalizer,
    decide,
    moments,
)

from .builders import NOW, SETTINGS, condition, said
from .trainings import (
    KEY,
    PROGRESS,
    apply,
    by_rule,
    crashed,
    done,
    facts,
    job,
    over,
    pod,
    settle,
    training,
    worlds,
)

PREPARED = done(Stage.PREPARE)
BOTH = (pod(0), pod(1))


def group(number: int, nodes: int = 2) -> CreateJob:
    return CreateJob(stage=Stage.TRAINER, number=number, parallelism=nodes)


def noted(seen: Facts, *jobs: object, pods: tuple = (), **more) -> Facts:
    """The same, after the status was written while these Jobs and pods were seen."""
    return apply(replace(seen, jobs=jobs, pods=pods, **more), decide(replace(seen, jobs=jobs, pods=pods), SETTINGS))


# From the first look to the model


def test_it_is_prepared_then_its_network_is_made_and_then_its_group():
    first = decide(facts(), SETTINGS)
    assert first.status["phase"] == "Preparing"
    assert first.actions == (ApplyDeclaration(), CreateJob(stage=Stage.PREPARE, number=1, parallelism=1))
    seen, _ = settle(facts())
    begun = decide(replace(seen, jobs=(PREPARED,)), SETTINGS)
    assert begun.status["phase"] == "Training"
    assert begun.actions == (ApplyTrainers(), group(1))


def test_it_is_complete_when_all_nodes_ended_well_and_keeps_the_last_job():
    seen, _ = settle(facts(jobs=(PREPARED, job()), pods=BOTH))
    decision = decide(replace(seen, jobs=(PREPARED, done(Stage.TRAINER, finished=NOW)), pods=(), now=NOW + 1), SETTINGS)
    assert decision.status["phase"] == "Complete" and said(decision, "Complete") == ("True", "Finished")
    assert decision.status["output"] == "s3://bucket/runs/t"
    gone = {(action.kind, action.name) for action in decision.actions if isinstance(action, DeleteChild)}
    assert gone == {("Job", "t-training-prepare-1"), ("Service", "t-trainers"), ("NetworkPolicy", "t-trainers")}
    assert decision.read is not None and decision.read.key == KEY


def test_the_status_says_how_far_it_is():
    seen = facts(jobs=(PREPARED, job()), pods=BOTH, found=Found(key=KEY, object=PROGRESS), found_at=NOW)
    decision = decide(seen, SETTINGS)
    progress = decision.status["progress"]
    assert (progress["summary"], progress["step"], progress["steps"]) == ("25%", 120, 480)
    assert (progress["loss"], progress["tokensPerSecond"], progress["utilisation"]) == (0.4321, 12345.6, 0.41)
    assert decision.status["checkpoint"] == {"step": 100}
    assert decision.status["estimatedFinish"] == moments.text(NOW + 3600)
    assert decision.read is not None and decision.read.after == SETTINGS.read_seconds
    assert said(decision, "Progressing") == ("True", "Training")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "does not exist"),
        ("Sampling", "is Sampling"),
        ("Failed", "is Failed"),
    ],
)
def test_it_waits_for_what_it_refers_to_and_says_so(found: str | None, words: str):
    named = Reference(kind="Synthesis", name="math", uid="u" if found else "", status={"phase": found})
    decision = decide(facts(spec={"data": {"fromSynthesis": "math"}}, references=(named,)), SETTINGS)
    assert decision.actions == () and decision.status["phase"] == "Waiting"
    assert said(decision, "Ready") == ("False", "WaitingForReference")
    message = condition(decision, "Ready")["message"]
    assert "Synthesis math" in message and words in message


def test_what_it_refers_to_goes_into_the_declaration_and_is_not_needed_once_it_is_prepared():
    named = Reference(kind="Synthesis", name="math", uid="u", output="s3://bucket/m/", status={"phase": "Complete"})
    spec = {"data": {"fromSynthesis": "math"}}
    seen, _ = settle(facts(spec=spec, references=(named,)))
    assert [found.name for found in seen.jobs] == ["t-training-prepare-1"]
    gone = replace(seen, references=(replace(named, uid=""),))
    assert decide(gone, SETTINGS).status["phase"] == "Waiting"
    prepared = tuple(replace(found, ended="Complete", finished=NOW) for found in seen.jobs)
    assert decide(replace(gone, jobs=prepared), SETTINGS).actions == (ApplyTrainers(), group(1))


# Ends of a group


@pytest.mark.parametrize(
    ("end", "pods", "counts"),
    [
        ({}, (crashed(1),), (1, 0)),
        ({}, (), (1, 0)),
        (by_rule(1), (), (0, 1)),
        (by_rule(1, code=75), (), (0, 1)),
        # A node that was lost: the others fail of it, before the cluster says so of its pod.
        ({}, (crashed(0), pod(1, deleting=True, disrupted="DeletionByTaintManager")), (0, 1)),
    ],
)
def test_an_end_is_counted_once_as_its_own_fault_or_as_the_clusters(end, pods, counts):
    seen, _ = settle(facts(jobs=(PREPARED, job()), pods=BOTH))
    ending = replace(seen, jobs=(PREPARED, job(failing=True, **{"reason": "BackoffLimitExceeded", **end})), pods=pods)
    first = decide(ending, SETTINGS)
    assert (first.status["restarts"], first.status["disruptions"]) == counts
    # Its pods are being ended: the next group has to wait.
    assert not [action for action in first.actions if isinstance(action, CreateJob)]
    ended = replace(apply(ending, first), jobs=(PREPARED, over(**end)), pods=())
    second = decide(replace(ended, now=NOW + 60), SETTINGS)
    assert (second.status["restarts"], second.status["disruptions"]) == counts
    assert group(2) in second.actions
    assert (
        DeleteChild(kind="Job", name="t-trainer-1", uid="trainer-1-uid")
        in decide(apply(replace(ended, now=NOW + 60), second), SETTINGS).actions + second.actions
    )


def test_the_next_group_waits_until_all_pods_of_the_last_one_are_gone():
    seen, _ = settle(facts(jobs=(PREPARED, job()), pods=BOTH))
    left = decide(replace(seen, jobs=(PREPARED, over()), pods=(crashed(1), pod(0, deleting=True))), SETTINGS)
    assert not [action for action in left.actions if isinstance(action, CreateJob)]
    assert said(left, "Progressing") == ("False", "WaitingForCleanup") and "t-trainer-1-0" in left.status["message"]
    assert group(2) in decide(replace(seen, jobs=(PREPARED, over()), pods=(crashed(1),)), SETTINGS).actions


def test_own_faults_are_limited_and_the_last_message_names_node_code_and_finding():
    finding = json.dumps(
        {"finding": "RendezvousTimeout", "message": "Node 0 was not reached.", "remedy": "Look at it."}
    )
    seen = facts(
        spec={"trainers": {"maxRestarts": 1}}, status={"judged": 1, "restarts": 1, "attempt": 2}, jobs=(PREPARED,)
    )
    decision = decide(
        replace(seen, jobs=(PREPARED, over(2)), pods=(crashed(1, 2, said=finding), crashed(0, 2, ended_at=NOW - 9))),
        SETTINGS,
    )
    assert decision.status["phase"] == "Failed" and said(decision, "Failed") == ("True", "RestartsExhausted")
    message = condition(decision, "Failed")["message"]
    assert "2 times" in message and "Node 1" in message and "Node 0 was not reached." in message
    plain = decide(replace(seen, jobs=(PREPARED, over(2)), pods=(crashed(1, 2, exit_code=134),)), SETTINGS)
    assert "ended with code 134" in condition(plain, "Failed")["message"]


def test_disruptions_are_never_too_many():
    status = {"judged": 8, "restarts": 0, "disruptions": 8, "attempt": 9}
    seen = facts(spec={"trainers": {"maxRestarts": 0}}, status=status, jobs=(PREPARED, over(9, **by_rule(0, number=9))))
    decision = decide(seen, SETTINGS)
    assert decision.status["disruptions"] == 9 and group(10) in decision.actions


def test_a_lost_status_alone_never_ends_it():
    spent = tuple(over(number) for number in range(1, 5))
    decision = decide(facts(spec={"trainers": {"maxRestarts": 2}}, jobs=(PREPARED, *spent), now=NOW + 600), SETTINGS)
    assert decision.status["restarts"] == 2 and group(5) in decision.actions


def test_code_64_ends_it_with_the_pods_reason_until_the_spec_is_changed():
    finding = json.dumps({"finding": "CheckpointUnusable", "message": "It is of another recipe."})
    ended = over(**by_rule(0, code=64))
    pods = (crashed(0, exit_code=64, said=finding),)
    decision = decide(facts(jobs=(PREPARED, ended), pods=pods), SETTINGS)
    assert said(decision, "Failed") == ("True", "CheckpointUnusable") and decision.status["phase"] == "Failed"
    failed = apply(facts(jobs=(PREPARED, ended), pods=pods), decision)
    assert decide(failed, SETTINGS).status["phase"] == "Failed"
    metadata = {**failed.object["metadata"], "generation": 2}
    changed = replace(failed, object={**failed.object, "metadata": metadata}, now=NOW + 60)
    mended = decide(changed, SETTINGS)
    assert mended.status["phase"] == "Training" and group(2) in mended.actions
    # A pod that is gone leaves the Job's own words.
    bare = decide(facts(jobs=(PREPARED, ended)), SETTINGS)
    assert said(bare, "Failed") == ("True", "BadConfiguration")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"waiting": "ImagePullBackOff", "waiting_message": "no such image"}, "ImagePullFailed"),
        ({"unschedulable": "0/3 nodes are available"}, "Unschedulable"),
        ({"waiting": "CreateContainerConfigError", "waiting_message": "no secret"}, "PodMisconfigured"),
    ],
)
def test_a_node_that_can_not_start_is_told_of_and_ends_it_only_if_waiting_mends_nothing(fields, reason):
    stuck = pod(1, phase="Pending", ready=False, created=NOW - 90, **fields)
    seen = facts(jobs=(PREPARED, job(created=NOW - 90)), pods=(pod(0), stuck))
    decision = decide(seen, SETTINGS)
    assert said(decision, "Progressing") == ("False", reason) and said(decision, "Degraded") == ("True", reason)
    later = decide(replace(seen, now=NOW + SETTINGS.stuck_seconds), SETTINGS)
    assert (later.status["phase"] == "Failed") == (reason != "Unschedulable")


def test_memory_that_ran_out_is_named():
    dead = crashed(1, exit_code=137, exit_reason="OOMKilled")
    decision = decide(
        facts(jobs=(PREPARED, over(finished=NOW)), pods=(dead,), status={"judged": 1, "restarts": 2}), SETTINGS
    )
    assert said(decision, "Degraded") == ("True", "OutOfMemory")


# Suspension, queues, deletion


def test_suspended_it_has_no_pods_and_resumed_it_makes_another_attempt():
    running, _ = settle(facts(jobs=(PREPARED, job()), pods=BOTH))
    spec = {**running.object["spec"], "suspend": True}
    paused = replace(running, object={**running.object, "spec": spec})
    decision = decide(paused, SETTINGS)
    assert decision.status["phase"] == "Suspended"
    assert DeleteChild(kind="Job", name="t-trainer-1", uid="trainer-1-uid") in decision.actions
    rest, _ = settle(paused)
    assert rest.object["status"].get("restarts") is None
    resumed = replace(rest, object={**rest.object, "spec": {**spec, "suspend": False}})
    assert group(2) in decide(resumed, SETTINGS).actions
    # Not before the last one's pods are gone.
    going = replace(resumed, jobs=(PREPARED, job(deleting=True)), pods=BOTH)
    assert not [action for action in decide(going, SETTINGS).actions if isinstance(action, CreateJob)]


def test_another_number_of_nodes_is_prepared_anew_before_a_gpu_is_used():
    rest, _ = settle(facts(spec={"suspend": True}, jobs=(PREPARED,)))
    metadata = {**rest.object["metadata"], "generation": 2}
    wider = {**training(nodes=4), "metadata": metadata, "status": rest.object["status"]}
    decision = decide(replace(rest, object=wider), SETTINGS)
    assert CreateJob(stage=Stage.PREPARE, number=2, parallelism=1) in decision.actions
    assert decision.status["phase"] == "Preparing"


def test_it_waits_in_its_queue():
    held = job(queued=True, suspended=True, active=0, ready=0)
    decision = decide(facts(spec={"queueName": "gpus"}, jobs=(PREPARED, held)), SETTINGS)
    assert said(decision, "Progressing") == ("False", "WaitingForQuota") and decision.status["scheduling"] == "Kueue"


def test_its_output_is_deleted_only_if_that_is_wanted_and_after_its_pods():
    metadata = {"deletionTimestamp": moments.text(NOW - 10), "finalizers": ["dart-k8s.io/output"]}
    spec = {"deletionPolicy": "Delete"}
    with_pods = decide(facts(spec=spec, metadata=metadata, jobs=(job(),), pods=BOTH), SETTINGS)
    clean = CreateJob(stage=Stage.CLEANUP, number=1, parallelism=1)
    assert clean not in with_pods.actions
    assert clean in decide(facts(spec=spec, metadata=metadata), SETTINGS).actions
    kept = decide(facts(metadata=metadata), SETTINGS)
    assert kept.actions == (SetFinalizer(present=False),)


def test_a_store_that_can_not_be_read_stops_no_training():
    failed = Failure(what="read", reason="StoreUnavailable", message="no answer", fault="store", since=NOW)
    decision = decide(facts(jobs=(PREPARED, job()), pods=BOTH, failures=(failed,)), SETTINGS)
    assert decision.status["phase"] == "Training" and said(decision, "Progressing")[0] == "True"
    assert said(decision, "Degraded") == ("True", "StoreUnavailable")


# Whatever is seen


@given(worlds())
def test_decided_and_carried_out_nothing_is_left_to_do(seen: Facts):
    last, decisions = settle(seen)
    again = decide(last, SETTINGS)
    assert again.actions == () and again.status == last.object["status"]
    assert again.announcements == () and not again.urgent
    for decision in decisions:
        status = decision.status
        assert len(json.dumps(status).encode()) <= MOST_BYTES
        TrainingStatus.model_validate(status, by_alias=True, by_name=False)
        for item in status["conditions"]:
            assert item["status"] == status_of(item["type"], item["reason"]), item


@given(worlds())
def test_there_is_never_a_second_group_beside_one(seen: Facts):
    for action in decide(seen, SETTINGS).actions:
        if isinstance(action, CreateJob):
            assert job_name("t", action.stage, action.number, "Training") not in {found.name for found in seen.jobs}
        if isinstance(action, CreateJob) and action.stage is Stage.TRAINER:
            assert not [found for found in seen.jobs if found.stage is Stage.TRAINER and not found.ended]
            unended = ("Pending", "Running", "Unknown")
            assert not [found for found in seen.pods if found.stage is Stage.TRAINER and found.phase in unended]
