"""Verification servers over HTTP, by httpx: requests batched, balanced over all pods, and repeated elsewhere.

A response waits for nothing but a free server: what has come together by then goes as one request. A request that got
no verdicts (429, 503, a connection refused or cut, no answer in time) is asked again of another server; the one that
failed is left alone for as long as it asks. What a server was working at when it died or fell silent is a suspect: it
goes alone from then on, and is undecided after a few times, so that no response can take one server down after another.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from dart_k8s.edges.verification import wire
from dart_k8s.edges.verification.pods import Pod, Pods
from dart_k8s.edges.verification.resolving import Resolve, check_url, resolve
from dart_k8s.edges.verification.wire import Item, WireVerdict
from dart_k8s.errors import SpecError, VerifierError

__all__ = ["HttpVerification"]

MOST_ITEMS = 256
MOST_CHARACTERS = 2 << 20
"""Of one request; far below what servers take."""
MOST_REQUESTS = 4
"""Under way at one server: one that is slow holds up no other, and a server sees the load in its queue."""
RESOLVE_SECONDS = 5.0
"""Between two looks at the addresses."""
ANSWER_SECONDS = 75.0
"""Longest wait for a reply; a server gives up earlier itself."""
CONNECT_SECONDS = 5.0
KEEP_ALIVE = 30.0
"""Seconds that an idle connection is kept: shorter than servers do, so that none is closed under a request."""
RETRY_AFTER_MOST = 60.0
"""Seconds: a server that asks for more is not obeyed beyond this."""
ALONE_AFTER = 1
"""Servers that went down or silent over a request, after which each of its responses goes alone."""
UNDECIDED_AFTER = 4
"""The same, after which a response is undecided."""


@dataclass(slots=True, eq=False)
class _Waiting:
    item: Item
    verdict: "asyncio.Future[WireVerdict]"
    since: float
    strikes: int = 0
    struck_by: set[str] = field(default_factory=set)
    """Addresses of servers that went down or silent over it."""

    @property
    def characters(self) -> int:
        return len(self.item.response) + len(self.item.reference) + len(self.item.query or "")


class HttpVerification:
    """See `VerificationService`. Belongs to the event loop in which it is first used."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        rules: str,
        policy: Mapping[str, Any],
        patience: float = 60.0,
        resolver: Resolve = resolve,
        seed: int | None = None,
    ) -> None:
        """`urls` are base URLs; a name with several addresses stands for all of them. `rules` is the version of the
        rules that verdicts must follow. After `patience` seconds without a verdict a response fails with VerifierError.
        """
        if not urls:
            raise SpecError("No address of a verification service is given.")
        self._urls = [check_url(url) for url in urls]
        self._rules, self._policy = rules, dict(policy)
        self._patience = patience
        self._resolver = resolver
        self._pods = Pods(most_requests=MOST_REQUESTS, draw=random.Random(seed))
        self._queue: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self._wake: asyncio.Event | None = None
        self._closed = False

    async def verify(self, item: Item) -> WireVerdict:
        """See `VerificationService`."""
        if self._closed:
            raise VerifierError("The connection to the verifiers was closed.", remedy="Open another.")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(item=item, verdict=loop.create_future(), since=loop.time())
        self._queue.append(waiting)
        if self._wake is None:
            self._open()
        self._notify()
        return await waiting.verdict

    async def close(self) -> None:
        """See `VerificationService`."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._fail_waiting(lambda _: True, VerifierError("The connection to the verifiers was closed."))
        if self._client is not None:
            await self._client.aclose()

    def _open(self) -> None:
        self._wake = asyncio.Event()
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_ALIVE),
            # Pods are asked directly, whatever proxy this machine has for the world outside.
            trust_env=False,
            follow_redirects=False,
        )
        self._begin(self._look_up())
        self._begin(self._send())

    def _begin(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # A fault of ours: those who wait must not wait for ever.
            self._fail_waiting(lambda _: True, VerifierError(f"The verifiers' client failed: {error!r}."))

    def _notify(self) -> None:
        if self._wake is not None:
            self._wake.set()

    # Addresses

    async def _look_up(self) -> None:
        """Keep the addresses up to date."""
        while True:
            found = [url for one in self._urls for url in await self._resolver(one)]
            if self._pods.update(found):
                self._notify()
            # While there is nobody to ask, more often.
            await asyncio.sleep(RESOLVE_SECONDS if found else RESOLVE_SECONDS / 10)

    # Sending

    async def _send(self) -> None:
        """Give what waits to servers, as long as both are there."""
        loop = asyncio.get_running_loop()
        while self._wake is not None:
            self._wake.clear()
            # Whoever else asks in this turn of the loop goes along.
            await asyncio.sleep(0)
            now = loop.time()
            # A fair share for each that is able, not a tail of ever smaller requests.
            share = min(MOST_ITEMS, -(-len(self._queue) // max(1, self._pods.able(now))))
            while self._queue and (pod := self._pods.choose(now, avoid=self._queue[0].struck_by)):
                batch = self._batch(share)
                if not batch:
                    break
                pod.requests += 1
                pod.items += len(batch)
                self._begin(self._request(pod, batch))
            self._give_up(now)
            await self._rest(now)

    async def _rest(self, now: float) -> None:
        """Until something happens: a response comes, a request ends, a server may be asked again, patience ends."""
        if self._wake is None:
            return
        times = [self._pods.next_free(now)] if self._queue else []
        if self._queue:
            times.append(min(waiting.since for waiting in self._queue) + self._patience)
        soonest = min((time for time in times if time is not None), default=None)
        try:
            async with asyncio.timeout_at(soonest):
                await self._wake.wait()
        except TimeoutError:
            return

    def _batch(self, share: int) -> list[_Waiting]:
        """The next responses for one request, at most `share`; a suspect always alone."""
        batch: list[_Waiting] = []
        characters = 0
        while self._queue and len(batch) < share:
            waiting = self._queue[0]
            if waiting.verdict.done():
                self._queue.popleft()
                continue
            characters += waiting.characters
            if batch and (characters > MOST_CHARACTERS or waiting.strikes >= ALONE_AFTER):
                break
            batch.append(self._queue.popleft())
            if waiting.strikes >= ALONE_AFTER:
                break
        return batch

    def _give_up(self, now: float) -> None:
        """Fail what has waited for too long, or all if it can't end well."""
        if self._pods.all_have_other_rules():
            words = f"No verifier judges by rules {self._rules}. {self._pods.troubles()}"
            self._fail_waiting(
                lambda _: True, SpecError(words, remedy="Use samplers and verifiers of the same release.")
            )
        why = self._pods.troubles() or (
            f"all {len(self._pods)} are busy" if len(self._pods) else f"{', '.join(self._urls)} has no address"
        )
        error = VerifierError(
            f"No verifier gave a verdict within {self._patience:g} s: {why}.", remedy="Look at the verifiers' logs."
        )
        self._fail_waiting(lambda waiting: now - waiting.since >= self._patience, error)

    def _fail_waiting(self, which: Callable[[_Waiting], bool], error: Exception) -> None:
        kept = deque[_Waiting]()
        for waiting in self._queue:
            if not which(waiting):
                kept.append(waiting)
            elif not waiting.verdict.done():
                waiting.verdict.set_exception(error)
        self._queue = kept

    # One request

    async def _request(self, pod: Pod, batch: list[_Waiting]) -> None:
        try:
            found = await self._ask(pod, batch)
        except BaseException:
            for waiting in batch:
                if not waiting.verdict.done():
                    waiting.verdict.set_exception(VerifierError("The connection to the verifiers was closed."))
            raise
        finally:
            pod.requests -= 1
            pod.items -= len(batch)
        for waiting, verdict in zip(batch, found, strict=True):
            if verdict is None and waiting.strikes >= UNDECIDED_AFTER:
                verdict = _undecided(f"{waiting.strikes} verifiers went down or silent over this response")
            if waiting.verdict.done():
                continue
            if verdict is not None:
                waiting.verdict.set_result(verdict)
        self._queue.extendleft(waiting for waiting in reversed(batch) if not waiting.verdict.done())
        self._notify()

    async def _ask(self, pod: Pod, batch: list[_Waiting]) -> Sequence[WireVerdict | None]:
        """Verdicts, or None where there is none and another server has to be asked."""
        loop = asyncio.get_running_loop()
        nothing: list[WireVerdict | None] = [None] * len(batch)
        body = wire.write_request(
            wire.Request(items=tuple(waiting.item for waiting in batch), rules=self._rules, policy=self._policy)
        )
        if self._client is None:
            return nothing
        try:
            if pod.fell_silent:
                # Was it the request or the server? One that does not even say how it is makes nobody a suspect.
                async with asyncio.timeout(CONNECT_SECONDS):
                    (await self._client.get(f"{pod.url}/readyz")).raise_for_status()
                pod.fell_silent = False
        except (httpx.HTTPError, TimeoutError) as error:
            self._pods.failed(pod, loop.time(), f"not ready ({error or type(error).__name__})")
            return nothing
        try:
            # Beyond httpx's own, which starts anew with every byte.
            async with asyncio.timeout(ANSWER_SECONDS):
                reply = await self._client.post(
                    f"{pod.url}/v1/verify", content=body, headers={"content-type": "application/json"}
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            self._pods.failed(pod, loop.time(), f"no connection ({error or type(error).__name__})")
            return nothing
        except (httpx.HTTPError, TimeoutError) as error:
            self._strike(pod, batch)
            pod.fell_silent = True
            self._pods.failed(pod, loop.time(), f"no answer ({error or type(error).__name__})")
            return nothing
        if reply.status_code == httpx.codes.OK:
            try:
                read = wire.read_reply(reply.content, count=len(batch))
            except wire.Malformed as error:
                self._pods.failed(pod, loop.time(), error.message)
                return nothing
            if read.rules == self._rules:
                self._pods.succeeded(pod)
                return read.verdicts
            self._pods.refused_rules(pod, loop.time(), f"it has rules {read.rules}")
            return nothing
        return self._refused(pod, batch, reply) or nothing

    def _refused(self, pod: Pod, batch: list[_Waiting], reply: httpx.Response) -> list[WireVerdict | None] | None:
        now = asyncio.get_running_loop().time()
        refusal = wire.read_refusal(reply.content)
        words = f"{reply.status_code}, {refusal.message}"
        if reply.status_code == httpx.codes.CONFLICT:
            self._pods.refused_rules(pod, now, refusal.message)
        elif reply.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            if len(batch) == 1:
                return [_undecided("it is larger than a verifier takes")]
            self._strike(pod, batch)  # each alone
        else:
            if refusal.code == "too-slow":
                self._strike(pod, batch)
            self._pods.failed(pod, now, words, retry_after=_retry_after(reply))
        return None

    def _strike(self, pod: Pod, batch: list[_Waiting]) -> None:
        now = asyncio.get_running_loop().time()
        for waiting in batch:
            waiting.strikes += 1
            waiting.struck_by.add(pod.url)
            waiting.since = now  # a server had it: patience is for those that nobody takes


def _retry_after(reply: httpx.Response) -> float | None:
    text = reply.headers.get("retry-after", "")
    return min(RETRY_AFTER_MOST, float(text)) if text.isascii() and text.isdigit() else None


def _undecided(words: str) -> WireVerdict:
    return WireVerdict(verdict="undecided", answer=None, tier="limit", reason=f"Not judged: {words}.")
