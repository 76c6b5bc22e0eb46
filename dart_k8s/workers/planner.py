"""The planner's role: folds tallies into the budget state and publishes plans. One holder at a time, any process may
try.

Each turn: look at the claims, fetch tallies past the cursors, fold, fit the prior, judge all queries, publish a plan
if one is due, write the state by compare-and-swap. A planner that was replaced while it slept loses that swap and
nothing else. Publishing is two steps: the plan's object first, then the state that points at it; a plan that no state
pointed at does not exist.
"""

import asyncio
import secrets
import statistics
from dataclasses import dataclass, field, replace

import numpy as np

from dart_k8s.budget import planning, totals
from dart_k8s.budget.planning import LEAST_SHARD, Counts, Judgement
from dart_k8s.budget.posterior import Floats, Prior, fit
from dart_k8s.budget.replan import Standing, reason_to_plan
from dart_k8s.budget.stops import Stop
from dart_k8s.budget.strategies import Goal
from dart_k8s.errors import Conflict, NotFound
from dart_k8s.ledger import plans, state
from dart_k8s.ledger.claims import Hold
from dart_k8s.ledger.keys import BUDGET, CLAIMS, PLANNER, ShardName
from dart_k8s.ledger.plans import Plan
from dart_k8s.ledger.state import BudgetState, Held, Ints, Phase

from .access import Access, Tell, silent
from .claiming import Claims, HeldClaim
from .draft import assemble, counts_of, judged_state, no_rows, unknown, wants_more
from .intake import Intake, swept_by


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerSettings:
    """How a planner works; times in seconds."""

    samplers: int = 1
    """Samplers expected to take part: how many shards a plan is cut into."""
    shard_seconds: float = 120.0
    shard_trials: int | None = None
    """Trials of a shard; None: as many as a sampler makes in `shard_seconds`."""
    first_shard_trials: int = 1024
    """As long as no sampler has said how fast it is."""
    interval: float = 2.0
    longest_interval: float = 60.0
    role_poll: float = 5.0


@dataclass(slots=True)
class Planner:
    """See the module. `own` (targets of sources) and `rates` (fixed pass rates, NaN: none) have shape (Q,)."""

    access: Access
    claims: Claims
    goal: Goal
    own: Ints
    rates: Floats
    settings: PlannerSettings = field(default_factory=PlannerSettings)
    tell: Tell = silent
    state: BudgetState | None = None
    remaining: float = 0.0
    """Trials that are expected to come, those of live claims included."""
    _etag: str = ""
    _eyes: Intake | None = None
    _role: HeldClaim | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """End `run` after the turn under way."""
        self._stop.set()

    async def run(self) -> Phase:
        """Hold the role (or wait for it) until the state is closed or `stop` is called; the phase then."""
        phase = Phase.SAMPLING
        while not self._stop.is_set():
            if self._role is None and not await self.take_role():
                phase = await self._watch()
                if phase is Phase.CLOSED:
                    return phase
                continue
            began = asyncio.get_running_loop().time()
            try:
                phase = await self.turn()
            except Conflict:
                self.tell("planner-replaced")
                await self.give_role()
                continue
            if phase is Phase.CLOSED:
                break
            spent = asyncio.get_running_loop().time() - began
            await self._pause(min(self.settings.longest_interval, max(self.settings.interval, 10 * spent)))
        await self.give_role()
        return phase

    # The role

    async def take_role(self) -> bool:
        """Take the role and read the state; False if another process has it. NotFound if there is no run (any more)."""
        if self._role is not None:
            return True
        await self.claims.survey(PLANNER)
        held = await self.claims.take(PLANNER, "planner")
        if held is None:
            return False
        self._role = held
        try:
            blob = await self.access.call(self.access.store.get, BUDGET)
        except NotFound:
            # The output was deleted meanwhile: nothing of ours stays behind in it.
            self._role = None
            await self.access.call(self.access.store.delete, PLANNER)
            raise
        loaded = state.decode(blob.data)
        self.state, self._etag = loaded, blob.etag
        self._intake().forget()
        if loaded.phase is not Phase.CLOSED:
            try:
                # Written at once: two planners of one epoch would give their plans the same name.
                await self._write(replace(loaded, epoch=loaded.epoch + 1))
            except Conflict:
                await self.give_role()
                return False
            self.tell("planner", epoch=self._known().epoch)
        return True

    async def give_role(self) -> None:
        """Give the role back, if this process has it."""
        role, self._role = self._role, None
        if role is not None:
            await self.claims.close(role, Hold.RELEASED, 0)

    async def reopen(self) -> bool:
        """Go on with a closed run of which the goal wants more; whether it does. Needs the role."""
        current = self._known()
        if current.phase is not Phase.CLOSED or not wants_more(current, self.goal, self.own, self.rates):
            return False
        await self._write(replace(current, phase=Phase.SAMPLING, epoch=current.epoch + 1))
        return True

    @property
    def has_role(self) -> bool:
        """Whether this process plans, as far as it knows."""
        return self._role is not None

    @property
    def known(self) -> BudgetState:
        """The state as of the last turn. RuntimeError before the role was ever taken."""
        return self._known()

    @property
    def plan(self) -> Plan | None:
        """The plan in force; None before the first."""
        return None if self.state is None or self.state.plan is None else self._intake().plans.get(self.state.plan)

    @property
    def aside(self) -> frozenset[str]:
        """Shards that this planner saw set aside."""
        return frozenset(self._intake().aside)

    @property
    def holds(self) -> dict[int, Hold | None]:
        """How each shard of the plan in force is held that anybody ever claimed; None: not read, so somebody's."""
        if self.state is None or self.state.plan is None:
            return {}
        seen = {key: self.claims.sightings[key].claim for key in self._intake().claimed(self.state.plan)}
        return {
            ShardName.parse(key.removeprefix(CLAIMS)).shard: None if claim is None else claim.current.hold
            for key, claim in seen.items()
        }

    async def _watch(self) -> Phase:
        """Another process plans: keep the state for showing, and wait."""
        blob = await self.access.call(self.access.store.get, BUDGET)
        self.state = state.decode(blob.data)
        if self.state.phase is not Phase.CLOSED:
            await self._pause(self.settings.role_poll)
        return self.state.phase

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return

    async def _renew_role(self) -> None:
        role = self._role
        now = asyncio.get_running_loop().time()
        if role is not None and now - role.renewed >= self.claims.heartbeat:
            await self.claims.renew(role)
            if role.lost:
                raise Conflict("Cannot go on planning: another process has taken the role over.")

    # One turn

    async def turn(self) -> Phase:
        """Fold, judge, plan, write; the phase afterwards. Conflict: another planner has written meanwhile."""
        await self._renew_role()
        if self._known().phase is Phase.CLOSED:
            return Phase.CLOSED
        current = await self._observe(self._known())
        current = await self._plan(current)
        if current is not self._known():
            await self._write(current)
        return self._known().phase

    async def _observe(self, before: BudgetState) -> BudgetState:
        """The state with all that happened since, and the prior that follows from it."""
        current = await self._intake().observe(before)
        # The prior is a function of the counts alone: no new verdicts, no new fit.
        if not current.weights or current.table.trials is not before.table.trials:
            start = Prior.of(current.weights) if current.weights else None
            fitted = fit(current.table.correct, current.table.trials, start=start)
            current = replace(current, weights=tuple(float(w) for w in fitted.weights))
        return current

    def _intake(self) -> Intake:
        if self._eyes is None:
            self._eyes = Intake(access=self.access, claims=self.claims, kind=self.goal.kind)
        return self._eyes

    def _counts(self, current: BudgetState) -> Counts:
        return counts_of(current, self.goal.kind, own=self.own, rates=self.rates)

    def _known(self) -> BudgetState:
        if self.state is None:
            raise RuntimeError("the planner has no state before it has the role")
        return self.state

    async def _write(self, new: BudgetState) -> None:
        new = replace(new, nonce=secrets.token_hex(8))
        self._etag = await self.access.call(self.access.store.put_if_match, BUDGET, state.encode(new), self._etag)
        self.state = new

    # Plans

    async def _plan(self, current: BudgetState) -> BudgetState:
        """Judge all queries; publish a plan if one is due; move the phase on when nothing is open."""
        prior = Prior.of(current.weights)
        counts = self._counts(current)
        goal, judged, need, allowance, expected = self._demand(current, prior, counts)
        live_expected = np.minimum(counts.live_trials, counts.live_need / np.maximum(judged.pass_rate, 1e-3))
        self.remaining = float(expected.sum() + live_expected.sum())
        live = bool((current.held == Held.LIVE).any())
        unswept = bool((current.held == Held.LOST).any())
        if goal.total is not None and not live and not unswept and not allowance.any():
            judged = replace(judged, reason=np.where(judged.reason == Stop.OPEN, int(Stop.BUDGET), judged.reason))
        current = judged_state(current, judged)
        is_open = bool((judged.reason == Stop.OPEN).any())
        phase = Phase.SAMPLING if is_open else Phase.SEALING
        if not is_open and not live and bool((current.held == Held.SEALED).all()):
            if await self._claimable(current):
                return await self._plan(await self._void(current, "nothing is left to do"))
            return replace(current, phase=Phase.CLOSED)
        if phase is not current.phase:
            current = replace(current, phase=phase)
        sweep = self._intake().to_sweep(current)
        allowance, expected = planning.first_claims(goal, allowance, expected, counts, samplers=self.settings.samplers)
        standing = await self._standing(current, judged, expected, sweep)
        why = reason_to_plan(standing)
        if why is None:
            return current
        if self.goal.total is not None and await self._claimable(current):
            # What a claim that slips through would spend is in no plan's sums: here that could exceed the total.
            return await self._plan(await self._void(current, why))
        shards = self._shard_trials()
        rows = planning.cut(
            goal, need, allowance, expected, counts, shard_trials=shards, samplers=self.settings.samplers,
            seed=current.epoch * 1_000_003 + (0 if current.plan is None else current.plan.number),
        )  # fmt: skip
        plan = assemble(current, goal, prior, counts, rows, self.own, self.rates, sweep)
        return await self._publish(current, plan, why)

    async def _publish(self, current: BudgetState, plan: Plan, why: str) -> BudgetState:
        """The state that points at a new plan; the plan is there once that state is written."""
        await self.access.call(self.access.store.put_if_absent, plan.name.key, plans.encode(plan))
        self._intake().plans[plan.name] = plan
        self.tell("plan", name=str(plan.name), shards=plan.shards, trials=round(sum(plan.expected)), why=why)
        return replace(current, plan=plan.name)

    async def _void(self, current: BudgetState, why: str) -> BudgetState:
        """Put an empty plan in force, then look at the claims again: from now on no sampler can take one unseen."""
        prior, counts = Prior.of(current.weights), self._counts(current)
        plan = assemble(current, self.goal, prior, counts, no_rows(), self.own, self.rates, [])
        await self._write(await self._publish(current, plan, why))
        return await self._observe(self._known())

    async def _claimable(self, current: BudgetState) -> bool:
        """Whether a sampler could take a shard of the plan in force, as of the last look at its claims."""
        if current.plan is None:
            return False
        plan, taken = await self._intake().plan_named(current.plan), self._intake().claimed(current.plan)
        ended = (Hold.DONE, Hold.ASIDE)
        sightings = [self.claims.sightings[key].claim for key in taken]
        return len(taken) < plan.shards or any(c is None or c.current.hold not in ended for c in sightings)

    def _demand(self, current: BudgetState, prior: Prior, counts: Counts) -> tuple[Goal, Judgement, Ints, Ints, Floats]:
        if self.goal.total is None:
            judged = planning.look(self.goal, prior, counts)
            return self.goal, judged, *planning.demand(self.goal, prior, counts, judged)
        left = self.goal.total - int(current.spent().sum()) - int(counts.live_trials.sum()) - unknown(current)
        least = LEAST_SHARD * self.settings.samplers
        stage = totals.stage(self.goal, prior, counts, left=left, least=least)
        return totals.scaled(self.goal, stage.scale), stage.judged, stage.need, stage.allowance, stage.expected

    async def _standing(self, current: BudgetState, judged: Judgement, expected: Floats, sweep: list[str]) -> Standing:
        plan = None if current.plan is None else await self._intake().plan_named(current.plan)
        unclaimed: set[int] = set()
        stopped = 0.0
        if plan is not None:
            claimed = {ShardName.parse(key.removeprefix(CLAIMS)).shard for key in self._intake().claimed(plan.name)}
            unclaimed = set(range(plan.shards)) - claimed
            for shard in unclaimed & set(range(plan.sampling_shards)):
                rows = plan.rows(shard)
                reasons = judged.reason[plan.grants.query[rows]]
                stopped += plan.expected[shard] * float((reasons != Stop.OPEN).mean())
        named = {name for at in unclaimed if plan and at >= plan.sampling_shards for name in swept_by(plan, at)}
        named |= self._intake().being_swept(current)
        trials = sum(plan.expected[s] for s in unclaimed if s < plan.sampling_shards) if plan else 0.0
        return Standing(
            planned=plan is not None,
            unclaimed_shards=len(unclaimed),
            unclaimed_trials=float(trials),
            demand=float(expected.sum()),
            samplers=self.settings.samplers,
            stopped_trials=stopped,
            sweeps=len([name for name in sweep if name not in named]),
            least=float(LEAST_SHARD),
        )

    def _shard_trials(self) -> int:
        if self.settings.shard_trials is not None:
            return self.settings.shard_trials
        if not self._intake().speeds:
            return self.settings.first_shard_trials
        recent = list(self._intake().speeds.values())[-64:]
        return max(LEAST_SHARD, round(statistics.median(recent) * self.settings.shard_seconds))
