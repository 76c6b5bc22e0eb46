"""What users write: typed declarations, their defaults and checks. Text in, models out; nothing is opened here."""

from .base import Part, Problem, Problems
from .change import Change, changeable, changes, differences, digest
from .curating import Curation, Decontaminate, Filters, NearDuplicates, Output
from .evaluation import Evaluation, EvaluationSpec
from .executing import Execution
from .generation import Engine, Model, Prompt, Sampling
from .load import KINDS, Declaration, load_any, load_documents, load_one, load_only, load_value, to_dict, to_yaml
from .metadata import API_VERSION, GROUP, Metadata
from .pods import EnvVar, PodSettings
from .recipes import RECIPES, SUMMARIES, TRAINING_RECIPES, show
from .references import in_order, reference_of, resolved, result_of
from .running import (
    Claims,
    Curating,
    Flush,
    ModelCache,
    Preparing,
    Samplers,
    Sharding,
    Verification,
    Verifiers,
)
from .sources import ConfigMapKey, DifficultySource, Fields, Pool, QuerySource
from .spending import Budget, Strategy
from .synthesis import Synthesis, SynthesisSpec
from .templates import TEMPLATES, Template, Turn, template
from .text import write
from .training import Training, TrainingSpec

__all__ = [
    "API_VERSION",
    "GROUP",
    "KINDS",
    "RECIPES",
    "SUMMARIES",
    "TEMPLATES",
    "TRAINING_RECIPES",
    "Budget",
    "Change",
    "Claims",
    "ConfigMapKey",
    "Curating",
    "Curation",
    "Declaration",
    "Decontaminate",
    "DifficultySource",
    "Engine",
    "EnvVar",
    "Evaluation",
    "EvaluationSpec",
    "Execution",
    "Fields",
    "Filters",
    "Flush",
    "Metadata",
    "Model",
    "ModelCache",
    "NearDuplicates",
    "Output",
    "Part",
    "PodSettings",
    "Pool",
    "Preparing",
    "Problem",
    "Problems",
    "Prompt",
    "QuerySource",
    "Samplers",
    "Sampling",
    "Sharding",
    "Strategy",
    "Synthesis",
    "SynthesisSpec",
    "Template",
    "Training",
    "TrainingSpec",
    "Turn",
    "Verification",
    "Verifiers",
    "changeable",
    "changes",
    "differences",
    "digest",
    "in_order",
    "load_any",
    "load_documents",
    "load_one",
    "load_only",
    "load_value",
    "reference_of",
    "resolved",
    "result_of",
    "show",
    "template",
    "to_dict",
    "to_yaml",
    "write",
]
