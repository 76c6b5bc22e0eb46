"""Samplers: how many, by which Jobs, and when the run is folded."""

from dataclasses import replace

import pytest

from dart_k8s.names import Stage
from dart_k8s.reconcile import ApplyVerifiers, CreateJob, DeleteChild, Failure, ScaleJob, decide
from dart_k8s.render import objects

from .builders import CLOSED, NOW, SAMPLING, SETTINGS, apply, done, facts, job, pod, said, sampling, settle


def moves(seen, settings=SETTINGS):
    """What is done about Jobs."""
    kinds = (CreateJob, ScaleJob, DeleteChild)
    return [action for action in decide(seen, settings).actions if isinstance(action, kinds)]


def scaled(number):
    return [ScaleJob(name="math-sampler-1", uid="sampler-1-uid", parallelism=number)]


def test_at_work_nothing_is_done():
    assert decide(sampling(), SETTINGS).actions == ()


def test_at_the_tail_there_are_no_more_samplers_than_have_something_to_do():
    tail = replace(SAMPLING, live_claims=2, unclaimed_shards=0)
    assert moves(sampling(progress=tail)) == scaled(2)


def test_while_shards_wait_for_a_taker_none_is_taken_away():
    between = replace(SAMPLING, live_claims=1, unclaimed_shards=2)
    assert moves(sampling(progress=between)) == []


def test_more_replicas_grow_the_job_and_fewer_shrink_it():
    assert moves(sampling(spec={"samplers": {"replicas": 6}})) == scaled(6)
    assert moves(sampling(spec={"samplers": {"replicas": 2}})) == scaled(2)


def test_a_few_new_shards_at_the_tail_do_not_make_another_pod_load_its_model():
    little = replace(SAMPLING, live_claims=2, unclaimed_shards=1)
    assert moves(sampling(progress=little, jobs=(job(parallelism=2),))) == []
    much = replace(SAMPLING, live_claims=2, unclaimed_shards=3)
    assert moves(sampling(progress=much, jobs=(job(parallelism=2),))) == scaled(4)


def test_zero_replicas_pause_the_job_and_keep_it():
    seen = sampling(spec={"samplers": {"replicas": 0}})
    assert moves(seen) == scaled(0)
    assert said(decide(replace(seen, pods=()), SETTINGS), "Progressing") == ("False", "NoSamplersWanted")


def test_a_job_that_ended_while_queries_are_open_gets_a_successor_and_goes_when_that_is_there():
    seen, _ = settle(sampling(jobs=(done(Stage.SAMPLER, created=NOW - 9000),), pods=()))
    assert [j.number for j in seen.jobs if j.stage is Stage.SAMPLER] == [2]


def test_a_job_in_which_one_pod_believes_itself_finished_is_completed_by_a_second_job():
    one = job(active=3, succeeded=1)
    seen = facts(jobs=(done(Stage.PREPARE), one), progress=SAMPLING, pods=(pod(),))
    assert CreateJob(stage=Stage.SAMPLER, number=2, parallelism=1) in decide(seen, SETTINGS).actions


@pytest.mark.parametrize(
    "ending",
    [(job(active=3, succeeded=1),), (done(Stage.SAMPLER, succeeded=4),)],
    ids=["the first of its samplers", "its Job"],
)
def test_what_ends_well_is_followed_by_a_fold_and_not_by_another_job(ending):
    seen = sampling(jobs=ending)
    decision = decide(seen, SETTINGS)
    assert not [action for action in decision.actions if isinstance(action, CreateJob)]
    assert decision.fold is not None and decision.fold.after == 0.0
    assert said(decision, "Failed")[0] == "False"
    still_open = replace(seen, progress_ended=decision.fold.ended)
    assert any(isinstance(action, CreateJob) for action in decide(still_open, SETTINGS).actions)
    closed = replace(still_open, progress=CLOSED)
    assert decide(closed, SETTINGS).status["phase"] == "Curating"


def test_another_size_of_verifiers_applies_the_deployment_only():
    more = sampling(jobs=(job(parallelism=12, active=12),), spec={"samplers": {"replicas": 12}})
    [applied] = [action for action in decide(more, SETTINGS).actions if isinstance(action, ApplyVerifiers)]
    assert (applied.replicas, applied.kinds) == (3, {"Deployment"})
    [made] = objects(applied, more, SETTINGS)
    assert (made["kind"], made["spec"]["replicas"]) == ("Deployment", 3)


def test_a_number_that_the_status_knows_is_not_used_again():
    status = dict(decide(sampling(), SETTINGS).status)
    seen = facts(jobs=(done(Stage.PREPARE),), progress=SAMPLING, status={**status, "attempt": 7})
    assert moves(seen) == [CreateJob(stage=Stage.SAMPLER, number=8, parallelism=4)]


@pytest.mark.parametrize("leftover", [job(owner="an earlier synthesis"), job(deleting=True)], ids=["owner", "deleting"])
def test_what_is_left_of_an_earlier_job_is_waited_for(leftover):
    seen = facts(jobs=(done(Stage.PREPARE), leftover), progress=SAMPLING)
    decision = decide(seen, SETTINGS)
    assert not [action for action in decision.actions if isinstance(action, CreateJob)]
    assert said(decision, "Progressing") == ("False", "WaitingForCleanup")


def test_jobs_that_end_again_and_again_are_followed_more_and_more_slowly():
    short = done(Stage.SAMPLER, created=NOW - 20, finished=NOW)
    status = {"attempt": 1, "failures": 2, "progress": {"trials": SAMPLING.trials}}
    seen = facts(jobs=(done(Stage.PREPARE), short), progress=SAMPLING, status=status)
    decision = decide(seen, SETTINGS)
    assert not [action for action in decision.actions if isinstance(action, CreateJob)]
    assert decision.status["failures"] == 3 and decision.after == 40.0
    later = replace(apply(seen, decision), now=NOW + 40)
    assert CreateJob(stage=Stage.SAMPLER, number=2, parallelism=4) in decide(later, SETTINGS).actions


def test_a_lost_run_is_prepared_again_although_the_status_calls_it_prepared():
    lost = replace(SAMPLING, prepared=False)
    decision = decide(sampling(), SETTINGS)
    seen = facts(progress=lost, status=decision.status)
    assert CreateJob(stage=Stage.PREPARE, number=1, parallelism=1) in decide(seen, SETTINGS).actions


def test_a_fold_that_began_before_the_prepare_job_ended_says_nothing():
    lost = replace(SAMPLING, prepared=False)
    seen = facts(jobs=(done(Stage.PREPARE, finished=NOW - 3),), progress=lost, progress_at=NOW - 5)
    decision = decide(seen, SETTINGS)
    assert decision.actions == () and decision.fold is not None


class TestFolds:
    def test_come_more_rarely_the_longer_nothing_is_new(self):
        afters = [
            decide(sampling(progress=replace(SAMPLING, last_change=quiet)), SETTINGS).fold.after
            for quiet in (0.0, 40.0, 4000.0)
        ]
        assert afters == [2.0, 10.0, 60.0]

    def test_are_not_ordered_while_nobody_can_write_anything(self):
        idle = replace(SAMPLING, live_claims=0)
        assert decide(sampling(progress=idle, pods=()), SETTINGS).fold is None

    @pytest.mark.parametrize("why", ["a claim", "a pod", "sealing"])
    def test_are_ordered_while_something_may_come(self, why):
        progress = replace(
            SAMPLING, live_claims=int(why == "a claim"), phase="sealing" if why == "sealing" else "sampling"
        )
        pods = (pod(ready=False, started=False),) if why == "a pod" else ()
        assert decide(sampling(progress=progress, pods=pods), SETTINGS).fold is not None

    def test_that_fail_for_want_of_rights_are_said_and_repeated(self):
        failure = Failure(what="fold", reason="AccessDenied", message="s3://bucket: denied", fault="store", since=NOW)
        decision = decide(sampling(failures=(failure,)), SETTINGS)
        assert said(decision, "Degraded") == ("True", "StoreAccessDenied")
        assert decision.fold is not None and decision.status["phase"] == "Sampling"

    def test_that_fail_by_the_users_fault_end_the_synthesis_after_a_while(self):
        failure = Failure(what="fold", reason="SpecChanged", message="changed", fault="user", since=NOW - 1800)
        seen = sampling(failures=(failure,))
        assert said(decide(seen, SETTINGS), "Failed") == ("True", "SpecChanged")


class TestChanges:
    def test_of_the_goal_after_the_end_are_prepared_sampled_and_curated_again(self):
        complete, _ = settle(facts(jobs=(done(Stage.PREPARE), done(Stage.CURATE)), progress=CLOSED))
        spec = {**complete.object["spec"], "strategy": {"kind": "uniform", "target": 80}}
        metadata = {**complete.object["metadata"], "generation": 2}
        seen = replace(complete, object={**complete.object, "spec": spec, "metadata": metadata})
        assert CreateJob(stage=Stage.PREPARE, number=1, parallelism=1) in decide(seen, SETTINGS).actions

    def test_of_pods_after_the_end_change_nothing(self):
        complete, _ = settle(facts(jobs=(done(Stage.PREPARE), done(Stage.CURATE)), progress=CLOSED))
        spec = {**complete.object["spec"], "samplers": {"replicas": 9}, "ttlSecondsAfterFinished": 10_000}
        metadata = {**complete.object["metadata"], "generation": 2}
        seen = replace(complete, object={**complete.object, "spec": spec, "metadata": metadata})
        decision = decide(seen, SETTINGS)
        assert decision.actions == () and decision.status["phase"] == "Complete" and decision.after == 9700.0


QUEUED = {"queueName": "gpus"}


class TestQueue:
    def queued(self, **fields):
        return job(queued=True, **fields)

    def test_a_job_that_waits_for_quota_says_so(self):
        seen = sampling(spec=QUEUED, jobs=(self.queued(suspended=True, active=0),), pods=(), progress=SAMPLING)
        assert said(decide(seen, SETTINGS), "Progressing") == ("False", "WaitingForQuota")

    def test_a_job_that_was_admitted_for_less_is_left_alone(self):
        seen = sampling(spec=QUEUED, jobs=(self.queued(parallelism=2, asked=4),))
        assert moves(seen) == []

    def test_at_the_tail_samplers_end_by_themselves(self):
        tail = replace(SAMPLING, live_claims=1, unclaimed_shards=0)
        assert moves(sampling(spec=QUEUED, jobs=(self.queued(),), progress=tail)) == []

    def test_growth_is_another_job(self):
        spec = {**QUEUED, "samplers": {"replicas": 10}}
        seen = sampling(spec=spec, jobs=(self.queued(),))
        assert CreateJob(stage=Stage.SAMPLER, number=2, parallelism=6) in moves(seen)

    def test_a_pause_gives_the_quota_back(self):
        seen = facts(
            spec={**QUEUED, "samplers": {"replicas": 0}},
            jobs=(done(Stage.PREPARE), self.queued()),
            progress=SAMPLING,
        )
        assert moves(seen) == [DeleteChild(kind="Job", name="math-sampler-1", uid="sampler-1-uid")]


class TestSuspension:
    def test_deletes_the_jobs_and_keeps_what_was_sampled(self):
        decision = decide(sampling(spec={"suspend": True}), SETTINGS)
        assert said(decision, "Suspended") == ("True", "SuspendedByUser")
        last, _ = settle(sampling(spec={"suspend": True}))
        assert [j for j in last.jobs if not j.ended] == []

    def test_is_followed_by_a_job_with_a_new_number(self):
        suspended, decisions = settle(sampling(spec={"suspend": True}))
        assert decisions[-1].status["attempt"] == 1
        spec = {**suspended.object["spec"], "suspend": False}
        resumed = replace(suspended, object={**suspended.object, "spec": spec}, progress=SAMPLING)
        assert CreateJob(stage=Stage.SAMPLER, number=2, parallelism=4) in decide(resumed, SETTINGS).actions
