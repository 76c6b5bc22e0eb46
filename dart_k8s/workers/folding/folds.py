"""The folds of a child process: requests in, answers out, a bounded number of outputs kept warm between them."""

import asyncio
import json
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from dart_k8s.api import Synthesis, load_value
from dart_k8s.edges.store import open_store
from dart_k8s.errors import DartError, NotFound, RunError, SpecError, StoreError
from dart_k8s.reconcile.progress import Progress
from dart_k8s.workers.access import Access, Tell, silent

from .summary import plain
from .warm import Warm

PATIENCE = 20.0
"""Seconds for which an unavailable store is waited for: then the operator shows it, and asks again later."""
GIVE_BACK_SECONDS = 10.0
"""For giving roles back at the end: what is not given back by then lapses."""
MOST_READ = 256 << 10
"""Bytes of an object that is read for the operator: a declaration with what it was pinned to is far smaller."""
AT_ONCE = 8
"""Folds under way at a time: they wait for the store most of the time."""
THREADS = 16
"""For the requests of all outputs: each has a stack of 8 MiB, which counts as data."""


def connected() -> Callable[[str, Tell], Access]:
    """Ways to stores that share their threads."""
    threads = ThreadPoolExecutor(THREADS, "store")
    # All of them now: when memory is short a thread can't be started any more.
    begun = threading.Barrier(THREADS)
    list(threads.map(lambda _: begun.wait(), range(THREADS)))
    return lambda uri, tell: Access(open_store(uri), patience=PATIENCE, tell=tell, executor=threads)


@dataclass(slots=True, kw_only=True)
class Folds:
    """See the module. `answer` gets each answer's fields; it must not block."""

    answer: Callable[[Mapping[str, Any]], None]
    tell: Tell = silent
    most_outputs: int = 64
    """Outputs kept warm. One that was folded longest ago makes room; its role lapses, to be taken up again."""
    most_queries: int = 2_000_000
    """Queries in all states kept warm: some 150 bytes each."""
    connect: Callable[[str, Tell], Access] = field(default_factory=connected)
    """The way to an output's store."""
    _warm: OrderedDict[str, Warm] = field(default_factory=OrderedDict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _waiting: dict[str, int] = field(default_factory=dict)
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def serve(self, line: str | bytes) -> None:
        """Do what one line asks for, and answer."""
        number: Any = None
        try:
            request = json.loads(line)
            number = request["id"]
            uri = str(next(request[name] for name in ("forget", "read", "output") if name in request))
        except (ValueError, KeyError, TypeError, StopIteration) as error:
            self.answer({"id": number, "error": _error(SpecError(f"Cannot read a request: {error!r}."))})
            return
        self._waiting[uri] = self._waiting.get(uri, 0) + 1
        try:
            async with self._locks.setdefault(uri, asyncio.Lock()), self._gate:
                self.answer({"id": number, **await self._safely(uri, request)})
        finally:
            self._waiting[uri] -= 1
            if not self._waiting[uri]:
                del self._waiting[uri], self._locks[uri]

    async def close(self) -> None:
        """Give all roles back."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVE_BACK_SECONDS):
                # One that can't be given back lapses, and keeps no other.
                await asyncio.gather(*(self._forget(uri) for uri in list(self._warm)), return_exceptions=True)

    async def _safely(self, uri: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return await self._done(uri, request)
        except MemoryError:
            self._drop(*self._warm)
        try:
            # With nothing else in memory.
            return await self._done(uri, request)
        except MemoryError:
            self._drop(*self._warm)
            words = f"Not enough memory to fold {uri}."
            return {"error": {**_error(RunError(words, remedy="Raise the memory of folding.")), "fault": "cluster"}}

    async def _done(self, uri: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a request asks for, done, or the error; MemoryError."""
        try:
            if "forget" in request:
                await self._forget(uri)
                return {"forgotten": uri}
            if "read" in request:
                key = str(request["key"])
                return {"key": key, "object": await self._read(uri, key)}
            synthesis = load_value(request["declaration"], f"the declaration of {uri}")
            progress = await self._fold(
                uri, synthesis, samplers=int(request.get("samplers", 1)), lease=str(request["lease"])
            )
            return {"progress": plain(progress)}
        except MemoryError:
            raise
        except Exception as error:
            # What is in memory may be ahead of the store or behind it: it is read anew the next time.
            self._drop(uri)
            if not isinstance(error, DartError):
                self.tell("fault", output=uri, trace=traceback.format_exc())
            return {"error": _error(error)}

    async def _read(self, uri: str, key: str) -> Any:
        """An object of an output; None: it is not there."""
        access = self.connect(uri, self.tell)
        try:
            blob = await access.call(access.store.get, key)
        except NotFound:
            return None
        finally:
            access.close()
        if len(blob.data) > MOST_READ:
            raise RunError(f"{key} below {uri} has {len(blob.data)} bytes, and at most {MOST_READ} are read.")
        try:
            found = json.loads(blob.data)
        except ValueError as error:
            raise RunError(f"{key} below {uri} is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise RunError(f"{key} below {uri} is no JSON object.")
        return found

    async def _fold(self, uri: str, synthesis: Synthesis, *, samplers: int, lease: str) -> Progress:
        warm = self._warm.get(uri)
        if warm is None:
            access = self.connect(uri, self.tell)
            try:
                warm = await Warm.open(access, synthesis, lease=lease, tell=self.tell)
            finally:
                if warm is None:
                    access.close()
            if warm is None:
                return Progress(prepared=False)
            self._warm[uri] = warm
        self._warm.move_to_end(uri)
        progress = await warm.fold(synthesis, samplers=samplers)
        self._make_room()
        return progress

    def _make_room(self) -> None:
        """Drop outputs that were folded longest ago and are not being folded now."""
        for uri in list(self._warm):
            queries = sum(warm.queries for warm in self._warm.values())
            if len(self._warm) <= self.most_outputs and queries <= self.most_queries:
                return
            if not self._waiting.get(uri):
                self._drop(uri)

    def _drop(self, *uris: str) -> None:
        for uri in uris:
            warm = self._warm.pop(uri, None)
            if warm is not None:
                warm.access.close()

    async def _forget(self, uri: str) -> None:
        warm = self._warm.pop(uri, None)
        if warm is not None:
            await warm.give_back()


def _error(error: BaseException) -> dict[str, str]:
    """An error as the operator hears of it."""
    fault = (
        "user" if isinstance(error, SpecError) else "store" if isinstance(error, StoreError | RunError) else "cluster"
    )
    if isinstance(error, DartError):
        return {"kind": type(error).__name__, "message": error.message, "remedy": error.remedy, "fault": fault}
    return {
        "kind": type(error).__name__,
        "message": str(error) or type(error).__name__,
        "remedy": "This is a fault of the program: please report it with the operator's log.",
        "fault": fault,
    }


__all__ = ["Folds"]
