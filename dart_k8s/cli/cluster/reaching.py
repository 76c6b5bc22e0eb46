"""Which cluster and namespace a verb is about, its objects, and what is wrong where they can't be had, in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated

import typer

from dart_k8s.edges.cluster import Cluster, Object, Resource
from dart_k8s.edges.cluster.resources import EVALUATIONS, SYNTHESES, TRAININGS
from dart_k8s.errors import ClusterError, ClusterUnavailable, Forbidden, ObjectNotFound, SpecError
from dart_k8s.names import GROUP, VERSION

from .words import listed

__all__ = [
    "MANAGER",
    "NAMED",
    "AllOption",
    "ContextOption",
    "FormOption",
    "KubeconfigOption",
    "NameArgument",
    "NamespaceOption",
    "Reach",
    "every",
    "find",
    "in_words",
    "named",
    "reach",
    "syntheses",
    "unknown_kind",
]

MANAGER = "dart-cli"
"""Field manager of what the command line writes."""

NamespaceOption = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace. Default: that of the kubeconfig's context.")
]
AllOption = Annotated[bool, typer.Option("--all-namespaces", "-A", help="All namespaces.")]
ContextOption = Annotated[str | None, typer.Option("--context", help="Context of the kubeconfig. Default: its own.")]
KubeconfigOption = Annotated[
    str | None, typer.Option("--kubeconfig", help="Kubeconfig. Default: KUBECONFIG, else ~/.kube/config.")
]
FormOption = Annotated[str | None, typer.Option("--output", "-o", help="For scripts: json or yaml.")]
NAMED = "Name of a Synthesis in the cluster, training/NAME or evaluation/NAME."
NameArgument = Annotated[str, typer.Argument(help=NAMED)]
KINDS = {
    word: resource
    for resource, short in ((SYNTHESES, "syn"), (TRAININGS, "dtrain"), (EVALUATIONS, "deval"))
    for word in (resource.kind.lower(), resource.plural, short)
}
"""What may stand before a name: kubectl takes the same words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A cluster, and where in it."""

    cluster: Cluster
    namespace: str | None
    """None: all of them."""
    context: str
    """Empty: in a pod, by its service account."""

    @property
    def where(self) -> str:
        """The cluster, for people."""
        return f"the cluster of context '{self.context}'" if self.context else "this pod's cluster"

    @property
    def shown(self) -> str:
        """The namespace and the cluster, for people."""
        space = f"namespace '{self.namespace}'" if self.namespace else "all namespaces"
        return f"{space} of {self.where}"

    @property
    def options(self) -> str:
        """What a command needs to mean the same place, with a space before it."""
        context = f" --context {self.context}" if self.context else ""
        return f"{context} -n {self.namespace}" if self.namespace else f"{context} -A"


def reach(namespace: str | None, context: str | None, kubeconfig: str | None, *, all_namespaces: bool = False) -> Reach:
    """As kubectl would go there. SpecError: no kubeconfig, no such context, or two places at once."""
    if namespace and all_namespaces:
        raise SpecError("--namespace and --all-namespaces are both given.", remedy="Give one of them.")
    from dart_k8s.edges.cluster.kube import connect, whereabouts

    found = whereabouts(kubeconfig or "", context or "")
    cluster = connect(kubeconfig=found.kubeconfig, context=found.context, manager=MANAGER)
    space = None if all_namespaces else namespace or found.namespace
    return Reach(cluster=cluster, namespace=space, context=found.context)


@contextmanager
def in_words(place: Reach) -> Iterator[None]:
    """Errors of the API server with the way out that a user has."""
    context = f" --context {place.context}" if place.context else ""
    try:
        yield
    except ClusterUnavailable as error:
        remedy = f"Does it run, and can you reach it? `kubectl{context} cluster-info` tells. --context names another."
        raise ClusterUnavailable(f"{error.message} ({place.where})", remedy=remedy) from error
    except Forbidden as error:
        remedy = "Ask who runs the cluster for that right, or name the namespace that you work in by --namespace."
        raise Forbidden(f"{error.message} ({place.where})", remedy=remedy) from error


def every(place: Reach, resource: Resource, namespace: str | None, labels: str = "") -> list[Object]:
    """All objects of a kind, over all pages."""
    found: list[Object] = []
    after = ""
    while True:
        page = place.cluster.list(resource, namespace, labels=labels, after=after)
        found += page.items
        after = page.next
        if not after:
            return found


def syntheses(place: Reach) -> list[Object]:
    """All of the namespace. ClusterError: the cluster does not know the kind."""
    try:
        return every(place, SYNTHESES, place.namespace)
    except ObjectNotFound as error:
        raise unknown_kind(place) from error


def named(word: str) -> tuple[Resource, str]:
    """The kind and the name that a word means: NAME is a Synthesis, KIND/NAME says what it is."""
    kind, slash, name = word.partition("/")
    found = KINDS.get(kind.lower()) if slash and "/" not in name else None
    return (found, name) if found is not None else (SYNTHESES, word)


def find(place: Reach, word: str) -> Object:
    """One object; SpecError with near names, or where it is instead."""
    resource, name = named(word)
    if place.namespace is None:
        raise SpecError(f"{resource.kind} '{name}' of which namespace?", remedy="Give --namespace instead of -A.")
    if "/" in name or name.endswith((".yaml", ".yml")):
        raise SpecError(
            f"'{name}' is no name of a {resource.kind} in a cluster.",
            remedy="Give its metadata.name. Files and outputs are for `dart` without kubectl: `dart status FILE`.",
        )
    try:
        return place.cluster.get(resource, place.namespace, name)
    except ObjectNotFound as error:
        raise _absent(place, resource, name) from error


def unknown_kind(place: Reach, kind: str = SYNTHESES.kind) -> ClusterError:
    """The cluster has no CRDs of ours."""
    return ClusterError(
        f"There is no kind {kind} ({GROUP}/{VERSION}) in {place.where}.",
        remedy="Install DART there (`dart crds | kubectl apply --server-side -f -`, and the operator), or name "
        "another cluster by --context.",
    )


def _absent(place: Reach, resource: Resource, name: str) -> ClusterError | SpecError:
    try:
        here = [item["metadata"]["name"] for item in every(place, resource, place.namespace)]
    except ObjectNotFound:
        return unknown_kind(place, resource.kind)
    except Forbidden:
        here = []
    words = f"There is no {resource.kind} '{name}' in {place.shown}."
    near = get_close_matches(name, here)
    if near:
        return SpecError(words, remedy=f"Did you mean {listed(near)}?")
    try:
        others = [item["metadata"]["namespace"] for item in every(place, resource, None) if _named(item, name)]
    except ClusterError:
        others = []
    if others:
        return SpecError(words, remedy=f"There is one in namespace {listed(others)}: give --namespace.")
    if here:
        return SpecError(words, remedy=f"There are: {listed(here)}.")
    return SpecError(words, remedy="There are none at all: is it the right --context and --namespace?")


def _named(item: Object, name: str) -> bool:
    return bool(item["metadata"]["name"] == name)
