"""The claim protocol on a store: taking, renewing, giving back, and noticing that a holder fell silent.

No clock is compared across machines: a claim has expired when an observer has watched the same ETag for the whole time
to live on its own monotonic clock. Watching means looking: of the time between two looks at most half the time to live
counts. Else an observer that slept, or could not reach the store any more than the holder could, would take over from
the living at its first look. A holder that could not renew within half the time to live stops starting work. A holder
that is known to be gone (see `holders`) is not waited for.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from dart_k8s.errors import Conflict, NotFound
from dart_k8s.ledger import claims
from dart_k8s.ledger.claims import Claim, Hold

from .access import Access


@dataclass(slots=True, kw_only=True)
class HeldClaim:
    """A claim that this process holds, as far as it knows."""

    key: str
    claim: Claim
    etag: str
    renewed: float
    """Loop time of the last successful write, taken before the write was sent."""
    lost: bool = False
    """Another holder has taken over."""
    closed: bool = False
    """The last word is said."""
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One write at a time: the last word and a renewal must not overtake each other."""


@dataclass(slots=True, kw_only=True)
class Sighting:
    """A claim as last seen."""

    etag: str
    looked: float
    """Loop time of the last look."""
    age: float = 0.0
    """Seconds for which this ETag has been watched."""
    claim: Claim | None = None


@dataclass(slots=True)
class Claims:
    """This process's side of the protocol. `holder` names the process; times are seconds."""

    access: Access
    holder: str
    heartbeat: float = 15.0
    ttl: float = 90.0
    gone: Callable[[str], bool] | None = None
    """Whether a holder is certainly gone; None: nothing is known of holders."""
    follows: Callable[[str], bool] | None = None
    """Whether this process was elected to follow a holder: it need not wait for it to expire. None: it was not."""
    sightings: dict[str, Sighting] = field(default_factory=dict)

    def valid(self, held: HeldClaim) -> bool:
        """Whether new work may start under the claim."""
        return not held.lost and asyncio.get_running_loop().time() - held.renewed < self.ttl / 2

    async def survey(self, prefix: str) -> dict[str, Sighting]:
        """All claims under a prefix by key, with how long each has been the same. One list request."""
        entries = await self.access.call(lambda: list(self.access.store.list(prefix)))
        now = asyncio.get_running_loop().time()
        seen: dict[str, Sighting] = {}
        for entry in entries:
            known = self.sightings.get(entry.key)
            if known is None or known.etag != entry.etag:
                known = Sighting(etag=entry.etag, looked=now)
            known.age += min(now - known.looked, self.ttl / 2)
            known.looked = now
            seen[entry.key] = known
        for key in [key for key in self.sightings if key.startswith(prefix)]:
            del self.sightings[key]
        self.sightings.update(seen)
        return seen

    async def read(self, key: str) -> Claim | None:
        """The claim under a key, from memory if its ETag has not moved since it was read; None if it is gone."""
        known = self.sightings.get(key)
        if known is not None and known.claim is not None:
            return known.claim
        try:
            blob = await self.access.call(self.access.store.get, key)
        except NotFound:
            return None
        now = asyncio.get_running_loop().time()
        if known is None or known.etag != blob.etag:
            known = Sighting(etag=blob.etag, looked=now)
        known.claim = claims.decode(blob.data, key=key)
        self.sightings[key] = known
        return known.claim

    def resting(self, key: str) -> bool:
        """Whether the claim has not been renewed for two heartbeats: a live one never rests, so it needs no reading.

        Where holders can be known to be gone, every claim is worth reading.
        """
        known = self.sightings.get(key)
        return known is not None and (self.gone is not None or known.age >= 2 * self.heartbeat)

    def expired(self, key: str) -> bool:
        """Whether the claim's ETag has been the same for the whole time to live, as of the last survey, or its holder
        is certainly gone."""
        known = self.sightings.get(key)
        if known is None:
            return False
        return known.age >= self.ttl or (known.claim is not None and self.is_gone(known.claim.current.holder))

    def _over(self, key: str) -> bool:
        """Whether a claim that was read may be taken from its holder."""
        known = self.sightings[key].claim
        return self.expired(key) or (
            known is not None and self.follows is not None and self.follows(known.current.holder)
        )

    def is_gone(self, holder: str) -> bool:
        """Whether the holder is certainly gone: nothing more will come of it."""
        return self.gone is not None and self.gone(holder)

    async def take(self, key: str, name: str, *, failed: bool = False) -> HeldClaim | None:
        """Take an absent, released or expired claim; None if somebody else has it or was faster.

        `failed`: the attempt that is taken over brought no result (counted by the claim).
        """
        known = self.sightings.get(key)
        previous = None if known is None else await self.read(key)
        if previous is not None and not (previous.free or (previous.current.hold is Hold.LIVE and self._over(key))):
            return None
        claim = claims.take(name, previous, holder=self.holder, nonce=secrets.token_hex(8), failed=failed)
        return await self._write(key, claim, None if known is None else known.etag)

    async def set_aside(self, key: str) -> None:
        """Mark an expired claim as set aside; losing the race is fine."""
        known = self.sightings[key]
        previous = await self.read(key)
        if previous is not None:
            await self._write(key, claims.set_aside(previous), known.etag)

    async def renew(self, held: HeldClaim) -> None:
        """Prolong; marks the claim lost if another holder has it."""
        async with held.writing:
            if not held.closed:
                await self._rewrite(held, claims.renew)

    async def close(self, held: HeldClaim, hold: Hold, segments: int) -> None:
        """Say the last word: done or released. Does nothing when the claim was lost or is closed."""
        async with held.writing:
            if not held.closed:
                held.closed = await self._rewrite(held, lambda claim: claims.close(claim, hold, segments))

    async def _rewrite(self, held: HeldClaim, change: Callable[[Claim], Claim]) -> bool:
        """Write the changed claim over our own; False, and the claim marked lost, if another holder has it."""
        while not held.lost:
            now = asyncio.get_running_loop().time()
            claim = change(held.claim)
            try:
                held.etag = await self.access.call(
                    self.access.store.put_if_match, held.key, claims.encode(claim), held.etag
                )
            except Conflict:
                # A write of ours whose outcome we never heard (its caller was cancelled) may be what is in the way.
                held.lost = not await self._ours(held)
                continue
            held.claim, held.renewed = claim, now
            return True
        return False

    async def _ours(self, held: HeldClaim) -> bool:
        """Read the claim anew; whether its current attempt is still this one and alive."""
        try:
            blob = await self.access.call(self.access.store.get, held.key)
        except NotFound:
            return False
        claim = claims.decode(blob.data, key=held.key)
        if claim.current.nonce != held.claim.current.nonce or claim.current.hold is not Hold.LIVE:
            return False
        held.claim, held.etag = claim, blob.etag
        return True

    async def _write(self, key: str, claim: Claim, etag: str | None) -> HeldClaim | None:
        store, data = self.access.store, claims.encode(claim)
        now = asyncio.get_running_loop().time()
        try:
            if etag is None:
                new = await self.access.call(store.put_if_absent, key, data)
            else:
                new = await self.access.call(store.put_if_match, key, data, etag)
        except Conflict:
            self.sightings.pop(key, None)
            return None
        self.sightings[key] = Sighting(etag=new, looked=now, claim=claim)
        return HeldClaim(key=key, claim=claim, etag=new, renewed=now)
