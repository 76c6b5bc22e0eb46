"""An API server in this process's memory: the fake that ships, strict where the operator relies on it.

Deterministic and without threads. It has no controllers but the garbage collector (`collect`), admits whatever `admit`
does not refuse, and checks no schema.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from threading import Condition
from typing import Any

from dart_k8s.edges.cluster.base import Change, Manifest, Object, Page, Resource
from dart_k8s.edges.cluster.collecting import FOREGROUND, collect
from dart_k8s.edges.cluster.contents import Contents, Key
from dart_k8s.edges.cluster.ownership import copied, fields_of, merge_patch, merged, value_at, without
from dart_k8s.edges.cluster.selecting import Matches, selector
from dart_k8s.errors import ObjectConflict, ObjectExists, ObjectNotFound, ObjectRefused
from dart_k8s.names import OPERATOR

__all__ = ["MemoryCluster"]

Hook = Callable[[str, Resource, str, str], None]
"""Called with (verb, resource, namespace, name); may raise, to play a failing server."""
Admission = Callable[[Resource, Object | None, Object], None]
"""Called with (resource, old, new) before a write; raises ObjectRefused."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
LONGEST_NAME = 253
WITHOUT_STATUS = {"ConfigMap", "NetworkPolicy", "Lease", "Event"}
WITHOUT_GENERATION = {"ConfigMap", "Service", "Lease", "Event"}
_SERVERS_OWN = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp")
"""Metadata that no client can set."""


class MemoryCluster:
    """See the module, and `Cluster`.

    `before` runs ahead of each request and `after` once it has taken effect but before it returns: raising
    ClusterUnavailable in `before` is a request that never arrived, in `after` a reply that got lost. `lag` makes lists
    and watches answer from so many versions ago; `keeps(change)` false drops an event of a watch; `expire` forgets
    history. Without `waits` a watch ends as soon as nothing is left to tell, so that one thread can poll it.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        before: Hook | None = None,
        after: Hook | None = None,
        admit: Admission | None = None,
        waits: bool = False,
        manager: str = OPERATOR,
    ) -> None:
        self.contents = Contents()
        self._now, self.before, self.after, self.admit = now, before, after, admit
        self.keeps: Callable[[Change], bool] = lambda change: True
        self.manager = manager
        """Field manager of what is written; tests change it to play another client."""
        self.lag = 0
        self.requests: Counter[tuple[str, str, str, str]] = Counter()
        """(verb, kind, namespace, name) -> how often it took effect."""
        self.texts: dict[tuple[str, str], list[bytes]] = {}
        """Lines of pods' logs."""
        self._waits = waits
        self._changed = Condition()

    # -- reading

    def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        self._begin("get", resource, namespace, name)
        found: Object = copied(self._found(resource, namespace, name))
        self._end("get", resource, namespace, name)
        return found

    def list(
        self, resource: Resource, namespace: str | None, *, labels: str = "", limit: int = 500, after: str = ""
    ) -> Page:
        self._begin("list", resource, namespace, "")
        with self._changed:
            kind, matches = self.contents.kind(resource), selector(labels)
            version, start = max(1, self.contents.version - self.lag), ("", "")
            if after:
                number, space, name = after.split("/", 2)
                version, start = int(number), (space, name)
            objects = self.contents.at(kind, max(version, self.contents.oldest) if not after else version)
            keys = sorted(
                key
                for key, item in objects.items()
                if key > start and (not namespace or key[0] == namespace) and matches(_labels(item))
            )
            chosen = keys[:limit] if limit else keys
            more = f"{version}/{chosen[-1][0]}/{chosen[-1][1]}" if len(chosen) < len(keys) else ""
            page = Page(items=[copied(objects[key]) for key in chosen], version=str(version), next=more)
        self._end("list", resource, namespace, "")
        return page

    def watch(
        self, resource: Resource, namespace: str | None, *, version: str, labels: str = "", seconds: float = 270.0
    ) -> Iterator[Change]:
        self._begin("watch", resource, namespace, "")
        kind, matches, seen = self.contents.kind(resource), selector(labels), int(version)
        ends = time.monotonic() + seconds
        while True:
            with self._changed:
                now = max(seen, self.contents.version - self.lag)
                records = [record for record in self.contents.after(kind, seen) if record.version <= now]
                if not records and self._waits and (left := ends - time.monotonic()) > 0:
                    self._changed.wait(left)
                    continue
            for record in records:
                seen = record.version
                if namespace and record.key[0] != namespace:
                    continue
                change = _change(record.before, record.after, str(record.version), matches)
                if change and self.keeps(change):
                    yield change
            if not self._waits or time.monotonic() >= ends:
                about = {"metadata": {"resourceVersion": str(max(seen, now))}}
                yield Change(
                    type="BOOKMARK", object={"apiVersion": resource.api_version, "kind": resource.kind, **about}
                )
                return

    def logs(
        self, namespace: str, pod: str, *, container: str = "", follow: bool = False, tail: int | None = None
    ) -> Iterator[bytes]:
        if (namespace, pod) not in self.texts:
            raise ObjectNotFound(f"Cannot read the log of Pod {namespace}/{pod}: there is none.")
        lines = self.texts[namespace, pod]
        return iter(lines[len(lines) - min(tail, len(lines)) :] if tail is not None else list(lines))

    # -- writing

    def create(self, resource: Resource, namespace: str, manifest: Manifest, *, dry_run: bool = False) -> Object:
        name = str(manifest.get("metadata", {}).get("name", ""))
        self._begin("create", resource, namespace, name)
        with self._changed:
            new = self._create(resource, namespace, name, manifest, store=not dry_run)
        if not dry_run:
            self._end("create", resource, namespace, name)
        return new

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
        self._begin("patch", resource, namespace, name)
        with self._changed:
            old = self.contents.kind(resource).objects.get(_key(resource, namespace, name))
            whole = {**manifest, "metadata": {**manifest.get("metadata", {}), "name": name}}
            if old is None and not subresource:
                new = self._create(resource, namespace, name, whole, store=not dry_run)
            elif old is None:
                raise self._absent(resource, namespace, name)
            else:
                self._check_version(resource, old, whole)
                new = self._apply(resource, old, whole, subresource, force=force, store=not dry_run)
        if not dry_run:
            self._end("patch", resource, namespace, name)
        return new

    def patch(self, resource: Resource, namespace: str, name: str, patch: Manifest, *, subresource: str = "") -> Object:
        self._begin("patch", resource, namespace, name)
        with self._changed:
            old = self._found(resource, namespace, name)
            self._check_version(resource, old, patch)
            new = self._store(resource, old, merge_patch(old, patch), subresource)
        self._end("patch", resource, namespace, name)
        return new

    def replace(self, resource: Resource, namespace: str, name: str, manifest: Manifest) -> Object:
        self._begin("update", resource, namespace, name)
        with self._changed:
            old = self._found(resource, namespace, name)
            self._check_version(resource, old, manifest)
            new = self._store(resource, old, copied(manifest), "")
        self._end("update", resource, namespace, name)
        return new

    def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str = "", propagation: str = "Background"
    ) -> None:
        self._begin("delete", resource, namespace, name)
        with self._changed:
            old = self._found(resource, namespace, name)
            if uid and old["metadata"]["uid"] != uid:
                found = old["metadata"]["uid"]
                raise ObjectConflict(
                    f"Cannot delete {_shown(resource, namespace, name)}: its uid is {found}, not {uid}."
                )
            new = copied(old)
            if propagation == "Foreground" and FOREGROUND not in new["metadata"].get("finalizers", []):
                new["metadata"].setdefault("finalizers", []).append(FOREGROUND)
            if new["metadata"].get("finalizers"):
                new["metadata"].setdefault("deletionTimestamp", self._time())
                if new != old:
                    self._write(resource, _key(resource, namespace, name), new)
            else:
                self._write(resource, _key(resource, namespace, name), None)
        self._end("delete", resource, namespace, name)

    def now(self) -> float:
        return self._now()

    # -- what tests and simulations do

    def expire(self) -> None:
        """Every version and page token that anyone holds is too old from now on."""
        with self._changed:
            self.contents.version += 1
            self.contents.forget()
            self._changed.notify_all()

    def collect(self) -> int:
        """Delete what is owned by objects that are gone, as the garbage collector does; objects changed."""
        with self._changed:
            changed = collect(self.contents, self._time())
            self._changed.notify_all()
        return changed

    # -- inside

    def _create(
        self, resource: Resource, namespace: str, name: str, manifest: Manifest, *, store: bool = True
    ) -> Object:
        shown = _shown(resource, namespace, name)
        if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise ObjectRefused(f"Cannot create {shown}: {name!r} is no name.")
        inside = manifest.get("metadata", {}).get("namespace", namespace)
        if inside != namespace:
            raise ObjectRefused(f"Cannot create {shown}: the object says namespace {inside!r}.")
        key = _key(resource, namespace, name)
        if key in self.contents.kind(resource).objects:
            raise ObjectExists(f"Cannot create {shown}: there is one of that name.")
        new: Object = copied(manifest)
        if resource.kind not in WITHOUT_STATUS:
            new.pop("status", None)
        about = {key: value for key, value in new["metadata"].items() if key not in _SERVERS_OWN}
        new |= {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": about}
        if resource.namespaced:
            about["namespace"] = namespace
        about["uid"] = f"{self.contents.made + 1:08x}-0000-4000-8000-000000000000"
        about["creationTimestamp"] = self._time()
        if resource.kind not in WITHOUT_GENERATION:
            about["generation"] = 1
        if self.admit:
            self.admit(resource, None, new)
        if store:
            self.contents.made += 1
            self.contents.owned[about["uid"]] = {(self.manager, ""): _fields(manifest)}
            self._write(resource, key, new)
        result: Object = copied(new)
        return result

    def _apply(
        self, resource: Resource, old: Object, manifest: Manifest, subresource: str, *, force: bool, store: bool
    ) -> Object:
        owned = self.contents.owned.setdefault(old["metadata"]["uid"], {})
        mine = (self.manager, subresource)
        fields = _fields(manifest)
        others = frozenset().union(*(paths for manager, paths in owned.items() if manager != mine))
        taken = {path for path in fields & others if value_at(old, path) != value_at(manifest, path)}
        if taken and not force:
            about = old["metadata"]
            raise ObjectConflict(
                f"Cannot apply {_shown(resource, about.get('namespace'), about['name'])}: another manager has set "
                f"{', '.join(sorted('.'.join(path) for path in taken))} to another value."
            )
        new = merged(old, manifest)
        # Deepest first: an item of a list goes when nothing of it is left.
        for path in sorted(owned.get(mine, frozenset()) - fields - others, key=len, reverse=True):
            new = without(new, path)
        result = self._store(resource, old, new, subresource, store=store)
        if store:
            owned[mine] = fields
            for manager in owned.keys() - {mine}:
                owned[manager] -= taken
        return result

    def _store(self, resource: Resource, old: Object, new: Object, subresource: str, *, store: bool = True) -> Object:
        """Replace an object by what a client wants, as far as it may; nothing is written if nothing changes."""
        new = copied(new)
        for name in _SERVERS_OWN:
            new["metadata"].pop(name, None)
            if name in old["metadata"]:
                new["metadata"][name] = old["metadata"][name]
        if resource.kind not in WITHOUT_STATUS:
            changeable = {"status"} if subresource == "status" else new.keys() - {"status"}
            for name in (old.keys() | new.keys()) - changeable:
                new.pop(name, None)
                if name in old:
                    new[name] = copied(old[name])
        if new != old:
            spec = {key: value for key, value in new.items() if key not in {"metadata", "status"}}
            if any(old.get(key) != value for key, value in spec.items()) and "generation" in new["metadata"]:
                new["metadata"]["generation"] += 1
            if self.admit:
                self.admit(resource, old, new)
            key = _key(resource, old["metadata"].get("namespace", ""), old["metadata"]["name"])
            ends = "deletionTimestamp" in new["metadata"] and not new["metadata"].get("finalizers")
            if store:
                self._write(resource, key, None if ends else new)
        result: Object = copied(new)
        return result

    def _write(self, resource: Resource, key: Key, new: Object | None) -> None:
        self.contents.write(self.contents.kind(resource), key, new)
        self._changed.notify_all()

    def _found(self, resource: Resource, namespace: str | None, name: str) -> Object:
        found = self.contents.kind(resource).objects.get(_key(resource, namespace or "", name))
        if found is None:
            raise self._absent(resource, namespace, name)
        return found

    def _absent(self, resource: Resource, namespace: str | None, name: str) -> ObjectNotFound:
        return ObjectNotFound(f"There is no {_shown(resource, namespace, name)}.")

    def _check_version(self, resource: Resource, old: Object, new: Mapping[str, Any]) -> None:
        about, wanted = old["metadata"], new.get("metadata", {})
        for name in ("resourceVersion", "uid"):
            if name in wanted and wanted[name] != about[name]:
                raise ObjectConflict(
                    f"Cannot change {_shown(resource, about.get('namespace'), about['name'])}: its {name} is "
                    f"{about[name]}, not {wanted[name]}."
                )

    def _time(self) -> str:
        return datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _begin(self, verb: str, resource: Resource, namespace: str | None, name: str) -> None:
        if self.before:
            self.before(verb, resource, namespace or "", name)

    def _end(self, verb: str, resource: Resource, namespace: str | None, name: str) -> None:
        self.requests[verb, resource.kind, namespace or "", name] += 1
        if self.after:
            self.after(verb, resource, namespace or "", name)


def _key(resource: Resource, namespace: str | None, name: str) -> Key:
    return (namespace or "") if resource.namespaced else "", name


def _shown(resource: Resource, namespace: str | None, name: str) -> str:
    return f"{resource.kind} {namespace}/{name}" if namespace else f"{resource.kind} {name}"


def _labels(item: Object | None) -> Mapping[str, str]:
    return (item or {}).get("metadata", {}).get("labels") or {}


def _fields(manifest: Manifest) -> Any:
    left = {key: value for key, value in manifest.items() if key not in {"apiVersion", "kind"}}
    about = {"name", "namespace", *_SERVERS_OWN}
    left["metadata"] = {key: value for key, value in manifest.get("metadata", {}).items() if key not in about}
    return frozenset(path for path in fields_of(left) if path not in {(), ("metadata",)})


def _change(before: Object | None, after: Object | None, version: str, matches: Matches) -> Change | None:
    """What a watch by a selector says of a change: objects come into and go out of it."""
    was = before is not None and matches(_labels(before))
    if after is not None and matches(_labels(after)):
        return Change(type="MODIFIED" if was else "ADDED", object=copied(after))
    if not was:
        return None
    gone: Object = copied(before)
    gone["metadata"]["resourceVersion"] = version
    return Change(type="DELETED", object=gone)
