"""Declarations of an Evaluation: what is refused, with words."""

import pytest

from dart_k8s.api import Evaluation, load_documents, to_dict, write
from dart_k8s.errors import SpecError

PLAIN = {
    "model": {"fromTraining": "student"},
    "benchmarks": [{"name": "math"}, {"name": "gsm8k"}],
    "output": {"uri": "runs/scores"},
}


def text(**fields):
    spec = {name: value for name, value in {**PLAIN, **fields}.items() if value is not None}
    return write({"apiVersion": "dart-k8s.io/v1alpha1", "kind": "Evaluation", "metadata": {"name": "e"}, "spec": spec})


def declared(**fields) -> Evaluation:
    [only] = load_documents(text(**fields), "file.yaml")
    assert isinstance(only, Evaluation)
    return only


def test_it_is_greedy_by_default():
    spec = declared().spec
    assert spec.decoding.greedy
    assert spec.trials is None


def test_a_file_of_the_users_and_an_endpoint_will_do():
    spec = declared(
        model=None,
        engine={"kind": "openai", "baseUrl": "http://h/v1", "model": "m"},
        benchmarks=[{"name": "mine", "uri": "mine.jsonl", "fields": {"query": "q"}, "reference": "last-box"}],
        trials={"count": 100, "temperature": 1, "majorityAt": [10, 100], "passAt": [1, 100]},
    ).spec
    assert spec.benchmarks[0].fields.query == "q"
    assert spec.trials.pass_at == (1, 100)


def test_what_is_shown_loads_to_an_equal_declaration():
    one = declared(trials={"count": 8, "temperature": 0.7}, samplers={"replicas": 2})
    [again] = load_documents(write(to_dict(one)), "shown")
    assert again == one


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"model": None}, "model: required by engine kind vllm"),
        ({"model": {"uri": "m", "fromTraining": "t"}}, "both uri and fromTraining are given"),
        ({"model": {"uri": "m", "revision": "r"}}, "only a hub model (hf://OWNER/NAME) has one"),
        ({"benchmarks": []}, "spec.benchmarks: must not be empty"),
        ({"benchmarks": [{"name": "gsm8"}]}, "'gsm8' is no benchmark that this version knows; did you mean gsm8k?"),
        ({"benchmarks": [{"name": "zzz"}]}, "for a file of yours add uri"),
        ({"benchmarks": [{"name": "math"}, {"name": "math"}]}, "'math' names several benchmarks"),
        ({"benchmarks": [{"name": "math", "reference": "as-is"}]}, "math knows its own; remove reference"),
        ({"decoding": {"greedy": False}}, "nothing would be done; add trials"),
        ({"trials": {"count": 100}}, "temperature: required: Softmax temperature"),
        ({"trials": {"count": 1, "temperature": 1}}, "count: must be at least 2; it is 1"),
        ({"trials": {"count": 4, "temperature": 1, "passAt": [8]}}, "8 is above count (4)"),
        ({"benchmarks": [{"name": "a", "uri": "b"}], "output": {"uri": "b/c"}}, "lies inside spec.benchmarks[0].uri"),
    ],
)
def test_what_cannot_work_is_refused_in_words(fields, says):
    with pytest.raises(SpecError) as caught:
        declared(**fields)
    assert says in str(caught.value)
