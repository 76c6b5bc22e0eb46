"""Whatever is observed: a decision comes, and once it is carried out nothing is left to do."""

import json

from hypothesis import given

from dart_k8s.api.conditions import TYPES, status_of
from dart_k8s.api.status import MOST_BYTES, SynthesisStatus
from dart_k8s.names import job_name
from dart_k8s.reconcile import CreateJob, Facts, decide

from .builders import SETTINGS, apply, settle
from .worlds import worlds


@given(worlds())
def test_decided_and_carried_out_nothing_is_left_to_do(seen: Facts):
    last, _ = settle(seen)
    again = decide(last, SETTINGS)
    assert again.actions == () and again.status == last.object["status"]
    assert again.announcements == () and not again.urgent


@given(worlds())
def test_a_status_stays_as_it_is_while_nothing_happens(seen: Facts):
    first = decide(seen, SETTINGS)
    if not first.actions:
        assert decide(apply(seen, first), SETTINGS).status == first.status


@given(worlds())
def test_the_status_is_small_and_of_its_model(seen: Facts):
    status = decide(seen, SETTINGS).status
    assert len(json.dumps(status).encode()) <= MOST_BYTES
    SynthesisStatus.model_validate(status, by_alias=True, by_name=False)
    assert {item["type"] for item in status["conditions"]} == set(TYPES)


@given(worlds())
def test_every_condition_is_one_of_the_reference(seen: Facts):
    for item in decide(seen, SETTINGS).status["conditions"]:
        assert item["status"] == status_of(item["type"], item["reason"]), item


@given(worlds())
def test_no_job_is_created_whose_name_is_taken(seen: Facts):
    for action in decide(seen, SETTINGS).actions:
        if isinstance(action, CreateJob):
            assert job_name("math", action.stage, action.number) not in {found.name for found in seen.jobs}


@given(worlds())
def test_deciding_again_on_the_same_facts_decides_the_same(seen: Facts):
    assert decide(seen, SETTINGS) == decide(seen, SETTINGS)
