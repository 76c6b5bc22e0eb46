"""Deletion and the time to live."""

from dataclasses import replace

import pytest

from dart_k8s.names import Stage
from dart_k8s.reconcile import CreateJob, DeleteObject, Facts, SetFinalizer, decide, moments
from dart_k8s.reconcile.deletion import has_folder

from .builders import NOW, SAMPLING, SETTINGS, done, facts, failed, job, pod, said

OFF = SetFinalizer(present=False)
CLEAN = CreateJob(stage=Stage.CLEANUP, number=1, parallelism=1)


def going(since: float = 10.0, policy: str = "Delete", **fields) -> Facts:
    """One that is being deleted."""
    metadata = {"deletionTimestamp": moments.text(NOW - since), "finalizers": ["dart-k8s.io/output"]}
    return facts(spec={"deletionPolicy": policy, **fields.pop("spec", {})}, metadata=metadata, **fields)


def test_the_finalizer_comes_before_the_first_pod_and_only_if_the_output_is_to_be_deleted():
    actions = decide(facts(spec={"deletionPolicy": "Delete"}), SETTINGS).actions
    assert actions[0] == SetFinalizer(present=True) and isinstance(actions[-1], CreateJob)
    assert not [a for a in decide(facts(), SETTINGS).actions if isinstance(a, SetFinalizer)]


def test_a_changed_mind_takes_it_off():
    seen = facts(jobs=(done(Stage.PREPARE),), progress=SAMPLING, metadata={"finalizers": ["dart-k8s.io/output"]})
    assert OFF in decide(seen, SETTINGS).actions


def test_pods_are_gone_before_anything_is_deleted():
    with_job = going(jobs=(job(),), pods=(pod(),))
    assert CLEAN not in decide(with_job, SETTINGS).actions
    assert CLEAN not in decide(going(jobs=(job(deleting=True),)), SETTINGS).actions
    assert CLEAN not in decide(going(pods=(pod(),)), SETTINGS).actions
    # Nor while the operator's own children write there.
    assert CLEAN not in decide(going(folding=True), SETTINGS).actions
    assert CLEAN in decide(going(), SETTINGS).actions


def test_when_the_output_is_deleted_the_object_may_go():
    assert decide(going(jobs=(done(Stage.CLEANUP),)), SETTINGS).actions == (OFF,)
    assert decide(going(policy="Retain"), SETTINGS).actions == (OFF,)


def test_after_the_deadline_it_goes_with_a_warning_that_names_what_remains():
    decision = decide(going(since=900.0, jobs=(job(),)), SETTINGS)
    assert decision.actions == (OFF,)
    assert said(decision, "Degraded") == ("True", "DeletionIncomplete")
    [warning] = [a for a in decision.announcements if a.reason == "DeletionIncomplete"]
    assert "s3://bucket/runs/math" in warning.message and warning.kind == "Warning"


def test_a_clean_up_that_fails_is_repeated_after_a_pause_and_ends_at_once_if_it_may_not_delete():
    again = failed(Stage.CLEANUP, reason="BackoffLimitExceeded", finished=NOW - 4)
    assert decide(going(jobs=(again,)), SETTINGS).after == 6.0
    later = going(jobs=(replace(again, finished=NOW - 60),))
    assert CreateJob(stage=Stage.CLEANUP, number=2, parallelism=1) in decide(later, SETTINGS).actions
    assert decide(going(jobs=(failed(Stage.CLEANUP),)), SETTINGS).actions == (OFF,)


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("s3://bucket/runs", True),
        ("s3://bucket", False),
        ("s3://bucket/", False),
        ("s3://bucket//./..", False),
        ("file:///data/runs", True),
        ("file:///data", False),
        ("/", False),
    ],
)
def test_a_bucket_as_a_whole_is_nothing_to_delete(uri, folder):
    assert has_folder(uri) is folder


def test_a_finished_one_is_deleted_after_its_time_to_live():
    def ended(ttl: int):
        seen = facts(spec={"ttlSecondsAfterFinished": ttl}, jobs=(done(Stage.CURATE, digest=""),))
        return decide(seen, SETTINGS)

    assert DeleteObject(uid="synthesis-uid") in ended(300).actions
    waiting = ended(1000)
    assert DeleteObject(uid="synthesis-uid") not in waiting.actions and waiting.after == 700.0


@pytest.mark.parametrize("moment", [0, 951_782_399, 951_782_400, 1_800_000_000, 4_107_542_399])
def test_times_are_read_as_they_are_written(moment):
    assert moments.seconds(moments.text(moment)) == moment
    assert moments.seconds("2027-01-15T08:00:00.5+02:00") == moments.seconds("2027-01-15T06:00:00Z")
    assert moments.text(951_782_400) == "2000-02-29T00:00:00Z"
