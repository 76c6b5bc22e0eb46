"""The proof that a store can carry a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from dart_k8s.edges.store.base import Store
from dart_k8s.errors import Conflict, NotFound, StoreError, StoreUnsuitable

WRITERS = 4
"""Writers that race in the probe: enough to catch a store that checks first and writes later without a lock."""

_REMEDY = (
    "Use a store with conditional writes (current releases of AWS S3, MinIO, SeaweedFS, Ceph or R2), or a local folder."
)


def probe(store: Store) -> None:
    """Proves that the store reads, writes, lists and deletes, and that its conditional writes exclude each other.

    About twenty requests under a key of its own, which is deleted again. Raises StoreUnsuitable that names the store,
    what it did, and the way out; or the error of the request that failed.
    """
    probe = _Probe(store)
    try:
        probe.prove_absent()
        probe.prove_match()
        probe.prove_race()
        probe.prove_gone()
    finally:
        with suppress(StoreError):
            store.delete(probe.key)


class _Probe:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.nonce = os.urandom(8).hex()
        self.key = f"state/probe-{self.nonce}"

    def content(self, writer: str) -> bytes:
        return f"{self.nonce} {writer}".encode()

    def refused(self, write: Callable[[], str], means: str) -> None:
        try:
            write()
        except Conflict:
            return
        raise StoreUnsuitable(f"{self.store.uri} cannot hold a run: {means}.", remedy=_REMEDY)

    def prove_absent(self) -> None:
        store, key = self.store, self.key
        written = store.put_if_absent(key, self.content("first"))
        self.refused(
            lambda: store.put_if_absent(key, self.content("second")),
            f"it ignored If-None-Match, so two writers could both make {key!r}",
        )
        blob, entry = store.get(key), store.head(key)
        listed = [entry.etag for entry in store.list(key)]
        seen = {"put": [written], "get": [blob.etag], "head": [entry.etag] if entry else [], "list": listed}
        if blob.data != self.content("first") or any(etags != [written] for etags in seen.values()):
            raise StoreUnsuitable(
                f"{store.uri} cannot hold a run: after one write of {key!r}, its etags differ by request ({seen}), or "
                "its content is not what was written.",
                remedy=_REMEDY,
            )

    def prove_match(self) -> None:
        store, key = self.store, self.key
        old = store.get(key).etag
        store.put_if_match(key, self.content("third"), old)
        self.refused(
            lambda: store.put_if_match(key, self.content("fourth"), old),
            f"it ignored If-Match, so an update of {key!r} was lost",
        )

    def prove_race(self) -> None:
        store, key = self.store, self.key
        etag = store.get(key).etag

        def write(writer: int) -> bool:
            try:
                store.put_if_match(key, self.content(f"racer {writer}"), etag)
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(WRITERS) as threads:
            winners = sum(threads.map(write, range(WRITERS)))
        if winners != 1:
            raise StoreUnsuitable(
                f"{store.uri} cannot hold a run: of {WRITERS} simultaneous writers of {key!r} with If-Match on one "
                f"etag, {winners} were told that they had won.",
                remedy=_REMEDY,
            )

    def prove_gone(self) -> None:
        store, key = self.store, self.key
        etag = store.get(key).etag
        store.delete(key)
        self.refused(
            lambda: store.put_if_match(key, self.content("late"), etag),
            f"it accepted If-Match on {key!r} after that was deleted",
        )
        with suppress(NotFound):
            store.get(key)
            raise StoreUnsuitable(
                f"{store.uri} cannot hold a run: {key!r} is still there after its deletion.", remedy=_REMEDY
            )
