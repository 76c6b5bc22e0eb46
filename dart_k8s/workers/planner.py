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
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from dart_k8s.budget import planning, totals
from dart_k8s.budget.planning import LEAST_SHARD, Counts, Judgement
from dart_k8s.budget.posterior import Floats, Prior, fit
from dart_k8s.budget.replan import Standing, reason_to_plan
from dart_k8s.budget.stops import Stop
from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.errors import Conflict
from dart_k8s.ledger import fold as folding
from dart_k8s.ledger import plans, segments, state
from dart_k8s.ledger.claims import Claim, Hold
from dart_k8s.ledger.fold import Arrival
from dart_k8s.ledger.keys import BUDGET, PLANNER, AttemptName, PlanName, ShardName, sequence_of
from dart_k8s.ledger.plans import Grants, Plan
from dart_k8s.ledger.state import BudgetState, Held, Ints, Phase, Table

from .access import Access, Tell, silent
from .claiming import Claims, HeldClaim

POISON = 3
"""Attempts in a row without a result after which a query is set aside."""

REFUSED = 16
"""Requests of a query that the engine refused, above which it is set aside if they are over four fifths of all."""

AT_ONCE = 16
"""Requests to the store under way at a time."""


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
    _plans: dict[PlanName, Plan] = field(default_factory=dict)
    _speeds: dict[str, float] = field(default_factory=dict)
    _ended: dict[str, float] = field(default_factory=dict)
    _settled: set[PlanName] = field(default_factory=set)
    """Plans whose claims were looked at after another plan had replaced them: no further claim will be worked on."""
    _role: HeldClaim | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """End `run` after the turn under way."""
        self._stop.set()

    async def run(self) -> Phase:
        """Hold the role (or wait for it) until the state is closed or `stop` is called; the phase then."""
        phase = Phase.SAMPLING
        while not self._stop.is_set():
            if self._role is None and not await self._take_role():
                phase = await self._watch()
                if phase is Phase.CLOSED:
                    return phase
                continue
            began = asyncio.get_running_loop().time()
            try:
                phase = await self.turn()
            except Conflict:
                self.tell("planner-replaced")
                await self._give_role()
                continue
            if phase is Phase.CLOSED:
                break
            spent = asyncio.get_running_loop().time() - began
            await self._pause(min(self.settings.longest_interval, max(self.settings.interval, 10 * spent)))
        await self._give_role()
        return phase

    # The role

    async def _take_role(self) -> bool:
        await self.claims.survey(PLANNER)
        held = await self.claims.take(PLANNER, "planner")
        if held is None:
            return False
        self._role = held
        blob = await self.access.call(self.access.store.get, BUDGET)
        loaded = state.decode(blob.data)
        self.state, self._etag = loaded, blob.etag
        self._settled.clear()
        if loaded.phase is not Phase.CLOSED:
            try:
                # Written at once: two planners of one epoch would give their plans the same name.
                await self._write(replace(loaded, epoch=loaded.epoch + 1))
            except Conflict:
                await self._give_role()
                return False
            self.tell("planner", epoch=self._known().epoch)
        return True

    async def _give_role(self) -> None:
        if self._role is not None:
            await self.claims.close(self._role, Hold.RELEASED, 0)
        self._role = None

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
        """The state with all that happened since: claims, tallies, ends, seals, and the prior that follows."""
        current, seen = await self._see_claims(before)
        current = await self._fetch(current)
        for claim, plan, expired in seen:
            current = await self._see_ends(current, plan, claim, expired=expired)
        current = self._seal(current)
        # The prior is a function of the counts alone: no new verdicts, no new fit.
        if not current.weights or current.table.trials is not before.table.trials:
            start = Prior.of(current.weights) if current.weights else None
            fitted = fit(current.table.correct, current.table.trials, start=start)
            current = replace(current, weights=tuple(float(w) for w in fitted.weights))
        return current

    def _known(self) -> BudgetState:
        if self.state is None:
            raise RuntimeError("the planner has no state before it has the role")
        return self.state

    async def _write(self, new: BudgetState) -> None:
        new = replace(new, nonce=secrets.token_hex(8))
        self._etag = await self.access.call(self.access.store.put_if_match, BUDGET, state.encode(new), self._etag)
        self.state = new

    async def _see_claims(self, current: BudgetState) -> tuple[BudgetState, list[tuple[Claim, Plan, bool]]]:
        """Take up new attempts; the claims seen, with their plan and whether they have expired."""
        names = {AttemptName.parse(a).shard.plan for a in self._open(current)}
        replaced: PlanName | None = None
        if current.plan is not None:
            names.add(current.plan)
            # A claim can slip through just before its plan is replaced: so each replaced plan is looked at once more.
            replaced = (await self._plan_named(current.plan)).parent
            if replaced is not None and replaced not in self._settled:
                names.add(replaced)
        seen = []
        for name in sorted(names):
            plan = await self._plan_named(name)
            for key in await self.claims.survey(name.claims):
                claim = await self.claims.read(key)
                if claim is not None:
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
                need, allowance = _left(current, shard, number, plan, rows, self.goal.kind)
                query = plan.grants.query[rows]
                current = folding.register(current, name, query=query, need=need, allowance=allowance)
        return current

    async def _see_ends(self, current: BudgetState, plan: Plan, claim: Claim, *, expired: bool) -> BudgetState:
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
                self._ended[str(name)] = asyncio.get_running_loop().time()
            if holding.hold is Hold.DONE and shard.shard >= plan.sampling_shards:
                current = folding.swept(current, self._named(plan, shard.shard))
        return current

    async def _without_result(self, attempt: AttemptName) -> bool:
        store = self.access.store
        return await self.access.call(lambda: next(iter(store.list(attempt.segments)), None)) is None

    async def _fetch(self, current: BudgetState) -> BudgetState:
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
                        self._speeds[name] = tally.waste.rate
                return found

        batches = await asyncio.gather(*(fetch(name) for name in self._open(current)))
        arrivals = [arrival for batch in batches for arrival in batch]
        return folding.fold(current, arrivals) if arrivals else current

    @staticmethod
    def _open(current: BudgetState) -> list[str]:
        return [current.attempts[row] for row in np.flatnonzero(current.held != Held.SEALED)]

    def _seal(self, current: BudgetState) -> BudgetState:
        """Seal attempts of which nothing more is to come."""
        waits = folding.pending(current)
        ready = []
        for row in np.flatnonzero(current.held != Held.SEALED):
            name = current.attempts[row]
            whole = current.held[row] == Held.ENDED and current.cursor[row] == current.segments[row]
            if (whole or current.held[row] == Held.SWEPT) and name not in waits:
                ready.append(name)
        return folding.seal(current, ready) if ready else current

    def _to_sweep(self, current: BudgetState) -> list[str]:
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
        current = _judged(current, judged)
        is_open = bool((judged.reason == Stop.OPEN).any())
        phase = Phase.SAMPLING if is_open else Phase.SEALING
        if not is_open and not live and bool((current.held == Held.SEALED).all()):
            if await self._claimable(current):
                return await self._plan(await self._void(current, "nothing is left to do"))
            return replace(current, phase=Phase.CLOSED)
        if phase is not current.phase:
            current = replace(current, phase=phase)
        sweep = self._to_sweep(current)
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
        plan = _assemble(current, goal, prior, counts, rows, self.own, self.rates, sweep)
        return await self._publish(current, plan, why)

    async def _publish(self, current: BudgetState, plan: Plan, why: str) -> BudgetState:
        """The state that points at a new plan; the plan is there once that state is written."""
        await self.access.call(self.access.store.put_if_absent, plan.name.key, plans.encode(plan))
        self._plans[plan.name] = plan
        self.tell("plan", name=str(plan.name), shards=plan.shards, trials=round(sum(plan.expected)), why=why)
        return replace(current, plan=plan.name)

    async def _void(self, current: BudgetState, why: str) -> BudgetState:
        """Put an empty plan in force, then look at the claims again: from now on no sampler can take one unseen."""
        prior, counts = Prior.of(current.weights), self._counts(current)
        plan = _assemble(current, self.goal, prior, counts, _no_rows(), self.own, self.rates, [])
        await self._write(await self._publish(current, plan, why))
        return await self._observe(self._known())

    async def _claimable(self, current: BudgetState) -> bool:
        """Whether a sampler could take a shard of the plan in force, as of the last look at its claims."""
        if current.plan is None:
            return False
        plan, taken = await self._plan_named(current.plan), self._claimed(current.plan)
        ended = (Hold.DONE, Hold.ASIDE)
        sightings = [self.claims.sightings[key].claim for key in taken]
        return len(taken) < plan.shards or any(c is None or c.current.hold not in ended for c in sightings)

    def _demand(self, current: BudgetState, prior: Prior, counts: Counts) -> tuple[Goal, Judgement, Ints, Ints, Floats]:
        if self.goal.total is None:
            judged = planning.look(self.goal, prior, counts)
            return self.goal, judged, *planning.demand(self.goal, prior, counts, judged)
        left = self.goal.total - int(current.spent().sum()) - int(counts.live_trials.sum()) - self._unknown(current)
        least = LEAST_SHARD * self.settings.samplers
        stage = totals.stage(self.goal, prior, counts, left=left, least=least)
        return totals.scaled(self.goal, stage.scale), stage.judged, stage.need, stage.allowance, stage.expected

    @staticmethod
    def _unused(current: BudgetState) -> Ints:
        """Trials granted and not known to be spent, of each row of `current.live`."""
        live, waiting, size = current.live, current.waiting, current.size
        key = np.searchsorted(live.attempt * size + live.query, waiting.attempt * size + waiting.query)
        waits = np.bincount(key, minlength=live.query.size)[: live.query.size]
        return np.maximum(0, live.allowance - live.counted - waits)

    def _unknown(self, current: BudgetState) -> int:
        """Trials that attempts which fell silent may have written without a tally: known once they are swept."""
        lost = current.held[current.live.attempt] == Held.LOST
        return int(self._unused(current)[lost].sum())

    def _counts(self, current: BudgetState) -> Counts:
        table, live, size = current.table, current.live, current.size
        mine = current.held[live.attempt] == Held.LIVE
        done = live.counted if self.goal.kind is Kind.VANILLA else live.found
        need = np.maximum(0, live.need - done)
        trials = self._unused(current)
        # A claim that has used its trials up brings nothing more, whatever it still needs.
        need = np.where(trials > 0, need, 0)
        return Counts(
            trials=table.trials,
            correct=table.correct,
            distinct=table.distinct,
            singles=table.singles,
            spent=current.spent(),
            live_need=np.bincount(live.query[mine], weights=need[mine], minlength=size).astype(np.int64),
            live_trials=np.bincount(live.query[mine], weights=trials[mine], minlength=size).astype(np.int64),
            aside=_aside(table),
            own=self.own,
            pass_rate=self.rates,
        )

    async def _standing(self, current: BudgetState, judged: Judgement, expected: Floats, sweep: list[str]) -> Standing:
        plan = None if current.plan is None else await self._plan_named(current.plan)
        unclaimed: set[int] = set()
        stopped = 0.0
        if plan is not None:
            claimed = {ShardName.parse(key.removeprefix("state/claims/")).shard for key in self._claimed(plan.name)}
            unclaimed = set(range(plan.shards)) - claimed
            for shard in unclaimed & set(range(plan.sampling_shards)):
                rows = plan.rows(shard)
                reasons = judged.reason[plan.grants.query[rows]]
                stopped += plan.expected[shard] * float((reasons != Stop.OPEN).mean())
        named = {name for at in unclaimed if plan and at >= plan.sampling_shards for name in self._named(plan, at)}
        named |= self._being_swept(current)
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

    @staticmethod
    def _named(plan: Plan, shard: int) -> tuple[str, ...]:
        return plan.sweep[shard - plan.sampling_shards]

    def _being_swept(self, current: BudgetState) -> set[str]:
        """Attempts that a live claim on a sweeping shard names."""
        named: set[str] = set()
        for row in np.flatnonzero(current.held == Held.LIVE):
            shard = AttemptName.parse(current.attempts[row]).shard
            plan = self._plans.get(shard.plan)
            if plan is not None and shard.shard >= plan.sampling_shards:
                named |= set(self._named(plan, shard.shard))
        return named

    def _claimed(self, name: PlanName) -> list[str]:
        return [key for key in self.claims.sightings if key.startswith(name.claims)]

    def _shard_trials(self) -> int:
        if self.settings.shard_trials is not None:
            return self.settings.shard_trials
        if not self._speeds:
            return self.settings.first_shard_trials
        recent = list(self._speeds.values())[-64:]
        return max(LEAST_SHARD, round(statistics.median(recent) * self.settings.shard_seconds))

    async def _plan_named(self, name: PlanName) -> Plan:
        if name not in self._plans:
            blob = await self.access.call(self.access.store.get, name.key)
            self._plans[name] = plans.decode(blob.data, key=name.key)
        return self._plans[name]


def _left(
    current: BudgetState, shard: ShardName, number: int, plan: Plan, rows: slice, kind: Kind
) -> tuple[Ints, Ints]:
    """Need and allowance of a shard's rows, less what earlier attempts at it (not sealed yet) found and spent."""
    need, allowance = plan.grants.need[rows].copy(), plan.grants.allowance[rows].copy()
    index = current.attempt_index()
    for earlier in range(number):
        row = index[str(AttemptName(shard, earlier))]
        mine = current.live.attempt == row
        where = np.searchsorted(current.live.query[mine], plan.grants.query[rows])
        if mine.any():
            done = current.live.counted if kind is Kind.VANILLA else current.live.found
            need -= done[mine][where]
            waits = np.bincount(current.waiting.query[current.waiting.attempt == row], minlength=current.size)
            allowance -= current.live.counted[mine][where] + waits[plan.grants.query[rows]]
    return np.maximum(0, need), np.maximum(0, allowance)


def _no_rows() -> planning.Rows:
    none = np.zeros(0, dtype=np.int64)
    return planning.Rows(
        shard=none, query=none, need=none, allowance=none, share=none, expected=np.zeros(0, dtype=np.float64)
    )


def _aside(table: Table) -> Ints:
    """1 where a query ended its samplers, or the engine refused nearly all its requests, shape (Q,)."""
    refused = (table.voids >= REFUSED) & (table.voids > 4 * table.trials)
    return ((table.failures >= POISON) | refused).astype(np.int64)


def _judged(current: BudgetState, judged: Judgement) -> BudgetState:
    """The state with targets and reasons in it; the same object if nothing changed."""
    table = current.table
    if np.array_equal(table.target, judged.target) and np.array_equal(table.reason, judged.reason):
        return current
    return replace(current, table=replace(table, target=judged.target, reason=judged.reason))


def _assemble(
    current: BudgetState,
    goal: Goal,
    prior: Prior,
    counts: Counts,
    rows: planning.Rows,
    own: Ints,
    rates: Floats,
    sweep: list[str],
) -> Plan:
    """A plan from its rows and what is known of their queries."""
    query = rows.query
    fixed = ~np.isnan(rates[query]) if rates.size else np.zeros(query.size, dtype=bool)
    target = np.where((own[query] > 0) | fixed, current.table.target[query], 0)
    ends = np.cumsum(current.table.distinct)
    pieces = []
    for q in query:
        part = slice(int(ends[q] - current.table.distinct[q]), int(ends[q]))
        once = current.once[part]
        pieces += [current.texts[part][once], current.texts[part][~once]]
    number = 1 if current.plan is None else current.plan.number + 1
    expected = np.bincount(rows.shard, weights=rows.expected, minlength=rows.shards)
    return Plan(
        name=PlanName(number, current.epoch),
        parent=current.plan,
        goal=_plain(goal),
        weights=tuple(float(w) for w in prior.weights),
        grants=Grants(
            shard=rows.shard,
            query=query,
            need=rows.need,
            allowance=rows.allowance,
            share=rows.share,
            trials=counts.trials[query],
            correct=counts.correct[query],
            spent=counts.spent[query],
            target=target,
            distinct=current.table.distinct[query],
            singles=current.table.singles[query],
        ),
        texts=np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.uint64),
        expected=tuple(float(e) for e in expected),
        sweep=tuple((name,) for name in sweep),
    )


def _plain(goal: Goal) -> Mapping[str, object]:
    return {**asdict(goal), "kind": goal.kind.value}


def wants_more(current: BudgetState, goal: Goal, own: Ints, rates: Floats) -> bool:
    """Whether a closed run has queries to sample by another goal than the one it was closed under."""
    zeros = np.zeros(current.size, dtype=np.int64)
    table = current.table
    counts = Counts(
        trials=table.trials,
        correct=table.correct,
        distinct=table.distinct,
        singles=table.singles,
        spent=current.spent(),
        live_need=zeros,
        live_trials=zeros,
        aside=_aside(table),
        own=own,
        pass_rate=rates,
    )
    if goal.total is not None and int(current.spent().sum()) >= goal.total:
        return False
    judged = planning.look(goal, Prior.of(current.weights), counts)
    return bool((judged.reason == Stop.OPEN).any())
