"""The claim protocol on a store: taking, renewing, giving back, and noticing that a holder fell silent.

No clock is compared across machines: a claim has expired when an observer has seen the same ETag for the whole time to
live on its own monotonic clock. A holder that could not renew within half the time to live stops starting work.
"""

import asyncio
import secrets
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


@dataclass(slots=True, kw_only=True)
class Sighting:
    """A claim as last seen."""

    etag: str
    since: float
    """Loop time of the first sight of this ETag."""
    claim: Claim | None = None


@dataclass(slots=True)
class Claims:
    """This process's side of the protocol. `holder` names the process; times are seconds."""

    access: Access
    holder: str
    heartbeat: float = 15.0
    ttl: float = 90.0
    sightings: dict[str, Sighting] = field(default_factory=dict)

    def valid(self, held: HeldClaim) -> bool:
        """Whether new work may start under the claim."""
        return not held.lost and asyncio.get_running_loop().time() - held.renewed < self.ttl / 2

    async def survey(self, prefix: str) -> dict[str, Sighting]:
        """All claims under a prefix by key, with how long each has looked the same. One list request."""
        entries = await self.access.call(lambda: list(self.access.store.list(prefix)))
        now = asyncio.get_running_loop().time()
        seen: dict[str, Sighting] = {}
        for entry in entries:
            known = self.sightings.get(entry.key)
            if known is None or known.etag != entry.etag:
                known = Sighting(etag=entry.etag, since=now)
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
            known = Sighting(etag=blob.etag, since=now)
        known.claim = claims.decode(blob.data, key=key)
        self.sightings[key] = known
        return known.claim

    def resting(self, key: str) -> bool:
        """Whether the claim has not been renewed for two heartbeats: a live one never rests, so it needs no reading."""
        known = self.sightings.get(key)
        return known is not None and asyncio.get_running_loop().time() - known.since >= 2 * self.heartbeat

    def expired(self, key: str) -> bool:
        """Whether the claim's ETag has been the same for the whole time to live."""
        known = self.sightings.get(key)
        return known is not None and asyncio.get_running_loop().time() - known.since >= self.ttl

    async def take(self, key: str, name: str, *, failed: bool = False) -> HeldClaim | None:
        """Take an absent, released or expired claim; None if somebody else has it or was faster.

        `failed`: the attempt that is taken over brought no result (counted by the claim).
        """
        known = self.sightings.get(key)
        previous = None if known is None else await self.read(key)
        if previous is not None and not (previous.free or (previous.current.hold is Hold.LIVE and self.expired(key))):
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
        renewed = claims.renew(held.claim)
        now = asyncio.get_running_loop().time()
        try:
            held.etag = await self.access.call(
                self.access.store.put_if_match, held.key, claims.encode(renewed), held.etag
            )
        except Conflict:
            held.lost = True
            return
        held.claim, held.renewed = renewed, now

    async def close(self, held: HeldClaim, hold: Hold, segments: int) -> None:
        """Say the last word: done or released. Does nothing when the claim was lost."""
        if held.lost:
            return
        try:
            data = claims.encode(claims.close(held.claim, hold, segments))
            held.etag = await self.access.call(self.access.store.put_if_match, held.key, data, held.etag)
        except Conflict:
            held.lost = True

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
        self.sightings[key] = Sighting(etag=new, since=now, claim=claim)
        return HeldClaim(key=key, claim=claim, etag=new, renewed=now)
