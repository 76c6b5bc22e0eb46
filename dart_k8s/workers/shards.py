"""Taking shards: which one, what earlier attempts at it left, and what is to be done with it."""

import hashlib
from dataclasses import dataclass

from dart_k8s.budget.posterior import Prior
from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.ledger import plans
from dart_k8s.ledger.claims import Hold
from dart_k8s.ledger.keys import BUDGET, AttemptName, PlanName, ShardName
from dart_k8s.ledger.plans import Plan
from dart_k8s.ledger.segments import Row
from dart_k8s.ledger.state import Phase, pointer

from .access import Access, Tell
from .claiming import Claims, HeldClaim
from .recovery import pending_rows, tally_orphans, written_rows
from .work import Line, Work, carry_on, lines_of

HEAD = 65536
"""Bytes of the budget state's object that hold its header."""

POISON = 3
"""Attempts at a shard without any result after which it is set aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A shard that this sampler holds."""

    work: Work
    held: HeldClaim
    pending: list[Row]
    """Trials of earlier attempts that have no verdict, each naming its attempt."""


class Shards:
    """The plan in force as this sampler knows it, and its claims on it."""

    def __init__(self, access: Access, claims: Claims, tell: Tell) -> None:
        self._access = access
        self._claims = claims
        self._tell = tell
        self._plan: Plan | None = None
        self._goal: Goal | None = None
        self._prior: Prior | None = None
        self.closed = False
        """Whether the run was seen to be over."""
        self.taken: HeldClaim | None = None
        """A claim on the way to become a work: to be released if that is interrupted."""

    async def take(self) -> Taken | None:
        """One shard of the plan in force; None if there is none to be had now."""
        name = await self._look()
        if name is None or self._plan is None:
            return None
        seen = await self._claims.survey(name.claims)
        absent = [s for s in self._order() if ShardName(name, s).claim not in seen]
        for shard in absent[:8]:
            if (taken := await self._start(ShardName(name, shard))) is not None:
                return taken
        if absent:
            return None
        for key in seen:
            claim = await self._claims.read(key) if self._claims.resting(key) else None
            if claim is None or not (claim.free or (claim.current.hold is Hold.LIVE and self._claims.expired(key))):
                continue
            if (taken := await self._start(ShardName.parse(claim.name))) is not None:
                return taken
        return None

    async def _look(self) -> PlanName | None:
        """The plan in force, read anew; notices the end of the run."""
        blob = await self._access.call(self._access.store.get_range, BUDGET, 0, HEAD)
        phase, name, _ = pointer(blob.data)
        if phase is Phase.CLOSED:
            self.closed = True
            return None
        if name is not None and (self._plan is None or self._plan.name != name):
            data = (await self._access.call(self._access.store.get, name.key)).data
            self._plan = plans.decode(data, key=name.key)
            self._goal = Goal(**{**self._plan.goal, "kind": Kind(self._plan.goal["kind"])})
            self._prior = Prior.of(self._plan.weights)
        return name

    def _order(self) -> list[int]:
        """Shards in an order of this sampler's own, so that samplers do not all reach for the same one."""
        count = 0 if self._plan is None else self._plan.shards
        turn = int.from_bytes(hashlib.blake2b(self._claims.holder.encode(), digest_size=4).digest(), "big")
        return [(turn + step) % count for step in range(count)]

    async def _start(self, shard: ShardName) -> Taken | None:
        known = self._claims.sightings.get(shard.claim)
        previous = None if known is None else known.claim
        failed = False
        if previous is not None and previous.current.hold is Hold.LIVE:
            last = AttemptName(shard, previous.attempt)
            failed = not await self._access.call(lambda: next(iter(self._access.store.list(last.segments)), None))
            if failed and previous.failures + 1 >= POISON:
                self._tell("set-aside", shard=str(shard), attempts=previous.failures + 1)
                await self._claims.set_aside(shard.claim)
                return None
        held = self.taken = await self._claims.take(shard.claim, str(shard), failed=failed)
        if held is None:
            return None
        if await self._look() != shard.plan:
            await self._claims.close(held, Hold.RELEASED, 0)
            self.taken = None
            return None
        if self._plan is None or self._prior is None or self._goal is None:
            return None
        earlier = [AttemptName(shard, attempt) for attempt in range(held.claim.attempt)]
        if shard.shard >= self._plan.sampling_shards:
            names = self._plan.sweep[shard.shard - self._plan.sampling_shards]
            earlier += [AttemptName.parse(name) for name in names]
            lines: list[Line] = []
        else:
            lines = lines_of(self._plan, shard.shard, self._prior, self._goal)
        history = await self._history(earlier)
        if lines and history:
            lines = carry_on(lines, [rows for _, rows in history], self._prior, self._goal)
        work = Work(str(AttemptName(shard, held.claim.attempt)), lines)
        self._tell("claimed", shard=work.name, queries=len(work.lines), takeover=held.claim.attempt)
        return Taken(work=work, held=held, pending=pending_rows(history))

    async def _history(self, attempts: list[AttemptName]) -> list[tuple[AttemptName, list[Row]]]:
        """What earlier attempts wrote, after tallying what they could not."""
        history = []
        for attempt in attempts:
            await tally_orphans(self._access, attempt)
            history.append((attempt, await written_rows(self._access, attempt)))
        return history
