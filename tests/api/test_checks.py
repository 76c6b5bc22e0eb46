"""What does not fit together is refused, with the values and the way out."""

import pytest

from dart_k8s.errors import SpecError
from tests.api.declarations import declared

OPENAI = {"kind": "openai", "baseUrl": "http://localhost:8000/v1", "model": "m"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"strategy": {"kind": "uniform", "target": 40}, "budget": {"maxTrialsPerQuery": 32}},
            "target: 40 is above budget.maxTrialsPerQuery (32): no query could reach it; lower target or raise the cap",
        ),
        (
            {"strategy": {"kind": "vanilla", "trials": 90}, "budget": {"maxTrialsPerQuery": 52}},
            "spec.strategy.trials: 90 is above budget.maxTrialsPerQuery (52)",
        ),
        (
            {"strategy": {"kind": "prop2diff", "target": 8}, "budget": {"maxTrialsPerQuery": 16}},
            "spec.strategy.minTrials: 32 is above budget.maxTrialsPerQuery (16)",
        ),
        (
            {"queries": [{"name": "q", "uri": "q.jsonl", "target": 9000}]},
            "spec.queries[0].target: 9000 is above budget.maxTrialsPerQuery (8192)",
        ),
        (
            {"queries": [{"name": "q", "uri": "q.jsonl", "target": 9}], "strategy": {"kind": "vanilla"}},
            "spec.queries[0].target: vanilla has no targets (9 given)",
        ),
        (
            {"strategy": {"kind": "vanilla"}, "budget": {"totalTrials": 100}},
            "spec.budget.totalTrials: vanilla spends 52 trials on each query whatever the total (100 given)",
        ),
        ({"strategy": {"kind": "vanilla", "target": 4}}, "vanilla spends trials, it has no target (4 given)"),
        ({"strategy": {"kind": "uniform", "trials": 4}}, "uniform samples until its target (4 trials given)"),
        (
            {"strategy": {"kind": "uniform", "difficulty": {"uri": "p.jsonl"}}},
            "spec.strategy.difficulty: uniform does not look at difficulty",
        ),
        ({"prompt": {"inline": "hello"}}, "spec.prompt.inline: the placeholder {query} is missing"),
        ({"prompt": {"inline": "{query}", "template": "chat"}}, "spec.prompt: both template and inline are given"),
        ({"prompt": {"stop": ["x"]}}, "spec.prompt: neither template nor inline is given"),
        ({"prompt": {"template": "alpaca", "system": "x"}}, "template alpaca has no system message"),
        ({"model": None}, "spec.model: required by engine kind vllm"),
        ({"engine": {"kind": "openai"}}, "spec.engine.baseUrl: required by engine kind openai"),
        ({"engine": {"kind": "openai"}}, "spec.engine.model: required by engine kind openai"),
        ({"engine": {"kind": "scripted"}}, "spec.engine.script: required by engine kind scripted"),
        ({"engine": {"kind": "vllm", "model": "x"}}, "not used by engine kind vllm; name the model in spec.model.uri"),
        ({"engine": {**OPENAI, "baseUrl": "localhost:8000"}}, "an endpoint is http:// or https:// with a host"),
        ({"engine": {**OPENAI, "api": "completion"}}, "completion takes one text, but template chat makes messages"),
        (
            {"engine": {**OPENAI, "api": "chat"}, "prompt": {"template": "deepseek-math"}},
            "template deepseek-math is a whole prompt, and the endpoint would wrap it",
        ),
        (
            {"queries": [{"name": "q", "uri": "a"}, {"name": "q", "uri": "b"}]},
            "spec.queries[0].name: 'q' names several sources",
        ),
        ({"queries": [{"name": "q"}]}, "source 'q': neither uri nor configMap is given"),
        ({"queries": [{"name": "q", "uri": "a", "configMap": {"name": "c"}}]}, "both uri and configMap are given"),
        ({"queries": [{"name": "q", "uri": "a", "split": "test"}]}, "only a hub data set (hf://owner/dataset) has one"),
        ({"queries": [{"name": "q", "uri": "a", "where": {"level": {"x": 1}}}]}, "write level: VALUE or level: [VALUE"),
        ({"queries": [{"name": "a/b", "uri": "a"}]}, "must be letters, digits, dots, dashes and underscores"),
        ({"output": {"uri": "math.jsonl"}}, "math.jsonl is the same as spec.queries[0].uri (math.jsonl)"),
        ({"output": {"uri": "model/out"}}, "model/out lies inside spec.model.uri (model)"),
        ({"output": {"uri": "./x/../model"}}, "./x/../model is the same as spec.model.uri (model)"),
        ({"pool": {"from": ["out/"]}}, "out is the same as spec.pool.from[0] (out/)"),
        ({"pool": {"from": ["out/old"]}}, "spec.pool.from[0]: out/old lies inside the output (out)"),
        ({"output": {"uri": "hf://me/set"}}, "scheme 'hf' is not known here; give a path or one of file://, s3://"),
        ({"output": {"uri": "s3:/bucket/x"}}, "has a scheme but no '//'"),
        ({"output": {"uri": "s3:///x"}}, "has nothing between '//' and '/'"),
        ({"output": {"uri": "file://runs/x"}}, "a file on this machine is file:///ABSOLUTE/PATH"),
        ({"output": {"uri": ""}}, "is empty or has white space around it"),
        ({"model": {"uri": "hf://model"}}, "names no repository; write hf://OWNER/NAME"),
        ({"claims": {"heartbeatSeconds": 50}}, "ttlSeconds (90) must be more than twice heartbeatSeconds (50)"),
        ({"curation": {"decontaminate": {"mode": "exclude"}}}, "mode exclude needs benchmark files"),
        ({"curation": {"filters": {"minTokens": 9, "maxTokens": 3}}}, "minTokens (9) is above maxTokens (3)"),
    ],
)
def test_a_contradiction_is_refused(fields, says):
    with pytest.raises(SpecError) as caught:
        declared(**fields)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"engine": OPENAI, "model": None},
        {"engine": {**OPENAI, "api": "chat"}, "prompt": {"inline": "{query}"}},
        {"engine": {"kind": "scripted", "script": "s.json"}, "model": None},
        {"queries": [{"name": "a", "uri": "in/a.jsonl"}, {"name": "b", "uri": "hf://o/b", "split": "test"}]},
        {"output": {"uri": "model-out"}},
        {"output": {"uri": "s3://bucket/model"}},
        {"queries": [{"name": "q", "uri": "a", "where": {"level": ["1", 2], "kind": None, "ok": True}}]},
        {"curation": {"decontaminate": {"mode": False}}},
        {"queries": [{"name": "q", "configMap": {"name": "c"}}]},
    ],
)
def test_what_only_looks_odd_is_accepted(fields):
    declared(**fields)


def test_a_total_lifts_the_default_target_to_the_cap_and_leaves_a_given_one():
    spec = declared(budget={"totalTrials": 1000, "maxTrialsPerQuery": 500}).spec
    assert spec.strategy.scale == 500
    spec = declared(budget={"totalTrials": 1000}, strategy={"kind": "uniform", "target": 7}).spec
    assert spec.strategy.scale == 7
