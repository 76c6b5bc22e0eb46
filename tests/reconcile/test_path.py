"""The way of a Synthesis from nothing to its data set."""

from dataclasses import replace

from dart_k8s.names import Stage
from dart_k8s.reconcile import ApplyDeclaration, ApplyVerifiers, CreateJob, DeleteChild, Failure, decide, digests

from .builders import CLOSED, NOW, SAMPLING, SETTINGS, done, facts, job, pod, said, settle


def test_a_new_synthesis_gets_its_declaration_and_a_prepare_job():
    decision = decide(facts(), SETTINGS)
    assert decision.actions == (ApplyDeclaration(), CreateJob(stage=Stage.PREPARE, number=1, parallelism=1))
    assert decision.status["phase"] == "Preparing"
    assert said(decision, "Prepared") == ("False", "Preparing")
    assert decision.fold is None


def test_a_prepared_one_is_folded_before_it_gets_samplers():
    decision = decide(facts(jobs=(done(Stage.PREPARE),)), SETTINGS)
    assert decision.actions == ()
    assert decision.fold is not None and decision.fold.samplers == 4 and decision.fold.after == 0.0
    assert said(decision, "Prepared") == ("True", "SnapshotWritten")


def test_samplers_come_once_there_is_a_plan():
    progress = replace(SAMPLING, trials=0, live_claims=0, unclaimed_shards=8)
    decision = decide(facts(jobs=(done(Stage.PREPARE),), progress=progress), SETTINGS)
    assert CreateJob(stage=Stage.SAMPLER, number=1, parallelism=4) in decision.actions


def test_verifiers_follow_the_samplers_that_run():
    seen = facts(jobs=(done(Stage.PREPARE), job()), pods=(pod(),), progress=SAMPLING)
    assert ApplyVerifiers(replicas=1) in decide(seen, SETTINGS).actions


def test_a_closed_run_gives_back_its_pods_and_is_curated():
    before, _ = settle(facts(jobs=(done(Stage.PREPARE), job()), pods=(pod(),), progress=SAMPLING))
    decision = decide(replace(before, progress=CLOSED), SETTINGS)
    assert DeleteChild(kind="Job", name="math-sampler-1", uid="sampler-1-uid") in decision.actions
    assert {a.kind for a in decision.actions if isinstance(a, DeleteChild)} == {
        "Job", "Deployment", "Service", "NetworkPolicy"
    }  # fmt: skip
    assert CreateJob(stage=Stage.CURATE, number=1, parallelism=1) in decision.actions
    assert decision.status["phase"] == "Curating"


def test_a_new_operator_knows_a_run_that_is_being_curated_by_its_job():
    curating = job(Stage.CURATE, created=NOW - 100)
    decision = decide(facts(jobs=(done(Stage.PREPARE), curating)), SETTINGS)
    assert decision.status["phase"] == "Curating"
    # It was not told how the run ended; that is read once.
    assert decision.fold is not None and decision.fold.after == 0.0
    for last in (curating, done(Stage.CURATE)):
        seen = facts(jobs=(done(Stage.PREPARE), last))
        assert decide(seen, SETTINGS).fold is not None
        known = {"status": {"progress": {"fraction": 1.0}}}
        assert decide(replace(seen, object={**seen.object, **known}), SETTINGS).fold is None
        for since, asks in ((NOW - 60, True), (NOW - 3600, False)):
            failure = Failure(what="fold", reason="StoreUnavailable", message="no answer", since=since)
            assert (decide(replace(seen, failures=(failure,)), SETTINGS).fold is not None) is asks
        assert decide(replace(seen, progress=CLOSED, progress_at=NOW), SETTINGS).fold is None
    opened = decide(facts(jobs=(done(Stage.PREPARE, 2), done(Stage.CURATE, digest="older"))), SETTINGS)
    assert opened.status["phase"] == "Sampling" and opened.fold is not None


def test_a_run_that_is_closed_is_so_for_the_goal_it_was_folded_under():
    # The target was raised after the end; prepare has opened the run again, and a user has deleted its Job.
    old = facts(spec={"strategy": {"kind": "uniform", "target": 4}})
    curated = job(Stage.CURATE, created=NOW - 100)
    for progress, goal in ((CLOSED, digests.goal(old.object)), (None, "")):
        seen = facts(
            jobs=(curated,), progress=progress, progress_goal=goal, generation=2,
            spec={"strategy": {"kind": "uniform", "target": 5}},
            status={"conditions": [{"type": "Prepared", "status": "True", "observedGeneration": 2}]},
        )  # fmt: skip
        decision = decide(seen, SETTINGS)
        assert decision.status["phase"] == "Sampling"
        assert decision.fold is not None and decision.fold.goal == digests.goal(seen.object)


def test_a_curated_run_is_complete_and_at_rest():
    seen = facts(jobs=(done(Stage.PREPARE), done(Stage.CURATE)), progress=CLOSED)
    last, decisions = settle(seen)
    assert said(decisions[-1], "Complete") == ("True", "Finished")
    assert decisions[-1].status["output"] == "s3://bucket/runs/math"
    assert decisions[-1].fold is None and decisions[-1].after is None
    assert [j.stage for j in last.jobs] == [Stage.CURATE]
    assert decisions[-1].status["finishedAt"] == "2027-01-15T07:55:00Z"
    assert NOW - 300 == 1_799_999_700.0
