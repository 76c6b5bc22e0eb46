"""What happened since the last look: new and ended attempts, and the tallies past the cursors, folded into the
state."""

import asyncio
from dataclasses import dataclass, field

import numpy as np

from dart_k8s.budget.strategies import Kind
from dart_k8s.ledger import fold as folding
from dart_k8s.ledger import plans, segments
from dart_k8s.ledger.claims import Claim, Hold
from dart_k8s.ledger.fold import Arrival
from dart_k8s.ledger.keys import AttemptName, PlanName, ShardName, sequence_of
from dart_k8s.ledger.plans import Plan
from dart_k8s.ledger.state import BudgetState, Held

from .access import Access
from .claiming import Claims
from .draft import left_of_shard

AT_ONCE = 16
"""Requests to the store under way at a time."""


@dataclass(slots=True, kw_only=True)
class Intake:
    """A planner's eyes. What it remembers (plans, speeds, when attempts ended) can be lost: it is found again."""

    access: Access
    claims: Claims
    kind: Kind
    plans: dict[PlanName, Plan] = field(default_factory=dict)
    speeds: dict[str, float] = field(default_factory=dict)
    """Trials a second of the sampler of each attempt, as it last said."""
    aside: set[str] = field(default_factory=set)
    """Shards that were seen set aside."""
    _ended: dict[str, float] = field(default_factory=dict)
    _settled: set[PlanName] = field(default_factory=set)
    """Plans whose claims were looked at after another plan had replaced them: no further claim will be worked on."""

    def forget(self) -> None:
        """Another planner may have written meanwhile: look at replaced plans again."""
        self._settled.clear()

    async def observe(self, before: BudgetState) -> BudgetState:
        """The state with all that happened since: claims, tallies, ends, seals."""
        current, seen = await self.see_claims(before)
        current = await self.fetch(current)
        for claim, plan, expired in seen:
            current = await self.see_ends(current, plan, claim, expired=expired)
        return sealed(current)

    async def see_claims(self, current: BudgetState) -> tuple[BudgetState, list[tuple[Claim, Plan, bool]]]:
        """Take up new attempts; the claims seen, with their plan and whether they have expired."""
        names = {AttemptName.parse(a).shard.plan for a in open_attempts(current)}
        replaced: PlanName | None = None
        if current.plan is not None:
            names.add(current.plan)
            # A claim can slip through just before its plan is replaced: so each replaced plan is looked at once more.
            replaced = (await self.plan_named(current.plan)).parent
            if replaced is not None and replaced not in self._settled:
                names.add(replaced)
        seen = []
        for name in sorted(names):
            plan = await self.plan_named(name)
            for key in await self.claims.survey(name.claims):
                claim = await self.claims.read(key)
                if claim is not None:
                    if claim.current.hold is Hold.ASIDE:
                        self.aside.add(claim.name)
                    current = self._take_up(current, plan, claim)
                    seen.append((claim, plan, self.claims.expired(key)))
        if replaced is not None:
            self._settled.add(replaced)
        return current, seen

    def _take_up(self, current: BudgetState, plan: Plan, claim: Claim) -> BudgetState:
        shard = ShardName.parse(claim.name)
        rows = plan.rows(shard.shard)
        known = current.attempt_index()
        for number in range(len(claim.attempts)):
            name = str(AttemptName(shard, number))
            if name not in known:
                need, allowance = left_of_shard(current, shard, number, plan, rows, self.kind)
                query = plan.grants.query[rows]
                current = folding.register(current, name, query=query, need=need, allowance=allowance)
        return current

    async def see_ends(self, current: BudgetState, plan: Plan, claim: Claim, *, expired: bool) -> BudgetState:
        """Notice ended, silent and swept attempts of a claim, all tallies that they told of being folded."""
        shard = ShardName.parse(claim.name)
        index = current.attempt_index()
        for number, holding in enumerate(claim.attempts):
            name = AttemptName(shard, number)
            row = index[str(name)]
            over = holding.hold is not Hold.LIVE or expired
            if over and current.held[row] == Held.LIVE:
                silent_end = holding.hold in (Hold.LIVE, Hold.LOST, Hold.ASIDE)
                barren = silent_end and current.cursor[row] == 0 and await self._without_result(name)
                current = folding.end(
                    current, str(name), segments=None if silent_end else holding.segments, barren=barren
                )
                ended = asyncio.get_running_loop().time()
                # Of a holder that is gone nothing can come late.
                self._ended[str(name)] = ended - self.claims.ttl if self.claims.is_gone(holding.holder) else ended
            if holding.hold is Hold.DONE and shard.shard >= plan.sampling_shards:
                current = folding.swept(current, swept_by(plan, shard.shard))
        return current

    async def _without_result(self, attempt: AttemptName) -> bool:
        store = self.access.store
        return await self.access.call(lambda: next(iter(store.list(attempt.segments)), None)) is None

    async def fetch(self, current: BudgetState) -> BudgetState:
        """Fold the tallies behind the cursors of all attempts that are not sealed."""
        gate = asyncio.Semaphore(AT_ONCE)
        index = current.attempt_index()

        async def fetch(name: str) -> list[Arrival]:
            attempt, cursor = AttemptName.parse(name), int(current.cursor[index[name]])
            after = attempt.tally(cursor - 1) if cursor else attempt.tallies
            store = self.access.store
            async with gate:
                keys = await self.access.call(lambda: [e.key for e in store.list(attempt.tallies, after)])
                found = []
                for key in keys:
                    blob = await self.access.call(store.get, key)
                    tally = segments.read_tally(blob.data, key=key)
                    found.append(Arrival(attempt=name, sequence=sequence_of(key), tally=tally))
                    if tally.waste.rate:
                        self.speeds[name] = tally.waste.rate
                return found

        batches = await asyncio.gather(*(fetch(name) for name in open_attempts(current)))
        arrivals = [arrival for batch in batches for arrival in batch]
        return folding.fold(current, arrivals) if arrivals else current

    def to_sweep(self, current: BudgetState) -> list[str]:
        """Attempts whose orphans or pending trials nobody has seen to, a time to live after they ended."""
        waits = folding.pending(current)
        now = asyncio.get_running_loop().time()
        due = []
        for row in np.flatnonzero((current.held != Held.SEALED) & (current.held != Held.LIVE)):
            name = current.attempts[row]
            if current.held[row] == Held.LOST:
                if now - self._ended.setdefault(name, now) >= self.claims.ttl:
                    due.append(name)
            elif name in waits:
                due.append(name)
        return due

    def being_swept(self, current: BudgetState) -> set[str]:
        """Attempts that a live claim on a sweeping shard names."""
        named: set[str] = set()
        for row in np.flatnonzero(current.held == Held.LIVE):
            shard = AttemptName.parse(current.attempts[row]).shard
            plan = self.plans.get(shard.plan)
            if plan is not None and shard.shard >= plan.sampling_shards:
                named |= set(swept_by(plan, shard.shard))
        return named

    def claimed(self, name: PlanName) -> list[str]:
        """Keys of the claims on a plan's shards, as of the last look."""
        return [key for key in self.claims.sightings if key.startswith(name.claims)]

    async def plan_named(self, name: PlanName) -> Plan:
        """A plan by its name, kept after the first reading."""
        if name not in self.plans:
            blob = await self.access.call(self.access.store.get, name.key)
            self.plans[name] = plans.decode(blob.data, key=name.key)
        return self.plans[name]


def open_attempts(current: BudgetState) -> list[str]:
    """Attempts that are not sealed."""
    return [current.attempts[row] for row in np.flatnonzero(current.held != Held.SEALED)]


def swept_by(plan: Plan, shard: int) -> tuple[str, ...]:
    """The attempts that a sweeping shard names."""
    return plan.sweep[shard - plan.sampling_shards]


def sealed(current: BudgetState) -> BudgetState:
    """Seal attempts of which nothing more is to come."""
    waits = folding.pending(current)
    ready = []
    for row in np.flatnonzero(current.held != Held.SEALED):
        name = current.attempts[row]
        whole = current.held[row] == Held.ENDED and current.cursor[row] == current.segments[row]
        if (whole or current.held[row] == Held.SWEPT) and name not in waits:
            ready.append(name)
    return folding.seal(current, ready) if ready else current
