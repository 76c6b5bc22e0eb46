"""CustomResourceDefinitions: schema, rules, columns, names."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import BaseModel

from dart_k8s.api.change import changeable
from dart_k8s.api.status import SynthesisStatus
from dart_k8s.api.synthesis import SynthesisSpec
from dart_k8s.names import GROUP

from .fixed import Changeable, fixed_rules
from .rules import SYNTHESIS, Rule
from .schema import Schema, structural


class Column(NamedTuple):
    """A column of `kubectl get`."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False
    """Only with -o wide."""
    says: str = ""


class Kind(NamedTuple):
    """One kind of object."""

    kind: str
    plural: str
    short: tuple[str, ...]
    says: str
    spec: type[BaseModel]
    status: type[BaseModel]
    rules: tuple[Rule, ...]
    columns: tuple[Column, ...]
    changeable: Changeable
    defaulted: tuple[str, ...]
    """Fields of the spec, with all below them, whose defaults the API server fills in: none that a recipe sets, none of
    which the models ask whether it was given."""
    optional: tuple[str, ...] = ()
    """Fields that a recipe may give."""
    scale: tuple[str, str, str] | None = None
    """Paths of replicas wanted, replicas there, and their selector."""

    @property
    def file(self) -> str:
        """Name of the file that holds it."""
        return f"{GROUP}_{self.plural}.yaml"


def only_in_a_cluster(path: str) -> bool:
    """Whether a field of a Synthesis may change in a cluster: there the objects of a run stay where they are, and the
    API server does not know what a recipe stands for."""
    return changeable(path) and path not in ("output.uri", "recipe")


PODS = ("samplers", "verifiers", "prepare", "curate", "modelCache")
KINDS = (
    Kind(
        kind="Synthesis",
        plural="syntheses",
        short=("syn",),
        says="A Synthesis samples responses to problems, verifies them, and makes a data set that is balanced by "
        "difficulty.",
        spec=SynthesisSpec,
        status=SynthesisStatus,
        rules=tuple(SYNTHESIS),
        columns=(
            Column("Phase", ".status.phase", says="Where it stands, in one word."),
            Column("Progress", ".status.progress.summary", says="Part of the work that is done."),
            Column("Trials", ".status.progress.trials", "integer", says="Trials spent."),
            Column("Accepted", ".status.progress.accepted", "integer", says="Distinct correct responses."),
            Column("ETA", ".status.estimatedFinish", "date", says="When it will be done, by its rate so far."),
            Column("Age", ".metadata.creationTimestamp", "date", says="Since when it exists."),
            Column("Strategy", ".spec.strategy.kind", wide=True, says="How many responses each query gets."),
            Column("Open", ".status.progress.open", "integer", True, "Queries that still take trials."),
            Column("Samplers", ".status.samplers.ready", "integer", True, "Samplers whose engine is ready."),
            Column("Held", ".status.usage.gpuSecondsHeld", "number", True, "GPU-seconds reserved."),
            Column("Output", ".spec.output.uri", wide=True, says="Where everything goes."),
            Column("Message", ".status.message", wide=True, says="Where it stands, in one sentence."),
        ),
        changeable=only_in_a_cluster,
        defaulted=(
            *PODS,
            "queries.fields",
            "queries.reference",
            "queries.onInvalid",
            "queries.configMap",
            "verification",
            "execution",
            "sharding",
            "claims",
            "flush",
            "suspend",
            "deletionPolicy",
        ),
        optional=("queries", "prompt", "strategy"),
        scale=(".spec.samplers.replicas", ".status.samplers.replicas", ".status.samplers.selector"),
    ),
)
"""Every kind that this group has."""

REPLACED = "make a new one with an output.uri of its own"


def definition(kind: Kind) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind."""
    version: dict[str, Any] = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": schema(kind)},
    }
    if kind.scale:
        wanted, there, selector = kind.scale
        version["subresources"]["scale"] = {
            "specReplicasPath": wanted,
            "statusReplicasPath": there,
            "labelSelectorPath": selector,
        }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}", "labels": {"app.kubernetes.io/part-of": "dart"}},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "shortNames": list(kind.short),
                "categories": ["dart"],
            },
            "versions": [version],
        },
    }


def schema(kind: Kind) -> Schema:
    """The schema of a kind's objects, with its rules."""

    def defaulted(path: str) -> bool:
        return any(path == root or path.startswith(f"{root}.") for root in kind.defaulted)

    spec = structural(
        kind.spec,
        defaulted=defaulted,
        made=frozenset({"samplers"} if kind.scale else ()),
        optional=frozenset(kind.optional),
    )
    status = structural(kind.status, defaulted=lambda path: False)
    made: Schema = {
        "type": "object",
        "description": kind.says,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Group and version: dart-k8s.io/v1alpha1."},
            "kind": {"type": "string", "description": f"Kind of the object: {kind.kind}."},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
    }
    for rule in kind.rules:
        _add(made, rule.path, {"rule": rule.rule, "message": rule.message})
    for fixed in fixed_rules(spec, kind=kind.kind, changeable=kind.changeable, instead=REPLACED):
        _add(made, "spec", fixed)
    return made


def _add(whole: Schema, path: str, rule: Schema) -> None:
    node = whole
    for part in filter(None, path.split(".")):
        node = node["properties"][part.removesuffix("[]")]
        if part.endswith("[]"):
            node = node["items"]
    node.setdefault("x-kubernetes-validations", []).append(rule)


def _column(column: Column) -> dict[str, Any]:
    made: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.says:
        made["description"] = column.says
    if column.wide:
        made["priority"] = 1
    return made


def definitions(kinds: Iterable[Kind] = KINDS) -> dict[str, dict[str, Any]]:
    """All CustomResourceDefinitions by the name of their file."""
    return {kind.file: definition(kind) for kind in kinds}


__all__ = ["KINDS", "Column", "Kind", "definition", "definitions", "schema"]
