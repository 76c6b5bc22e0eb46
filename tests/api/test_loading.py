"""Declarations from text: what is accepted, and what users are told when it is not."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dart_k8s.api import Synthesis, digest, load_documents, load_one, to_yaml, write
from dart_k8s.errors import SpecError
from tests.api.declarations import declared, text

DESIGN = """
apiVersion: dart-k8s.io/v1alpha1
kind: Synthesis
metadata: {name: math-hard}
spec:
  queries:
  - {name: math, uri: "s3://bucket/math.jsonl", fields: {query: problem, answer: solution}, reference: last-box}
  model: {uri: "hf://deepseek-ai/deepseek-math-7b-rl"}
  engine: {kind: vllm}
  prompt: {template: deepseek-math}
  sampling: {temperature: 1.6, topP: 0.95, maxTokens: 2048, seed: 0, seeding: engine}
  strategy: {kind: prop2diff, target: 192, minTrials: 32}
  budget: {maxTrialsPerQuery: 8192, hopelessProbability: 0.05, hopelessAfter: 64}
  samplers: {replicas: 4, resources: {limits: {nvidia.com/gpu: 1}}}
  verifiers: {resources: {}}
  curation: {deduplicate: exact, decontaminate: {against: ["s3://bucket/test.jsonl"], mode: report}}
  output: {uri: "s3://bucket/runs/math-hard"}
"""


def refused(source: str) -> str:
    with pytest.raises(SpecError) as caught:
        load_documents(source, "file.yaml")
    return str(caught.value)


def loads_or_is_refused(source: str) -> None:
    try:
        loaded = load_documents(source, "file.yaml")
    except SpecError as error:
        if not str(error).startswith("file.yaml: "):
            raise
    else:
        assert all(isinstance(item, Synthesis) for item in loaded)


def test_the_declaration_of_the_manual_loads_with_the_values_it_gives():
    spec = load_one(DESIGN, "file.yaml").spec
    assert spec.queries[0].fields.query == "problem"
    assert spec.strategy.target == 192
    assert spec.samplers.resources == {"limits": {"nvidia.com/gpu": 1}}


def test_the_defaults_are_the_papers():
    spec = declared().spec
    assert (spec.sampling.temperature, spec.sampling.top_p, spec.sampling.max_tokens) == (1.6, 0.95, 2048)
    assert declared(strategy={"kind": "uniform"}).spec.strategy.target == 40
    assert declared(strategy={"kind": "prop2diff"}).spec.strategy.target == 192
    assert declared(strategy={"kind": "vanilla"}).spec.strategy.trials == 52


def test_every_problem_of_every_document_is_told_at_once_with_its_line():
    message = refused(
        "apiVersion: dart-k8s.io/v1alpha1\n"
        "kind: Synthesis\n"
        "metadata: {name: a}\n"
        "spec:\n"
        "  queries: [{name: q, uri: q.jsonl}]\n"
        "  model: {uri: m, revison: 1}\n"
        "  prompt: {template: chat}\n"
        "  strategy:\n"
        "    kind: uniform\n"
        "    minTrial: 3\n"
        "---\n"
        "kind: Sintesis\n"
        "apiVersion: dart-k8s.io/v1alpha1\n"
    )
    assert message.splitlines() == [
        "file.yaml: 4 problems in the declaration",
        "  line 4: spec.output: required: Where everything goes",
        "  line 6: spec.model.revison: unknown field; did you mean revision?",
        "  line 10: spec.strategy.minTrial: unknown field; did you mean minTrials?",
        "  line 12: kind: 'Sintesis' is not known to this version; known: Synthesis, Training, Evaluation",
    ]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"strategy": {"kind": "uniform", "min_trials": 3}}, "min_trials: unknown field; did you mean minTrials?"),
        ({"target": 4}, "spec.target: unknown field; did you mean spec.queries[].target or spec.strategy.target?"),
        ({"zzz": 4}, "spec.zzz: unknown field; known here: recipe, queries, "),
        ({"strategy": {"kind": "uniform", "target": "40"}}, "target: must be a whole number; it is '40'"),
        ({"strategy": {"kind": "uniform", "target": True}}, "target: must be a whole number; it is True"),
        ({"strategy": {"kind": "uniform", "target": 1.5}}, "target: must be a whole number; it is 1.5"),
        ({"strategy": {"kind": "uniform", "target": 0}}, "target: must be at least 1; it is 0"),
        ({"strategy": {"kind": "best"}}, "kind: must be 'vanilla', 'uniform' or 'prop2diff'; it is 'best'"),
        ({"sampling": {"topP": 0}}, "topP: must be above 0; it is 0"),
        ({"sampling": {"temperature": float("nan")}}, "temperature: "),
        ({"budget": {"hopelessProbability": 1}}, "hopelessProbability: must be below 1; it is 1"),
        ({"queries": []}, "spec.queries: must not be empty"),
        ({"queries": {"name": "q"}}, "spec.queries: must be a list"),
        ({"sampling": [1]}, "spec.sampling: must be a mapping (KEY: VALUE)"),
        ({"queries": None}, "spec.queries: required: Problems with reference answers, from one source or several"),
    ],
)
def test_a_wrong_field_is_told_with_its_path_its_value_and_the_way_out(fields, says):
    assert says in refused(text(**fields))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "no declaration in it; it should start with apiVersion: dart-k8s.io/v1alpha1, kind: Synthesis"),
        ("# only a comment\n---\n", "no declaration in it"),
        ("[1]", "line 1: a list where a mapping with apiVersion and kind should be"),
        ("a: 1\nb: 2\na: 3\n", "line 3: 'a' was already given in line 1; remove one of the two"),
        ("spec: {x: 1, x: 2}", "line 1: 'x' was already given in line 1"),
        ("a: [1\nb: 2", "not readable as YAML"),
        ("a: !!python/object/apply:os.system [ls]", "tags are not allowed in a declaration"),
        ("a: !thing {}", "tags are not allowed in a declaration"),
        ("? {a: 1}\n: 2", "a mapping or list can't be a key"),
        ("a: &a [*a]", "nested more than"),
        ("[" * 100, "not readable"),
        ("a: \x00", "not readable"),
        ("kind: Pod\napiVersion: v1\n", "apiVersion: 'v1' is not known to this version; write apiVersion: dart-k8s.io"),
    ],
)
def test_text_that_is_no_declaration_is_refused_in_words(source, says):
    assert says in refused(source)


def test_aliases_that_would_grow_beyond_all_bounds_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "values in one document" in refused("\n".join(lines))


def test_anchors_and_merges_are_fine():
    source = DESIGN.replace(
        "  sampling:", "  verifiers: &pod {resources: {cpu: 1}}\n  samplers: {<<: *pod, replicas: 3}\n  sampling:"
    )
    source = source.replace("  samplers: {replicas: 4, resources: {limits: {nvidia.com/gpu: 1}}}\n", "")
    source = source.replace("  verifiers: {resources: {}}\n", "")
    samplers = load_one(source, "file.yaml").spec.samplers
    assert (samplers.replicas, samplers.resources) == (3, {"cpu": 1})


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e-3", 0.001), ("1", 1.0), (".5", 0.5), ("1.", 1.0), ("010", 10.0)],
)
def test_numbers_mean_what_they_look_like(written, value):
    assert load_one(DESIGN.replace("1.6", written), "file.yaml").spec.sampling.temperature == value


@pytest.mark.parametrize("word", ["no", "off", "y", "2024-01-01", "1:30", "0x1f"])
def test_words_and_dates_stay_text(word):
    source = DESIGN.replace("prompt: {template: deepseek-math}", f"prompt: {{inline: '{{query}}', system: {word}}}")
    assert load_one(source, "file.yaml").spec.prompt.system == word


def test_a_field_with_nothing_behind_it_counts_as_absent():
    assert load_one(DESIGN.replace("engine: {kind: vllm}", "flush:"), "f").spec.flush.seconds == 10


def test_what_an_api_server_gives_back_is_a_declaration_again():
    source = DESIGN.replace(
        "metadata: {name: math-hard}",
        "metadata: {name: math-hard, uid: 1-2, resourceVersion: '7', generation: 2, managedFields: []}",
    )
    again = load_one(source + "status: {phase: Sampling}\n", "file.yaml")
    assert again == load_one(DESIGN, "file.yaml")


def test_several_documents_load_in_order_and_need_names_of_their_own():
    loaded = load_documents(text("a") + "---\n" + text("b"), "file.yaml")
    assert [item.metadata.name for item in loaded] == ["a", "b"]
    assert "'a' is already the name of the Synthesis in line 4" in refused(text("a") + "---\n" + text("a"))
    with pytest.raises(SpecError, match=r"holds 2 declarations \(a, b\)"):
        load_one(text("a") + "---\n" + text("b"), "file.yaml")


def test_json_is_accepted():
    assert load_one(json.dumps(load_one(DESIGN, "f").plain(), indent=2), "f.json") == load_one(DESIGN, "f")


def test_a_secret_in_the_wrong_place_is_not_repeated():
    for fields in (
        {"engine": {"kind": "openai", "model": "m", "baseUrl": "http://me:hunter2@host/v1"}},
        {"engine": {"kind": "openai", "model": "m", "baseUrl": "http://host/v1", "apiKeyEnv": "sk-hunter2"}},
        {"output": {"uri": "s3://me:hunter2@bucket/x"}},
        {"queries": [{"name": "q", "uri": "s3://me:hunter2@bucket/x"}]},
        {"pool": {"from": ["ftp://me:hunter2@bucket/x"]}},
    ):
        message = refused(text(**fields))
        assert "hunter2" not in message, message


def test_what_is_dumped_loads_to_an_equal_declaration():
    for source in (DESIGN, text(recipe="dart-math", strategy={"kind": "vanilla"}), text(budget={"totalTrials": 5000})):
        one = load_one(source, "file.yaml")
        again = load_one(to_yaml(one), "dumped")
        assert again == one
        assert digest(again) == digest(one)
        assert to_yaml(again) == to_yaml(one)


SENTENCE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@given(SENTENCE, SENTENCE, st.floats(0, 10), st.integers(1, 10**9))
@example("0", "0E0", 0.0, 1)
@example("no", "1.5e3", 0.0, 1)
def test_any_text_and_number_survives_the_way_through_yaml(system, stop, temperature, tokens):
    one = declared(
        prompt={"inline": f"{system}\n{{query}}\n {stop}", "system": system, "stop": [stop]},
        sampling={"temperature": temperature, "maxTokens": tokens},
    )
    assert load_one(to_yaml(one), "dumped") == one


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["apiVersion", "kind", "metadata", "spec", "name", "queries", "uri", "strategy", "budget", "recipe"]
                )
                | st.text(max_size=5),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_whatever_the_values_a_declaration_loads_or_is_refused_in_words(value):
    if isinstance(value, dict):
        value = {**value, "apiVersion": "dart-k8s.io/v1alpha1", "kind": "Synthesis"}
    loads_or_is_refused(write(value))


@given(st.text(max_size=60))
def test_whatever_the_text_it_loads_or_is_refused_in_words(source):
    loads_or_is_refused(source)
