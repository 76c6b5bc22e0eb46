"""One output kept warm: its planner with the state in memory, and the role as long as nobody else wants it.

The role between folds. Folds of one output are up to 60 s apart and less than a time to live (90 s) lies between them,
so a role that each fold renews when a heartbeat is due never expires while the run goes on, and nothing has to beat in
between. A run that nobody works on is not folded, and so causes no request at all: its role lapses, which harms nobody,
because whoever comes next under the same Lease takes it over at once, and anybody else after a time to live.
"""

import asyncio
from dataclasses import dataclass, field, replace

from dart_k8s.api import Synthesis, differences
from dart_k8s.errors import Conflict
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET, PLANNER
from dart_k8s.ledger.state import BudgetState, Phase
from dart_k8s.reconcile.progress import Progress
from dart_k8s.workers import record
from dart_k8s.workers.access import Access, Tell, silent
from dart_k8s.workers.draft import wants_more
from dart_k8s.workers.holders import claims_of
from dart_k8s.workers.planner import Planner
from dart_k8s.workers.snapshot import Snapshot
from dart_k8s.workers.translate import goal_of, planner_settings

from .summary import Pace, progress_of

MOST_TURNS = 4
"""Of one fold: a turn that moved the phase on is followed by another one."""
TRIES = 3
"""To get a word in between other writers."""


@dataclass(slots=True, kw_only=True)
class Warm:
    """See the module."""

    access: Access
    planner: Planner
    declared: Synthesis
    """What the run's record says now."""
    queries: int
    _pace: Pace = field(default_factory=Pace)
    _nonce: str = ""
    _changed_at: float = 0.0
    _closed: Progress | None = None
    """What there was to say when the run was over: it is said again without any request."""

    @classmethod
    async def open(cls, access: Access, synthesis: Synthesis, *, lease: str, tell: Tell = silent) -> "Warm | None":
        """An output's planner; None if nothing was prepared there. Raises SpecChanged, OutputOwned, store errors."""
        store = access.store
        found = await access.call(record.read, store)
        if found is None:
            return None
        await access.call(record.continued, store, found[0], _keeping_service(synthesis, found[0].synthesis))
        snapshot = await access.call(Snapshot.load, store)
        claims = synthesis.spec.claims
        planner = Planner(
            access=access,
            claims=claims_of(
                access, "planner", heartbeat=claims.heartbeat_seconds, ttl=claims.ttl_seconds, lease=lease
            ),
            goal=goal_of(synthesis),
            own=snapshot.own_targets,
            rates=snapshot.fixed_rates,
            tell=tell,
        )
        made = cls(access=access, planner=planner, declared=found[0].synthesis, queries=len(snapshot))
        made._changed_at = asyncio.get_running_loop().time()
        return made

    async def fold(self, synthesis: Synthesis, *, samplers: int) -> Progress:
        """Follow the declaration, fold and plan once, and say where the run stands."""
        await self._follow(synthesis, samplers)
        if self._closed is not None:
            return self._closed
        current, own, note = await self._turns()
        now = asyncio.get_running_loop().time()
        changed = current.nonce != self._nonce
        if changed:
            self._nonce, self._changed_at = current.nonce, now
        progress = progress_of(self.planner, current, own=own)
        self._pace.note(now, progress.trials)
        progress = replace(
            progress,
            trials_per_second=round(self._pace.rate, 3),
            note=". ".join(part for part in (note, progress.note) if part),
            changed=changed,
            last_change=round(now - self._changed_at, 3),
        )
        if current.phase is Phase.CLOSED:
            await self.planner.give_role()
            self._closed = replace(progress, changed=False, trials_per_second=0.0)
        return progress

    async def give_back(self) -> None:
        """Give the role back and let the threads go."""
        try:
            await self.planner.give_role()
        finally:
            self.access.close()

    async def _follow(self, synthesis: Synthesis, samplers: int) -> None:
        """Take over what may change in a declaration while the run goes on, in the run's record too."""
        self.planner.settings = replace(planner_settings(synthesis), samplers=max(1, samplers))
        declared = _keeping_service(synthesis, self.declared)
        if not differences(self.declared, declared) and self.planner.goal == goal_of(synthesis):
            return
        store = self.access.store
        for attempt in range(TRIES):
            found = await self.access.call(record.read, store)
            if found is None:
                break
            declared = _keeping_service(synthesis, found[0].synthesis)
            try:
                await self.access.call(record.go_on, store, *found, declared)
                break
            except Conflict:
                # Somebody else, a prepare of the same declaration for one, was faster.
                if attempt == TRIES - 1:
                    raise
        claims = synthesis.spec.claims
        self.planner.claims.heartbeat, self.planner.claims.ttl = claims.heartbeat_seconds, claims.ttl_seconds
        self.planner.goal, self.declared, self._closed = goal_of(synthesis), declared, None

    async def _turns(self) -> tuple[BudgetState, bool, str]:
        """Fold and plan; the state, whether it is this process that plans, and what a user should know."""
        planner = self.planner
        if not planner.has_role:
            current = await self._look()
            if current.phase is Phase.CLOSED and not wants_more(current, planner.goal, planner.own, planner.rates):
                return current, False, ""
        for _ in range(TRIES):
            if not await planner.take_role():
                break
            try:
                await planner.reopen()
                phase: Phase | None = None
                for _ in range(MOST_TURNS):
                    before, phase = phase, await planner.turn()
                    if phase is before or (before is None and phase is Phase.SAMPLING):
                        break
                return planner.known, True, ""
            except Conflict:
                await planner.give_role()
        seen = planner.claims.sightings.get(PLANNER)
        holder = seen.claim.current.holder if seen is not None and seen.claim is not None else "unknown"
        current = await self._look()
        if current.phase is Phase.CLOSED and wants_more(current, planner.goal, planner.own, planner.rates):
            # Whoever has the role may know another goal; by this one the run is not over.
            current = replace(current, phase=Phase.SAMPLING)
        return current, False, f"Waiting for another planner of this output ({holder})"

    async def _look(self) -> BudgetState:
        blob = await self.access.call(self.access.store.get, BUDGET)
        return state.decode(blob.data)


def _keeping_service(synthesis: Synthesis, old: Synthesis) -> Synthesis:
    """The declaration with the address of verifiers that the run has, if it names none: in a cluster the operator gives
    pods an address that a user's own declaration does not have."""
    if synthesis.spec.verifiers.url is not None or old.spec.verifiers.url is None:
        return synthesis
    verifiers = synthesis.spec.verifiers.model_copy(update={"url": old.spec.verifiers.url})
    return synthesis.model_copy(update={"spec": synthesis.spec.model_copy(update={"verifiers": verifiers})})


__all__ = ["Warm"]
