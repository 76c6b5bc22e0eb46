"""The sampler: keeps one engine full from the shards it claims, until the synthesis is closed or it is told to stop.

Objects and how long they live:

    Sampler     the process: engine, verifier, slots in use
    Work        one claim: queries, trials in launch order, rows not yet written
    HeldClaim   the claim's object, renewed by the heartbeat

Finished responses go to verification at once; rows are written every few seconds or mebibytes, the segment first, then
its tally, which is the commit. Nothing waits for the store: an outage only makes the buffers grow, until new trials
pause.
"""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from dart_k8s.answers import text_hash
from dart_k8s.edges.engine.base import Engine, Prompt, Request
from dart_k8s.errors import EXIT_CLOSED, EXIT_STOPPED, Conflict, EngineDead, EngineRequestError
from dart_k8s.ledger import segments
from dart_k8s.ledger.claims import Hold
from dart_k8s.ledger.keys import AttemptName
from dart_k8s.ledger.segments import Row

from .access import Access, Tell, silent
from .claiming import Claims, HeldClaim
from .judging import Judge
from .meter import Meter, Standing
from .responding import PlainResponder, Responder, Response
from .shards import Shards
from .verification import Verifier
from .work import Line, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerSettings:
    """How a sampler works; times in seconds."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None
    """Base of per-request seeds; None: the engine has one seed for all."""
    flush_seconds: float = 10.0
    flush_bytes: int = 4 << 20
    poll: float = 2.0
    """Between two looks at the plan when there is nothing to do."""
    idle_timeout: float = 300.0
    verifier_patience: float = 900.0
    """For how long a verifier that is out of order is waited for; its responses are written as pending meanwhile."""
    most_pending: int = 20_000
    """Responses waiting for their verdict or for the store, above which new trials pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problems:
    """The queries snapshot as a sampler needs it; functions of the row number."""

    prompt: Callable[[int], Prompt]
    query: Callable[[int], str]
    reference: Callable[[int], str]


@dataclass(slots=True)
class Sampler:
    """One engine at work on one synthesis. `run` returns the process's exit code."""

    engine: Engine
    verifier: Verifier
    access: Access
    claims: Claims
    settings: SamplerSettings
    problems: Problems
    tell: Tell = silent
    responder: Responder | None = None
    """What makes responses of the engine's completions. Default: each completion is one."""
    _works: dict[str, tuple[Work, HeldClaim]] = field(default_factory=dict)
    _responder: Responder = field(init=False)
    judge: Judge = field(init=False)
    _meter: Meter = field(init=False)
    _shards: Shards = field(init=False)
    _trials: dict[tuple[str, int, int], asyncio.Task[Response]] = field(default_factory=dict)
    _checks: set[asyncio.Task[None]] = field(default_factory=set)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _error: BaseException | None = None

    def __post_init__(self) -> None:
        self._responder = self.responder or PlainResponder(self.engine)
        self.judge = Judge(
            verifier=self.verifier,
            query=self.problems.query,
            reference=self.problems.reference,
            patience=self.settings.verifier_patience,
            tell=self.tell,
        )
        self._meter = Meter(self.engine.counters, self.engine.slots)
        self._shards = Shards(self.access, self.claims, self.tell)

    def stop(self) -> None:
        """Stop admitting, abort, flush, release; `run` then returns EXIT_STOPPED. Safe from a signal handler."""
        self._stopping.set()
        self._wake.set()

    @property
    def standing(self) -> Standing:
        """What it is at. Not from another thread."""
        return self._meter.standing(claims=len(self._works), unsettled=self._unsettled(), verifying=len(self._checks))

    async def run(self) -> int:
        """Work until the state is closed (0), idle for too long or told to stop (75).

        Raises EngineDead, StoreError and the like after having flushed and released what it could.
        """
        self._meter.begin()
        background = [
            asyncio.create_task(self._beat(), name="heartbeat"),
            asyncio.create_task(self._flush_often(), name="flush"),
            asyncio.create_task(self._claim_ahead(), name="claim"),
        ]
        stopping = asyncio.create_task(self._stopping.wait(), name="stop")
        try:
            done, _ = await asyncio.wait([*background, stopping], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in [*background, stopping]:
                task.cancel()
            await asyncio.gather(*background, stopping, return_exceptions=True)
            # An error that ended the run says more than what came of it here, so it is the one that is raised.
            unwritten = await self._leave()
        if unwritten:
            raise unwritten[0]
        return EXIT_CLOSED if self._shards.closed else EXIT_STOPPED

    # Trials

    def _fill(self) -> None:
        """Launch trials until the engine is full or nothing has room, the oldest claim first."""
        if self._stopping.is_set() or self._unsettled() > self.settings.most_pending:
            return
        for work, held in list(self._works.values()):
            if not self.claims.valid(held):
                continue
            while self._has_room() and (trial := work.launch(self.engine.slots)):
                line, place = trial
                self._meter.use(1)
                key = (work.name, line.query, place)
                request = self._request(work, line.query, place)
                task = asyncio.create_task(self._responder.respond(request, self._use))
                self._trials[key] = task
                task.add_done_callback(partial(self._ended, work, line, place))
        if self._has_room():
            self._wake.set()

    def _has_room(self) -> bool:
        """A slot is free. Trials whose code runs hold none, but there are never more of them than slots."""
        return self._meter.running < self.engine.slots and len(self._trials) < 2 * self.engine.slots

    def _use(self, change: int) -> None:
        """A trial leaves the engine while its code runs, and comes back; then the engine queues it if it must."""
        self._meter.use(change)
        if change < 0:
            self._fill()

    def _ended(self, work: Work, line: Line, place: int, task: asyncio.Task[Response]) -> None:
        """A trial ended, one way or another: also one that was aborted before its task had begun."""
        now = asyncio.get_running_loop().time()
        self._meter.use(-1)
        del self._trials[work.name, line.query, place]
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            work.aborted()
        elif isinstance(error, EngineRequestError):
            self.tell("request-refused", query=line.query, error=str(error))
            work.failed(line, place, now)
        elif error is not None:
            work.aborted()
            self._fail(error)
        else:
            response = task.result()
            row = Row(
                query=line.query,
                place=place,
                response=response.text,
                tokens=response.tokens,
                prompt_tokens=response.prompt_tokens,
                finish=response.finish,
                text=text_hash(response.text),
                spans=response.spans,
            )
            work.finished(row, now)
            self._meter.finished(now)
            self._check(work, line, row)
        self._after(work, line)

    def _request(self, work: Work, query: int, place: int) -> Request:
        name = f"{work.name}/{query}/{place}"
        seed = None
        if self.settings.seed is not None:
            digest = hashlib.blake2b(f"{self.settings.seed}/{name}".encode(), digest_size=4).digest()
            seed = int.from_bytes(digest, "big") & 0x7FFFFFFF
        return Request(
            name=name,
            prompt=self.problems.prompt(query),
            max_tokens=self.settings.max_tokens,
            temperature=self.settings.temperature,
            top_p=self.settings.top_p,
            stop=self.settings.stop,
            seed=seed,
        )

    def _check(self, work: Work, line: Line | None, row: Row) -> None:
        task = asyncio.create_task(self._verify(work, line, row))
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    async def _verify(self, work: Work, line: Line | None, row: Row) -> None:
        try:
            verdict = await self.judge.judge(row)
        except Exception as error:
            # The row stays pending: written, counted as spent, verified later by whoever takes the shard.
            work.verifying -= 1
            work.unverified += 1
            self._fail(error)
        else:
            work.judged(line, row, verdict, asyncio.get_running_loop().time())
        self._after(work, line)

    def _after(self, work: Work, line: Line | None) -> None:
        if line is not None and line.tracker.closed:
            for place in range(line.next, line.tracker.launched):
                task = self._trials.get((work.name, line.query, place))
                if task is not None:
                    task.cancel()
        if work.bytes >= self.settings.flush_bytes or work.idle:
            self._wake.set()
        self._fill()

    def _unsettled(self) -> int:
        return sum(len(work.rows) for work, _ in self._works.values()) + len(self._checks)

    def _fail(self, error: BaseException) -> None:
        """Let `run` end with this error: raised by the claim task, which is waited for."""
        self._error = self._error or error
        self._wake.set()

    # Claims

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.claims.heartbeat)
            for work, held in list(self._works.values()):
                await self.claims.renew(held)
                if held.lost:
                    self.tell("claim-lost", shard=work.name)
                    self._abandon(work)
            self._fill()

    def _abandon(self, work: Work) -> None:
        """Somebody else has the shard: start nothing, abort; what has finished is still written."""
        work.launching = False
        for key, task in list(self._trials.items()):
            if key[0] == work.name:
                task.cancel()
        self._wake.set()

    async def _claim_ahead(self) -> None:
        """Hold enough claims that every slot finds a trial; close those that are done."""
        loop = asyncio.get_running_loop()
        idle_since = loop.time()
        while True:
            self._wake.clear()
            if self._error is not None:
                raise self._error
            for work, held in list(self._works.values()):
                if work.idle:
                    await self._finish(work, held)
            if not self._has_room():
                idle_since = loop.time()
                await self._wake.wait()
                continue
            claimed = await self._take()
            if self._shards.closed:
                return
            if claimed or self._works:
                idle_since = loop.time()
            elif loop.time() - idle_since > self.settings.idle_timeout:
                self.tell("idle", seconds=self.settings.idle_timeout)
                self.stop()
            if not claimed:
                # Whatever woke us has no more to give: look at the plan again after a while, or when work is done.
                await self._rest()

    async def _rest(self) -> None:
        end = asyncio.get_running_loop().time() + self.settings.poll
        while (left := end - asyncio.get_running_loop().time()) > 0 and self._error is None:
            if any(work.idle for work, _ in self._works.values()):
                return
            self._wake.clear()
            # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with the event, as stop()
            # does.
            try:
                async with asyncio.timeout(left):
                    await self._wake.wait()
            except TimeoutError:
                return

    async def _take(self) -> bool:
        """Take one shard of the plan in force and begin with it; whether there was one."""
        taken = await self._shards.take()
        if taken is None:
            return False
        work = taken.work
        for row in taken.pending:
            work.verifying += 1
            self._check(work, None, row)
        self._works[work.name] = (work, taken.held)
        self._shards.taken = None
        self._fill()
        return True

    async def _finish(self, work: Work, held: HeldClaim) -> None:
        """Nothing is left to do for the claim: write the rest and say so."""
        hold = Hold.DONE if work.launching and not work.unverified else Hold.RELEASED
        await self._flush(work, everything=True, final=True)
        await self.claims.close(held, hold, work.segments)
        del self._works[work.name]

    # Rows

    async def _flush_often(self) -> None:
        while True:
            await asyncio.sleep(self.settings.flush_seconds / 2)
            now = asyncio.get_running_loop().time()
            for work, _ in list(self._works.values()):
                oldest = min((b.since for b in work.rows), default=now)
                if work.bytes >= self.settings.flush_bytes or now - oldest >= self.settings.flush_seconds / 2:
                    await self._flush(work)
            self.tell("progress", **self._meter.facts())

    async def _flush(self, work: Work, *, everything: bool = False, final: bool = False) -> None:
        """Write rows as a segment, then its tally. One at a time per work."""
        async with work.writing:
            await self._commit(work)
            now = asyncio.get_running_loop().time()
            rows = work.take_rows(older_than=None if everything else now - self.settings.flush_seconds)
            if rows:
                work.unsent = segments.encode_segment(
                    rows, waste=self._meter.waste(), final=final, verifier=self.verifier.version
                )
                await self._commit(work)
        self._fill()

    async def _commit(self, work: Work) -> None:
        """Write the encoded segment and its tally; whoever is interrupted here repeats the same bytes."""
        if work.unsent is None:
            return
        attempt = AttemptName.parse(work.name)
        key = attempt.segment(work.segments)
        tally = segments.tally_of(work.unsent, key=key)
        await self.access.call(self.access.store.put_if_absent, key, work.unsent)
        # Whoever swept the attempt has written this tally: other bytes are those of another version of the program.
        with suppress(Conflict):
            await self.access.call(self.access.store.put_if_absent, attempt.tally(work.segments), tally)
        work.segments += 1
        work.unsent = None

    async def _leave(self) -> list[BaseException]:
        """Abort what runs, write what finished, release the claims; the errors, none of which stops the rest."""
        for work, _ in self._works.values():
            work.launching = False
        for tasks in (list(self._trials.values()), list(self._checks)):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        held = list(self._works.values())
        ends = await asyncio.gather(*(self._release(*one) for one in held), return_exceptions=True)
        if self._shards.taken is not None:
            ends += await asyncio.gather(
                self.claims.close(self._shards.taken, Hold.RELEASED, 0), return_exceptions=True
            )
        failed = [end for end in ends if end is not None]
        for error in failed:
            self.tell("unwritten", rows=sum(len(work.rows) for work, _ in held), error=str(error))
        self._works.clear()
        return failed

    async def _release(self, work: Work, held: HeldClaim) -> None:
        await self._flush(work, everything=True, final=True)
        # An engine may have died of a query: a claim without a result expires instead, which counts against its shard.
        if work.segments or not isinstance(self._error, EngineDead):
            await self.claims.close(held, Hold.RELEASED, work.segments)
