"""Renders the chart with helm, and compares what comes out with the Kubernetes API's own models."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

from tests.tools import HELM

from .containerfiles import ROOT

CHART = ROOT / "charts/dart"
EXAMPLES = sorted((CHART / "ci").glob("*-values.yaml"))
MODELS = {
    ("batch/v1", "Job"): client.V1Job,
    ("v1", "ConfigMap"): client.V1ConfigMap,
    ("v1", "PersistentVolumeClaim"): client.V1PersistentVolumeClaim,
    ("v1", "ServiceAccount"): client.V1ServiceAccount,
}
SCALARS: dict[str, type | tuple[type, ...]] = {
    "str": str, "int": int, "bool": bool, "float": (int, float), "object": object, "datetime": str, "bytes": str,
}  # fmt: skip


def helm(*arguments: str | Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm; see `Tool.need` for where there is none."""
    return subprocess.run([HELM.need(), *map(str, arguments)], input=text, capture_output=True, text=True, check=False)


def template(*arguments: str | Path, values: dict[str, Any] | None = None, release: str = "r") -> list[dict[str, Any]]:
    """The objects of a release."""
    done = helm("template", release, CHART, "-n", "runs", *arguments, *_values(values), text=_text(values))
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def refusal(*arguments: str | Path, values: dict[str, Any] | None = None) -> str:
    """Why the chart renders nothing."""
    done = helm("template", "r", CHART, *arguments, *_values(values), text=_text(values))
    assert done.returncode != 0, done.stdout
    return done.stderr


def _values(values: dict[str, Any] | None) -> list[str]:
    return [] if values is None else ["-f", "-"]


def _text(values: dict[str, Any] | None) -> str | None:
    return None if values is None else yaml.safe_dump(values)


def the(kind: str, objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The only object of a kind."""
    (found,) = (o for o in objects if o["kind"] == kind)
    return found


def problems(value: Any, kind: str, path: str = "") -> list[str]:
    """Where a JSON value does not have the shape of a type of the Kubernetes client: unknown names, missing, types."""
    if inner := re.fullmatch(r"[Ll]ist\[(.*)\]", kind):
        if not isinstance(value, list):
            return [f"{path}: no list"]
        return [p for number, item in enumerate(value) for p in problems(item, inner[1], f"{path}[{number}]")]
    if inner := re.fullmatch(r"[Dd]ict[\[(]\w+, (.*)[\])]", kind):
        if not isinstance(value, dict):
            return [f"{path}: no object"]
        return [p for name, item in value.items() for p in problems(item, inner[1], f"{path}.{name}")]
    if kind in SCALARS:
        # The client says "str" of quantities too, and the API takes numbers there.
        wanted = (str, int) if re.search(r"\.(limits|requests)\.[^.]+", path) else SCALARS[kind]
        wrong = not isinstance(value, wanted) or (isinstance(value, bool) and kind in ("int", "float"))
        return [f"{path}: {value!r} is no {kind}"] if wrong else []
    model = getattr(client, kind)
    if not isinstance(value, dict):
        return [f"{path}: no object"]
    names = {json: python for python, json in model.attribute_map.items()}
    found = [f"{path}.{name}: no field of {kind}" for name in value if name not in names]
    for name, item in value.items():
        if name in names:
            found += problems(item, model.openapi_types[names[name]], f"{path}.{name}")
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    missing = sorted(required - {names[name] for name in value if name in names})
    return found + [f"{path}: {kind} needs {name}" for name in missing]
