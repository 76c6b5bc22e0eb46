"""Code run by verification servers over HTTP, by httpx: by preference where the session is held, else anywhere.

Any server can run any block, for a request carries the earlier ones. So a request that got no answer (429, 503, a
connection refused or cut) is asked again of another server, and the one that failed is left alone for as long as it
asks. Servers have a bound of their own on the time of a request; a block over which several went silent is given up.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import httpx

from dart_k8s.edges.verification import wire
from dart_k8s.edges.verification.blocks import BEYOND, WireBlock, WireExecution, WireLimits, read_execution, write_block
from dart_k8s.edges.verification.pods import Pod, Pods
from dart_k8s.edges.verification.resolving import Resolve, check_url, resolve
from dart_k8s.errors import ExecutionError, SpecError

__all__ = ["HttpExecution"]

MOST_REQUESTS = 256
"""Under way at one server: its own queue is shorter, and says so."""
RESOLVE_SECONDS = 5.0
LOOK_SECONDS = 0.25
"""Between two looks for a server while none can be asked."""
ANSWER_SECONDS = 90.0
"""Longest wait for a reply; a server gives up earlier itself."""
CONNECT_SECONDS = 5.0
KEEP_ALIVE = 30.0
RETRY_AFTER_MOST = 60.0
GIVEN_UP_AFTER = 4
"""Servers that went down or silent over a block."""
REMEMBERED = 20_000
"""Sessions whose server is known."""


class HttpExecution:
    """Runs blocks on servers. Belongs to the event loop in which it is first used."""

    def __init__(
        self, urls: Sequence[str], *, patience: float = 60.0, resolver: Resolve = resolve, seed: int | None = None
    ) -> None:
        """`urls` are base URLs; a name with several addresses stands for all of them. After `patience` seconds without
        a server that takes it a block fails with ExecutionError.
        """
        self._urls = [check_url(url) for url in urls]
        self._patience = patience
        self._resolver = resolver
        self._pods = Pods(most_requests=MOST_REQUESTS, draw=random.Random(seed))
        self._resolved = -RESOLVE_SECONDS
        self._places: OrderedDict[str, str] = OrderedDict()
        self._client: httpx.AsyncClient | None = None
        self._older: set[str] = set()
        """Servers that know no limits: they are asked without, and theirs are in force."""
        self.retries = 0
        """Requests that had to be asked again."""

    async def about(self, limits: WireLimits | None = None) -> None:
        """ExecutionError unless a server that runs code can be reached, SpecError if none allows these limits."""
        execution = await self.execute(WireBlock(session="about", blocks=("6 * 7",), limits=limits))
        if execution.text.strip() != "42":
            raise ExecutionError(f"The verification servers at {', '.join(self._urls)} run code, but not right.")

    async def execute(self, block: WireBlock) -> WireExecution:
        """What came of a block. Raises ExecutionError when no server takes it for long, SpecError if none can."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._patience
        silent: set[str] = set()
        beyond: dict[str, SpecError] = {}
        while True:
            await self._look_up()
            pod = self._choose(block.session, silent)
            if pod is None:
                if loop.time() >= give_up:
                    why = self._pods.troubles() or f"{', '.join(self._urls)} has no address"
                    raise ExecutionError(f"No verification server ran a block within {self._patience:g} s: {why}.")
                await asyncio.sleep(LOOK_SECONDS)
                continue
            pod.requests += 1
            pod.items += 1
            try:
                found = await self._ask(pod, block, silent, beyond)
            finally:
                pod.requests -= 1
                pod.items -= 1
            if found is not None:
                self._remember(block.session, pod, found)
                return found
            self.retries += 1
            if pod.url in beyond and all(url in beyond for url in self._pods.urls()):
                raise beyond[pod.url]
            if len(silent) >= GIVEN_UP_AFTER:
                words = f"SystemExit: {len(silent)} interpreters went silent over this block"
                return WireExecution(text=words, outcome="died", seconds=0.0, replayed=0, restarted=True)
            if silent:
                give_up = loop.time() + self._patience  # a server had it: patience is for those that nobody takes

    async def close(self) -> None:
        """Let connections go."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _choose(self, session: str, silent: set[str]) -> Pod | None:
        now = asyncio.get_running_loop().time()
        place = self._places.get(session)
        held = self._pods.at(place, now) if place is not None and place not in silent else None
        return held or self._pods.choose(now, avoid=silent)

    def _remember(self, session: str, pod: Pod, found: WireExecution) -> None:
        self._places.pop(session, None)
        if not found.restarted:
            self._places[session] = pod.url
        while len(self._places) > REMEMBERED:
            self._places.popitem(last=False)

    async def _look_up(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._resolved < (RESOLVE_SECONDS if len(self._pods) else LOOK_SECONDS):
            return
        self._resolved = now
        self._pods.update([url for one in self._urls for url in await self._resolver(one)])

    async def _ask(
        self, pod: Pod, block: WireBlock, silent: set[str], beyond: dict[str, SpecError]
    ) -> WireExecution | None:
        """The reply, or None where there is none and another server has to be asked; `beyond` gets the words of one
        that does not allow the block's limits."""
        if pod.url in self._older:
            block = replace(block, limits=None)
        now = asyncio.get_running_loop().time
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_ALIVE),
                # Pods are asked directly, whatever proxy this machine has for the world outside.
                trust_env=False,
                follow_redirects=False,
            )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reply = await self._client.post(
                    f"{pod.url}/v1/execute", content=write_block(block), headers={"content-type": "application/json"}
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            self._pods.failed(pod, now(), f"no connection ({error or type(error).__name__})")
            return None
        except (httpx.HTTPError, TimeoutError) as error:
            silent.add(pod.url)
            self._pods.failed(pod, now(), f"no answer ({error or type(error).__name__})")
            return None
        if reply.status_code == httpx.codes.OK:
            try:
                found = read_execution(reply.content)
            except wire.Malformed as error:
                self._pods.failed(pod, now(), error.message)
                return None
            self._pods.succeeded(pod)
            return found
        refusal = wire.read_refusal(reply.content)
        if refusal.code == BEYOND:
            words = f"The verification server at {pod.url} does not allow what spec.execution asks for: "
            beyond[pod.url] = SpecError(words + refusal.message, remedy=refusal.remedy)
            self._pods.failed(pod, now(), refusal.message)
            return None
        if reply.status_code == httpx.codes.BAD_REQUEST and block.limits is not None and refusal.code == "malformed":
            self._older.add(pod.url)
            return await self._ask(pod, block, silent, beyond)
        if reply.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND, httpx.codes.REQUEST_ENTITY_TOO_LARGE):
            raise SpecError(
                f"The verification server at {pod.url} does not run code: {refusal.message}",
                remedy="Start it with --execute, from the same release as the samplers.",
            )
        if refusal.code == "too-slow":
            silent.add(pod.url)
        after: float | None = None
        with suppress(ValueError):
            after = min(RETRY_AFTER_MOST, float(reply.headers.get("retry-after", "")))
        self._pods.failed(pod, now(), f"{reply.status_code}, {refusal.message}", retry_after=after)
        return None
