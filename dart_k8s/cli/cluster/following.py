"""Syntheses as they change, until the caller has seen enough; a cluster that goes away for a while is waited for."""

import time
from collections.abc import Callable, Iterator, Mapping

from dart_k8s.edges.cluster import Object, Resource
from dart_k8s.edges.cluster.resources import SYNTHESES
from dart_k8s.errors import ClusterUnavailable, Expired, ObjectNotFound

from .reaching import Reach, unknown_kind

__all__ = ["follow"]

LONGEST_PAUSE = 30.0
"""Seconds between two tries."""


def follow(
    place: Reach,
    name: str | None = None,
    *,
    resource: Resource = SYNTHESES,
    lost: Callable[[ClusterUnavailable], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Mapping[tuple[str, str], Object]]:
    """All Syntheses of the namespace (or the one of that name) by (namespace, name), now and after every change.

    `lost` hears of a cluster that does not answer, once it has answered before; else ClusterUnavailable is raised.
    """
    pause = 1.0
    seen: dict[tuple[str, str], Object] | None = None
    while True:
        try:
            now, version = _all(place, resource, name)
            if now != seen:
                seen = dict(now)
                yield seen
            for change in place.cluster.watch(resource, place.namespace, version=version):
                pause = 1.0
                about = change.object["metadata"]
                if change.type == "BOOKMARK" or name not in (None, about["name"]):
                    continue
                key = (about["namespace"], about["name"])
                seen = {other: item for other, item in seen.items() if other != key}
                if change.type != "DELETED":
                    seen[key] = change.object
                yield seen
        except Expired:
            continue
        except ClusterUnavailable as error:
            if seen is None:
                raise
            lost(error)
            sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _all(place: Reach, resource: Resource, name: str | None) -> tuple[dict[tuple[str, str], Object], str]:
    found: dict[tuple[str, str], Object] = {}
    after = ""
    while True:
        try:
            page = place.cluster.list(resource, place.namespace, after=after)
        except ObjectNotFound as error:
            raise unknown_kind(place, resource.kind) from error
        for item in page.items:
            about = item["metadata"]
            if name in (None, about["name"]):
                found[about["namespace"], about["name"]] = item
        after = page.next
        if not after:
            return found, page.version
