"""What we need of a Kubernetes API server. Objects are dicts as the server's JSON has them.

Typed models cost about ten times the time and twice the memory of plain dicts, and can't hold custom resources.
Synchronous and safe to use from many threads. Every method may raise a `ClusterError` (see `dart_k8s.errors`); after a
`ClusterUnavailable` the outcome of a write is unknown: writes here are such that they can be repeated.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Object = dict[str, Any]
Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object and where its API is."""

    group: str
    """Empty for the core group."""
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As objects say it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def path(self) -> str:
        """Of its API, without a namespace."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list."""

    items: list[Object]
    version: str
    """resourceVersion of the list: a watch goes on from the last page's."""
    next: str
    """Token of the next page; empty on the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An event of a watch."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Object


class Cluster(Protocol):
    """See the module. A `namespace` of None means all of them."""

    def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        """One object; ObjectNotFound."""

    def list(
        self, resource: Resource, namespace: str | None, *, labels: str = "", limit: int = 500, after: str = ""
    ) -> Page:
        """A page of the objects that match a label selector. Expired: the token in `after` is too old."""

    def watch(
        self, resource: Resource, namespace: str | None, *, version: str, labels: str = "", seconds: float = 270.0
    ) -> Iterator[Change]:
        """Changes after a version, bookmarks among them, until the server ends it after about `seconds`.

        Expired: the version is too old, list anew. ClusterUnavailable: cut, or silent for too long.
        """

    def create(self, resource: Resource, namespace: str, manifest: Manifest, *, dry_run: bool = False) -> Object:
        """Create; ObjectExists, ObjectRefused (invalid, over quota)."""

    def apply(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        manifest: Manifest,
        *,
        subresource: str = "",
        force: bool = True,
        dry_run: bool = False,
    ) -> Object:
        """Server-side apply as the client's field manager: what is no longer in `manifest` is removed.

        Without `force`, ObjectConflict if another manager has set a field to another value; it names them.
        """

    def patch(self, resource: Resource, namespace: str, name: str, patch: Manifest, *, subresource: str = "") -> Object:
        """JSON merge patch. With metadata.resourceVersion in it: ObjectConflict if the object has moved on."""

    def replace(self, resource: Resource, namespace: str, name: str, manifest: Manifest) -> Object:
        """Replace an object at the resourceVersion that it carries; ObjectConflict if it has moved on."""

    def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str = "", propagation: str = "Background"
    ) -> None:
        """Delete the object with that uid. ObjectNotFound; ObjectConflict: there is another one of that name."""

    def logs(
        self, namespace: str, pod: str, *, container: str = "", follow: bool = False, tail: int | None = None
    ) -> Iterator[bytes]:
        """Lines of a pod's log, the last `tail` of what is there and (`follow`) what comes."""

    def now(self) -> float:
        """Seconds since the epoch by the server's clock, as far as its answers have told."""
