"""`dart run`: the same declaration on one machine. Pods are local processes under the same exit-code contract.

This process prepares, plans (it tries to be the planner), watches its samplers and shows progress; samplers are
children that share only the object store with it, so several machines with the same output work on one synthesis.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from dart_k8s.api import Synthesis
from dart_k8s.edges.store import Store, open_store
from dart_k8s.errors import (
    EXIT_CLOSED,
    EXIT_SPEC,
    DartError,
    EngineError,
    RunError,
    SpecError,
    StoreError,
)
from dart_k8s.ledger import state
from dart_k8s.ledger.claims import Hold
from dart_k8s.ledger.keys import BUDGET, CURATOR
from dart_k8s.ledger.state import BudgetState

from .access import Access, Tell, silent
from .claiming import Claims, HeldClaim
from .holders import claims_of
from .planner import Planner
from .prepare import Prepared
from .snapshot import Snapshot
from .stopping import pause, stopped, unless_stopped
from .translate import goal_of, planner_settings

MOST_RESTARTS = 3
"""Restarts of a sampler that ended without anything new in the state: beyond that the run stops and says why."""

LEAVE_SECONDS = 25.0
"""For a sampler to flush and release after SIGTERM; then it is killed. What was written is safe either way."""


T = TypeVar("T")

CURATOR_POLL = 2.0
"""Seconds between two looks whether the curator's role is free."""

IDLE_SECONDS = 5.0
"""For the planner to notice the end after the samplers did."""


@dataclass(slots=True)
class Child:
    """One sampler process."""

    process: asyncio.subprocess.Process
    reader: asyncio.Task[None]
    last_error: tuple[str, str, str] | None = None
    """Kind, message and remedy of the last error it told."""


@dataclass(slots=True, kw_only=True)
class Fleet:
    """The sampler processes of one engine configuration, kept at their number until their outputs are closed."""

    replicas: int
    cache: Path
    outputs: Sequence[str] = ()
    offline: bool = False
    tell: Tell = silent
    _children: list[Child] = field(default_factory=list)
    _restarts: int = 0
    _ended: int = 0
    stopping: bool = False
    progress: int = 0
    """Trials in the state: a restart after new ones is not counted."""
    _seen: int = 0

    async def start(self, outputs: Sequence[str]) -> None:
        """Start those that do not run, for these outputs."""
        self.outputs = outputs
        for number in range(len(self._children), self.replicas):
            self._children.append(await self._spawn(number))

    async def _spawn(self, number: int) -> Child:
        logs = self.cache / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        log = logs / f"sampler-{os.getpid()}-{number}.log"
        command = [sys.executable, "-m", "dart_k8s.workers.main", "--with-parent", "--cache", str(self.cache)]
        command += ["--log", str(log), *(["--offline"] if self.offline else [])]
        for uri in self.outputs:
            command += ["--output", uri]
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=errors
            )
        child = Child(process, asyncio.create_task(_nothing()))
        child.reader = asyncio.create_task(self._listen(child, number))
        return child

    async def _listen(self, child: Child, number: int) -> None:
        if child.process.stdout is None:
            return
        while line := await child.process.stdout.readline():
            try:
                facts = json.loads(line)
            except ValueError:
                continue
            event = str(facts.pop("event", "said"))
            if event == "error":
                child.last_error = (str(facts["kind"]), str(facts["message"]), str(facts["remedy"]))
            self.tell(event, sampler=number, **facts)

    async def watch(self) -> None:
        """Wait until all samplers read that their outputs are closed; restart those that break.

        Raises what a sampler said for bad configuration or a failing store, RunError after too many restarts.
        """
        while self._children:
            waits = {asyncio.create_task(child.process.wait()): child for child in self._children}
            try:
                done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in waits:
                    if not task.done():
                        task.cancel()
            for task in done:
                child = waits[task]
                await child.reader
                await self._judge(child, task.result())

    async def _judge(self, child: Child, code: int) -> None:
        number = self._children.index(child)
        if code == EXIT_CLOSED or self.stopping:
            self._children.remove(child)
            return
        kind, message, remedy = child.last_error or ("", "", "")
        if code == EXIT_SPEC:
            raise SpecError(message or "A sampler refused its configuration.", remedy=remedy)
        self._restarts = self._restarts + 1 if self.progress == self._seen else 1
        self._seen = self.progress
        words = message or f"A sampler ended with exit code {code}."
        if self._restarts > MOST_RESTARTS or kind in ("StoreFull", "AccessDenied"):
            family = (
                StoreError if kind.startswith(("Store", "Access")) else EngineError if "Engine" in kind else RunError
            )
            logs = self.cache / "logs"
            raise family(words, remedy=remedy or f"Its log is in {logs}. Nothing that was written is lost.")
        self.tell("restart", sampler=number, code=code, why=words)
        await asyncio.sleep(min(30.0, 2.0**self._restarts))
        self._children[number] = await self._spawn(number)

    async def stop(self) -> None:
        """SIGTERM, a while to flush and release, then SIGKILL."""
        self.stopping = True
        alive = [child for child in self._children if child.process.returncode is None]
        for child in alive:
            with suppress(ProcessLookupError):
                child.process.send_signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await asyncio.gather(*(child.process.wait() for child in alive))
        for child in alive:
            if child.process.returncode is None:
                child.process.kill()
                await child.process.wait()


async def _nothing() -> None:
    return None


@dataclass(slots=True, kw_only=True)
class Show:
    """What the screen needs of a run under way."""

    state: BudgetState
    remaining: float
    """Expected trials to come."""


async def sample(
    synthesis: Synthesis,
    prepared: Prepared,
    fleet: Fleet,
    *,
    tell: Tell = silent,
    stop: asyncio.Event,
    show: "asyncio.Queue[Show] | None" = None,
) -> BudgetState:
    """Plan and watch until the synthesis is closed; its final state.

    Raises StoppedError when `stop` is set, and what the samplers raise.
    """
    store = open_store(synthesis.spec.output.uri)
    snapshot = await asyncio.to_thread(Snapshot.load, store)
    access = Access(store, tell=tell)
    settings = prepared.record.synthesis.spec.claims
    planner = Planner(
        access=access,
        claims=claims_of(access, "planner", heartbeat=settings.heartbeat_seconds, ttl=settings.ttl_seconds),
        goal=goal_of(synthesis),
        own=snapshot.own_targets,
        rates=snapshot.fixed_rates,
        settings=planner_settings(synthesis),
        tell=tell,
    )
    planning = asyncio.create_task(planner.run(), name="planner")
    watching = asyncio.create_task(_keep(fleet), name="samplers")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    looking = asyncio.create_task(_look(planner, fleet, show), name="screen")
    try:
        waits = {planning, watching, stopping}
        while planning in waits:
            done, waits = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if stopping in done:
                raise stopped()
            for task in done:
                task.result()
        return await asyncio.to_thread(_final, store)
    finally:
        planner.stop()
        for task in (watching, stopping, looking):
            task.cancel()
        with suppress(TimeoutError, DartError):
            async with asyncio.timeout(10.0):
                await asyncio.gather(planning, return_exceptions=True)
        planning.cancel()
        await asyncio.gather(planning, watching, stopping, looking, return_exceptions=True)
        access.close()


async def curate(synthesis: Synthesis, work: Callable[[], T], *, tell: Tell = silent, stop: asyncio.Event) -> T:
    """Do the curation's `work` in a thread while holding the curator's role; waits while another process has it.

    Raises StoppedError when `stop` is set; the curation starts anew the next time.
    """
    store = open_store(synthesis.spec.output.uri)
    access = Access(store, tell=tell)
    settings = synthesis.spec.claims
    claims = claims_of(access, "curator", heartbeat=settings.heartbeat_seconds, ttl=settings.ttl_seconds)
    try:
        while True:
            await claims.survey(CURATOR)
            held = await claims.take(CURATOR, "curator")
            if held is not None:
                break
            tell("step", step="waiting for another process to write the data set", where=store.uri)
            await pause(stop, CURATOR_POLL)
        beat = asyncio.create_task(_beat(claims, held))
        try:
            return await unless_stopped(stop, work)
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
            await claims.close(held, Hold.RELEASED, 0)
    finally:
        access.close()


async def _beat(claims: Claims, held: HeldClaim) -> None:
    while True:
        await asyncio.sleep(claims.heartbeat)
        await claims.renew(held)


async def _keep(fleet: Fleet) -> None:
    """Watch the samplers; if all leave as if nothing was left to do while the planner still waits, start them again."""
    while True:
        await fleet.watch()
        await asyncio.sleep(IDLE_SECONDS)
        await fleet.start(fleet.outputs)


async def _look(planner: Planner, fleet: Fleet, show: "asyncio.Queue[Show] | None") -> None:
    while True:
        await asyncio.sleep(0.5)
        if planner.state is not None:
            fleet.progress = int(planner.state.spent().sum())
            if show is not None:
                show.put_nowait(Show(state=planner.state, remaining=planner.remaining))


def _final(store: Store) -> BudgetState:
    return state.decode(store.get(BUDGET).data)


def same_engine(one: Synthesis, other: Synthesis) -> bool:
    """Whether two syntheses can share one engine start."""
    return (
        one.spec.engine == other.spec.engine
        and one.spec.model == other.spec.model
        and one.spec.samplers.replicas == other.spec.samplers.replicas
    )
