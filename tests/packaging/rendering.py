"""Renders the chart with helm, and compares what comes out with the Kubernetes API's own models."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

from tests.tools import HELM

from .containerfiles import ROOT

CHART = ROOT / "charts/dart"
EXAMPLES = {path.name.removesuffix("-values.yaml"): path for path in sorted((CHART / "ci").glob("*-values.yaml"))}
MODELS = {
    ("apps/v1", "Deployment"): client.V1Deployment,
    ("apps/v1", "StatefulSet"): client.V1StatefulSet,
    ("networking.k8s.io/v1", "NetworkPolicy"): client.V1NetworkPolicy,
    ("policy/v1", "PodDisruptionBudget"): client.V1PodDisruptionBudget,
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): client.V1ClusterRole,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): client.V1ClusterRoleBinding,
    ("rbac.authorization.k8s.io/v1", "Role"): client.V1Role,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): client.V1RoleBinding,
    ("v1", "ConfigMap"): client.V1ConfigMap,
    ("v1", "Pod"): client.V1Pod,
    ("v1", "Secret"): client.V1Secret,
    ("v1", "Service"): client.V1Service,
    ("v1", "ServiceAccount"): client.V1ServiceAccount,
}
FOREIGN = {"CustomResourceDefinition", "PodMonitor", "PrometheusRule", "ServiceMonitor"}
"""Kinds that the client has no model of, or none that fits."""
CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
SCALARS: dict[str, type | tuple[type, ...]] = {
    "str": str, "int": int, "bool": bool, "float": (int, float), "object": object, "datetime": str, "bytes": str,
}  # fmt: skip
Object = dict[str, Any]


def helm(*arguments: str | Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm; see `Tool.need` for where there is none."""
    return subprocess.run([HELM.need(), *map(str, arguments)], input=text, capture_output=True, text=True, check=False)


def template(*arguments: str | Path, values: dict[str, Any] | None = None, release: str = "dart") -> list[Object]:
    """The objects of a release."""
    done = helm("template", release, CHART, "-n", "runs", *arguments, *_values(values), text=_text(values))
    assert done.returncode == 0, done.stderr
    # libyaml's loader: the definitions take Python's own one seconds.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [document for document in yaml.load_all(done.stdout, loader) if document]


@cache
def example(name: str) -> list[Object]:
    """The objects that an example of values makes. Rendered once: not to be changed."""
    return template("-f", EXAMPLES[name])


def refusal(*arguments: str | Path, values: dict[str, Any] | None = None) -> str:
    """Why the chart renders nothing."""
    done = helm("template", "dart", CHART, *arguments, *_values(values), text=_text(values))
    assert done.returncode != 0, done.stdout
    return done.stderr


def _values(values: dict[str, Any] | None) -> list[str]:
    return [] if values is None else ["-f", "-"]


def _text(values: dict[str, Any] | None) -> str | None:
    return None if values is None else yaml.safe_dump(values)


def the(kind: str, objects: list[Object], name: str = "") -> Object:
    """The only object of a kind, or that of this name."""
    (found,) = (o for o in objects if o["kind"] == kind and name in ("", o["metadata"]["name"]))
    return found


def pods(objects: list[Object]) -> dict[str, Object]:
    """Pod specs, by the kind and name of what makes them."""
    found = {}
    for one in objects:
        label = f"{one['kind']}/{one['metadata']['name']}"
        if one["kind"] == "Pod":
            found[label] = one["spec"]
        elif "template" in one.get("spec", {}):
            found[label] = one["spec"]["template"]["spec"]
    return found


def containers(objects: list[Object]) -> Iterator[Object]:
    """Of all pods."""
    for spec in pods(objects).values():
        yield from spec.get("initContainers", ())
        yield from spec["containers"]


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
    if kind == "IntOrString":
        return [] if isinstance(value, (int, str)) else [f"{path}: {value!r} is no number and no name"]
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
