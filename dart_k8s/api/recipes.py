"""Recipes: whole settings by name. A user's fields override a recipe's."""

from collections.abc import Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import Any, Literal

import yaml

RecipeName = Literal["dart-math"]
TrainingRecipeName = Literal["dart-math", "tiny"]

CHOICES = (("kind",), ("template", "inline"), ("uri", "configMap"))
"""Fields that choose what a mapping is. When the user chooses otherwise, the recipe's mapping falls away whole: a
target of 192 belongs to prop2diff and must not survive in `strategy: {kind: uniform}`."""

DART_MATH = """
queries:
- name: math                      # MATH's training set, 7,500 problems
  uri: hf://DigitalLearningGmbH/MATH-lighteval
  split: train
  fields: {query: problem, answer: solution, subject: type, level: level}
  reference: last-box
- name: gsm8k                     # GSM8K's training set with the authors' corrected labels, 7,473 problems
  uri: hf://hkust-nlp/gsm8k-fix
  split: train
  fields: {query: question, answer: answer}
  reference: after-hashes
model: {uri: "hf://deepseek-ai/deepseek-math-7b-rl"}
engine: {kind: vllm}
prompt: {template: deepseek-math}
sampling: {temperature: 1.6, topP: 0.95, maxTokens: 2048, seeding: engine}
strategy: {kind: prop2diff, target: 192}   # DART-Math-Hard; DART-Math-Uniform is {kind: uniform, target: 40}
budget:
  maxTrialsPerQuery: 8192
  hopelessProbability: 0          # the paper goes on until the cap
curation:
  deduplicate: exact
  decontaminate: {mode: report}   # the paper's synthesis does not decontaminate
"""

RECIPES: Mapping[str, str] = MappingProxyType({"dart-math": DART_MATH})
"""Each recipe as YAML, as `dart recipes show` prints it: fields of `spec`."""

SUMMARIES: Mapping[str, str] = MappingProxyType(
    {"dart-math": "DART-Math-Hard of Tong et al. 2024: MATH and GSM8K, DeepSeekMath-7B-RL, prop2diff up to 192."}
)
"""One line on each recipe."""


DART_MATH_TRAINING = """
prompt: {template: alpaca}
optimisation:                     # the learning rate is 5e-5, and 2e-5 for models of 70 B and more
  epochs: 3                       # the paper's text; its repository's commands have 1 for 8B and 70B
  batch: 64
  length: 4096
  schedule: cosine
  warmup: 0.03
  weightDecay: 0
  packing: bfd
  gradientCheckpointing: true
deepspeed: {stage: 3}
"""
TINY_TRAINING = """
model: {uri: "hf://HuggingFaceTB/SmolLM2-135M"}
prompt: {template: alpaca}
optimisation: {epochs: 1, batch: 8, length: 512, learningRate: 0.0001, precision: fp32, gradientCheckpointing: false}
deepspeed: {stage: 0}
"""

TRAINING_RECIPES: Mapping[str, str] = MappingProxyType({"dart-math": DART_MATH_TRAINING, "tiny": TINY_TRAINING})
"""Recipes of a Training, likewise. tiny is for machines without a GPU."""


def show(name: str) -> str:
    """A recipe as YAML with its comments. Raises KeyError for a name that is not in `RECIPES`."""
    return RECIPES[name].strip() + "\n"


def recipe_spec(name: str, recipes: Mapping[str, str] = RECIPES) -> dict[str, Any]:
    """A recipe's fields of `spec`, by their wire names."""
    spec: dict[str, Any] = yaml.safe_load(recipes[name])
    return spec


def apply_recipe(spec: dict[str, Any], recipes: Mapping[str, str] = RECIPES) -> dict[str, Any]:
    """The spec with the recipe's settings below the user's; unchanged without a known recipe.

    Mappings are merged field by field, everything else (lists too) is replaced.
    """
    name = spec.get("recipe")
    return overlay(recipe_spec(name, recipes), spec) if isinstance(name, str) and name in recipes else spec


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`, after dropping what another choice of the user's makes meaningless."""
    for fields in CHOICES:
        chosen = {field: above[field] for field in fields if field in above}
        if chosen and chosen != {field: below[field] for field in fields if field in below}:
            return dict(above)
    merged = deepcopy(dict(below))
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = overlay(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


__all__ = [
    "RECIPES",
    "SUMMARIES",
    "TRAINING_RECIPES",
    "RecipeName",
    "TrainingRecipeName",
    "apply_recipe",
    "overlay",
    "recipe_spec",
    "show",
]
