"""README.md of a model: what it was trained from, on what, how, and how to ask it."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from dart_k8s.api import Training
from dart_k8s.training import student

EPOCHS_NOTE = (
    "The paper's text says 3 epochs; its repository's commands have 1 for Llama-3-8B and for 70B models. This recipe "
    "takes the text's."
)


def card(training: Training, report: Mapping[str, Any], *, command: str) -> str:
    """The card. The same input gives the same text."""
    spec, plan = training.spec, report["plan"]
    template = student.template_of(spec.prompt)
    data = spec.data.uri or f"the data set of Synthesis {spec.data.from_synthesis}"
    curve = report["loss"]
    front: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["math", "rejection-sampling", "dart", "sft"],
    }
    if spec.model.uri.startswith("hf://"):
        front["base_model"] = "/".join(spec.model.uri.removeprefix("hf://").split("/")[:2])
    if data.startswith("hf://"):
        front["datasets"] = ["/".join(data.removeprefix("hf://").split("/")[:2])]
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---",
        f"# {training.metadata.name}",
        (
            f"{spec.model.uri} (revision {report['model']['revision']}), fine-tuned on {plan['rows']} rows of {data} "
            f"(revision {report['data']['revision']})."
        ),
        "## Training",
        _table(
            {
                "rows": f"{plan['rows']} ({plan['droppedRows']} longer than {plan['length']} tokens were dropped)",
                "tokens in an epoch": f"{plan['tokens']}, {plan['responseTokens']} of them learnt",
                "batch": f"{plan['batch']} packed sequences of {plan['length']} tokens, {plan['fill']:.2%} filled",
                "optimiser steps": f"{plan['steps']}, {plan['warmupSteps']} of them warm-up",
                "epochs": f"{plan['epochs']:.2f}",
                "learning rate": f"{plan['learningRate']:g}, {spec.optimisation.schedule}",
                "processes": f"{report['processes']} on {report['device']}",
                "loss": f"{curve[0][1]:.4f} at first, {curve[-1][1]:.4f} at last" if curve else "not known",
                "loaded again": f"a logit differs by {report['verified'].get('largestDifference', 0):g} at most",
            }
        ),
        *([EPOCHS_NOTE] if spec.recipe == "dart-math" else []),
        *(f"Warning: {warning}." for warning in plan["warnings"]),
        "The loss is over responses and the end of text only, and no attention goes across rows of a packed sequence.",
        "## How to ask it",
        f"The template is `{template.name}`; it is the tokenizer's chat template too, and in `dart.json`.",
        _fenced(template.user, "text"),
        "## Where the data come from",
        _provenance(report["data"]["provenance"]),
        "## How it was made",
        _fenced(yaml.safe_dump(json.loads(json.dumps(report["declaration"])), sort_keys=False, width=100), "yaml"),
        *(["To repeat it:", _fenced(command, "shell")] if command else []),
        f"Program: dart-k8s {report['program']}.",
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _table(rows: Mapping[str, str]) -> str:
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())])


def _provenance(found: Mapping[str, list[str]]) -> str:
    known = [f"- {name}: {', '.join(f'`{value}`' for value in values)}" for name, values in found.items() if values]
    return "\n".join(known) or "The data set does not say."


def _fenced(text: str, language: str) -> str:
    return f"````{language}\n{text.rstrip()}\n````"


__all__ = ["card"]
