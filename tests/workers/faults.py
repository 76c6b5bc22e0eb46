"""Processes that die, freeze and are cut off, in simulated time, and what must hold when the run is over.

Every process has its own wire to the store in memory. A wire loses requests or replies, is out for a while, or goes
dead together with its process: then nothing that the process had in memory is ever written, as after kill -9.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dart_k8s.answers import Verdict
from dart_k8s.budget.stops import Stop
from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.edges.clock import run_virtual
from dart_k8s.edges.engine.base import Completion, EngineCounters, EngineInfo, Prompt, Request
from dart_k8s.edges.engine.scripted import ScriptedEngine
from dart_k8s.edges.store import Blob, Entry, Store
from dart_k8s.errors import EXIT_CLOSED, DartError, EngineRequestError, StoreUnavailable, VerifierError
from dart_k8s.ledger.keys import SEGMENTS, AttemptName, sequence_of
from dart_k8s.ledger.segments import Row, read_segment
from dart_k8s.ledger.state import BudgetState, Held, Phase
from dart_k8s.workers.access import Access
from dart_k8s.workers.claiming import Claims
from dart_k8s.workers.sample import Problems, Sampler, SamplerSettings
from dart_k8s.workers.verification import LateVerifier
from tests.simulation import World

T = TypeVar("T")

MOST_REQUESTS = 60_000
"""Of one run, all processes together: more is a loop that spins without getting anywhere."""

LONGEST = 50_000.0
"""Simulated seconds after which a run is said to be stuck."""


class Killed(Exception):
    """The process of this wire is gone: nothing reaches the store any more."""


@dataclass(kw_only=True)
class Faults:
    """What goes wrong with one process. Times are loop time in seconds."""

    dies_at: int | None = None
    """The request (counted from 0) at which it is killed."""
    dies_after_effect: bool = False
    """Whether that request still takes effect."""
    dies_writing: str | None = None
    """It is killed right after its first write under this prefix."""
    lossy: float = 0.0
    """Chance that a request, or its reply, is lost."""
    outages: tuple[tuple[float, float], ...] = ()
    """The store cannot be reached between these times."""
    frozen: tuple[tuple[float, float], ...] = ()
    """Stopped (SIGSTOP) between these times."""
    verifier_out: tuple[tuple[float, float], ...] = ()
    stops_at: float | None = None
    """Asked to stop (SIGTERM)."""
    engine_dies_after: int | None = None
    """Finished requests until the engine is gone."""
    refuses: Callable[[str], bool] = field(default=lambda name: False)
    """Names of requests that the engine refuses."""
    kills_sampler: Callable[[str], bool] = field(default=lambda name: False)
    """Names of requests that take the whole process down."""
    kills_engine: Callable[[str], bool] = field(default=lambda name: False)
    """Names of requests that the engine dies of."""


def within(now: float, windows: tuple[tuple[float, float], ...]) -> float | None:
    """The end of the window that `now` is in."""
    return next((end for begin, end in windows if begin <= now < end), None)


class Wire:
    """A process's way to the store; a `Store`."""

    def __init__(self, store: Store, faults: Faults, seed: int) -> None:
        self.store = store
        self.faults = faults
        self.requests_made = 0
        self.dead = False
        self.task: asyncio.Task[object] | None = None
        """The process."""
        self._rng = random.Random(seed)

    @property
    def uri(self) -> str:
        return self.store.uri

    def die(self) -> None:
        """Kill the process."""
        self.dead = True
        if self.task is not None:
            asyncio.get_running_loop().call_soon(self.task.cancel)

    def _request(self, key: str, call: Callable[[], T], *, writes: bool = False) -> T:
        if self.dead:
            raise Killed
        if self.requests_made > MOST_REQUESTS:
            raise AssertionError("a process sends requests without end")
        number, faults = self.requests_made, self.faults
        self.requests_made += 1
        dies = number == faults.dies_at
        if dies and not faults.dies_after_effect:
            self.die()
            raise Killed
        if within(asyncio.get_running_loop().time(), faults.outages) is not None:
            raise StoreUnavailable("The store is out.")
        lost = self._rng.random()
        if lost < faults.lossy / 2:
            raise StoreUnavailable("The request was lost.")
        result = call()
        if dies or (writes and faults.dies_writing is not None and key.startswith(faults.dies_writing)):
            self.die()
            raise Killed
        if lost < faults.lossy:
            raise StoreUnavailable("The reply was lost.")
        return result

    def get(self, key: str) -> Blob:
        return self._request(key, lambda: self.store.get(key))

    def get_range(self, key: str, start: int, length: int) -> Blob:
        return self._request(key, lambda: self.store.get_range(key, start, length))

    def head(self, key: str) -> Entry | None:
        return self._request(key, lambda: self.store.head(key))

    def put(self, key: str, data: bytes) -> str:
        return self._request(key, lambda: self.store.put(key, data), writes=True)

    def put_if_absent(self, key: str, data: bytes) -> str:
        return self._request(key, lambda: self.store.put_if_absent(key, data), writes=True)

    def put_if_match(self, key: str, data: bytes, etag: str) -> str:
        return self._request(key, lambda: self.store.put_if_match(key, data, etag), writes=True)

    def delete(self, key: str) -> None:
        self._request(key, lambda: self.store.delete(key), writes=True)

    def list(self, prefix: str = "", start_after: str = "") -> Iterator[Entry]:
        return self._request(prefix, lambda: self.store.list(prefix, start_after))

    def download(self, key: str, path: Path) -> None:
        raise NotImplementedError

    def upload(self, path: Path, key: str) -> str:
        raise NotImplementedError

    def delete_prefix(self, prefix: str) -> int:
        raise NotImplementedError

    def local_path(self, key: str) -> Path | None:
        return None

    def requests(self) -> Mapping[str, int]:
        return self.store.requests()


class SlowAccess(Access):
    """Requests take time on the way there and back, so that processes get between each other's requests."""

    def __init__(self, wire: Wire, *, latency: float, seed: int, **options: Any) -> None:
        super().__init__(wire, direct=True, **options)
        self._wire = wire
        self._latency = latency
        self._rng = random.Random(seed)

    async def call(self, what: Callable[..., T], *args: Any, **kwargs: Any) -> T:  # type: ignore[override]
        await self._travel()
        result: T = await super().call(what, *args, **kwargs)
        await self._travel()
        return result

    async def _travel(self) -> None:
        if self._latency:
            await asyncio.sleep(self._rng.uniform(0.0, self._latency))
        await thaw(self._wire.faults)


async def thaw(faults: Faults) -> None:
    """Wait while the process is frozen."""
    loop = asyncio.get_running_loop()
    while (end := within(loop.time(), faults.frozen)) is not None:
        await asyncio.sleep(end - loop.time())


class FaultyEngine:
    """The scripted engine in a process that freezes, with requests that are refused or kill."""

    def __init__(self, engine: ScriptedEngine, wire: Wire) -> None:
        self._engine = engine
        self._wire = wire
        self.slots = engine.slots
        self.counters: EngineCounters = engine.counters

    async def start(self) -> EngineInfo:
        return await self._engine.start()

    async def generate(self, request: Request) -> Completion:
        if self._wire.faults.kills_sampler(request.name):
            self._wire.die()
            raise Killed
        if self._wire.faults.refuses(request.name):
            raise EngineRequestError(f"Request {request.name}: refused.")
        if self._wire.faults.kills_engine(request.name):
            await self._engine.close()
        completion = await self._engine.generate(request)
        await thaw(self._wire.faults)
        return completion

    async def count_tokens(self, prompt: Prompt) -> int | None:
        return await self._engine.count_tokens(prompt)

    async def close(self) -> None:
        await self._engine.close()


class FaultyVerifier(LateVerifier):
    """Out of order for a while."""

    def __init__(self, faults: Faults, *, delay: float) -> None:
        super().__init__(delay=delay)
        self._faults = faults

    async def verify(self, response: str, reference: str, query: str) -> Verdict:
        if within(asyncio.get_running_loop().time(), self._faults.verifier_out) is not None:
            raise VerifierError("The verifier does not answer.")
        verdict = await super().verify(response, reference, query)
        await thaw(self._faults)
        return verdict


@dataclass(kw_only=True)
class Trouble:
    """A world in which every process has faults of its own; those that end are started again."""

    world: World
    faults: Callable[[str, int], Faults] = field(default=lambda role, start: Faults())
    """Of the `start`-th process of a role: "sampler", "planner" or "rival", the second planner."""
    planners: int = 1
    latency: float = 0.2
    seed: int = 0
    restart: float = 3.0
    """Seconds until a process that ended is started again."""
    ends: list[tuple[str, object]] = field(default_factory=list)
    """How each process ended: an exit code, a phase or an error."""
    wires: list[Wire] = field(default_factory=list)

    def run(self) -> BudgetState:
        """Run to the end; the final state, checked for everything that must hold."""

        async def main() -> None:
            roles = [*("sampler" for _ in range(self.world.samplers)), *("planner", "rival")[: self.planners]]
            await asyncio.wait_for(asyncio.gather(*(self._keep(role, n) for n, role in enumerate(roles))), LONGEST)

        try:
            run_virtual(main())
        except TimeoutError:
            raise AssertionError(f"stuck after {LONGEST:.0f} s: {story(self.world)}") from None
        return self.world.state()

    async def _keep(self, role: str, number: int) -> None:
        """Start processes of a role again and again until the run is closed. The rival comes a little later."""
        await asyncio.sleep(3.0 if role == "rival" else 0.0)
        for start in range(200):
            name = f"{role}-{number}-{start}"
            faults = self.faults(role, start)
            wire = Wire(self.world.store, faults, self.seed * 9973 + number * 211 + start)
            self.wires.append(wire)
            begin = self._sampler if role == "sampler" else self._planner
            wire.task = asyncio.create_task(begin(name, wire, number * 1000 + start))
            end = await self._end_of(wire.task, wire)
            self.ends.append((name, end))
            if end == EXIT_CLOSED or end is Phase.CLOSED:
                return
            await asyncio.sleep(self.restart)
        raise AssertionError(f"the {role} was started 200 times: {story(self.world)}")

    @staticmethod
    async def _end_of(task: asyncio.Task[object], wire: Wire) -> object:
        try:
            return await task
        except (DartError, Killed) as error:
            return error
        except asyncio.CancelledError:
            if wire.dead:
                return Killed()
            raise

    def _access(self, wire: Wire, number: int) -> SlowAccess:
        return SlowAccess(wire, latency=self.latency, seed=self.seed * 77 + number, tell=self.world.tell)

    def _sampler(self, name: str, wire: Wire, number: int) -> Coroutine[Any, Any, object]:
        world, access = self.world, self._access(wire, number)
        engine = ScriptedEngine(
            world.script,
            slots=world.slots,
            seed=self.seed * 7919 + number,
            seconds_per_token=world.seconds_per_token,
            dies_after=wire.faults.engine_dies_after,
        )
        sampler = Sampler(
            engine=FaultyEngine(engine, wire),
            verifier=FaultyVerifier(wire.faults, delay=world.late),
            access=access,
            claims=Claims(access, name, heartbeat=world.heartbeat, ttl=world.ttl),
            settings=SamplerSettings(max_tokens=1 << 30, flush_seconds=world.flush_seconds),
            problems=Problems(prompt=str, query=str, reference=str),
            tell=world.tell,
        )
        return _until(sampler.run(), sampler.stop, wire.faults)

    def _planner(self, name: str, wire: Wire, number: int) -> Coroutine[Any, Any, object]:
        access = self._access(wire, number)
        planner = self.world.planner(name, access)
        return _until(planner.run(), planner.stop, wire.faults)


async def _until(work: Coroutine[Any, Any, object], stop: Callable[[], None], faults: Faults) -> object:
    """The process's main, asked to stop when its faults say so."""
    timer = None
    if faults.stops_at is not None:
        timer = asyncio.get_running_loop().call_later(faults.stops_at, stop)
    try:
        return await work
    finally:
        if timer is not None:
            timer.cancel()


def story(world: World) -> str:
    """What happened, for the message of a failing test."""
    counts = Counter(event for event, _ in world.events)
    current = world.state()
    reasons = Counter(Stop(int(r)).name for r in current.table.reason)
    held = Counter(Held(int(h)).name for h in current.held)
    return f"phase {current.phase}, {dict(reasons)}, attempts {dict(held)}, events {dict(counts)}"


# What must hold, read from the objects and not from the fold


@dataclass(kw_only=True)
class Found:
    """What the segments in the store say, counted anew."""

    counted: np.ndarray[Any, np.dtype[np.int64]]
    correct: np.ndarray[Any, np.dtype[np.int64]]
    undecided: np.ndarray[Any, np.dtype[np.int64]]
    distinct: np.ndarray[Any, np.dtype[np.int64]]
    singles: np.ndarray[Any, np.dtype[np.int64]]
    surplus: np.ndarray[Any, np.dtype[np.int64]]
    tokens: np.ndarray[Any, np.dtype[np.int64]]
    late: int
    """Trials in segments that the state does not name."""
    pending: int = 0


def recount(world: World, current: BudgetState) -> Found:
    """Read every segment and count by the rule of method.md, with dictionaries and loops only."""
    size = current.size
    cursor = {name: int(current.cursor[row]) for row, name in enumerate(current.attempts)}
    segments: dict[str, dict[int, list[Row]]] = {}
    for entry in world.store.list(SEGMENTS):
        name = str(AttemptName.parse(entry.key.removeprefix(SEGMENTS).rpartition("/")[0]))
        rows = read_segment(world.store.get(entry.key).data, key=entry.key)
        segments.setdefault(name, {})[sequence_of(entry.key)] = rows
    verdicts: dict[tuple[str, int, int], str] = {}
    trials: dict[tuple[str, int], dict[int, Row]] = {}
    late = 0
    for name, written in segments.items():
        assert sorted(written) == list(range(len(written))), f"{name} has segments {sorted(written)}"
        for sequence, rows in written.items():
            if sequence >= cursor.get(name, 0):
                late += sum(1 for r in rows if r.response is not None)
                continue
            for row in rows:
                if row.response is None and row.finish != "error":
                    assert row.verdict is not None
                    verdicts.setdefault((row.attempt or name, row.query, row.place), row.verdict)
                else:
                    places = trials.setdefault((name, row.query), {})
                    assert row.place not in places, f"{name}: place {row.place} of query {row.query} is there twice"
                    places[row.place] = row
    columns = "counted correct undecided distinct singles surplus tokens".split()
    found = Found(**{name: np.zeros(size, dtype=np.int64) for name in columns}, late=late)
    texts: dict[int, Counter[int]] = {q: Counter() for q in range(size)}
    for (name, query), places in trials.items():
        whole = True
        for place, row in sorted(places.items()):
            verdict = row.verdict or verdicts.get((name, query, place))
            void = row.finish == "error"
            whole = whole and (void or verdict is not None) and (place == 0 or place - 1 in places)
            found.tokens[query] += row.tokens
            if void:
                continue
            if verdict is None:
                found.pending += 1
            elif whole:
                found.counted[query] += 1
                found.correct[query] += verdict == "correct"
                found.undecided[query] += verdict == "undecided"
                if verdict == "correct":
                    texts[query][row.text] += 1
            if not whole and verdict is not None:
                found.surplus[query] += 1
    found.distinct[:] = [len(texts[q]) for q in range(size)]
    found.singles[:] = [sum(1 for n in texts[q].values() if n == 1) for q in range(size)]
    return found


def check(world: World, *, late: bool = False) -> Found:
    """Everything that must hold once the run is over; `late`: whether a holder may have written after its seal."""
    current = world.state()
    assert current.phase is Phase.CLOSED, story(world)
    assert (current.held == Held.SEALED).all(), story(world)
    assert current.waiting.place.size == 0 and current.live.query.size == 0
    found = recount(world, current)
    table = current.table
    for name, there, counted in (
        ("trials", table.trials, found.counted),
        ("correct", table.correct, found.correct),
        ("undecided", table.undecided, found.undecided),
        ("distinct", table.distinct, found.distinct),
        ("singles", table.singles, found.singles),
        ("surplus", table.surplus, found.surplus),
        ("tokens", table.tokens, found.tokens),
    ):
        wrong = np.flatnonzero(there != counted)
        assert wrong.size == 0, f"{name} of queries {wrong}: state {there[wrong]}, segments {counted[wrong]}"
    assert found.pending == 0, f"{found.pending} trials have no verdict"
    assert late or found.late == 0, f"{found.late} trials were written and are in no state"
    _check_reasons(world.goal, current)
    return found


def _check_reasons(goal: Goal, current: BudgetState) -> None:
    table, reason = current.table, current.table.reason
    assert not (reason == Stop.OPEN).any()
    if goal.kind is Kind.VANILLA:
        stopped = reason == Stop.TRIALS
        assert (table.trials[stopped] >= min(goal.scale, goal.cap)).all()
    at_target = reason == Stop.TARGET
    assert (table.distinct[at_target] >= table.target[at_target]).all()
    assert (table.trials[at_target] >= goal.min_trials).all()
    at_cap = reason == Stop.CAP
    assert (current.spent()[at_cap] >= goal.cap).all()
    hopeless = reason == Stop.HOPELESS
    assert (table.trials[hopeless] >= goal.hopeless_after).all()


class Random(random.Random):
    """Draws faults of processes from a seed."""

    def window(self, start: float, longest: float) -> tuple[tuple[float, float], ...]:
        """One window that begins before `start` and lasts at most `longest` seconds."""
        begin = self.uniform(0.0, start)
        return ((begin, begin + self.uniform(1.0, longest)),)


Schedule = Callable[[str, int], Faults]
"""Role and number of the start -> faults."""
