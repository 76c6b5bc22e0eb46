"""The garbage collector of the fake: what is owned by objects that are gone goes too."""

from collections.abc import Mapping
from typing import Any

from dart_k8s.edges.cluster.contents import Contents
from dart_k8s.edges.cluster.ownership import copied

__all__ = ["FOREGROUND", "collect"]

FOREGROUND = "foregroundDeletion"
"""Finalizer of an owner that waits until all it owns is gone."""


def collect(contents: Contents, now: str) -> int:
    """One whole clean-up, owners' owners included; objects that were changed or removed."""
    changed = 0
    while more := _dependents(contents, now) + _owners(contents):
        changed += more
    return changed


def _dependents(contents: Contents, now: str) -> int:
    """Delete what only absent owners have, or owners that wait for it."""
    kinds = list(contents.kinds())
    present = {item["metadata"]["uid"]: item["metadata"] for kind in kinds for item in kind.objects.values()}
    changed = 0
    for kind in kinds:
        for key, item in list(kind.objects.items()):
            owners = [reference["uid"] for reference in item["metadata"].get("ownerReferences", ())]
            if not owners or any(uid in present and not _waits(present[uid]) for uid in owners):
                continue
            if not item["metadata"].get("finalizers"):
                contents.write(kind, key, None)
            elif "deletionTimestamp" not in item["metadata"]:
                new = copied(item)
                new["metadata"]["deletionTimestamp"] = now
                contents.write(kind, key, new)
            else:
                continue
            changed += 1
    return changed


def _owners(contents: Contents) -> int:
    """Let owners go that waited for what they own, once it is gone."""
    kinds = list(contents.kinds())
    owners = {
        reference["uid"]
        for kind in kinds
        for item in kind.objects.values()
        for reference in item["metadata"].get("ownerReferences", ())
    }
    changed = 0
    for kind in kinds:
        for key, item in list(kind.objects.items()):
            if not _waits(item["metadata"]) or item["metadata"]["uid"] in owners:
                continue
            new = copied(item)
            new["metadata"]["finalizers"].remove(FOREGROUND)
            contents.write(kind, key, new if new["metadata"]["finalizers"] else None)
            changed += 1
    return changed


def _waits(about: Mapping[str, Any]) -> bool:
    return "deletionTimestamp" in about and FOREGROUND in about.get("finalizers", ())
