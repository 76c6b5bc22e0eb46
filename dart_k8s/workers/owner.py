"""Who runs an output: `state/owner.json`. Another object is refused in words; the same one, made again, goes on."""

import json
from dataclasses import asdict, dataclass

from dart_k8s.api import Declaration, digest
from dart_k8s.edges.store import Store
from dart_k8s.errors import Conflict, NotFound, OutputOwned
from dart_k8s.ledger.keys import OWNER

TRIES = 3
"""To write it against others that write it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """See the module. Empty: not known, as on one machine, or to the program that wrote it."""

    kind: str = ""
    name: str = ""
    namespace: str = ""
    uid: str = ""
    """Of the object in the cluster: a new one is the same Synthesis, deleted and made again."""
    digest: str = ""
    """Over the part of the declaration that may not change."""

    @property
    def shown(self) -> str:
        """For people."""
        return f"{self.kind} '{self.namespace}/{self.name}'" if self.namespace else f"{self.kind} '{self.name}'"


def owner_of(document: Declaration, uid: str | None) -> Owner:
    """What an object of any kind writes."""
    meta = document.metadata
    return Owner(
        kind=document.kind,
        name=meta.name,
        namespace=meta.namespace or "",
        uid=uid or "",
        digest=digest(document),
    )


def read(store: Store) -> tuple[Owner, str] | None:
    """The owner of an output and its ETag; None: nobody. OutputOwned if it can't be understood."""
    try:
        blob = store.get(OWNER)
    except NotFound:
        return None
    try:
        fields = json.loads(blob.data)
        return Owner(**{name: str(fields[name]) for name in Owner.__slots__ if name in fields}), blob.etag
    except (ValueError, TypeError) as error:
        raise OutputOwned(
            f"Cannot say who owns {store.uri}: '{OWNER}' can't be read ({error}).", remedy="Use another output."
        ) from error


def own(store: Store, document: Declaration, uid: str | None) -> None:
    """Write that this object owns the output. OutputOwned if another one does."""
    mine = owner_of(document, uid)
    for _ in range(TRIES):
        found = read(store)
        try:
            if found is None:
                store.put_if_absent(OWNER, _bytes(mine))
                return
            theirs, etag = found
            if not same(mine, theirs):
                raise OutputOwned(
                    f"Cannot run {mine.shown} in {store.uri}: the output belongs to {theirs.shown}.",
                    remedy="Give it an output of its own.",
                )
            if mine == theirs or (not mine.uid and theirs.uid):
                return
            store.put_if_match(OWNER, _bytes(mine), etag)
            return
        except Conflict:
            continue
    raise Conflict(f"Cannot write '{OWNER}' in {store.uri}: others do so at the same time.")


def same(one: Owner, other: Owner) -> bool:
    """Whether both are one object, perhaps deleted and made again."""
    return (one.kind, one.namespace, one.name) == (other.kind, other.namespace, other.name)


def _bytes(owner: Owner) -> bytes:
    return json.dumps({name: value for name, value in asdict(owner).items() if value or name != "uid"}).encode()


__all__ = ["Owner", "own", "owner_of", "read", "same"]
