"""Declarations of a Training: what is refused, with words; what a recipe gives."""

import pytest

from dart_k8s.api import Training, load_documents, to_dict, write
from dart_k8s.errors import SpecError

PLAIN = {
    "data": {"uri": "rows.parquet"},
    "model": {"uri": "hf://mistralai/Mistral-7B-v0.1"},
    "output": {"uri": "runs/student"},
}


def text(**fields):
    spec = {name: value for name, value in {**PLAIN, **fields}.items() if value is not None}
    return write({"apiVersion": "dart-k8s.io/v1alpha1", "kind": "Training", "metadata": {"name": "t"}, "spec": spec})


def declared(**fields) -> Training:
    [only] = load_documents(text(**fields), "file.yaml")
    assert isinstance(only, Training)
    return only


def test_the_defaults_are_the_papers():
    spec = declared().spec
    settings = spec.optimisation
    assert (settings.epochs, settings.batch, settings.length, settings.warmup) == (3, 64, 4096, 0.03)
    assert (settings.schedule, settings.packing, settings.weight_decay) == ("cosine", "bfd", 0)


def test_a_recipe_is_overridden_field_by_field():
    spec = declared(recipe="dart-math", optimisation={"epochs": 1}).spec
    assert (spec.optimisation.epochs, spec.optimisation.batch, spec.deepspeed.stage) == (1, 64, 3)
    assert spec.prompt.template == "alpaca"


def test_the_recipe_for_small_machines_brings_its_model():
    spec = declared(recipe="tiny", model=None).spec
    assert spec.model.uri.startswith("hf://")
    assert spec.optimisation.precision == "fp32"


def test_what_is_shown_loads_to_an_equal_declaration():
    one = declared(recipe="dart-math", nodes=4, processesPerNode=8, trainers={"resources": {"limits": {"gpu": 8}}})
    [again] = load_documents(write(to_dict(one)), "shown")
    assert again == one


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"model": None}, "spec.model: required: The base model: the student"),
        ({"data": {}}, "neither uri nor fromSynthesis is given"),
        ({"data": {"uri": "a", "fromSynthesis": "b"}}, "both uri and fromSynthesis are given"),
        ({"data": {"fromSynthesis": "b", "split": "test"}}, "split: only a hub data set (hf://OWNER/NAME) has one"),
        ({"nodes": 3}, "64 sequences can't be divided by 3 nodes x 1 at once"),
        (
            {"nodes": 2, "processesPerNode": 24},
            "64 sequences can't be divided by 48 (2 nodes x 24 processes x 1 at once)",
        ),
        ({"optimisation": {"perProcess": 5}}, "batch (64) can't be divided by perProcess (5)"),
        ({"deepspeed": {"offload": "all"}}, "all needs stage 3 (it is 0)"),
        ({"deepspeed": {"offload": "optimizer"}}, "optimizer needs stage 1 or more"),
        ({"deepspeed": {"stage": 4}}, "stage: must be at most 3; it is 4"),
        ({"prompt": {"inline": "no hole"}}, "the placeholder {query} is missing"),
        ({"prompt": {"inline": "{query}", "template": "chat"}}, "both template and inline are given"),
        ({"output": {"uri": "rows.parquet/x"}}, "would write into its own input"),
        ({"push": {"repository": "name"}}, "repository: does not match"),
        ({"optimization": {}}, "optimization: unknown field; did you mean optimisation?"),
    ],
)
def test_what_cannot_work_is_refused_in_words(fields, says):
    with pytest.raises(SpecError) as caught:
        declared(**fields)
    assert says in str(caught.value)
