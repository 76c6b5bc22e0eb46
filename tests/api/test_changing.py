"""What may change while a run goes on, and what makes it another run."""

import pytest

from dart_k8s.api import differences, digest
from tests.api.declarations import declared

QUERIES = [{"name": "math", "uri": "math.jsonl"}]


@pytest.mark.parametrize(
    ("fields", "path", "allowed"),
    [
        ({"strategy": {"kind": "uniform", "target": 8}}, "spec.strategy.target", True),
        ({"budget": {"maxTrialsPerQuery": 64}}, "spec.budget.maxTrialsPerQuery", True),
        ({"budget": {"hopelessFloor": 2}}, "spec.budget.hopelessFloor", True),
        ({"samplers": {"replicas": 8}}, "spec.samplers.replicas", True),
        ({"samplers": {"pod": {"nodeSelector": {"a": "b"}}}}, "spec.samplers.pod.nodeSelector.a", True),
        ({"verifiers": {"processes": 8}}, "spec.verifiers.processes", True),
        ({"verifiers": {"url": "http://verifiers:8080"}}, "spec.verifiers.url", True),
        ({"verification": {"maxPending": 8}}, "spec.verification.maxPending", True),
        ({"verification": {"policy": "lenient"}}, "spec.verification.policy", False),
        ({"sharding": {"trials": 8}}, "spec.sharding.trials", True),
        ({"claims": {"ttlSeconds": 60}}, "spec.claims.ttlSeconds", True),
        ({"flush": {"seconds": 1}}, "spec.flush.seconds", True),
        ({"curation": {"minPassRate": 0.01}}, "spec.curation.minPassRate", True),
        ({"engine": {"slots": 4}}, "spec.engine.slots", True),
        ({"engine": {"args": {"dtype": "float32"}}}, "spec.engine.args.dtype", False),
        ({"output": {"uri": "moved"}}, "spec.output.uri", True),
        ({"strategy": {"kind": "prop2diff", "target": 40}}, "spec.strategy.kind", False),
        ({"sampling": {"temperature": 0.7}}, "spec.sampling.temperature", False),
        ({"model": {"uri": "other"}}, "spec.model.uri", False),
        ({"prompt": {"template": "alpaca"}}, "spec.prompt.template", False),
        ({"queries": [{"name": "math", "uri": "b.jsonl"}]}, "spec.queries[0].uri", False),
        ({"pool": {"from": ["old"]}}, "spec.pool.from", False),
    ],
)
def test_a_change_is_named_by_its_path_and_allowed_or_not(fields, path, allowed):
    old, new = declared(), declared(**fields)
    assert [(change.path, change.allowed) for change in differences(old, new)] == [(path, allowed)]
    assert (digest(old) == digest(new)) is allowed


def test_a_change_reads_as_old_and_new_value():
    change = differences(declared(), declared(budget={"totalTrials": 9}))
    assert [item.text() for item in change] == [
        "spec.strategy.target: 40 -> 8192",
        "spec.budget.totalTrials: (not given) -> 9",
    ]


def test_one_more_source_shows_all_its_fields():
    more = differences(declared(), declared(queries=[*QUERIES, {"name": "b", "uri": "b.jsonl"}]))
    assert "spec.queries[1].uri" in {change.path for change in more}
    assert not any(change.allowed for change in more)


def test_spelling_a_default_out_is_no_change():
    same = declared(sampling={"temperature": 1.6}, strategy={"kind": "uniform", "target": 40}, flush={"seconds": 10})
    assert differences(declared(), same) == []
    assert digest(declared()) == digest(same)


def test_names_labels_and_the_order_of_fields_do_not_matter():
    assert digest(declared(claims={"ttlSeconds": 90, "heartbeatSeconds": 15})) == digest(declared())
