"""All that a cluster tells of one object of this group: its children, their pods, Kueue's Workloads, warnings."""

from dataclasses import dataclass

from dart_k8s.edges.cluster import Object, Resource
from dart_k8s.edges.cluster.resources import DEPLOYMENTS, EVENTS, JOBS, PODS
from dart_k8s.errors import Forbidden, ObjectNotFound
from dart_k8s.names import LABELS

from .reaching import Reach, every, find

__all__ = ["Observed", "observe"]

WORKLOADS = tuple(Resource("kueue.x-k8s.io", version, "Workload", "workloads") for version in ("v1beta2", "v1beta1"))
"""Kueue's, by the newest version that is served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """See the module. Objects as the API server gives them."""

    synthesis: Object
    jobs: tuple[Object, ...] = ()
    pods: tuple[Object, ...] = ()
    deployments: tuple[Object, ...] = ()
    workloads: tuple[Object, ...] = ()
    """Kueue's, of these Jobs."""
    events: tuple[Object, ...] = ()
    """Warnings about any of these."""
    hidden: tuple[str, ...] = ()
    """Kinds that this user may not read."""


def observe(place: Reach, name: str) -> Observed:
    """Read everything; kinds that may not be read are named, and left out."""
    synthesis = find(place, name)
    name = synthesis["metadata"]["name"]
    label = f"{LABELS[synthesis['kind']]}={name}"
    hidden: list[str] = []

    def read(resource: Resource, labels: str = label) -> tuple[Object, ...]:
        try:
            return tuple(every(place, resource, place.namespace, labels))
        except Forbidden:
            hidden.append(resource.plural)
        except ObjectNotFound:
            pass
        return ()

    jobs, pods, deployments = read(JOBS), read(PODS), read(DEPLOYMENTS)
    uids = {item["metadata"]["uid"] for item in (synthesis, *jobs, *pods, *deployments)}
    events = tuple(event for event in read(EVENTS, "") if _warns(event, uids, name))
    workloads: tuple[Object, ...] = ()
    if any("kueue.x-k8s.io/queue-name" in (job["metadata"].get("labels") or {}) for job in jobs):
        for resource in WORKLOADS:
            workloads = workloads or tuple(item for item in read(resource, "") if _owned(item, uids))
    return Observed(
        synthesis=synthesis,
        jobs=jobs,
        pods=pods,
        deployments=deployments,
        workloads=workloads,
        events=events,
        hidden=tuple(dict.fromkeys(hidden)),
    )


def _warns(event: Object, uids: set[str], name: str) -> bool:
    about = event.get("involvedObject") or {}
    # The Deployment's pods are refused in the name of its ReplicaSet, which has no other trace.
    ours = about.get("uid") in uids or (about.get("kind") == "ReplicaSet" and _child(str(about.get("name")), name))
    return event.get("type") == "Warning" and ours


def _child(name: str, synthesis: str) -> bool:
    return name.startswith(f"{synthesis}-verifier-")


def _owned(item: Object, uids: set[str]) -> bool:
    return any(owner.get("uid") in uids for owner in item["metadata"].get("ownerReferences") or ())
