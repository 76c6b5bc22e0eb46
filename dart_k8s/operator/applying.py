"""From an action to requests. Each can be repeated, and means the same object or none: creations by name, deletions and
changes by uid."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dart_k8s.edges.cluster import Cluster, Object
from dart_k8s.edges.cluster.resources import JOBS, RESOURCES
from dart_k8s.errors import ClusterUnavailable, ObjectConflict, ObjectExists, ObjectNotFound
from dart_k8s.names import FINALIZER, job_name
from dart_k8s.reconcile.decision import (
    Action,
    ApplyDeclaration,
    ApplyPass,
    ApplyTrainers,
    ApplyVerifiers,
    CreateJob,
    DeleteChild,
    DeleteObject,
    ScaleJob,
    SetFinalizer,
)

from .keys import Key
from .kinds import OBJECTS

__all__ = ["Applier", "what"]

Manifests = list[dict[str, Any]]
BY_KIND = {resource.kind: resource for resource in RESOURCES.values()}


def what(action: Action, key: Key) -> str:
    """An action in a few words, the same for the same: failures go by them. `key`: of the object that it is for."""
    match action:
        case CreateJob(stage=stage, number=number):
            return f"create Job {job_name(key.name, stage, number, key.kind)}"
        case ScaleJob(name=job):
            return f"scale Job {job}"
        case ApplyDeclaration():
            return "apply the declaration"
        case ApplyVerifiers():
            return "apply the verifiers"
        case ApplyTrainers():
            return "apply the trainers"
        case ApplyPass(name=child):
            return f"apply Synthesis {child}"
        case DeleteChild(kind=kind, name=child):
            return f"delete {kind} {child}"
        case SetFinalizer(present=present):
            return "add the finalizer" if present else "remove the finalizer"
        case DeleteObject():
            return f"delete {key.kind} {key.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applier:
    """See the module. `wrote` gets every object as the server answered it."""

    cluster: Cluster
    wrote: Callable[[Object], None]

    def apply(self, action: Action, item: Mapping[str, Any], manifests: Manifests) -> None:
        """Carry an action out; `manifests` are what `render` made of it for an object. Raises a ClusterError."""
        about, own = item["metadata"], OBJECTS[item["kind"]]
        namespace, name, uid = about["namespace"], about["name"], about["uid"]
        match action:
            case CreateJob():
                for manifest in manifests:
                    self._create(namespace, manifest, uid)
            case ApplyDeclaration() | ApplyVerifiers() | ApplyTrainers() | ApplyPass():
                for manifest in manifests:
                    resource = RESOURCES[manifest["apiVersion"], manifest["kind"]]
                    self.wrote(self.cluster.apply(resource, namespace, manifest["metadata"]["name"], manifest))
            case ScaleJob(name=job, uid=job_uid, parallelism=parallelism):
                patch = {"metadata": {"uid": job_uid}, "spec": {"parallelism": parallelism}}
                self.wrote(self.cluster.patch(JOBS, namespace, job, patch))
            case DeleteChild(kind=kind, name=child, uid=child_uid):
                # In the foreground: as long as its pods are there, so is the Job, and the next one is not made.
                self._delete(kind, namespace, child, child_uid, "Foreground" if kind == "Job" else "Background")
            case SetFinalizer(present=present):
                others = [one for one in about.get("finalizers") or () if one != FINALIZER]
                wanted = [*others, FINALIZER] if present else others
                patch = {"metadata": {"resourceVersion": about["resourceVersion"], "uid": uid, "finalizers": wanted}}
                self.wrote(self.cluster.patch(own, namespace, name, patch))
            case DeleteObject(uid=old):
                self._delete(own.kind, namespace, name, old, "Background")

    def _create(self, namespace: str, manifest: dict[str, Any], uid: str) -> None:
        resource, name = RESOURCES[manifest["apiVersion"], manifest["kind"]], manifest["metadata"]["name"]
        try:
            self.wrote(self.cluster.create(resource, namespace, manifest))
        except ObjectExists as error:
            found = self.cluster.get(resource, namespace, name)
            owners = [one["uid"] for one in found["metadata"].get("ownerReferences") or ()]
            if uid not in owners:
                raise ObjectExists(
                    f"{error.message} It belongs to something else.",
                    remedy=f"Delete {resource.kind} {namespace}/{name}, or give this object another name.",
                ) from error
            if "deletionTimestamp" in found["metadata"]:
                raise ClusterUnavailable(f"{resource.kind} {namespace}/{name} is being deleted.") from error
            self.wrote(found)

    def _delete(self, kind: str, namespace: str, name: str, uid: str, propagation: str) -> None:
        try:
            self.cluster.delete(BY_KIND[kind], namespace, name, uid=uid, propagation=propagation)
        except (ObjectNotFound, ObjectConflict):
            return  # it is gone, and so is what it was; another one of that name is none of ours
