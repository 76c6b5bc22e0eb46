"""The page of troubles has every reason that the operator, a pod and `dart explain` can name, and no other."""

import ast
import re
from pathlib import Path

from dart_k8s.api.conditions import REASONS
from dart_k8s.reconcile import findings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "troubleshooting.md"
STOPPED = "Stopped"
"""Nobody's fault, and no condition's reason."""


def words(folder: str) -> set[str]:
    """All words in texts of the code."""
    found: set[str] = set()
    for path in (ROOT / "dart_k8s" / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(node.value.split())
    return found


def causes() -> set[str]:
    """Reasons of `dart explain` that are no condition's."""
    tree = ast.parse((ROOT / "dart_k8s" / "cli" / "cluster" / "causes.py").read_text(encoding="utf-8"))
    return {
        keyword.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    }


def named() -> list[str]:
    """Reasons that the page explains: in headings, and in the table of those that are no trouble."""
    text = PAGE.read_text(encoding="utf-8")
    _, _, calm = text.partition("## When nothing is wrong")
    rows = re.findall(r"^\| (`.*?`) \|", calm, re.MULTILINE)
    return re.findall(r"^### `(\w+)`$", text, re.MULTILINE) + re.findall(r"`(\w+)`", " ".join(rows))


def test_every_reason_that_can_be_set_is_explained_once_and_no_other() -> None:
    can_be = (words("reconcile") & set(REASONS)) | (findings.REASONS - {STOPPED}) | causes()
    assert sorted(named()) == sorted(can_be)


def test_settings_and_fields_that_the_page_names_exist() -> None:
    from dart_k8s.api.synthesis import SynthesisSpec

    fields = {"samplers", "prepare", "curate", "verifiers", "verification", "execution", "engine", "output", "model"}
    for path in re.findall(r"`([a-zA-Z]+(?:\.[a-zA-Z]+)+)`", PAGE.read_text(encoding="utf-8")):
        first, *rest = path.split(".")
        if first not in fields:
            continue
        model = SynthesisSpec
        for name in (first, *rest):
            aliases = {f.alias or n: f for n, f in model.model_fields.items()}
            assert name in aliases, f"{path}: {name} is no field of {model.__name__}"
            below = _models(aliases[name].annotation)
            if not below:
                break
            model = below[0]


def _models(annotation: object) -> list[type]:
    from typing import get_args

    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in get_args(annotation) for found in _models(inner)]
