"""`dart reverify`: a new generation of verdicts on everything that a run has written, and its state made from it.

    1  the planner's role: nobody else writes the state meanwhile
    2  in a run that is not finished: an empty plan, and the end of all claims, so that nothing more is written
    3  a mark of the generation; the verdicts on each segment as one object, those that are there already left alone
    4  the state from these verdicts: one compare-and-swap; from here on the new generation is in force
    5  the run's record, which says the version too

Killed anywhere before 4, the old state is in force, and the same command goes on with the verdicts that are written.
Killed after it, the same command does 5. Nothing of an older generation is changed or deleted.
"""

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from dart_k8s import __version__
from dart_k8s.budget.posterior import Prior
from dart_k8s.edges.store import open_store
from dart_k8s.errors import Conflict, NotFound, RunError
from dart_k8s.ledger import generations, plans, segments, state
from dart_k8s.ledger.claims import Hold
from dart_k8s.ledger.generations import Said
from dart_k8s.ledger.keys import BUDGET, PLANNER, RUN, SEGMENTS, AttemptName, PlanName, sequence_of
from dart_k8s.ledger.segments import Row
from dart_k8s.ledger.state import BudgetState, Held, Phase

from . import record
from .access import Access, Tell, silent
from .claiming import Claims, HeldClaim
from .draft import assemble, counts_of, no_rows
from .holders import claims_of
from .judging import Judge
from .rebuilding import Written, rebuilt
from .record import RunRecord
from .recovery import tally_orphans
from .snapshot import Snapshot
from .translate import goal_of
from .verification import Verifier

AT_ONCE = 4
"""Segments in hand: some thousand responses, which is enough for many cores, and bounded in memory."""
LOOK_SECONDS = 1.0
"""Between two looks at claims that have to end."""
PATIENCE = 1.5
"""Times the time to live for which a silent process is waited for; one that is alive shows it by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejudged:
    """What came of it."""

    before: str
    """Version of the verdicts so far."""
    after: str
    generation: int
    fresh: int
    """Responses judged by this process; 0: nothing was left to judge."""
    changed: Counter[tuple[str, str]]
    """(verdict before, verdict now) -> trials."""
    state: BudgetState


@dataclass(slots=True, kw_only=True)
class Rejudging:
    """One run on its way to another generation of verdicts."""

    access: Access
    verifier: Verifier
    """Gives the verdicts, and says their version."""
    again: bool = False
    """Also when the verdicts are of this version already."""
    patience: float = 900.0
    """Seconds for which a verifier that is out of order is waited for."""
    tell: Tell = silent
    progress: Callable[[int, int], None] = lambda done, total: None
    """Called with responses judged so far, and segments left."""
    _claims: Claims = field(init=False)
    _done: int = 0

    async def run(self) -> Rejudged | None:
        """Do it, or what is left of it; None if there is nothing to do.

        Raises RunError while other processes work on the run, SpecError, StoreError, VerifierError.
        """
        found = await self.access.call(record.need, self.access.store)
        settings = found.synthesis.spec.claims
        self._claims = claims_of(
            self.access, "reverify", heartbeat=settings.heartbeat_seconds, ttl=settings.ttl_seconds
        )
        role = await self._take_role()
        beat = asyncio.create_task(self._beat(role))
        work = asyncio.create_task(self._work(found))
        try:
            await asyncio.wait({beat, work}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                beat.result()
            return await work
        finally:
            for task in (beat, work):
                task.cancel()
            await asyncio.gather(beat, work, return_exceptions=True)
            await self._claims.close(role, Hold.RELEASED, 0)

    async def _work(self, found: RunRecord) -> Rejudged | None:
        blob = await self.access.call(self.access.store.get, BUDGET)
        current = state.decode(blob.data)
        if current.verifier == self.verifier.version and not self.again:
            await self._record()
            return None
        snapshot = await asyncio.to_thread(Snapshot.load, self.access.store)
        await asyncio.to_thread(self._look_at_earlier, found)
        etag = blob.etag
        if current.phase is not Phase.CLOSED:
            current, etag = await self._quiet(current, etag, found, snapshot)
        generation = await self._mark(current)
        written = await self._survey(current)
        await self._judge_all(generation, written, snapshot)
        new, changed = await rebuilt(
            self.access,
            current,
            written,
            generation=generation,
            verifier=self.verifier.version,
            found=found,
            snapshot=snapshot,
        )
        new = replace(new, epoch=current.epoch + 1, nonce=secrets.token_hex(8))
        try:
            await self.access.call(self.access.store.put_if_match, BUDGET, state.encode(new), etag)
        except Conflict as error:
            raise RunError(
                "Another process has changed the run's state meanwhile.",
                remedy="Run the same command again: the verdicts are kept.",
            ) from error
        await self._record()
        return Rejudged(
            before=current.verifier,
            after=self.verifier.version,
            generation=generation,
            fresh=self._done,
            changed=changed,
            state=new,
        )

    def _look_at_earlier(self, found: RunRecord) -> None:
        """Say which earlier pools have verdicts of another version: their correct responses count as they stand."""
        for uri in found.synthesis.spec.pool.from_:
            earlier = record.read(open_store(uri))
            if earlier is not None and earlier[0].verifier != self.verifier.version:
                self.tell("earlier-pool", uri=uri, verifier=earlier[0].verifier, way_out="dart reverify it first")

    # Alone at work

    async def _take_role(self) -> HeldClaim:
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE * self._claims.ttl
        told = False
        while True:
            await self._claims.survey(PLANNER)
            held = await self._claims.take(PLANNER, "planner")
            if held is not None:
                return held
            if loop.time() > end:
                raise RunError(
                    "Another process plans this run.", remedy="Stop its `dart run`, or wait until it is finished."
                )
            if not told:
                self.tell("step", step="waiting for another process to leave the run")
                told = True
            await asyncio.sleep(LOOK_SECONDS)

    async def _beat(self, role: HeldClaim) -> None:
        while True:
            await asyncio.sleep(self._claims.heartbeat)
            await self._claims.renew(role)
            if role.lost:
                raise RunError("Another process has taken the planner's role.", remedy="Run the same command again.")

    async def _quiet(
        self, current: BudgetState, etag: str, found: RunRecord, snapshot: Snapshot
    ) -> tuple[BudgetState, str]:
        """An empty plan in force, so that no sampler finds work, and the end of all claims on earlier ones."""
        goal = goal_of(found.synthesis)
        current = replace(current, epoch=current.epoch + 1)
        own, rates = snapshot.own_targets, snapshot.fixed_rates
        counts = counts_of(current, goal.kind, own=own, rates=rates)
        plan = assemble(current, goal, Prior.of(current.weights), counts, no_rows(), own, rates, [])
        store = self.access.store
        await self.access.call(store.put_if_absent, plan.name.key, plans.encode(plan))
        earlier = current.plan
        current = replace(current, plan=plan.name, nonce=secrets.token_hex(8))
        etag = await self.access.call(store.put_if_match, BUDGET, state.encode(current), etag)
        names = {AttemptName.parse(a).shard.plan for a, held in zip(current.attempts, current.held, strict=True)
                 if held != Held.SEALED}  # fmt: skip
        await self._claims_end(sorted(names | ({earlier} if earlier else set())))
        return current, etag

    async def _claims_end(self, names: Sequence[PlanName]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE * self._claims.ttl
        told = False
        while True:
            live = []
            for name in names:
                for key in await self._claims.survey(name.claims):
                    claim = await self._claims.read(key)
                    if claim is not None and claim.current.hold is Hold.LIVE and not self._claims.expired(key):
                        live.append(claim.current.holder)
            if not live:
                return
            if loop.time() > end:
                raise RunError(
                    f"Samplers are at work on this run: {', '.join(sorted(set(live))[:3])}.",
                    remedy="Stop its `dart run`, then run the same command again.",
                )
            if not told:
                self.tell("step", step="waiting for samplers to leave the run")
                told = True
            await asyncio.sleep(LOOK_SECONDS)

    # Verdicts

    async def _mark(self, current: BudgetState) -> int:
        """The number of the generation: one that was begun and not finished by this version, else a new one."""
        number = current.generation
        data = json.dumps({"format": generations.FORMAT, "verifier": self.verifier.version}).encode()
        while True:
            number += 1
            try:
                await self.access.call(self.access.store.put_if_absent, generations.mark_of(number), data)
                return number
            except Conflict:
                mark = await self.access.call(self.access.store.get, generations.mark_of(number))
                if json.loads(mark.data).get("verifier") == self.verifier.version:
                    return number

    async def _survey(self, current: BudgetState) -> list[Written]:
        """All attempts in launch order, and how many segments of each count."""
        store = self.access.store
        keys = await self.access.call(lambda: [entry.key for entry in store.list(SEGMENTS)])
        there: dict[str, set[int]] = {}
        for key in keys:
            there.setdefault(key.removeprefix(SEGMENTS).rpartition("/")[0], set()).add(sequence_of(key))
        made = []
        known = current.attempt_index()
        for name in [*current.attempts, *sorted(there.keys() - known.keys())]:
            numbers = there.get(name, set())
            sealed = name in known and current.held[known[name]] == Held.SEALED
            whole = next(number for number in range(len(numbers) + 1) if number not in numbers)
            count = int(current.cursor[known[name]]) if sealed else whole
            if not set(range(count)) <= numbers:
                raise RunError(
                    f"Cannot reverify {store.uri}: segments of attempt {name} are missing, {count} are counted.",
                    remedy="Was something deleted under pool/segments? Restore it from a backup or a bucket version.",
                )
            if not sealed and count:
                await tally_orphans(self.access, AttemptName.parse(name))
            of = current.generation if name in known and known[name] < current.rejudged else 0
            made.append(Written(name=name, segments=count, generation=of))
        return made

    async def _judge_all(self, generation: int, written: Sequence[Written], snapshot: Snapshot) -> None:
        store = self.access.store
        prefix = generations.prefix_of(generation)
        there = set(await self.access.call(lambda: [entry.key for entry in store.list(prefix)]))
        left = [
            (AttemptName.parse(one.name), sequence)
            for one in written
            for sequence in range(one.segments)
            if generations.key_of(generation, AttemptName.parse(one.name), sequence) not in there
        ]
        waiting = iter(left)
        open_ = len(left)

        async def some() -> None:
            nonlocal open_
            for attempt, sequence in waiting:
                await self._segment(generation, attempt, sequence, snapshot)
                open_ -= 1
                self.progress(self._done, open_)

        tasks = [asyncio.create_task(some()) for _ in range(AT_ONCE)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _segment(self, generation: int, attempt: AttemptName, sequence: int, snapshot: Snapshot) -> None:
        key = attempt.segment(sequence)
        blob = await self.access.call(self.access.store.get, key)
        rows = segments.read_segment(blob.data, key=key)
        judge = Judge(
            verifier=self.verifier,
            query=snapshot.query,
            reference=snapshot.reference,
            patience=self.patience,
            tell=self.tell,
        )

        async def said(row: Row) -> Said:
            if not generations.has_response(row):
                return Said()
            found = await judge.judge(row)
            return Said(verdict=found.verdict, reason=found.reason, answer=found.answer, tier=found.tier)

        data = generations.encode(await asyncio.gather(*map(said, rows)), verifier=self.verifier.version)
        try:
            await self.access.call(
                self.access.store.put_if_absent, generations.key_of(generation, attempt, sequence), data
            )
        except Conflict:
            return  # another process of this version was faster, or a write of ours was heard twice
        self._done += sum(map(generations.has_response, rows))

    async def _record(self) -> None:
        """The run's record says the version too."""
        store = self.access.store
        while True:
            found = await self.access.call(record.read, store)
            if found is None or found[0].verifier == self.verifier.version:
                return
            new = replace(found[0], verifier=self.verifier.version, program=__version__)
            try:
                await self.access.call(store.put_if_match, RUN, record.encode(new), found[1])
                return
            except (Conflict, NotFound):
                continue
