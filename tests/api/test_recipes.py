"""Recipes give whole settings; what users write over them wins."""

import pytest

from dart_k8s.api import RECIPES, SUMMARIES, load_one, show, to_yaml
from tests.api.declarations import text

BARE = dict.fromkeys(["queries", "model", "prompt", "strategy"])


def recipe(**fields):
    return load_one(text("math", recipe="dart-math", **{**BARE, **fields}), "test.yaml")


def test_a_recipe_needs_nothing_but_an_output(golden):
    golden("dart-math.yaml", to_yaml(recipe()))


def test_the_recipe_of_the_paper_has_its_settings():
    spec = recipe().spec
    assert [source.name for source in spec.queries] == ["math", "gsm8k"]
    assert (spec.strategy.kind, spec.strategy.target, spec.budget.hopeless_probability) == ("prop2diff", 192, 0)
    assert (spec.sampling.temperature, spec.sampling.top_p, spec.sampling.max_tokens) == (1.6, 0.95, 2048)
    assert spec.prompt.template == "deepseek-math"


def test_a_field_of_the_user_overrides_the_recipes_field_and_leaves_its_neighbours():
    spec = recipe(sampling={"temperature": 0.7}, budget={"maxTrialsPerQuery": 2048}).spec
    assert (spec.sampling.temperature, spec.sampling.top_p) == (0.7, 0.95)
    assert (spec.budget.max_trials_per_query, spec.budget.hopeless_probability) == (2048, 0)


@pytest.mark.parametrize(
    ("strategy", "scale"),
    [({"kind": "uniform"}, 40), ({"kind": "vanilla"}, 52), ({"kind": "prop2diff"}, 192), ({"target": 16}, 16)],
)
def test_another_strategy_does_not_inherit_the_recipes_target(strategy, scale):
    assert recipe(strategy=strategy).spec.strategy.scale == scale


def test_another_choice_of_engine_prompt_or_model_replaces_the_whole_part():
    spec = recipe(prompt={"inline": "Q: {query}"}, model={"uri": "m"}, queries=[{"name": "q", "uri": "q.jsonl"}]).spec
    assert (spec.prompt.template, spec.prompt.inline) == (None, "Q: {query}")
    assert spec.model is not None
    assert spec.model.uri == "m"
    assert len(spec.queries) == 1


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_shows_as_yaml_and_has_a_summary(name):
    assert show(name).startswith("queries:")
    assert SUMMARIES[name]
